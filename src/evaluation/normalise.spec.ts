import { describe, expect, it } from '@jest/globals';
import { seededUniform } from './bootstrap.js';
import { AS_NORM_TOP, cohortStatistics, normaliseScore, toUnit, type Cohort } from './normalise.js';

const uniform = seededUniform(9);
const dim = 8;
const size = AS_NORM_TOP + 100;

function randomUnit(): Float32Array {
  return toUnit(Float32Array.from({ length: dim }, () => uniform() - 0.5));
}

const rows = Array.from({ length: size }, randomUnit);
const cohort: Cohort = { embeddings: Float32Array.from(rows.flatMap((row) => [...row])), dim };

/** From the definition: scores against every cohort speaker, the top ones kept, mean and deviation of those. */
function plainStatistics(embedding: Float32Array, top: number): { mean: number; deviation: number } {
  const scores = rows
    .map((row) => row.reduce((sum, x, i) => sum + x * embedding[i]!, 0))
    .sort((a, b) => b - a)
    .slice(0, top);
  const mean = scores.reduce((a, b) => a + b) / scores.length;
  return { mean, deviation: Math.sqrt(scores.map((s) => (s - mean) ** 2).reduce((a, b) => a + b) / scores.length) };
}

describe('score normalisation', () => {
  it('takes the statistics of the whole cohort for s-norm and of its closest speakers for AS-norm', () => {
    for (let i = 0; i < 5; i++) {
      const embedding = randomUnit();
      for (const [kind, closest, top] of [
        ['s', undefined, size],
        ['as', undefined, AS_NORM_TOP],
        ['as', 20, 20],
      ] as const) {
        const found = cohortStatistics(embedding, cohort, kind, closest);
        const expected = plainStatistics(embedding, top);
        expect(found.mean).toBeCloseTo(expected.mean, 6);
        expect(found.deviation).toBeCloseTo(expected.deviation, 6);
      }
    }
  });

  it('is the mean of z-norm and t-norm, the same from either side', () => {
    const a = { mean: 0.1, deviation: 0.2 };
    const b = { mean: 0.3, deviation: 0.1 };
    expect(normaliseScore(0.5, a, b)).toBeCloseTo(((0.5 - 0.1) / 0.2 + (0.5 - 0.3) / 0.1) / 2, 12);
    expect(normaliseScore(0.5, a, b)).toBe(normaliseScore(0.5, b, a));
  });

  it('takes all of a cohort smaller than the top', () => {
    const few: Cohort = { embeddings: cohort.embeddings.slice(0, 5 * dim), dim };
    expect(cohortStatistics(rows[7]!, few, 'as')).toEqual(cohortStatistics(rows[7]!, few, 's'));
  });

  it('refuses embeddings of another size', () => {
    expect(() => cohortStatistics(new Float32Array(4), cohort, 's')).toThrow(
      'the cohort has 8 dimensions, the embedding 4',
    );
  });

  it('leaves a zero vector alone', () => {
    expect([...toUnit(new Float32Array(3))]).toEqual([0, 0, 0]);
    expect([...toUnit(Float32Array.from([3, 4]))]).toEqual([0.6000000238418579, 0.800000011920929]);
  });
});
