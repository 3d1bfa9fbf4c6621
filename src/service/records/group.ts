import { randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import type { GroupRef } from '../../support/group-ref.js';
import { plainText } from '../../support/plain-text.js';
import type { KeepingSetting } from './kept-recording.js';
import type { LearningSetting } from './learning.js';
import { LONGEST_NAME } from './speaker.js';

export const LONGEST_GROUP_ID = 64;

/** Of one speaker. */
export const MOST_GROUPS = 100;

/** Between a group's id and the rest of the ids that a key bound to it may choose; in no group's id. */
const SEPARATOR = ':';

const ID = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._~@+-]*$/u;

/** Speakers who belong together: a household, a meeting, a customer's people. */
export interface Group extends GroupRef {
  /** For people; null where there is none. */
  name: string | null;
  createdAt: Date;
  updatedAt: Date;
  /** Counts every change of the group itself, from 1. */
  version: number;
  /** Speakers who belong to it. */
  members: number;
  /** Whether profiles of its members learn; null: as the service says. */
  learning: LearningSetting | null;
  /** A watch list: share of strangers' voices that may be reported as a member's; null: nobody is. */
  watchRate: number | null;
  /** Whether the audio of its members' enrolments is kept; null: as the service says. */
  keeping: KeepingSetting | null;
}

/** A watch list. */
export type WatchedGroup = GroupRef & { watchRate: number };

/** A caller's id of a group, in normal form C. Errors: INVALID_ARGUMENT. */
export function groupId(value: string): string {
  const id = plainText('the group id', value, LONGEST_GROUP_ID);
  if (ID.test(id)) return id;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    'the group id begins with a letter or digit and has only letters, digits and . _ ~ @ + - after it',
  );
}

/** Errors: INVALID_ARGUMENT. */
export function groupName(value: string): string {
  return plainText('the name of the group', value, LONGEST_NAME);
}

/** Errors: INVALID_ARGUMENT. */
export function newGroup(given: { id?: string | undefined; name?: string | null | undefined }, now: Date): Group {
  return {
    uid: randomUUID(),
    id: given.id === undefined ? randomUUID() : groupId(given.id),
    name: given.name == null ? null : groupName(given.name),
    createdAt: now,
    updatedAt: now,
    version: 1,
    members: 0,
    learning: null,
    watchRate: null,
    keeping: null,
  };
}

/** Whether a speaker's id is of those that keys bound to this group may choose. */
export function isWithin(speakerId: string, { id }: GroupRef): boolean {
  return speakerId.startsWith(id + SEPARATOR);
}

/** A speaker's id that a key bound to this group may choose, for people. */
export function exampleWithin({ id }: GroupRef): string {
  return `${id}${SEPARATOR}ada`;
}

/** The error for an id that no group has, or none that the caller may see. */
export function groupNotFound(id: string): TimbreError {
  return new TimbreError('GROUP_NOT_FOUND', `no group has the id ${JSON.stringify(id.slice(0, LONGEST_GROUP_ID))}`);
}
