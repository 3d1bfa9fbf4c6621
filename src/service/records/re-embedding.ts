import type { ErrorCode } from '../../errors/error-codes.js';
import type { EmbeddingOrigin } from './embedding.js';

/** cancelled: by a call; failed: it cannot go on, `error` says why. What was switched until then stays. */
export const RE_EMBEDDING_STATES = ['running', 'completed', 'failed', 'cancelled'] as const;
export type ReEmbeddingState = (typeof RE_EMBEDDING_STATES)[number];

/** Who has recordings that a model has not embedded; of them, those of whose such recordings no audio is kept. */
export interface LeftCount {
  people: number;
  withoutAudio: number;
}

/** Embedding everybody's kept recordings by the model in use, as one piece of work that outlives the process. */
export interface ReEmbedding {
  /** UUID. */
  id: string;
  state: ReEmbeddingState;
  /** Of the model that it was begun with, and no other. */
  origin: EmbeddingOrigin;
  /** As the audit trail names who began it. */
  by: string;
  createdAt: Date;
  finishedAt: Date | null;
  /** embedding: people switch one by one; removing: everybody has, and vectors of other models go. */
  phase: 'embedding' | 'removing';
  /** Id of the last speaker passed in this phase; empty before the first. */
  place: string;
  /** People with kept recordings when it began. */
  people: number;
  /** People passed: switched or there already, and those of whom something could not be embedded. */
  done: number;
  failed: number;
  /** Recordings embedded. */
  recordings: number;
  /** Vectors of other models that were removed. */
  removed: number;
  /**
   * Who is left: counted when it began, and since then less by whom it has switched. Who comes or goes otherwise meanwhile is not in
   * it. Null in a run that an older version began.
   */
  left: LeftCount | null;
  error: { code: ErrorCode; message: string } | null;
}

export function newReEmbedding(
  id: string,
  origin: EmbeddingOrigin,
  by: string,
  people: number,
  left: LeftCount,
  now: Date,
): ReEmbedding {
  const counts = { people, done: 0, failed: 0, recordings: 0, removed: 0 };
  const place = { phase: 'embedding', place: '' } as const;
  return { id, state: 'running', origin, by, createdAt: now, finishedAt: null, ...place, ...counts, left, error: null };
}

/** Who has recordings that are not embedded by a model. */
export interface LeftPerson {
  speakerId: string;
  /** Enrolled recordings that no vector of the model is there of. */
  recordings: number;
  /** Of these, those whose audio is kept. */
  audioKept: number;
  /** Whether a profile of the model makes the speaker Enrolled all the same. */
  enrolled: boolean;
  /** Why the last attempt failed; null where none did. */
  code: ErrorCode | null;
}

export abstract class ReEmbeddingRepository {
  /** False where one runs; nothing is changed then. */
  abstract insert(run: ReEmbedding): Promise<boolean>;

  abstract running(): Promise<ReEmbedding | null>;

  /** The one that was begun last. */
  abstract last(): Promise<ReEmbedding | null>;

  /** Stores everything that changes. */
  abstract update(run: ReEmbedding): Promise<void>;

  /** Notes why somebody could not be embedded, or with null that nothing is in the way any more. */
  abstract noteFailure(speakerId: string, code: ErrorCode | null, at: Date): Promise<void>;

  /** In the order of ids, behind one. */
  abstract left(origin: EmbeddingOrigin, after: string, limit: number): Promise<LeftPerson[]>;

  /** Reads all enrolments: seconds, where there are a million. */
  abstract countLeft(origin: EmbeddingOrigin): Promise<LeftCount>;

  /** The same of one speaker: one, or none. */
  abstract leftOf(origin: EmbeddingOrigin, speakerId: string): Promise<LeftCount>;

  /** Ids of speakers who have vectors of other models beside those of this one of the same recordings. */
  abstract superseded(origin: EmbeddingOrigin, after: string, limit: number): Promise<string[]>;
}
