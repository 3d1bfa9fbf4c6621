import { TimbreError } from '../errors/timbre-error.js';
import { numberSpeakers, type TrialSpeakers } from './bootstrap.js';
import {
  cohortStatistics,
  normaliseScore,
  toUnit,
  type Cohort,
  type CohortStatistics,
  type Normalisation,
} from './normalise.js';
import { vectorOf, type EmbeddingTable } from './recordings.js';
import type { TrialList } from './trials.js';

/** Scores of the trials whose recordings could be embedded, and what is known of each trial. */
export interface TrialScores {
  /** Position of each scored trial in its list. */
  trials: Uint32Array;
  labels: Uint8Array;
  /** Cosine, or the normalised cosine. */
  scores: Float64Array;
  /** Seconds of speech of either side; NaN where unknown. An enrolment has the sum of its recordings. */
  secondsA: Float32Array;
  secondsB: Float32Array;
  /** Recordings that the enrolment of each trial is the mean of. */
  recordings: Uint32Array;
  skipped: number;
}

interface Side {
  vector: Float32Array;
  seconds: number;
  statistics: CohortStatistics | undefined;
}

/** Trials that are scored in one piece. */
const TRIALS_AT_ONCE = 1000;

/**
 * Scores a list. An enrolment of several recordings is the mean of their unit embeddings, at unit length again. AS-norm
 * looks at the `closest` speakers of the cohort.
 */
export function scoreTrials(
  list: TrialList,
  table: EmbeddingTable,
  norm: Normalisation,
  cohort?: Cohort | null,
  closest?: number,
): TrialScores {
  const scoring = scoringOf(list, table, norm, cohort, closest);
  for (;;) {
    const { done, value } = scoring.next();
    if (done) return value;
  }
}

/** The same in pieces, between which others have their turn: of some recordings, or a thousand trials. */
export function* scoringOf(
  list: TrialList,
  table: EmbeddingTable,
  norm: Normalisation,
  cohort?: Cohort | null,
  closest?: number,
): Generator<void, TrialScores> {
  if (norm !== 'none' && !cohort) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `${norm}-norm needs a cohort and the model has none: name a folder of recordings with --cohort`,
    );
  }
  const side = (paths: readonly string[]): Side | undefined => {
    const vector = new Float32Array(table.dim);
    let seconds = 0;
    for (const path of paths) {
      const row = table.rows.get(path);
      if (row === undefined) return undefined;
      const one = vectorOf(table, path)!;
      for (let i = 0; i < vector.length; i++) vector[i]! += one[i]!;
      seconds += table.seconds[row]!;
    }
    toUnit(vector);
    const statistics = norm === 'none' ? undefined : cohortStatistics(vector, cohort!, norm, closest);
    return { vector, seconds, statistics };
  };
  const enrolments: (Side | undefined)[] = [];
  for (const paths of list.enrolments) {
    enrolments.push(side(paths));
    yield;
  }
  const tests: (Side | undefined)[] = [];
  for (const path of list.tests) {
    tests.push(side([path]));
    yield;
  }

  const usable = Uint32Array.from(list.labels.keys()).filter(
    (i) => enrolments[list.enrolment[i]!] !== undefined && tests[list.test[i]!] !== undefined,
  );
  const scores = new Float64Array(usable.length);
  const secondsA = new Float32Array(usable.length);
  const secondsB = new Float32Array(usable.length);
  for (const [at, i] of usable.entries()) {
    if (at % TRIALS_AT_ONCE === 0) yield;
    const a = enrolments[list.enrolment[i]!]!;
    const b = tests[list.test[i]!]!;
    let cosine = 0;
    for (let k = 0; k < table.dim; k++) cosine += a.vector[k]! * b.vector[k]!;
    scores[at] = a.statistics ? normaliseScore(cosine, a.statistics, b.statistics!) : cosine;
    secondsA[at] = a.seconds;
    secondsB[at] = b.seconds;
  }
  return {
    trials: usable,
    labels: Uint8Array.from(usable, (i) => list.labels[i]!),
    scores,
    secondsA,
    secondsB,
    recordings: Uint32Array.from(usable, (i) => list.enrolments[list.enrolment[i]!]!.length),
    skipped: list.labels.length - usable.length,
  };
}

/** Every recording that the list names, once. */
export function recordingsOf(list: TrialList): string[] {
  return [...new Set([...list.enrolments.flat(), ...list.tests])];
}

/**
 * Speakers of a list's sides. Where no table names them they follow from the target trials: recordings that a target
 * trial joins, or that enrol one id, are of one speaker.
 */
export function speakersOf(list: TrialList, named?: ReadonlyMap<string, string>): (recording: string) => string {
  const parent = new Map<string, string>();
  const root = (recording: string): string => {
    let at = recording;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) {
      parent.set(at, parent.get(up) ?? up);
      at = up;
    }
    return at;
  };
  const join = (a: string, b: string): void => {
    const [rootA, rootB] = [root(a), root(b)];
    if (rootA !== rootB) parent.set(rootA, rootB);
  };
  for (const recordings of list.enrolments) for (const recording of recordings) join(recordings[0]!, recording);
  for (let i = 0; i < list.labels.length; i++) {
    if (list.labels[i]) join(list.enrolments[list.enrolment[i]!]![0]!, list.tests[list.test[i]!]!);
  }
  return (recording) => named?.get(recording) ?? root(recording);
}

/** The speakers of chosen trials, numbered. */
export function trialSpeakers(
  list: TrialList,
  trials: Uint32Array,
  speaker: (recording: string) => string,
): TrialSpeakers {
  const a: string[] = [];
  const b: string[] = [];
  for (const i of trials) {
    a.push(speaker(list.enrolments[list.enrolment[i]!]![0]!));
    b.push(speaker(list.tests[list.test[i]!]!));
  }
  return numberSpeakers(a, b);
}
