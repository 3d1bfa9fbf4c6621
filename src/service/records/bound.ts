import { TimbreError } from '../../errors/timbre-error.js';
import { currentActor } from '../../support/actor.js';
import type { GroupRef } from '../../support/group-ref.js';
import { exampleWithin, isWithin } from './group.js';

/**
 * The groups that whoever acts now is bound to, as an API key may be: nothing of anybody outside of them is seen or
 * changed. Null: of everybody.
 */
export function boundTo(): readonly GroupRef[] | null {
  return currentActor().groups ?? null;
}

/** `Group.uid` of those; undefined: everybody is seen. */
export function boundUids(): string[] | undefined {
  return boundTo()?.map(({ uid }) => uid);
}

/** Those of a speaker's groups that whoever acts now may know of. */
export function visibleGroups(groups: readonly GroupRef[], bound = boundTo()): readonly GroupRef[] {
  return bound ? groups.filter(({ uid }) => bound.some((own) => own.uid === uid)) : groups;
}

/**
 * Ids are one space for everybody. Who is bound may choose those that begin with one of their groups, so that none can be
 * asked for whether somebody else has it. Errors: INVALID_ARGUMENT.
 */
export function requireOwnId(id: string | undefined, bound = boundTo()): void {
  if (!bound || id === undefined || bound.some((group) => isWithin(id, group))) return;
  const [first] = bound;
  const example = first ? `, as ${JSON.stringify(exampleWithin(first))}` : '';
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `the API key is bound to groups: the id of a speaker that it adds begins with one of them and a colon${example}; ` +
      'without an id, one is made',
  );
}
