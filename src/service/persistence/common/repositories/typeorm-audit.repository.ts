import { In, type EntityManager } from 'typeorm';
import { newAuditEntry, type AuditEntry, type AuditEvent, type NewAuditEntry } from '../../../records/audit-entry.js';
import {
  AuditRepository,
  inOrderOfTime,
  type AuditFilter,
  type AuditPlace,
} from '../../../records/audit.repository.js';
import { insertRows } from '../rows.js';
import { ask } from '../dialect.js';
import { AuditEntity, type AuditRow } from '../entities/audit.entity.js';
import { SettingEntity } from '../entities/setting.entity.js';
import { TRIMMED_BEFORE } from '../audit-guard.js';
import type { Register } from '../register.js';
import { appendEntries, noteTrimmed } from '../trail.js';

/** SQLite takes 32,766 variables in one statement; an entry has nine. */
const BATCH = 1000;

export class TypeOrmAuditRepository extends AuditRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
  ) {
    super();
  }

  async record(event: AuditEvent): Promise<void> {
    await this.append([newAuditEntry(event)]);
  }

  async append(entries: readonly NewAuditEntry[]): Promise<void> {
    for (let i = 0; i < entries.length; i += BATCH) {
      const rows = entries.slice(i, i + BATCH).map(({ at, ...entry }) => ({ ...entry, at: at.getTime() }));
      await appendEntries(this.manager, this.register, rows);
    }
  }

  async page(filter: AuditFilter, after: AuditPlace | null, limit: number): Promise<AuditEntry[]> {
    const { subject, from, to } = filter;
    const inTime = inOrderOfTime(filter);
    const conditions: [string, ...unknown[]][] = [];
    if (subject !== undefined) conditions.push(['subject = ?', subject]);
    // One beginning alone: of two, the index is searched from either, and everything in between is read.
    if (!inTime) conditions.push(['id > ?', after?.[1] ?? 0]);
    else if (after && after[0] >= (from?.getTime() ?? 0)) conditions.push(['(at, id) > (?, ?)', ...after]);
    else conditions.push(['at >= ?', from?.getTime() ?? 0]);
    if (to) conditions.push(['at < ?', to.getTime()]);
    // Without TypeORM's entities, which cost more than reading the rows: a page may be one of thousands.
    const rows = await ask<AuditRow>(
      this.manager,
      `SELECT id, at, "by", action, subject, object, outcome, request_id AS "requestId" FROM audit
       WHERE ${conditions.map(([text]) => text).join(' AND ')} ORDER BY ${inTime ? 'at, id' : 'id'} LIMIT ?`,
      [...conditions.flatMap(([, ...of]) => of), limit],
    );
    return rows.map(toAuditEntry);
  }

  async trim(before: Date, limit: number): Promise<number> {
    // The guard lets what is older than this go, as long as the note is there: within this transaction alone.
    const note = { name: TRIMMED_BEFORE, value: Buffer.from(String(before.getTime())) };
    await insertRows(this.manager, SettingEntity, [note], { replace: ['name'] });
    const gone = await ask<Pick<AuditRow, 'id' | 'mac'>>(
      this.manager,
      'SELECT id, mac FROM audit WHERE at < ? ORDER BY at LIMIT ?',
      [before.getTime(), limit],
    );
    if (gone.length > 0) {
      await this.register.changeHead(this.manager, ({ trail }) => noteTrimmed(trail, gone));
      await this.manager.delete(AuditEntity, { id: In(gone.map(({ id }) => id)) });
    }
    await this.manager.delete(SettingEntity, { name: TRIMMED_BEFORE });
    return gone.length;
  }
}

function toAuditEntry({ at, ...row }: AuditRow): AuditEntry {
  return { ...row, at: new Date(at) };
}
