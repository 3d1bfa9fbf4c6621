import type { Cursor } from './cursor.js';
import type { Speaker } from './speaker.js';

/** Past `idle` is who was last heard of before it, past `withdrawn` who withdrew consent before it. */
export interface RetentionTimes {
  idle: Date;
  withdrawn: Date;
}

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

  /** Those who are past one of these times, and to whom it was not announced yet that they will be erased. */
  abstract fading(before: RetentionTimes, limit: number): Promise<Speaker[]>;

  /** Those who are past one of these times, and to whom it was announced by then. */
  abstract due(before: RetentionTimes, announced: Date, limit: number): Promise<Speaker[]>;

  /** Notes that the erasure was announced; no change that the version counts. */
  abstract announce(id: string, at: Date): Promise<void>;

  /**
   * Notes when a speaker was last recognised, by subject, which takes an announcement back; no change that the version
   * counts.
   */
  abstract used(subject: string, at: Date): Promise<void>;

  /** Deletes the speaker with everything that is the speaker's, and says how much; null where there was none. */
  abstract erase(id: string): Promise<ErasedRows | null>;
}
