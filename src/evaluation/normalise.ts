import { TimbreError } from '../errors/timbre-error.js';

export type Normalisation = 'none' | 's' | 'as';

/** Unit-length embeddings of speakers who are in no trial, row-major [size, dim]. */
export interface Cohort {
  embeddings: Float32Array;
  dim: number;
}

/** Mean and deviation of an embedding's scores against the cohort. */
export interface CohortStatistics {
  mean: number;
  deviation: number;
}

/** Cohort speakers that AS-norm keeps: those an embedding scores highest against. */
export const AS_NORM_TOP = 200;

/**
 * Score statistics of one unit-length embedding against the cohort: over all of it for s-norm, over the `AS_NORM_TOP`
 * highest scores for AS-norm (Matějka et al., 2017).
 */
export function cohortStatistics(embedding: Float32Array, cohort: Cohort, kind: 's' | 'as'): CohortStatistics {
  const size = cohort.embeddings.length / cohort.dim;
  if (embedding.length !== cohort.dim) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `the cohort has ${cohort.dim} dimensions, the embedding ${embedding.length}`,
    );
  }
  let scores = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    let score = 0;
    for (let i = 0; i < cohort.dim; i++) score += embedding[i]! * cohort.embeddings[row * cohort.dim + i]!;
    scores[row] = score;
  }
  if (kind === 'as' && size > AS_NORM_TOP) scores = scores.sort().subarray(size - AS_NORM_TOP);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/** Symmetric normalisation: the mean of the score in deviations from either side's cohort mean. */
export function normaliseScore(score: number, a: CohortStatistics, b: CohortStatistics): number {
  return 0.5 * ((score - a.mean) / a.deviation + (score - b.mean) / b.deviation);
}

/** Scales to unit length in place and returns it; a zero vector stays. */
export function toUnit(embedding: Float32Array): Float32Array {
  let square = 0;
  for (const x of embedding) square += x * x;
  if (square > 0) {
    const factor = 1 / Math.sqrt(square);
    for (let i = 0; i < embedding.length; i++) embedding[i]! *= factor;
  }
  return embedding;
}
