import type { EmbeddingOrigin } from './embedding.js';
import type { Measures, Verdict } from './recording-quality.js';
import { TimbreError } from '../../errors/timbre-error.js';

/**
 * How a recording came to be among the speaker's: as an enrolment, as a vector that was made elsewhere, as a voice of a
 * conversation that somebody named, by strong evidence, or confirmed by a call.
 */
export const EXEMPLAR_KINDS = ['enrolled', 'imported', 'named', 'learned', 'confirmed'] as const;
export type ExemplarKind = (typeof EXEMPLAR_KINDS)[number];

/** Whether it came of a verification: those who were enrolled, imported or named judge it. */
export function isLearned({ kind }: { kind: ExemplarKind | null }): boolean {
  return kind === 'learned' || kind === 'confirmed';
}

/** Why a recording does not count though it is kept: another one took its place, or the speaker was merged away. */
export const SET_ASIDE = ['replaced', 'merged'] as const;
export type SetAside = (typeof SET_ASIDE)[number];

/** One recording of a speaker: what it was worth, and its embedding. The audio is kept apart, where it is at all (`KeptRecording`). */
export interface Enrollment {
  /** UUID. */
  id: string;
  speakerId: string;
  createdAt: Date;
  /** As the caller named the file; for people. */
  fileName: string | null;
  /** SHA-256 of the file, hexadecimal: the same file twice is one recording. */
  contentSha256: string;
  origin: EmbeddingOrigin;
  /** As the model gave it. */
  embedding: Float32Array;
  measures: Measures;
  verdict: Verdict;
  kind: ExemplarKind;
  /** Null: it counts, where it is accepted. */
  setAside: SetAside | null;
}

/** All but the embedding, which is opened only where it is needed. */
export type EnrollmentInfo = Omit<Enrollment, 'embedding'>;

export function enrollmentNotFound(speakerId: string, id: string): TimbreError {
  return new TimbreError(
    'ENROLLMENT_NOT_FOUND',
    `speaker ${JSON.stringify(speakerId)} has no enrolment with the id ${JSON.stringify(id.slice(0, 64))}`,
  );
}
