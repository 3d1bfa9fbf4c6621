import { describe, expect, it } from '@jest/globals';
import { numberSpeakers } from './bootstrap.js';
import { reportGroup, type GroupTrials } from './report.js';

/** 4 target trials and 40 impostor trials among 8 speakers; of the impostors 3 reach an llr of 2, and 1 reaches 5. */
const pairs = Array.from({ length: 44 }, (_, i) => (i < 4 ? [i, i] : [i % 8, (i + 1 + (i % 3)) % 8]));
const llrs = [1, 3, 6, 7, 5, 2, 2.5, ...Array.from({ length: 37 }, (_, i) => -i)];
const trials: GroupTrials = {
  group: 'all',
  scores: llrs,
  llrs,
  labels: pairs.map((_, i) => (i < 4 ? 1 : 0)),
  speakers: numberSpeakers(
    pairs.map(([a]) => `s${a}`),
    pairs.map(([, b]) => `s${b}`),
  ),
};

describe('reportGroup', () => {
  it('counts what the thresholds of the calibration accept, beside what they promise', () => {
    const thresholds = [
      { asked: 0.01, llr: 2 },
      { asked: 0.001, llr: 5 },
    ];
    const { promised } = reportGroup(trials, { balanced: false, thresholds })!;
    expect(promised).toMatchObject([
      { asked: 0.01, llr: 2, accepted: 3, far: 3 / 40, frr: 1 / 4 },
      { asked: 0.001, llr: 5, accepted: 1, far: 1 / 40, frr: 2 / 4 },
    ]);
    for (const { far, farInterval } of promised) {
      expect(farInterval[0]).toBeLessThanOrEqual(far);
      expect(farInterval[1]).toBeGreaterThanOrEqual(far);
    }
  });

  it('promises nothing for scores that no calibration is for', () => {
    const plain = { ...trials, llrs: null };
    expect(reportGroup(plain, { balanced: false, thresholds: [{ asked: 0.01, llr: 2 }] })!.promised).toEqual([]);
  });
});
