import type { ConversationResult, Interval } from '../../addon/types.js';

/** Seconds at both ends of an interval that are not judged, as when turns are compared: nobody hears an end to the frame. */
const COLLAR = 0.25;

/** Of a short interval the middle half is judged. */
const MOST_LEFT_OUT = 0.25;

/** Seconds of another voice that may be a mistake. */
const LEAST_OF_ANOTHER = 0.5;

/** Seconds that each voice speaks for within intervals of a recording, most first; one that hardly speaks there is left out. */
export function voicesIn(
  intervals: readonly Interval[],
  { speakers, turns }: Pick<ConversationResult, 'speakers' | 'turns'>,
): { label: string; seconds: number }[] {
  const judged = intervals.map(({ start, end }) => {
    const left = Math.min(COLLAR, MOST_LEFT_OUT * (end - start));
    return { start: start + left, end: end - left };
  });
  const secondsOf = (label: string): number => {
    let sum = 0;
    for (const turn of turns) {
      if (turn.speaker !== label) continue;
      for (const part of judged) sum += Math.max(0, Math.min(part.end, turn.end) - Math.max(part.start, turn.start));
    }
    return sum;
  };
  return speakers
    .map(({ label }) => ({ label, seconds: secondsOf(label) }))
    .filter(({ seconds }) => seconds >= LEAST_OF_ANOTHER)
    .sort((a, b) => b.seconds - a.seconds);
}
