import { randomUUID } from 'node:crypto';
import { plainText } from '../../support/plain-text.js';
import { LONGEST_ID, speakerId } from '../../support/speaker-id.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { GroupRef } from '../../support/group-ref.js';
import type { Consent } from './consent.js';
import type { LearningSetting } from './learning.js';
import { speakerMetadata, type Metadata } from './metadata.js';

export const LONGEST_NAME = 200;

/** Somebody whose voice can be known. The voice itself is in enrolments and the profile made of them. */
export interface Speaker {
  /** A UUID, or what the caller calls the speaker. */
  id: string;
  /**
   * What the audit trail calls the speaker: a UUID of which nothing can be learnt, and which nothing leads to once the
   * speaker is erased. A speaker added anew under the same id has another.
   */
  subject: string;
  /** For people; null where there is none. */
  name: string | null;
  createdAt: Date;
  updatedAt: Date;
  /** Counts every change of the speaker, its enrolments and its profile, from 1. */
  version: number;
  /** Null where none was recorded. */
  consent: Consent | null;
  /** Since when the speaker is neither enrolled nor matched; null where they are. */
  optedOutAt: Date | null;
  /** Of the last verification or identification; null before the first. */
  lastUsedAt: Date | null;
  /** When the speaker was last heard of: added, enrolled, given consent, or recognised. */
  activeAt: Date;
  /** When it was announced that the speaker will be erased for age; null where it was not. */
  noticeAt: Date | null;
  /** Those that are there, in the order of their ids. */
  groups: readonly GroupRef[];
  metadata: Metadata;
  /** Whether the profile learns; null: as the groups or the service say. */
  learning: LearningSetting | null;
  /** Since when the profile learns nothing, whatever is set; null where it may. */
  frozenAt: Date | null;
}

/** Errors: INVALID_ARGUMENT. */
export function speakerName(value: string): string {
  return plainText('the name', value, LONGEST_NAME);
}

/** What a speaker is made of. */
export interface NewSpeaker {
  /** Default: a UUID. */
  id?: string | undefined;
  name?: string | null | undefined;
  groups?: readonly GroupRef[] | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Errors: INVALID_ARGUMENT. */
export function newSpeaker(given: NewSpeaker, now: Date): Speaker {
  return {
    id: given.id === undefined ? randomUUID() : speakerId(given.id),
    subject: randomUUID(),
    name: given.name == null ? null : speakerName(given.name),
    createdAt: now,
    updatedAt: now,
    version: 1,
    consent: null,
    optedOutAt: null,
    lastUsedAt: null,
    activeAt: now,
    noticeAt: null,
    groups: given.groups ?? [],
    metadata: speakerMetadata(given.metadata ?? {}),
    learning: null,
    frozenAt: null,
  };
}

/** The error for an id that no speaker has; it repeats no more of the id than a log line can carry. */
export function speakerNotFound(id: string): TimbreError {
  return new TimbreError('SPEAKER_NOT_FOUND', `no speaker has the id ${JSON.stringify(id.slice(0, LONGEST_ID))}`);
}
