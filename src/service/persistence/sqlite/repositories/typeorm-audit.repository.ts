import { LessThan, type EntityManager } from 'typeorm';
import { newAuditEntry, type AuditEntry, type AuditEvent, type NewAuditEntry } from '../../../records/audit-entry.js';
import { AuditRepository, type AuditFilter } from '../../../records/audit.repository.js';
import { insertRows } from '../rows.js';
import { AuditEntity, type AuditRow } from '../entities/audit.entity.js';

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

  async page({ subject, from, to }: AuditFilter, after: number, limit: number): Promise<AuditEntry[]> {
    const query = this.manager
      .createQueryBuilder(AuditEntity, 'audit')
      .where('audit.id > :after', { after })
      .orderBy('audit.id')
      .limit(limit);
    if (subject !== undefined) query.andWhere('audit.subject = :subject', { subject });
    if (from) query.andWhere('audit.at >= :from', { from: from.getTime() });
    if (to) query.andWhere('audit.at < :to', { to: to.getTime() });
    return (await query.getMany()).map(toAuditEntry);
  }

  async trim(before: Date): Promise<number> {
    const old = { at: LessThan(before.getTime()) };
    const count = await this.manager.countBy(AuditEntity, old);
    if (count === 0) return 0;
    // The guard steps aside for this one statement, within the same transaction: no other ever sees it gone.
    const [guard] = await this.manager.query<{ sql: string }[]>(
      `SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'audit_is_never_deleted'`,
    );
    if (!guard) throw new Error('the audit trail has lost its guard');
    await this.manager.query('DROP TRIGGER audit_is_never_deleted');
    await this.manager.delete(AuditEntity, old);
    await this.manager.query(guard.sql);
    return count;
  }
}

function toAuditEntry({ at, ...row }: AuditRow): AuditEntry {
  return { ...row, at: new Date(at) };
}
