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

/** Cohort speakers that AS-norm keeps, where nothing else is said: those an embedding scores highest against. */
export const AS_NORM_TOP = 200;

/**
 * Score statistics of one unit-length embedding against the cohort: over all of it for s-norm, over the `closest`
 * highest scores for AS-norm (Matějka et al., 2017).
 */
export function cohortStatistics(
  embedding: Float32Array,
  cohort: Cohort,
  kind: 's' | 'as',
  closest: number = AS_NORM_TOP,
): CohortStatistics {
  const size = cohort.embeddings.length / cohort.dim;
  if (embedding.length !== cohort.dim) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `the cohort has ${cohort.dim} dimensions, the embedding ${embedding.length}`,
    );
  }
  const all = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    all[row] = product(embedding, cohort.embeddings, row * cohort.dim);
  }
  const scores = kind === 'as' ? highest(all, closest) : all;
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/** Of a vector and the one of its length that begins at `from`: four sums at once, as a single one waits for itself. */
function product(vector: Float32Array, vectors: Float32Array, from: number): number {
  const even = vector.length - (vector.length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < even; i += 4) {
    a += vector[i]! * vectors[from + i]!;
    b += vector[i + 1]! * vectors[from + i + 1]!;
    c += vector[i + 2]! * vectors[from + i + 2]!;
    d += vector[i + 3]! * vectors[from + i + 3]!;
  }
  for (let i = even; i < vector.length; i++) a += vector[i]! * vectors[from + i]!;
  return a + b + c + d;
}

/** The `count` highest values, in no order to rely on; all where there are no more. */
function highest(values: Float64Array, count: number): Float64Array {
  if (values.length <= count) return values;
  const kept = values.slice(0, count).sort();
  for (let i = count; i < values.length; i++) {
    const value = values[i]!;
    if (value <= kept[0]!) continue;
    let at = 0;
    for (; at + 1 < count && kept[at + 1]! < value; at++) kept[at] = kept[at + 1]!;
    kept[at] = value;
  }
  return kept;
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
