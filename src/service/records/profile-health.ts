import { toUnit } from '../../evaluation/normalise.js';
import { isLearned, type Enrollment } from './enrollment.js';
import type { Profile } from './profile.js';

/** How a profile is doing; of the recordings that count. */
export interface ProfileHealth {
  enrolled: number;
  learned: number;
  /** 1 - mean cosine of the recordings with the centroid, in [0, 2]; null without a centroid. */
  spread: number | null;
  /** 1 - cosine of the mean of the earlier half with that of the later half; null for fewer than four. */
  drift: number | null;
  /** 1 - cosine of the centroid with the mean of the enrolled recordings: how far what was learned has moved it. */
  fromEnrolled: number | null;
}

/** Fewer recordings have no course. */
const FEWEST_FOR_DRIFT = 4;

/** `enrollments`: those of the profile's origin, oldest first. */
export function profileHealth(profile: Profile | null, enrollments: readonly Enrollment[]): ProfileHealth {
  const counting = new Set(profile?.members.filter(({ outlier }) => !outlier).map(({ enrollmentId }) => enrollmentId));
  const members = enrollments.filter(({ id }) => counting.has(id));
  const units = members.map(({ embedding }) => toUnit(Float32Array.from(embedding)));
  const enrolled = units.filter((_, i) => !isLearned(members[i]!));
  const { centroid = null } = profile ?? {};
  const half = Math.floor(units.length / 2);
  const counts = { enrolled: enrolled.length, learned: units.length - enrolled.length };
  if (!centroid || enrolled.length === 0) return { ...counts, spread: null, drift: null, fromEnrolled: null };
  const agreement = units.reduce((sum, unit) => sum + cosine(unit, centroid), 0) / units.length;
  return {
    ...counts,
    spread: 1 - agreement,
    // Of an odd number the one in the middle belongs to neither.
    drift:
      units.length < FEWEST_FOR_DRIFT
        ? null
        : 1 - cosine(sumOf(units.slice(0, half)), sumOf(units.slice(units.length - half))),
    fromEnrolled: 1 - cosine(sumOf(enrolled), centroid),
  };
}

function sumOf(units: readonly Float32Array[]): Float64Array {
  const sum = new Float64Array(units[0]!.length);
  for (const unit of units) for (let d = 0; d < sum.length; d++) sum[d]! += unit[d]!;
  return sum;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let d = 0; d < a.length; d++) {
    dot += a[d]! * b[d]!;
    squareA += a[d]! ** 2;
    squareB += b[d]! ** 2;
  }
  const length = Math.sqrt(squareA * squareB);
  return length < 1e-12 ? 0 : Math.max(-1, Math.min(1, dot / length));
}
