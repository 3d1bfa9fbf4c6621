import { seededUniform } from './bootstrap.js';
import { toUnit } from './normalise.js';
import type { EmbeddingTable } from './recordings.js';
import type { TrialList } from './trials.js';

/** A recording that somebody is enrolled with. */
export interface EnrolledRecording {
  id: string;
  speaker: string;
  embedding: Float32Array;
  /** Of speech. */
  seconds: number;
}

/** Strangers whose profiles each recording is compared with. */
const STRANGERS = 20;
const SEED = 1;

/**
 * Trials of people who are enrolled, as a service compares: each recording against the profile of its speaker's others, and
 * against the profiles of strangers, who are drawn, and the same for the same recordings. All embeddings are of one length.
 */
export function enrolledTrials(recordings: readonly EnrolledRecording[]): {
  list: TrialList;
  table: EmbeddingTable;
  speakerOf: (recording: string) => string;
} {
  const ofSpeaker = new Map<string, string[]>();
  for (const { id, speaker } of recordings) ofSpeaker.set(speaker, [...(ofSpeaker.get(speaker) ?? []), id]);
  const speakers = [...ofSpeaker.keys()];
  const [labels, enrolment, test]: [number[], number[], number[]] = [[], [], []];
  const numbers = new Map(speakers.map((speaker, number) => [speaker, number]));
  const enrolments = [...ofSpeaker.values()];
  const enrolmentNames = [...speakers];
  const random = seededUniform(SEED);
  for (const [at, { id, speaker }] of recordings.entries()) {
    const others = ofSpeaker.get(speaker)!.filter((other) => other !== id);
    if (others.length > 0) {
      labels.push(1);
      enrolment.push(enrolments.push(others) - 1);
      enrolmentNames.push(`${speaker} without ${id}`);
      test.push(at);
    }
    for (const stranger of drawn(speakers.length, STRANGERS, random, numbers.get(speaker)!)) {
      labels.push(0);
      enrolment.push(stranger);
      test.push(at);
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

/** So many different numbers below `below`, without `but`, or all that there are. */
function drawn(below: number, count: number, random: () => number, but: number): number[] {
  if (below - 1 <= count) return Array.from({ length: below }, (_, i) => i).filter((i) => i !== but);
  const found = new Set<number>();
  while (found.size < count) {
    const one = Math.floor(random() * below);
    if (one !== but) found.add(one);
  }
  return [...found];
}
