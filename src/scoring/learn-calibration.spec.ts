import { describe, expect, it } from '@jest/globals';
import { numberSpeakers, seededUniform } from '../evaluation/bootstrap.js';
import { normalQuantile } from '../evaluation/testing.js';
import type { TrialScores } from '../evaluation/trial-scores.js';
import { impostorShare, scoreAtRate } from './impostor-tail.js';
import { learnCalibration } from './learn-calibration.js';

/** Gaussian cosines of many speakers: targets around 0.6 or `mean`, impostors around 0.1, deviation 0.1. */
function scores(
  targets: number,
  impostors: number,
  speakers: number,
  mean = 0.6,
): [TrialScores, ReturnType<typeof numberSpeakers>] {
  const uniform = seededUniform(17);
  const count = targets + impostors;
  const labels = Uint8Array.from({ length: count }, (_, i) => (i < targets ? 1 : 0));
  const a = Array.from({ length: count }, (_, i) => `s${i % speakers}`);
  const b = a.map((name, i) => (labels[i] ? name : `s${(i + 1 + Math.floor(i / speakers)) % speakers}`));
  const drawn = Float64Array.from(labels, (label) => (label ? mean : 0.1) + 0.1 * normalQuantile(uniform() || 0.5));
  const seconds = Float32Array.from(labels, () => 2 + 4 * uniform());
  const trials = {
    trials: Uint32Array.from(labels.keys()),
    labels,
    scores: drawn,
    secondsA: seconds,
    secondsB: seconds,
    recordings: Uint32Array.from(labels, () => 1),
    skipped: 0,
  };
  return [trials, numberSpeakers(a, b)];
}

const plain = { norm: 'none', durations: false, recordings: false, balanced: false } as const;

describe('learnCalibration', () => {
  it('finds the evidence and the thresholds of Gaussian scores', () => {
    const [trials, speakers] = scores(2000, 20_000, 50);
    const learned = learnCalibration(trials, speakers, plain);
    expect(learned.calibration.scale).toBeGreaterThan(45);
    expect(learned.calibration.scale).toBeLessThan(55);
    expect(-learned.calibration.offset / learned.calibration.scale).toBeCloseTo(0.35, 1);
    // 2.326 and 3.090 deviations above the impostors' mean.
    expect(learned.thresholds.map(({ falseAcceptRate }) => falseAcceptRate)).toEqual([0.01, 0.001]);
    expect(learned.thresholds[0]!.cosine).toBeCloseTo(0.333, 1);
    expect(learned.thresholds[1]!.cosine).toBeCloseTo(0.409, 1);
    expect(learned.points[0]!.far).toBeGreaterThan(0.008);
    expect(learned.points[0]!.far).toBeLessThan(0.012);
    // Verify and identify among one decide alike.
    for (const { falseAcceptRate, llr } of learned.thresholds) {
      expect(llr).toBe(scoreAtRate(learned.impostorTail, falseAcceptRate).score);
    }
    // Strangers' llr: 50 * N(0.1, 0.1) - 17.5.
    const above = scoreAtRate(learned.impostorTail, 1e-3).score;
    expect((above - learned.calibration.offset) / learned.calibration.scale).toBeCloseTo(0.409, 1);
    const { cllr, crossValidatedCllr, minCllr } = learned.evidence;
    expect(minCllr).toBeLessThanOrEqual(cllr);
    expect(cllr - minCllr).toBeLessThan(0.01);
    expect(Math.abs(crossValidatedCllr - cllr)).toBeLessThan(0.02);
  });

  it('refuses scores that tell hardly anything, and takes those that tell little', () => {
    // Half a deviation and one and a half apart: 40 % and 23 % of errors where both kinds are as many.
    expect(() => learnCalibration(...scores(2000, 20_000, 50, 0.15), plain)).toThrow(
      /hardly be told apart.*0\.9\d of the 1 bit/s,
    );
    expect(learnCalibration(...scores(2000, 20_000, 50, 0.25), plain).evidence.minCllr).toBeLessThan(0.8);
  });

  it('sets no threshold that its impostors cannot show, and none on the cosine where durations count', () => {
    const [trials, speakers] = scores(200, 1000, 20);
    const learned = learnCalibration(trials, speakers, { ...plain, durations: true });
    expect(learned.thresholds).toEqual([
      { falseAcceptRate: 0.01, cosine: null, llr: expect.any(Number) as unknown as number },
    ]);
    expect(Object.keys(learned.calibration.quality)).toEqual(['logShorter', 'logLonger']);
  });

  it('learns what the number of recordings is worth', () => {
    const [trials, speakers] = scores(2000, 20_000, 50);
    // Profiles of ten, whose cosines are all higher by 0.1.
    const recordings = trials.recordings.map((_, i) => (i % 2 ? 10 : 1));
    const shifted = trials.scores.map((score, i) => score + (recordings[i] === 10 ? 0.1 : 0));
    const options = { ...plain, recordings: true };
    const learned = learnCalibration({ ...trials, scores: shifted, recordings }, speakers, options);
    const { scale, quality } = learned.calibration;
    expect(Object.keys(quality)).toEqual(['logRecordings']);
    expect((quality['logRecordings']! * Math.log(10)) / scale).toBeCloseTo(-0.1, 2);
    expect(learned.thresholds[0]!.cosine).toBeNull();
  });

  it('promises what sources come to that all weigh the same, however many trials each has', () => {
    // One trial in ten is of a source whose scores are higher by two deviations.
    const [trials, speakers] = scores(4000, 40_000, 50);
    const sources = Uint32Array.from(trials.labels, (_, i) => (Math.floor(i / 50) % 10 === 0 ? 1 : 0));
    const shifted = { ...trials, scores: trials.scores.map((score, i) => score + (sources[i] ? 0.2 : 0)) };
    const even = learnCalibration(shifted, speakers, { ...plain, sources });
    const apart = learnCalibration(shifted, speakers, plain);
    for (const { calibration, thresholds } of [even, apart]) {
      const accepted = thresholds.map(({ llr }) =>
        [0, 1].map((source) => {
          const own = [...trials.labels.keys()].filter((i) => !trials.labels[i] && sources[i] === source);
          const passing = own.filter((i) => calibration.offset + calibration.scale * shifted.scores[i]! >= llr!);
          return passing.length / own.length;
        }),
      );
      const means = accepted.map(([one, other]) => (one! + other!) / 2);
      if (calibration === even.calibration) {
        expect(means[0]! / 0.01).toBeCloseTo(1, 0);
        expect(means[1]! / 0.001).toBeGreaterThan(0.5);
        expect(means[1]! / 0.001).toBeLessThan(2);
      } else {
        expect(means[0]!).toBeGreaterThan(0.03);
      }
    }
    expect(impostorShare(even.impostorTail, even.thresholds[0]!.llr!)).toBeCloseTo(0.01, 6);
  });

  it('says of how many of the cohort AS-norm was', () => {
    const [trials, speakers] = scores(200, 1000, 20);
    const learned = learnCalibration(trials, speakers, { ...plain, norm: 'as', closest: 20 });
    expect(learned.calibration).toMatchObject({ norm: 'as', closest: 20 });
    expect(learnCalibration(trials, speakers, plain).calibration).not.toHaveProperty('closest');
  });

  it('refuses too few trials, labels the wrong way round, and durations that are not known', () => {
    const [few, speakers] = scores(10, 600, 20);
    expect(() => learnCalibration(few, speakers, plain)).toThrow('90 more target trials');
    const [trials, known] = scores(200, 1000, 20);
    const reversed = { ...trials, scores: trials.scores.map((score) => -score) };
    expect(() => learnCalibration(reversed, known, plain)).toThrow('check its labels');
    const unknown = { ...trials, secondsA: trials.secondsA.map(() => NaN) };
    expect(() => learnCalibration(unknown, known, { ...plain, durations: true })).toThrow('not known');
  });
});
