import { describe, expect, it } from '@jest/globals';
import { numberSpeakers, seededUniform } from './bootstrap.js';
import {
  calibrate,
  crossValidatedCllr,
  sideQuality,
  fitCalibration,
  probability,
  requireEnoughForCalibration,
} from './calibration.js';
import { cllr, minCllr } from './metrics.js';
import { ScoredTrials } from './scores.js';
import { gaussianQuantiles, labelled } from './testing.js';

describe('fitCalibration', () => {
  it('finds the log-likelihood ratio of Gaussian scores of one deviation', () => {
    const [target, impostor, deviation] = [0.6, 0.1, 0.12];
    const data = labelled(gaussianQuantiles(5000, target, deviation), gaussianQuantiles(20_000, impostor, deviation));
    const found = fitCalibration(data);
    const scale = (target - impostor) / deviation ** 2;
    expect(found.scale / scale).toBeCloseTo(1, 2);
    expect(found.offset / ((-scale * (target + impostor)) / 2)).toBeCloseTo(1, 2);
    expect(found.quality).toEqual({});
  });

  it('reaches a point where no step in any direction lowers the cost', () => {
    const uniform = seededUniform(3);
    for (let list = 0; list < 20; list++) {
      const labels = Array.from({ length: 200 }, (_, i) => (i % 4 === 0 ? 1 : 0));
      // From hopelessly mixed to nearly separated, of very different sizes.
      const spread = 10 ** (list / 5 - 2);
      const scores = labels.map((label) => spread * (uniform() + (label * list) / 21));
      const duration = labels.map(() => uniform());
      const cost = ({ offset, scale, quality }: ReturnType<typeof fitCalibration>): number =>
        cllr(
          new ScoredTrials(
            scores.map((s, i) => offset + scale * s + (quality['duration'] ?? 0) * duration[i]!),
            labels,
          ),
        );
      const found = fitCalibration({ scores, labels, quality: { duration } });
      const least = cost(found);
      for (const by of [0.99, 1.01]) {
        expect(cost({ ...found, offset: found.offset * by })).toBeGreaterThanOrEqual(least - 1e-7);
        expect(cost({ ...found, scale: found.scale * by })).toBeGreaterThanOrEqual(least - 1e-7);
        expect(cost({ ...found, quality: { duration: found.quality['duration']! * by } })).toBeGreaterThanOrEqual(
          least - 1e-7,
        );
      }
    }
  });

  it('gives no weight to a measure that is the same of every trial, however its mean is rounded', () => {
    const data = labelled(gaussianQuantiles(120, 0.6, 0.12), gaussianQuantiles(2400, 0.1, 0.12));
    const plain = fitCalibration(data);
    const found = fitCalibration({ ...data, quality: { recordings: data.scores.map(() => Math.log(4)) } });
    expect(Math.abs(found.quality['recordings']!)).toBeLessThan(1e-6);
    expect(found.offset).toBeCloseTo(plain.offset, 6);
    expect(found.scale).toBeCloseTo(plain.scale, 6);
  });

  it('stays finite, and right, on scores that are perfectly separated', () => {
    const data = labelled([0.7, 0.8, 0.9], [-0.1, 0, 0.1, 0.2]);
    const found = fitCalibration(data);
    expect(Number.isFinite(found.scale)).toBe(true);
    expect(calibrate(found, 0.7)).toBeGreaterThan(5);
    expect(calibrate(found, 0.2)).toBeLessThan(-5);
  });

  it('gives no evidence to scores that are all equal', () => {
    const found = fitCalibration({ scores: [0.5, 0.5, 0.5], labels: [1, 0, 0] });
    expect(calibrate(found, 0.5)).toBeCloseTo(0, 6);
  });

  it('weighs a trial as that many copies', () => {
    const weighted = fitCalibration({ scores: [0, 1, 0.5, 2], labels: [0, 0, 1, 1], weights: [3, 1, 1, 2] });
    const copied = fitCalibration({ scores: [0, 0, 0, 1, 0.5, 2, 2], labels: [0, 0, 0, 0, 1, 1, 1] });
    // The ridge and the scale of columns do not know of weights: equal up to them.
    expect(weighted.scale).toBeCloseTo(copied.scale, 3);
    expect(weighted.offset).toBeCloseTo(copied.offset, 3);
  });

  it('uses a quality measure that tells how far scores can be trusted', () => {
    const uniform = seededUniform(5);
    const labels = Array.from({ length: 4000 }, (_, i) => i % 2);
    // Short recordings score lower, whoever speaks.
    const short = labels.map(() => Math.round(uniform()));
    const scores = labels.map((label, i) => label + 2 * uniform() - 1.5 * short[i]!);
    const plain = fitCalibration({ scores, labels });
    const aware = fitCalibration({ scores, labels, quality: { short } });
    const cost = (found: typeof plain): number =>
      cllr(
        new ScoredTrials(
          scores.map((s, i) => calibrate(found, s, { short: short[i]! })),
          labels,
        ),
      );
    expect(Math.abs(aware.quality['short']! / aware.scale - 1.5)).toBeLessThan(0.1);
    expect(cost(aware)).toBeLessThan(cost(plain) - 0.1);
  });

  it('needs both kinds of trials', () => {
    expect(() => fitCalibration({ scores: [1, 2], labels: [1, 1] })).toThrow('target and impostor trials');
  });
});

describe('calibrated scores', () => {
  it('cost about as little as the best monotone calibration of Gaussian scores', () => {
    const data = labelled(gaussianQuantiles(2000, 0.5, 0.15), gaussianQuantiles(2000, 0, 0.15));
    const found = fitCalibration(data);
    const actual = cllr(
      new ScoredTrials(
        data.scores.map((s) => calibrate(found, s)),
        data.labels,
      ),
    );
    expect(actual - minCllr(new ScoredTrials(data.scores, data.labels))).toBeLessThan(0.005);
  });

  it('become probabilities by the prior', () => {
    expect(probability(0)).toBe(0.5);
    expect(probability(Math.log(3))).toBeCloseTo(0.75, 12);
    expect(probability(0, 0.01)).toBeCloseTo(0.01, 12);
    expect(probability(1000)).toBe(1);
    expect(probability(-1000)).toBe(0);
  });

  it('need every measure that the calibration looks at', () => {
    const calibration = { offset: 0, scale: 1, quality: { logShorter: 1, logLonger: 0.5 } };
    expect(
      calibrate(
        calibration,
        1,
        sideQuality({ seconds: Math.E, recordings: 1 }, { seconds: Math.E ** 2, recordings: 1 }),
      ),
    ).toBeCloseTo(1 + 1 + 1, 12);
    expect(() => calibrate(calibration, 1)).toThrow('"logShorter"');
  });
});

describe('crossValidatedCllr', () => {
  /** Every speaker against every speaker, scores shifted by each speaker's own habit. */
  function population(count: number, spread: number): Parameters<typeof crossValidatedCllr> {
    const uniform = seededUniform(11);
    const [scores, labels, a, b]: [number[], number[], string[], string[]] = [[], [], [], []];
    const habit = Array.from({ length: count }, () => (uniform() - 0.5) * spread);
    for (let i = 0; i < count; i++) {
      for (let j = i; j < count; j++) {
        for (let trial = 0; trial < (i === j ? 6 : 1); trial++) {
          scores.push((i === j ? 1 : 0) + habit[i]! + habit[j]! + (uniform() - 0.5) * 0.8);
          labels.push(i === j ? 1 : 0);
          a.push(`speaker ${i}`);
          b.push(`speaker ${j}`);
        }
      }
    }
    return [{ scores, labels }, numberSpeakers(a, b)];
  }

  it('is near the cost of the fit itself where speakers are alike, and above it', () => {
    const [data, speakers] = population(40, 0.1);
    const fitted = fitCalibration(data);
    const own = cllr(
      new ScoredTrials(
        Array.from(data.scores, (s) => calibrate(fitted, s)),
        data.labels,
      ),
    );
    const crossed = crossValidatedCllr(data, speakers);
    expect(crossed).toBeGreaterThan(own * 0.8);
    expect(crossed).toBeLessThan(own + 0.05);
  });

  it('never sees the speakers it scores: a list that lies about one speaker costs there', () => {
    const [data, speakers] = population(20, 0);
    const honest = crossValidatedCllr(data, speakers);
    // One speaker's own trials score as impostors do.
    const scores = Array.from(data.scores, (s, i) => (speakers.a[i] === 3 && speakers.b[i] === 3 ? s - 1 : s));
    expect(crossValidatedCllr({ ...data, scores }, speakers)).toBeGreaterThan(honest + 0.05);
  });
});

describe('requireEnoughForCalibration', () => {
  it('says how much is missing', () => {
    const labels = [...Array<number>(40).fill(1), ...Array<number>(600).fill(0)];
    expect(() => requireEnoughForCalibration(labels, 4)).toThrow(
      'too little to calibrate on: 60 more target trials, 6 more speakers are needed',
    );
  });

  it('is content with enough', () => {
    const labels = [...Array<number>(100).fill(1), ...Array<number>(500).fill(0)];
    expect(() => requireEnoughForCalibration(labels, 10)).not.toThrow();
  });
});
