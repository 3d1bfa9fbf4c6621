import { TimbreError } from '../errors/timbre-error.js';
import { toUnit } from '../evaluation/normalise.js';

/**
 * What moves embeddings of one person and says nothing of who it is: rooms, lines, and pieces against whole recordings.
 * Nuisance attribute projection (Solomonoff et al., 2005): the directions in which voices of conversations differ most from
 * their own profiles.
 */
export interface Nuisance {
  /** Of unit embeddings of many people. */
  mean: Float32Array;
  /** Of unit length, at right angles to each other. */
  directions: Float32Array[];
}

/** The embedding at unit length, less the mean and all directions, at unit length. Errors: MODEL_MISMATCH. */
export function withoutNuisance(embedding: Float32Array, { mean, directions }: Nuisance): Float32Array {
  if (embedding.length !== mean.length) {
    throw new TimbreError(
      'MODEL_MISMATCH',
      `the calibration is of ${mean.length} dimensions, the embedding has ${embedding.length}`,
    );
  }
  const rest = toUnit(Float32Array.from(embedding));
  for (let i = 0; i < rest.length; i++) rest[i]! -= mean[i]!;
  for (const direction of directions) {
    let along = 0;
    for (let i = 0; i < rest.length; i++) along += rest[i]! * direction[i]!;
    for (let i = 0; i < rest.length; i++) rest[i]! -= along * direction[i]!;
  }
  return toUnit(rest);
}

/**
 * The directions in which differences are largest, `count` of them: leading right singular vectors, by power iteration.
 * Errors: INVALID_ARGUMENT for fewer differences than directions.
 */
export function largestDirections(differences: readonly Float32Array[], count: number): Float32Array[] {
  if (differences.length < count || count < 1) {
    throw new TimbreError('INVALID_ARGUMENT', `${differences.length} differences do not give ${count} directions`);
  }
  const dim = differences[0]!.length;
  const rows = differences.map((row) => Float64Array.from(row));
  const directions: Float64Array[] = [];
  for (let k = 0; k < count; k++) {
    let direction = Float64Array.from({ length: dim }, (_, i) => Math.cos((k + 1) * (i + 1)));
    for (let round = 0; round < ROUNDS; round++) {
      const next = new Float64Array(dim);
      for (const row of rows) {
        const along = dot(row, direction);
        for (let i = 0; i < dim; i++) next[i]! += along * row[i]!;
      }
      for (const before of directions) {
        const along = dot(before, next);
        for (let i = 0; i < dim; i++) next[i]! -= along * before[i]!;
      }
      const length = Math.sqrt(dot(next, next));
      if (!(length > 0))
        throw new TimbreError('INVALID_ARGUMENT', `the differences have ${k} directions, not ${count}`);
      direction = next.map((value) => value / length);
    }
    directions.push(direction);
  }
  return directions.map((direction) => Float32Array.from(direction));
}

/** Of power iteration: directions that are not yet told apart by then are worth the same. */
const ROUNDS = 200;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
