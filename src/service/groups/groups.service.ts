import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { Places } from '../http/pages.js';
import { boundTo, visibleGroups } from '../records/bound.js';
import { groupName, newGroup, type Group } from '../records/group.js';
import { inOrder, recordGroups, requireGroup, requireOne } from '../records/membership.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { requireSpeaker } from '../records/require-speaker.js';

const PLACES = new Places<[createdAt: number, id: string]>('groups', ['number', 'string']);

/** Groups of speakers, and who belongs to them. Errors of every call: those of the storage. */
@Injectable()
export class GroupsService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly maintenance: Maintenance,
  ) {}

  /** Errors: INVALID_ARGUMENT, GROUP_EXISTS. */
  async create(given: { id?: string | undefined; name?: string | null | undefined }): Promise<Group> {
    const group = newGroup(given, new Date());
    return this.store.transaction(async ({ groups, audit }) => {
      await groups.insert(group);
      await audit.record({ action: 'group.created', object: group.uid });
      return group;
    });
  }

  /** Errors: GROUP_NOT_FOUND. */
  get(id: string): Promise<Group> {
    return this.store.read((records) => requireGroup(records, id));
  }

  /** Oldest first. Errors: INVALID_ARGUMENT for a cursor of another list. */
  async page(
    limit: number,
    cursor: string | undefined,
  ): Promise<{ groups: Group[]; total: number; nextCursor: string | null }> {
    const after = PLACES.decode(cursor);
    return this.store.read(async ({ groups }) => {
      const found = await groups.page(after && { createdAt: new Date(after[0]), id: after[1] }, limit + 1);
      const { rows, nextCursor } = PLACES.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      return { groups: rows, total: await groups.count(), nextCursor };
    });
  }

  /** Errors: GROUP_NOT_FOUND, INVALID_ARGUMENT, CONFLICT where `version` is not the stored one. */
  async rename(
    id: string,
    { name, version }: { name?: string | null | undefined; version?: number | undefined },
  ): Promise<Group> {
    const renamed = name == null ? name : groupName(name);
    return this.store.transaction(async (records) => {
      const found = await requireGroup(records, id);
      const changed = {
        ...found,
        name: renamed === undefined ? found.name : renamed,
        version: version ?? found.version,
        updatedAt: new Date(),
      };
      await records.audit.record({ action: 'group.renamed', object: found.uid });
      return records.groups.update(changed);
    });
  }

  /**
   * Deletes the group; its members stay, and belong to it no more. Errors: GROUP_NOT_FOUND, GROUP_IN_USE while API keys are
   * bound to it.
   */
  async delete(id: string): Promise<void> {
    await this.store.transaction(async (records) => {
      const { uid } = await requireGroup(records, id);
      const keys = await records.groups.keysBoundTo(uid, new Date());
      // Whoever is bound knows of the own key at most.
      if (keys.length > 0) throw inUse(id, boundTo() ? [] : keys);
      await records.groups.delete(uid);
      await records.audit.record({ action: 'group.deleted', object: uid });
    });
    await this.maintenance.wipeSoon();
  }

  /** Nothing happens where the speaker belongs to it already. Errors: GROUP_NOT_FOUND, SPEAKER_NOT_FOUND, INVALID_ARGUMENT. */
  join(groupId: string, speakerId: string): Promise<void> {
    return this.change(groupId, speakerId, true);
  }

  /** Nothing happens where the speaker does not belong to it. Errors: GROUP_NOT_FOUND, SPEAKER_NOT_FOUND, INVALID_ARGUMENT. */
  leave(groupId: string, speakerId: string): Promise<void> {
    return this.change(groupId, speakerId, false);
  }

  private change(groupId: string, speakerId: string, belongs: boolean): Promise<void> {
    return this.store.transaction(async (records) => {
      const group = await requireGroup(records, groupId);
      const speaker = await requireSpeaker(records, speakerId);
      const others = speaker.groups.filter(({ uid }) => uid !== group.uid);
      if (others.length < speaker.groups.length === belongs) return;
      const groups = belongs ? inOrder([...others, group]) : others;
      requireOne(visibleGroups(groups));
      await records.speakers.update({ ...speaker, groups, updatedAt: new Date() });
      await recordGroups(records, speaker, speaker.groups, groups);
    });
  }
}

function inUse(id: string, keys: readonly string[]): TimbreError {
  const which = keys.length > 0 ? ` (${keys.slice(0, 10).join(', ')})` : '';
  return new TimbreError(
    'GROUP_IN_USE',
    `API keys are bound to the group ${JSON.stringify(id)}${which}; revoke them before it is deleted`,
    keys.length > 0 ? { details: { keys } } : {},
  );
}
