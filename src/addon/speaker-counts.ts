import { invalid, wholeNumber } from './arguments.js';
import type { ConversationOptions } from './types.js';

/** As many as the core looks for. */
export const MOST_SPEAKERS = 64;
const MOST_OF_A_CALL = 2;

/** How many speakers a conversation is looked through for: at least `least`, and at most `most` unless that is 0. */
export interface SpeakerCounts {
  least: number;
  most: number;
}

/** Errors: INVALID_ARGUMENT for numbers that are none, or contradict each other. */
export function speakerCounts({
  speakers,
  minSpeakers,
  maxSpeakers,
  kind,
}: Pick<ConversationOptions, 'speakers' | 'minSpeakers' | 'maxSpeakers' | 'kind'>): SpeakerCounts {
  const exact = wholeNumber('speakers', speakers, 0, 1, MOST_SPEAKERS);
  const fewest = wholeNumber('minSpeakers', minSpeakers, 0, 1, MOST_SPEAKERS);
  const highest = wholeNumber('maxSpeakers', maxSpeakers, 0, 1, MOST_SPEAKERS);
  if (exact > 0 && (fewest > 0 || highest > 0)) {
    throw invalid('speakers says how many there are: leave out minSpeakers and maxSpeakers, or speakers');
  }
  const least = exact || fewest || 1;
  const most = exact || highest || (kind === 'call' ? MOST_OF_A_CALL : 0);
  if (most > 0 && least > most) {
    const bound = maxSpeakers === undefined ? `a call has at most ${most}` : `maxSpeakers ${most}`;
    throw invalid(`minSpeakers is ${least} and ${bound}: the first is at most the second`);
  }
  return { least, most };
}
