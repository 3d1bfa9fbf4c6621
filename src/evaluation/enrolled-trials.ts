import { seededUniform, type TrialSpeakers } from './bootstrap.js';
import { toUnit } from './normalise.js';
import type { EmbeddingTable } from './recordings.js';
import type { TrialScores } from './trial-scores.js';
import type { TrialList } from './trials.js';

/** A recording that somebody is enrolled with. */
export interface EnrolledRecording {
  id: string;
  speaker: string;
  embedding: Float32Array;
  /** Of speech. */
  seconds: number;
}

/** Recordings of strangers that each profile is compared with. */
const STRANGERS = 20;
const SEED = 1;

/**
 * Trials of people who are enrolled, as a service compares: each recording against the profile of its speaker's others, and
 * that profile against recordings of strangers, which are drawn, and the same for the same recordings. So both kinds of trials
 * have the same profiles: were strangers compared with whole ones, their number of recordings alone would tell the kinds apart.
 * All embeddings are of one length.
 */
export function enrolledTrials(recordings: readonly EnrolledRecording[]): {
  list: TrialList;
  table: EmbeddingTable;
  speakerOf: (recording: string) => string;
} {
  const ofSpeaker = new Map<string, string[]>();
  for (const { id, speaker } of recordings) {
    const known = ofSpeaker.get(speaker);
    if (known) known.push(id);
    else ofSpeaker.set(speaker, [id]);
  }
  const [labels, enrolment, test]: [number[], number[], number[]] = [[], [], []];
  const enrolments: string[][] = [];
  const enrolmentNames: string[] = [];
  const random = seededUniform(SEED);
  for (const [at, { id, speaker }] of recordings.entries()) {
    const own = ofSpeaker.get(speaker)!;
    if (own.length < 2) continue;
    const profile = enrolments.push(own.filter((other) => other !== id)) - 1;
    enrolmentNames.push(`${speaker} without ${id}`);
    const others = recordings.length - own.length;
    const strangers = drawn(recordings.length, Math.min(STRANGERS, others), random, (one) => {
      return recordings[one]!.speaker !== speaker;
    });
    for (const heard of [at, ...strangers]) {
      labels.push(heard === at ? 1 : 0);
      enrolment.push(profile);
      test.push(heard);
    }
  }
  const dim = recordings[0]?.embedding.length ?? 0;
  const vectors = new Float32Array(recordings.length * dim);
  for (const [row, { embedding }] of recordings.entries()) vectors.set(toUnit(Float32Array.from(embedding)), row * dim);
  const owners = new Map(recordings.map(({ id, speaker }) => [id, speaker]));
  return {
    list: {
      labels: Uint8Array.from(labels),
      enrolment: Uint32Array.from(enrolment),
      test: Uint32Array.from(test),
      enrolments,
      enrolmentNames,
      tests: recordings.map(({ id }) => id),
    },
    table: {
      dim,
      rows: new Map(recordings.map(({ id }, row) => [id, row])),
      vectors,
      seconds: Float32Array.from(recordings, ({ seconds }) => seconds),
      failed: [],
    },
    speakerOf: (recording) => owners.get(recording)!,
  };
}

/** So many different numbers below `below` that may be drawn, of which there are as many at least. */
function drawn(below: number, count: number, random: () => number, may: (one: number) => boolean): number[] {
  const found = new Set<number>();
  while (found.size < count) {
    const one = Math.floor(random() * below);
    if (may(one)) found.add(one);
  }
  return [...found];
}

/** Scored trials of people who are enrolled, as a service tells them: a column each, and speakers by number. */
export interface TrialColumns {
  /** 1: same speaker. */
  labels: readonly number[];
  /** Cosines. */
  scores: readonly number[];
  /** Of speech, of all recordings of the profile. */
  enrolmentSeconds: readonly number[];
  testSeconds: readonly number[];
  /** Recordings that the profile is the mean of. */
  recordings: readonly number[];
  enrolmentSpeakers: readonly number[];
  testSpeakers: readonly number[];
}

/** What a calibration of them says that it was learned on. */
export function aboutPeople(recordings: number, balanced: boolean): Record<string, unknown> {
  return { from: 'people who were enrolled', recordings, balanced };
}

/** What a calibration can be learned of. */
export function trialsOf(columns: TrialColumns): { scores: TrialScores; speakers: TrialSpeakers } {
  const { labels, enrolmentSpeakers, testSpeakers } = columns;
  let count = 0;
  for (const speaker of [...enrolmentSpeakers, ...testSpeakers]) count = Math.max(count, speaker + 1);
  return {
    scores: {
      trials: Uint32Array.from(labels.keys()),
      labels: Uint8Array.from(labels),
      scores: Float64Array.from(columns.scores),
      secondsA: Float32Array.from(columns.enrolmentSeconds),
      secondsB: Float32Array.from(columns.testSeconds),
      recordings: Uint32Array.from(columns.recordings),
      skipped: 0,
    },
    speakers: { a: Uint32Array.from(enrolmentSpeakers), b: Uint32Array.from(testSpeakers), count },
  };
}
