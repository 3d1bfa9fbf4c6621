import { toUnit } from '../../evaluation/normalise.js';
import { directionOf, sumOf } from '../../scoring/centroid.js';
import type { EmbeddingOrigin } from './embedding.js';

export const ENROLLMENT_STATUSES = ['Enrolling', 'Enrolled'] as const;
export type EnrollmentStatus = (typeof ENROLLMENT_STATUSES)[number];

/** What a profile knows of one accepted recording. */
export interface ProfileMember {
  enrollmentId: string;
  /** Cosine with the mean of the speaker's other recordings that count; null where there is no other. */
  agreement: number | null;
  /** It does not belong to the voice of the others, and does not count. */
  outlier: boolean;
}

/** A speaker's voice for one model: made of all accepted recordings, anew at every change. */
export interface Profile {
  speakerId: string;
  origin: EmbeddingOrigin;
  /** Normalised mean of the normalised embeddings that count; null where none does. */
  centroid: Float32Array | null;
  /** Every accepted recording, oldest first. */
  members: ProfileMember[];
  /** Net speech of the recordings that count. */
  speechSeconds: number;
  /** Mean cosine of the pairs of recordings that count; null for fewer than two. */
  cohesion: number | null;
  /** In [0, 1], see `confidence`. */
  confidence: number;
  status: EnrollmentStatus;
  updatedAt: Date;
}

/** All but the vector, which is opened only where it is needed. */
export type ProfileState = Omit<Profile, 'centroid'>;

/** How many recordings the centroid is the mean of. */
export function countedIn({ members }: Pick<Profile, 'members'>): number {
  return members.filter(({ outlier }) => !outlier).length;
}

/** A profile that has a voice, as one side of a comparison. */
export function factsOf(profile: Pick<Profile, 'members' | 'speechSeconds'>): { seconds: number; recordings: number } {
  return { seconds: profile.speechSeconds, recordings: countedIn(profile) };
}

/** A recording below this cosine with the others is a stranger's, where the model brings no threshold of its own. */
export const UNCALIBRATED_OUTLIER_COSINE = 0.25;

export interface ProfilePolicy {
  /** Net speech that makes a speaker Enrolled. */
  requiredSpeechSeconds: number;
  /** A recording that agrees less than this with the mean of the others is set aside. */
  outlierCosine: number;
}

/** One accepted recording as the profile needs it. */
export interface ProfileInput {
  enrollmentId: string;
  embedding: Float32Array;
  speechSeconds: number;
  /** It was not enrolled: it is judged by those that were, and never they by it. */
  learned?: boolean;
}

/** Fewest recordings among which one can be told to be the stranger: of two, either may be. */
const FEWEST_TO_JUDGE = 3;

/** Cohesion expected before any pair was seen, weighed as one pair. */
const PRIOR_COHESION = 0.3;

/**
 * Builds the profile of one speaker. Recordings that do not belong are set aside one at a time, the worst first,
 * because a stranger in the mean makes the others look strange too. Enrolled recordings alone judge: each other, and those that
 * were learned, which would otherwise vouch for one another. Where they make nobody Enrolled they carry no learned ones.
 */
export function buildProfile(
  speakerId: string,
  origin: EmbeddingOrigin,
  inputs: readonly ProfileInput[],
  policy: ProfilePolicy,
  now: Date,
): Profile {
  const units = inputs.map(({ embedding }) => toUnit(Float32Array.from(embedding)));
  const enrolled = new Set([...inputs.keys()].filter((i) => !inputs[i]!.learned));
  while (enrolled.size >= FEWEST_TO_JUDGE) {
    const sum = sumOf(those(units, enrolled));
    let worst = -1;
    let lowest = policy.outlierCosine;
    for (const i of enrolled) {
      const agreement = cosineWithRest(sum, units[i]!, true);
      if (agreement < lowest) [worst, lowest] = [i, agreement];
    }
    if (worst < 0) break;
    enrolled.delete(worst);
  }
  const ofEnrolled = sumOf(those(units, enrolled));
  const seconds = [...enrolled].reduce((total, i) => total + inputs[i]!.speechSeconds, 0);
  const carries = seconds >= policy.requiredSpeechSeconds && directionOf(ofEnrolled) !== null;
  const belongs = (i: number): boolean =>
    carries && cosineWithRest(ofEnrolled, units[i]!, false) >= policy.outlierCosine;
  // In the order of all: a sum of numbers depends on it.
  const kept = new Set([...inputs.keys()].filter((i) => (inputs[i]!.learned ? belongs(i) : enrolled.has(i))));

  const sum = sumOf(those(units, kept));
  const members = inputs.map(({ enrollmentId }, i): ProfileMember => {
    const counts = kept.has(i);
    const others = kept.size - (counts ? 1 : 0);
    return {
      enrollmentId,
      agreement: others === 0 ? null : cosineWithRest(sum, units[i]!, counts),
      outlier: !counts,
    };
  });
  const speechSeconds = [...kept].reduce((seconds, i) => seconds + inputs[i]!.speechSeconds, 0);
  const cohesion = cohesionOf(sum, kept.size);
  const centroid = directionOf(sum);
  return {
    speakerId,
    origin,
    centroid,
    members,
    speechSeconds,
    cohesion,
    confidence: centroid ? confidence(kept.size, speechSeconds, cohesion, policy.requiredSpeechSeconds) : 0,
    status: centroid && speechSeconds >= policy.requiredSpeechSeconds ? 'Enrolled' : 'Enrolling',
    updatedAt: now,
  };
}

/**
 * How far the centroid can be trusted to be the speaker's voice, in [0, 1].
 *
 *   pairs       = n (n - 1) / 2
 *   h           = (pairs * max(0, cohesion) + 0.3) / (pairs + 1)
 *   reliability = n h / (1 + (n - 1) h)
 *   coverage    = 1 - exp(-2 speechSeconds / requiredSpeechSeconds)
 *   confidence  = reliability * coverage
 *
 * `reliability` is the Spearman-Brown formula: how well the mean of n measurements that correlate by h repeats itself.
 * docs/profiles.md has a table.
 */
export function confidence(
  recordings: number,
  speechSeconds: number,
  cohesion: number | null,
  requiredSpeechSeconds: number,
): number {
  if (recordings === 0) return 0;
  const pairs = (recordings * (recordings - 1)) / 2;
  const h = (pairs * Math.max(0, cohesion ?? 0) + PRIOR_COHESION) / (pairs + 1);
  const reliability = (recordings * h) / (1 + (recordings - 1) * h);
  const coverage = requiredSpeechSeconds > 0 ? 1 - Math.exp((-2 * speechSeconds) / requiredSpeechSeconds) : 1;
  return Math.min(1, reliability * coverage);
}

/** The mean direction of embeddings, of unit length; null where there is none. */
export function meanVoice(embeddings: readonly Float32Array[]): Float32Array | null {
  return directionOf(sumOf(embeddings.map((embedding) => toUnit(Float32Array.from(embedding)))));
}

/** Seconds of speech still needed; 0 for a profile that is Enrolled. */
export function remainingSeconds(profile: ProfileState | null, requiredSpeechSeconds: number): number {
  return Math.max(0, requiredSpeechSeconds - (profile?.speechSeconds ?? 0));
}

function those(units: readonly Float32Array[], kept: ReadonlySet<number>): Float32Array[] {
  return units.filter((_, i) => kept.has(i));
}

/** Cosine of a unit vector with a sum of unit vectors, of which it is one where `inside`. */
function cosineWithRest(sum: Float64Array, unit: Float32Array, inside: boolean): number {
  let dot = 0;
  let square = 0;
  for (let d = 0; d < sum.length; d++) {
    const rest = sum[d]! - (inside ? unit[d]! : 0);
    dot += rest * unit[d]!;
    square += rest * rest;
  }
  return square < 1e-12 ? 0 : Math.max(-1, Math.min(1, dot / Math.sqrt(square)));
}

/** The squared length of a sum of n unit vectors is n plus twice the sum of the cosines of its pairs. */
function cohesionOf(sum: Float64Array, n: number): number | null {
  if (n < 2) return null;
  return Math.max(-1, Math.min(1, (norm(sum) ** 2 - n) / (n * (n - 1))));
}

function norm(vector: Float64Array): number {
  let square = 0;
  for (const x of vector) square += x * x;
  return Math.sqrt(square);
}
