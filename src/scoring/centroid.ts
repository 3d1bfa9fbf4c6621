import { toUnit } from '../evaluation/normalise.js';

/** Voices that cancel each other out leave no direction. */
const SHORTEST = 1e-6;

/** The sum of unit vectors, all of one length, in double precision. */
export function sumOf(units: Iterable<Float32Array>): Float64Array {
  let sum = new Float64Array(0);
  for (const unit of units) {
    if (sum.length === 0) sum = new Float64Array(unit.length);
    for (let d = 0; d < sum.length; d++) sum[d]! += unit[d]!;
  }
  return sum;
}

/** What several recordings of one voice have in common: the direction of the sum of their unit vectors; null where there is none. */
export function directionOf(sum: Float64Array): Float32Array | null {
  let square = 0;
  for (const x of sum) square += x * x;
  return Math.sqrt(square) > SHORTEST ? toUnit(Float32Array.from(sum)) : null;
}
