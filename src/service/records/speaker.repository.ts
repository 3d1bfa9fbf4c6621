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
  /** Groups that the speaker belonged to. */
  groups: number;
  /** Entries of metadata. */
  metadata: number;
  ledgerEntries: number;
  /** That waited to be confirmed. */
  waitingVerifications: number;
  /** Whose audio was kept. */
  recordings: number;
  /** Conversations that told of the speaker. */
  conversations: number;
  /** That were named as the speaker. */
  unknownVoices: number;
}

/** Whom a list is of; everybody who meets all of it. */
export interface SpeakerFilter {
  /** `Group.uid`. */
  group?: string | undefined;
  /** Beginning of the id. */
  id?: string | undefined;
  /** Beginning of the name, in any case. */
  name?: string | undefined;
  metadata?: readonly [key: string, value: string] | undefined;
}

/** The place of a speaker in a list that is searched. */
export type SearchPlace = readonly [term: string, createdAt: number, id: string];

/** `speaker` is null where the record does not say what it was found by: somebody else changed one of both. */
export interface FoundSpeaker {
  place: SearchPlace;
  speaker: Speaker | null;
}

/** Who acts while bound to groups finds their members alone. */
export abstract class SpeakerRepository {
  /** Errors: SPEAKER_EXISTS. */
  abstract insert(speaker: Speaker): Promise<void>;

  abstract find(id: string): Promise<Speaker | null>;

  abstract findMany(ids: readonly string[]): Promise<Speaker[]>;

  /** Those of these subjects who are still there. */
  abstract bySubject(subjects: readonly string[]): Promise<Speaker[]>;

  /** Ids by subject, of those who are there. */
  abstract idsBySubject(subjects: readonly string[]): Promise<Map<string, string>>;

  /** All that there are, oldest first; for whoever is bound to nothing. */
  abstract page(after: Cursor | null, limit: number): Promise<Speaker[]>;

  /**
   * Those of a filter: in the order of names where one is given, otherwise of ids where one is given, otherwise oldest first.
   */
  abstract search(filter: SpeakerFilter, after: SearchPlace | null, limit: number): Promise<FoundSpeaker[]>;

  /** All that there are; for whoever is bound to nothing. */
  abstract count(): Promise<number>;

  /**
   * Stores name, groups, metadata, consent, opt-out and `updatedAt`, and moves the version on by one. `before`: the speaker as this
   * transaction has read it; what searches find it by need not be read then.
   * Errors: CONFLICT where the stored version is not `speaker.version`.
   */
  abstract update(speaker: Speaker, before?: Speaker): Promise<Speaker>;

  /** Those who are past one of these times, and to whom it was not announced yet that they will be erased. */
  abstract fading(before: RetentionTimes, limit: number): Promise<Speaker[]>;

  /** Those who are past one of these times, and to whom it was announced by then. */
  abstract due(before: RetentionTimes, announced: Date, limit: number): Promise<Speaker[]>;

  /** Notes that the erasure was announced; no change that the version counts. */
  abstract announce(id: string, at: Date): Promise<void>;

  /**
   * Notes when speakers were last recognised, by subject, which takes an announcement back; no change that the version
   * counts.
   */
  abstract used(times: ReadonlyMap<string, Date>): Promise<void>;

  /** Deletes the speaker with everything that is the speaker's, and says how much; null where there was none. */
  abstract erase(id: string): Promise<ErasedRows | null>;
}
