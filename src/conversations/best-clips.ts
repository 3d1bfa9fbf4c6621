/** A part of a recording, in seconds. */
export interface Clip {
  start: number;
  end: number;
}

/** How many are told, and how long one is at least unless none is. */
const MOST = 5;
const SHORTEST_SECONDS = 0.5;

/** Where a voice of a conversation speaks alone: the longest few clips, in the order of time. */
export function bestClips(turns: readonly (Clip & { speaker: string })[], label: string): Clip[] {
  const others = turns.filter(({ speaker }) => speaker !== label);
  const alone = turns.filter(({ speaker }) => speaker === label).flatMap((turn) => without(turn, others));
  const longest = alone.sort((a, b) => lengthOf(b) - lengthOf(a));
  const enough = longest.filter((clip) => lengthOf(clip) >= SHORTEST_SECONDS);
  return (enough.length > 0 ? enough : longest.slice(0, 1)).slice(0, MOST).sort((a, b) => a.start - b.start);
}

/** What is left of a part once others are taken out of it. */
function without({ start, end }: Clip, others: readonly Clip[]): Clip[] {
  let left: Clip[] = [{ start, end }];
  for (const other of others) {
    if (other.end <= start || other.start >= end) continue;
    left = left.flatMap((clip) => {
      if (other.end <= clip.start || other.start >= clip.end) return [clip];
      const before = { start: clip.start, end: other.start };
      const after = { start: other.end, end: clip.end };
      return [before, after].filter((part) => lengthOf(part) > 0);
    });
  }
  return left;
}

function lengthOf({ start, end }: Clip): number {
  return end - start;
}
