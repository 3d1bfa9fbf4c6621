import type { EntityManager } from 'typeorm';
import { newAuditEntry, type AuditEntry, type AuditEvent, type NewAuditEntry } from '../../../records/audit-entry.js';
import {
  AuditRepository,
  inOrderOfTime,
  type AuditFilter,
  type AuditPlace,
} from '../../../records/audit.repository.js';
import { insertRows } from '../rows.js';
import { AuditEntity, type AuditRow } from '../entities/audit.entity.js';
import { SettingEntity } from '../entities/setting.entity.js';
import { TRIMMED_BEFORE } from '../audit-guard.js';

/** SQLite takes 32,766 variables in one statement; an entry has seven. */
const BATCH = 1000;

export class TypeOrmAuditRepository extends AuditRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async record(event: AuditEvent): Promise<void> {
    await this.append([newAuditEntry(event)]);
  }

  async append(entries: readonly NewAuditEntry[]): Promise<void> {
    for (let i = 0; i < entries.length; i += BATCH) {
      const rows = entries.slice(i, i + BATCH).map(({ at, ...entry }) => ({ ...entry, at: at.getTime() }));
      await insertRows(this.manager, AuditEntity, rows);
    }
  }

  async page(filter: AuditFilter, after: AuditPlace | null, limit: number): Promise<AuditEntry[]> {
    const { subject, from, to } = filter;
    const query = this.manager.createQueryBuilder(AuditEntity, 'audit').limit(limit);
    const [at, id] = after ?? [0, 0];
    if (inOrderOfTime(filter)) {
      query.where('(audit.at, audit.id) > (:at, :id)', { at, id }).orderBy('audit.at').addOrderBy('audit.id');
    } else {
      query.where('audit.id > :id', { id }).orderBy('audit.id');
    }
    if (subject !== undefined) query.andWhere('audit.subject = :subject', { subject });
    if (from) query.andWhere('audit.at >= :from', { from: from.getTime() });
    if (to) query.andWhere('audit.at < :to', { to: to.getTime() });
    return (await query.getMany()).map(toAuditEntry);
  }

  async trim(before: Date, limit: number): Promise<number> {
    // The guard lets what is older than this go, as long as the note is there: within this transaction alone.
    const note = { name: TRIMMED_BEFORE, value: Buffer.from(String(before.getTime())) };
    await insertRows(this.manager, SettingEntity, [note], { replace: ['name'] });
    await this.manager.query('DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)', [
      before.getTime(),
      limit,
    ]);
    const [row] = await this.manager.query<{ count: number }[]>('SELECT changes() AS count');
    await this.manager.delete(SettingEntity, { name: TRIMMED_BEFORE });
    return row?.count ?? 0;
  }
}

function toAuditEntry({ at, ...row }: AuditRow): AuditEntry {
  return { ...row, at: new Date(at) };
}
