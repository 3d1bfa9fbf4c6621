import { TimbreError } from '../../errors/timbre-error.js';
import type { GroupRef } from '../../support/group-ref.js';
import { boundTo, visibleGroups } from './bound.js';
import { groupNotFound, MOST_GROUPS, type Group } from './group.js';
import type { Speaker } from './speaker.js';
import type { VoiceRecords } from './unit-of-work.js';

/** Errors: GROUP_NOT_FOUND. */
export async function requireGroup({ groups }: Pick<VoiceRecords, 'groups'>, id: string): Promise<Group> {
  const found = await groups.find(id.normalize('NFC'));
  if (!found) throw groupNotFound(id);
  return found;
}

/**
 * The groups of a speaker who is added, by their ids; left out by who is bound to one group, that one.
 * Errors: GROUP_NOT_FOUND; INVALID_ARGUMENT where who is bound to several names none.
 */
export async function groupsOfNew(records: VoiceRecords, ids: readonly string[] = []): Promise<GroupRef[]> {
  const bound = boundTo();
  if (!bound || ids.length > 0) return groupsOf(records, ids);
  if (bound.length === 1) return [...bound];
  const own = bound.map(({ id }) => id).join(', ');
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `the API key is bound to several groups (${own}): say in groups which the speaker belongs to`,
  );
}

/**
 * The speaker's groups once they are these: who is bound changes nothing about others, and leaves the speaker in one at least.
 * Errors: GROUP_NOT_FOUND, INVALID_ARGUMENT.
 */
export async function groupsInstead(
  records: VoiceRecords,
  speaker: Speaker,
  ids: readonly string[],
): Promise<GroupRef[]> {
  const visible = visibleGroups(speaker.groups);
  const hidden = speaker.groups.filter((group) => !visible.includes(group));
  return inOrder([...hidden, ...requireOne(await groupsOf(records, ids))]);
}

/** Errors: INVALID_ARGUMENT where who is bound would see the speaker no more. */
export function requireOne(groups: readonly GroupRef[]): readonly GroupRef[] {
  if (groups.length > 0 || !boundTo()) return groups;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    'the API key is bound to groups, and a speaker that it reaches stays in one of them; erase the speaker instead',
  );
}

/** In the trail: what a speaker has joined and left. */
export async function recordGroups(
  { audit }: VoiceRecords,
  { subject }: Pick<Speaker, 'subject'>,
  before: readonly GroupRef[],
  now: readonly GroupRef[],
): Promise<void> {
  const without = (all: readonly GroupRef[], others: readonly GroupRef[]): readonly GroupRef[] =>
    all.filter(({ uid }) => !others.some((other) => other.uid === uid));
  for (const { uid } of without(now, before)) await audit.record({ action: 'group.joined', subject, object: uid });
  for (const { uid } of without(before, now)) await audit.record({ action: 'group.left', subject, object: uid });
}

export function inOrder(groups: readonly GroupRef[]): GroupRef[] {
  const all = [...new Map(groups.map(({ uid, id }) => [uid, { uid, id }])).values()];
  if (all.length > MOST_GROUPS) {
    throw new TimbreError('INVALID_ARGUMENT', `a speaker may belong to ${MOST_GROUPS} groups, not ${all.length}`);
  }
  return all.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function groupsOf(records: VoiceRecords, ids: readonly string[]): Promise<GroupRef[]> {
  const found: GroupRef[] = [];
  for (const id of new Set(ids)) found.push(await requireGroup(records, id));
  return inOrder(found);
}
