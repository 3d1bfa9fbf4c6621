import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededUniform } from '../evaluation/bootstrap.js';
import { cohortStatistics, normaliseScore, toUnit, type Cohort } from '../evaluation/normalise.js';
import { gaussianQuantiles } from '../evaluation/testing.js';
import {
  calibrationFor,
  NOT_CALIBRATED,
  readCalibrationFile,
  withoutVectors,
  writeCalibrationFile,
  type CalibrationFile,
} from './model-calibration.js';
import { fitImpostorTail, scoreAtRate } from './impostor-tail.js';
import { Scorer, type Score } from './scorer.js';
import { encodeVectors } from './vectors.js';

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The score of two embeddings of this cosine. */
function scored(scorer: Scorer, cosine: number): Score {
  return scorer.score(Float32Array.from([1, 0]), Float32Array.from([cosine, Math.sqrt(1 - cosine ** 2)]));
}

const dim = 6;
const uniform = seededUniform(21);
const random = (): Float32Array => Float32Array.from({ length: dim }, () => uniform() * 4 - 2);

const bare = { id: 'small', identity: { value: '0123456789abcdef0123456789abcdef' } };
const linear = {
  ...bare,
  calibration: { offset: -4, scale: 12, quality: {}, norm: 'none' },
  thresholds: [
    { falseAcceptRate: 0.001, cosine: 0.6, llr: 3.2 },
    { falseAcceptRate: 0.01, cosine: 0.45, llr: 1.4 },
  ],
};
const cohort: Cohort = {
  embeddings: Float32Array.from(Array.from({ length: 40 }, () => [...toUnit(random())]).flat()),
  dim,
};

describe('Scorer of a model without calibration', () => {
  const scorer = Scorer.of(bare);

  it('knows cosines only', () => {
    const score = scorer.score(Float32Array.from([3, 4, 0]), Float32Array.from([4, 3, 0]));
    expect(score.cosine).toBeCloseTo(24 / 25, 6);
    expect(score).toMatchObject({
      llr: null,
      probability: null,
      threshold: null,
      falseAcceptRate: null,
      decision: null,
    });
    expect(scorer.calibrated).toBe(false);
  });

  it('decides by the threshold that the caller or the manifest names', () => {
    const [a, b] = [Float32Array.from([1, 0]), Float32Array.from([1, 1])];
    expect(Scorer.of(bare, { threshold: 0.7 }).score(a, b)).toMatchObject({ threshold: 0.7, decision: 'ACCEPT' });
    const thresholds = [{ falseAcceptRate: 0.01, cosine: 0.8, llr: null }];
    expect(Scorer.of({ ...bare, thresholds }).score(a, b)).toMatchObject({
      threshold: 0.8,
      falseAcceptRate: 0.01,
      decision: 'REJECT',
    });
  });

  it('decides by its publisher’s threshold where none was learned or named', () => {
    const [a, b] = [Float32Array.from([1, 0]), Float32Array.from([1, 1])];
    const published = { ...bare, publishedThreshold: { cosine: 0.71 } };
    expect(Scorer.of(published).thresholdFrom).toBe('published');
    expect(Scorer.of(published).score(a, b)).toMatchObject({
      threshold: 0.71,
      falseAcceptRate: null,
      decision: 'REJECT',
    });
    expect(Scorer.of(published, { threshold: 0.7 }).score(a, b)).toMatchObject({ threshold: 0.7, decision: 'ACCEPT' });
    expect(Scorer.of({ ...linear, publishedThreshold: { cosine: 0.71 } }).thresholdFrom).toBe('calibration');
    expect(Scorer.of(bare).thresholdFrom).toBeNull();
    expect(errorOf(() => Scorer.of({ ...bare, publishedThreshold: { cosine: 7 } }))).toMatchObject({
      code: 'MODEL_INVALID',
    });
  });

  it('leaves the embeddings alone and refuses unequal sizes', () => {
    const a = Float32Array.from([3, 4]);
    scorer.score(a, a);
    expect([...a]).toEqual([3, 4]);
    expect(errorOf(() => scorer.score(a, Float32Array.from([1])))).toMatchObject({ code: 'MODEL_MISMATCH' });
  });
});

describe('Scorer of a calibrated model', () => {
  it('answers with evidence, its probability and a decision', () => {
    const scorer = Scorer.of(linear);
    const [a, b] = [Float32Array.from([1, 0]), Float32Array.from([1, 1])];
    const score = scorer.score(a, b);
    expect(score.llr).toBeCloseTo(-4 + 12 * Math.SQRT1_2, 5);
    expect(score.probability).toBeCloseTo(1 / (1 + Math.exp(-score.llr!)), 12);
    expect(score).toMatchObject({ threshold: 0.45, falseAcceptRate: 0.01, decision: 'ACCEPT' });
  });

  it('takes the threshold of another rate, and says which there are', () => {
    expect(Scorer.of(linear, { falseAcceptRate: 0.001 }).score(random(), random())).toMatchObject({ threshold: 0.6 });
    expect(() => Scorer.of(linear, { falseAcceptRate: 0.02 })).toThrow('there are ones for 0.01, 0.001');
  });

  it('weighs the probability by the prior', () => {
    const [a, b] = [random(), random()];
    const { llr, probability } = Scorer.of(linear, { prior: 0.1 }).score(a, b);
    expect(probability).toBeCloseTo(1 / (1 + 9 * Math.exp(-llr!)), 12);
  });
});

describe('Scorer of a calibration that knows how high strangers score', () => {
  // Impostors around an llr of -5, deviation 2.
  const impostorTail = fitImpostorTail(gaussianQuantiles(20_000, -5, 2));
  const manifest = { ...linear, impostorTail };
  const evidence = (llr: number): Score => {
    const cosine = (llr + 4) / 12;
    return scored(Scorer.of(manifest), cosine);
  };

  it('has a threshold for any rate', () => {
    for (const rate of [0.2, 0.03, 0.004, 1e-5]) {
      const { threshold, falseAcceptRate } = scored(Scorer.of(manifest, { falseAcceptRate: rate }), 0);
      expect(falseAcceptRate).toBe(rate);
      expect(threshold).toBeCloseTo((scoreAtRate(impostorTail, rate).score + 4) / 12, 6);
    }
    for (const rate of [0, 1, NaN, 0.3, 1e-6]) {
      expect(errorOf(() => Scorer.of(manifest, { falseAcceptRate: rate }))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('asks for more evidence the more people there are, at the same rate', () => {
    const scorer = Scorer.of(manifest);
    const first = evidence(0.5);
    expect(scorer.openSet(first, null, 1)).toMatchObject({ decision: 'ACCEPT', falseAcceptRate: 0.01 });
    const among = scorer.openSet(first, null, 1000);
    expect(among).toMatchObject({ decision: 'REJECT', falseAcceptRate: 0.01 });
    expect(among.thresholdLlr).toBeGreaterThan(2);
  });

  it('names nobody where two people are close', () => {
    const scorer = Scorer.of(manifest);
    expect(scorer.openSet(evidence(6), evidence(5), 10).decision).toBe('AMBIGUOUS');
    expect(scorer.openSet(evidence(6), evidence(2), 10).decision).toBe('ACCEPT');
  });

  it('promises no rate where the caller names the threshold, or the calibration knows no strangers', () => {
    const named = Scorer.of(manifest, { threshold: 0.3 });
    const [above, below] = [scored(named, 0.4), scored(named, 0.2)];
    expect(named.openSet(above, below, 1000)).toEqual({
      decision: 'ACCEPT',
      thresholdLlr: null,
      falseAcceptRate: null,
      extrapolated: null,
    });
    expect(Scorer.of(linear).openSet(scored(Scorer.of(linear), 0.5), null, 1000)).toMatchObject({
      decision: 'ACCEPT',
      falseAcceptRate: null,
    });
  });

  it('refuses a tail that is none', () => {
    expect(errorOf(() => Scorer.of({ ...linear, impostorTail: { start: 1 } }))).toMatchObject({
      code: 'MODEL_INVALID',
    });
  });
});

describe.each(['none', 's', 'as'] as const)('a calibration with durations and %s-norm', (norm) => {
  const manifest = {
    ...bare,
    cohort: encodeVectors(cohort),
    calibration: { offset: -1, scale: 3, quality: { logShorter: 0.5, logLonger: -0.2 }, norm },
    thresholds: [{ falseAcceptRate: 0.01, cosine: null, llr: 0.3 }],
  };
  const scorer = Scorer.of(manifest);

  it('decides alike by the threshold on the cosine and by the one on the evidence', () => {
    const decisions = new Set<string | null>();
    for (let i = 0; i < 200; i++) {
      const sides = { a: { seconds: 1 + 9 * uniform() }, b: { seconds: 1 + 9 * uniform() } };
      const score = scorer.score(random(), random(), sides);
      expect(score.decision).toBe(score.llr! >= 0.3 ? 'ACCEPT' : 'REJECT');
      expect(score.cosine >= score.threshold!).toBe(score.decision === 'ACCEPT');
      decisions.add(score.decision);
    }
    expect(decisions.size).toBe(2);
  });

  it('scores prepared sides as it scores embeddings, in either order', () => {
    const [a, b] = [random(), random()];
    const direct = scorer.score(a, b, { a: { seconds: 2 }, b: { seconds: 5 } });
    expect(scorer.compare(scorer.side(a, { seconds: 2 }), scorer.side(b, { seconds: 5 }))).toEqual(direct);
    expect(scorer.score(b, a, { a: { seconds: 5 }, b: { seconds: 2 } }).llr).toBeCloseTo(direct.llr!, 10);
  });

  it('looks at the number of recordings where the calibration does, and needs no seconds for that', () => {
    const calibration = { offset: -1, scale: 3, quality: { logRecordings: 0.5 }, norm };
    const counting = Scorer.of({ ...manifest, calibration });
    expect(counting.needsSeconds).toBe(false);
    const [a, b] = [random(), random()];
    const single = counting.score(a, b);
    const profile = counting.score(a, b, { b: { recordings: 10 } });
    expect(profile.cosine).toBe(single.cosine);
    expect(profile.llr! - single.llr!).toBeCloseTo(0.5 * Math.log(10), 10);
    expect(profile.threshold!).toBeLessThan(single.threshold!);
    expect(() => counting.side(a, { recordings: 0 })).toThrow('of 0 recordings');
  });

  it('needs the seconds', () => {
    expect(scorer.needsSeconds).toBe(true);
    expect(() => scorer.score(random(), random(), { a: { seconds: 2 } })).toThrow('seconds of speech');
  });
});

it('a calibration of AS-norm looks at as many of the cohort as it says', () => {
  const calibration = { offset: -1, scale: 3, quality: {}, norm: 'as' };
  const manifest = { ...linear, cohort: encodeVectors(cohort) };
  const [a, b] = [random(), random()];
  const of = (closest?: number): Scorer =>
    Scorer.of({ ...manifest, calibration: closest === undefined ? calibration : { ...calibration, closest } });
  for (const closest of [3, 20]) {
    const { cosine, llr } = of(closest).score(a, b);
    const sides = [a, b].map((side) => cohortStatistics(toUnit(side.slice()), of().calibration.cohort!, 'as', closest));
    expect(llr).toBeCloseTo(-1 + 3 * normaliseScore(cosine, sides[0]!, sides[1]!), 5);
  }
  // The cohort is smaller than what is looked at where nothing is said.
  expect(of().score(a, b)).toEqual(of(40).score(a, b));
});

describe('manifests that contradict themselves', () => {
  it.each([
    [{ ...bare, calibration: { offset: 1, scale: 'much' } }, 'is not of the form { offset, scale'],
    [{ ...bare, calibration: { offset: 1, scale: -2 } }, 'is not of the form { offset, scale'],
    [{ ...bare, calibration: { offset: 1, scale: 2, norm: 'zt' } }, 'is not of the form { offset, scale'],
    [{ ...bare, calibration: { offset: 1, scale: 2, norm: 'as', closest: 1 } }, 'a whole number from 2 on'],
    [{ ...bare, calibration: { offset: 1, scale: 2, norm: 's', closest: 20 } }, 'with the norm as alone'],
    [{ ...bare, thresholds: [{ cosine: 0.4 }] }, 'are not of the form [{ falseAcceptRate'],
    [{ ...bare, thresholds: {} }, 'are not of the form [{ falseAcceptRate'],
    [{ ...linear, calibration: { ...linear.calibration, norm: 'as' } }, 'there is no cohort'],
    [
      { ...bare, cohort: { speakers: 2, dim: 2, encoding: 'float16-base64', data: 'AAAA' } },
      'has 3 bytes for 2 vectors of 2',
    ],
    [{ ...bare, cohort: { speakers: 2, dim: 2 } }, 'is not of the form { speakers'],
  ])('are refused: %j', (manifest, message) => {
    expect(() => Scorer.of(manifest)).toThrow(message);
    expect(errorOf(() => Scorer.of(manifest))).toMatchObject({ code: 'MODEL_INVALID' });
  });

  it('and options out of range are refused', () => {
    expect(() => Scorer.of(linear, { prior: 1 })).toThrow('between 0 and 1');
    expect(() => Scorer.of(linear, { threshold: 2 })).toThrow('[-1, 1]');
  });
});

describe('a calibration file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timbre-calibration-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const names = {
    model: 'small@0123456789ab',
    modelWithPauses: 'small@ba9876543210',
    pauses: 'cut' as const,
    manifest: linear,
  };
  const file: CalibrationFile = {
    format: 1,
    model: 'small@0123456789ab',
    calibration: { offset: -2, scale: 8, quality: {}, norm: 's' },
    thresholds: [{ falseAcceptRate: 0.01, cosine: null, llr: 2 }],
    cohort: encodeVectors(cohort),
    learned: { trials: 'mine.txt' },
  };

  it('takes the place of the bundle’s own', async () => {
    const path = join(folder, 'mine.json');
    await writeCalibrationFile(path, file);
    expect(await readdir(folder)).toEqual(['mine.json']);
    const scorer = Scorer.of(linear, { calibration: await readCalibrationFile(path, names) });
    expect(scorer.calibration.calibration).toEqual(file.calibration);
    expect(scorer.score(random(), random()).threshold).not.toBe(0.45);
  });

  it('of before models were named by their identity is that of the same weights still', async () => {
    const path = join(folder, 'former.json');
    const manifest = { ...bare, weightsDigest: { value: 'aaaabbbbccccddddeeeeffff00001111' } };
    await writeCalibrationFile(path, { ...file, model: 'small@aaaabbbbcccc' });
    expect((await readCalibrationFile(path, { ...names, manifest })).calibration).toEqual(file.calibration);
    const cutting = { ...names, manifest: { ...manifest, pauses: { longest: 0.5 } } };
    await expect(readCalibrationFile(path, cutting)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });

  it('is refused for embeddings with all pauses kept, and is no bundle’s word about them', async () => {
    const path = join(folder, 'cut.json');
    await writeCalibrationFile(path, file);
    await expect(readCalibrationFile(path, names, 'keep')).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    expect(calibrationFor(names).calibration).not.toBeNull();
    expect(calibrationFor(names, 'keep')).toEqual(NOT_CALIBRATED);
    const keeping = { ...names, modelWithPauses: names.model, pauses: 'keep' as const };
    expect(calibrationFor(keeping, 'keep').calibration).not.toBeNull();
  });

  it('is refused for another model, and where it is none', async () => {
    const other = join(folder, 'other.json');
    await writeCalibrationFile(other, { ...file, model: 'small@fedcba987654' });
    await expect(readCalibrationFile(other, names)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    await writeFile(other, '{"format": 2}');
    await expect(readCalibrationFile(other, names)).rejects.toThrow('is no calibration');
    await writeFile(other, '{');
    await expect(readCalibrationFile(other, names)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (const quality of [null, 1, [], { louder: 1 }, { logShorter: '1' }]) {
      await writeFile(other, JSON.stringify({ ...file, calibration: { ...file.calibration, quality } }));
      await expect(readCalibrationFile(other, names)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    }
    await writeFile(other, '5');
    await expect(readCalibrationFile(other, names)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(readCalibrationFile(join(folder, 'none'), names)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

it('withoutVectors keeps everything of a manifest but the vectors', () => {
  const manifest = { ...linear, cohort: encodeVectors(cohort) };
  expect(withoutVectors(manifest)).toEqual({ ...linear, cohort: { speakers: 40, dim, encoding: 'float16-base64' } });
  expect(withoutVectors(bare)).toEqual(bare);
});
