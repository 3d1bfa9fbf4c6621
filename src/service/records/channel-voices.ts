import type { ChannelItem } from '../../addon/types.js';
import { cosine } from '../../addon/cosine.js';

/**
 * Net speech that a channel must have to say whose it is, seconds. A channel with less is what a microphone hears of
 * somebody else, or noise.
 */
const LEAST_SPEECH_SECONDS = 1;

/**
 * Two channels below this cosine hold different people: at most 1 % of one person's recordings by two microphones (level,
 * delay, noise, room) on the half of the speakers that it was chosen on. On the other half 2.0 % are told, all of a
 * far second microphone, and 1.2 % of two people's recordings are not. bench/results/channels.md.
 */
export const DIFFERENT_BELOW = 0.54;

export interface Difference {
  channels: [number, number];
  cosine: number;
}

/** The two channels that are least alike, where they hold different people; null where they do not. */
export function differentVoices(items: readonly ChannelItem[]): Difference | null {
  const spoken = items.flatMap((item) =>
    'result' in item && item.result.speech.seconds >= LEAST_SPEECH_SECONDS ? [item] : [],
  );
  let least: Difference | null = null;
  for (const [i, a] of spoken.entries()) {
    for (const b of spoken.slice(i + 1)) {
      const alike = cosine(a.result, b.result);
      if (alike < (least?.cosine ?? DIFFERENT_BELOW)) least = { channels: [a.channel, b.channel], cosine: alike };
    }
  }
  return least;
}
