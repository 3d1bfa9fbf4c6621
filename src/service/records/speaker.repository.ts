import type { Cursor } from './cursor.js';
import type { Speaker } from './speaker.js';

export interface ErasedRows {
  enrollments: number;
  profiles: number;
  consents: number;
}

export abstract class SpeakerRepository {
  /** Errors: SPEAKER_EXISTS. */
  abstract insert(speaker: Speaker): Promise<void>;

  abstract find(id: string): Promise<Speaker | null>;

  abstract findMany(ids: readonly string[]): Promise<Speaker[]>;

  /** Those of these subjects who are still there. */
  abstract bySubject(subjects: readonly string[]): Promise<Speaker[]>;

  /** Oldest first. */
  abstract page(after: Cursor | null, limit: number): Promise<Speaker[]>;

  abstract count(): Promise<number>;

  /**
   * Stores name, consent, opt-out and `updatedAt`, and moves the version on by one.
   * Errors: CONFLICT where the stored version is not `speaker.version`.
   */
  abstract update(speaker: Speaker): Promise<Speaker>;

  /** Those of whom nothing was heard since: neither added, enrolled, verified nor identified. */
  abstract idle(since: Date, limit: number): Promise<Speaker[]>;

  /** Notes when a speaker was last verified or identified; no change that the version counts. */
  abstract used(id: string, at: Date): Promise<void>;

  /** Deletes the speaker with everything that is the speaker's, and says how much; null where there was none. */
  abstract erase(id: string): Promise<ErasedRows | null>;
}
