import type { ChannelItem } from '../../addon/types.js';
import type { Scorer } from '../../scoring/scorer.js';

/**
 * Net speech that a channel must have to say whose it is, seconds. A channel with less is what a microphone hears of
 * somebody else, or noise.
 */
const LEAST_SPEECH_SECONDS = 1;

/**
 * Two channels below this evidence that one person speaks in both (natural log-likelihood ratio) hold different people: at
 * most 1 % of one person's recordings by two microphones (level, delay, noise, room) on the half of the speakers that it was
 * chosen on. On the other half at most 0.9 % are told, all of a far second microphone, and at most 1.3 % of two people's
 * recordings are not, by length. bench/results/channels.md, by the bundled model's calibration.
 */
export const DIFFERENT_BELOW = 2.1;

export interface Difference {
  channels: [number, number];
  cosine: number;
}

/**
 * The two channels that are least alike, where they hold different people; null where they do not. A model without
 * calibration decides by its publisher's threshold; one without either tells nothing.
 */
export function differentVoices(items: readonly ChannelItem[], scorer: Pick<Scorer, 'score'>): Difference | null {
  const spoken = items.flatMap((item) =>
    'result' in item && item.result.speech.seconds >= LEAST_SPEECH_SECONDS ? [item] : [],
  );
  let least: Difference | null = null;
  for (const [i, a] of spoken.entries()) {
    for (const b of spoken.slice(i + 1)) {
      const sides = { a: { seconds: a.result.speech.seconds }, b: { seconds: b.result.speech.seconds } };
      const { cosine, llr, threshold } = scorer.score(a.result.embedding, b.result.embedding, sides);
      const differ = llr === null ? threshold !== null && cosine < threshold : llr < DIFFERENT_BELOW;
      if (differ && cosine < (least?.cosine ?? Infinity)) least = { channels: [a.channel, b.channel], cosine };
    }
  }
  return least;
}
