import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { Cursor } from '../../../records/cursor.js';
import type { KeepingSetting } from '../../../records/kept-recording.js';
import type { LearningSetting } from '../../../records/learning.js';
import type { Group, WatchedGroup } from '../../../records/group.js';
import { GroupRepository } from '../../../records/group.repository.js';
import { groupOwner } from '../bound-records.js';
import { readCounter } from '../counters.js';
import { affect, ask, askPrepared, dialectOf } from '../dialect.js';
import { GroupEntity, type GroupRow } from '../entities/group.entity.js';
import { toGroup, toGroupRow } from '../mappers/group.mapper.js';
import type { Register } from '../register.js';
import { findRow, insertRows, selection, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';

/** One that is not as it was written is not there. */
export class TypeOrmGroupRepository extends GroupRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
    private readonly bound: readonly GroupRef[] | null,
  ) {
    super();
  }

  async insert(group: Group): Promise<void> {
    const row = toGroupRow(group);
    if ((await insertRows(this.manager, GroupEntity, [row], { keep: ['id'] })) !== 1) {
      throw new TimbreError('GROUP_EXISTS', `there is a group with the id ${JSON.stringify(group.id)} already`);
    }
    this.register.bind(this.manager, 'group', [row]);
  }

  async find(id: string): Promise<Group | null> {
    const row = await findRow(this.manager, GroupEntity, { id });
    return row ? ((await this.toGroups([row]))[0] ?? null) : null;
  }

  async page(after: Cursor | null, limit: number): Promise<Group[]> {
    const query = this.manager
      .createQueryBuilder(GroupEntity, 'group')
      .orderBy('group.createdAt')
      .addOrderBy('group.id')
      .limit(limit);
    if (after) {
      query.where('(group.createdAt, group.id) > (:createdAt, :id)', {
        createdAt: after.createdAt.getTime(),
        id: after.id,
      });
    }
    if (this.bound) query.andWhere({ uid: In(this.bound.map(({ uid }) => uid)) });
    return this.toGroups(await query.getMany());
  }

  async count(): Promise<number> {
    return this.bound?.length ?? (await readCounter(this.manager, 'groups'));
  }

  async learningOf(uids: readonly string[]): Promise<(LearningSetting | null)[]> {
    return (await this.believed(uids)).map(({ learning }) => learning);
  }

  async keepingOf(uids: readonly string[]): Promise<(KeepingSetting | null)[]> {
    return (await this.believed(uids)).map(({ keeping }) => keeping);
  }

  async watched(): Promise<WatchedGroup[]> {
    const { columns, row } = selection(this.manager, GroupEntity, 'g');
    const records = await askPrepared<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns}, ${this.register.vouching(this.manager, `'${groupOwner('')}' || g.uid`)}
       FROM speaker_groups g WHERE g.watch_rate IS NOT NULL ORDER BY g.id`,
    );
    const found = records.map((record) => ({ row: row(record), record })).filter(({ row: own }) => this.isOwn(own));
    const known = await this.register.checkBeside(this.manager, 'group', found);
    const groups = found.filter((_, i) => known[i]).map((one) => toGroup(one.row));
    return groups.flatMap(({ uid, id, watchRate }) => (watchRate === null ? [] : { uid, id, watchRate }));
  }

  async update(group: Group): Promise<Group> {
    const { uid, id, version } = group;
    const row = { ...toGroupRow(group), version: version + 1 };
    const { name, learning, watchRate, keeping, updatedAt } = row;
    const changes = { name, learning, watchRate, keeping, updatedAt, version: version + 1 };
    if ((await updateRows(this.manager, GroupEntity, { uid, version }, changes)) !== 1) {
      throw new TimbreError('CONFLICT', `group ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`);
    }
    this.register.bind(this.manager, 'group', [row]);
    return { ...group, version: version + 1 };
  }

  async delete(uid: string): Promise<boolean> {
    const { affected } = await this.manager.delete(GroupEntity, { uid });
    if (!affected) return false;
    // Records of its members name it still, and nobody any more what it was.
    await affect(this.manager, 'DELETE FROM speaker_terms WHERE group_uid = ?', [uid]);
    this.register.releaseAll(this.manager, groupOwner(uid));
    await leaveTraces(this.manager);
    return true;
  }

  async keysBoundTo(uid: string, now: Date): Promise<string[]> {
    const { elements } = dialectOf(this.manager);
    const rows = await ask<{ id: string }>(
      this.manager,
      `SELECT id FROM api_keys k WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
         AND EXISTS (SELECT 1 FROM ${elements('k.bound_to')} WHERE value = ?) ORDER BY created_at, id`,
      [now.getTime(), uid],
    );
    return rows.map(({ id }) => id);
  }

  /** Of these groups those that are as they were written, whoever asks. */
  private async believed(uids: readonly string[]): Promise<GroupRow[]> {
    if (uids.length === 0) return [];
    const rows = await this.manager.findBy(GroupEntity, { uid: In([...uids]) });
    const known = await this.register.check(this.manager, 'group', rows);
    return rows.filter((_, i) => known[i]);
  }

  private isOwn({ uid }: GroupRow): boolean {
    return !this.bound || this.bound.some((group) => group.uid === uid);
  }

  private async toGroups(rows: readonly GroupRow[]): Promise<Group[]> {
    const own = rows.filter((row) => this.isOwn(row));
    const known = await this.register.check(this.manager, 'group', own);
    return own.filter((_, i) => known[i]).map(toGroup);
  }
}
