import { describe, expect, it } from '@jest/globals';
import { bestClips } from './best-clips.js';

const turn = (speaker: string, start: number, end: number): { speaker: string; start: number; end: number } => ({
  speaker,
  start,
  end,
});

describe('the best clips of a voice', () => {
  it('are where nobody else speaks', () => {
    const turns = [turn('A', 0, 10), turn('B', 2, 4), turn('B', 9, 12)];
    expect(bestClips(turns, 'A')).toEqual([
      { start: 0, end: 2 },
      { start: 4, end: 9 },
    ]);
    expect(bestClips(turns, 'B')).toEqual([{ start: 10, end: 12 }]);
  });

  it('are the longest five, in the order of time', () => {
    const turns = [3, 1, 4, 2, 6, 5, 7].map((length, i) => turn('A', 10 * i, 10 * i + length));
    expect(bestClips(turns, 'A').map(({ start, end }) => end - start)).toEqual([3, 4, 6, 5, 7]);
  });

  it('are no scraps, unless there is nothing else', () => {
    expect(bestClips([turn('A', 0, 0.3), turn('A', 1, 2)], 'A')).toEqual([{ start: 1, end: 2 }]);
    expect(bestClips([turn('A', 0, 0.3), turn('A', 1, 1.4)], 'A')).toEqual([{ start: 1, end: 1.4 }]);
  });

  it('are none of who is never alone, or not there', () => {
    expect(bestClips([turn('A', 1, 2), turn('B', 0, 3)], 'A')).toEqual([]);
    expect(bestClips([turn('A', 1, 2)], 'C')).toEqual([]);
  });
});
