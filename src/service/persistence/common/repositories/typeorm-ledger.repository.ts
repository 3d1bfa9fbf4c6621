import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { currentActor } from '../../../../support/actor.js';
import {
  LedgerRepository,
  type LedgerDetail,
  type LedgerEntry,
  type LedgerPlace,
  type NewLedgerEntry,
} from '../../../records/ledger.js';
import { LedgerEntity, type LedgerRow } from '../entities/ledger.entity.js';
import { toLedgerEntry, toLedgerRow } from '../mappers/ledger.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertFinding, updateRows } from '../rows.js';

export class TypeOrmLedgerRepository extends LedgerRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
  ) {
    super();
  }

  async append({ speakerId, action, ...more }: NewLedgerEntry): Promise<LedgerEntry> {
    const entry: LedgerEntry = {
      id: randomUUID(),
      speakerId,
      at: new Date(),
      by: currentActor().by,
      action,
      origin: null,
      enrollmentId: null,
      contentSha256: null,
      changeId: null,
      detail: {},
      undoneAt: null,
      undoneBy: null,
      ...more,
    };
    const row = toLedgerRow(entry);
    // Behind all others of the speaker, whatever the clock says.
    const behind = `(SELECT CASE WHEN MAX(created_at) >= CAST(? AS bigint) THEN MAX(created_at) + 1 ELSE CAST(? AS bigint) END
      FROM ledger WHERE speaker_id = ?)`;
    const given = { column: 'createdAt', sql: behind, values: [row.createdAt, row.createdAt, speakerId] } as const;
    const createdAt = await insertFinding<LedgerRow, number>(this.manager, LedgerEntity, row, given);
    this.register.bind(this.manager, 'ledger', [{ ...row, createdAt }]);
    return { ...entry, at: new Date(createdAt) };
  }

  async find(speakerId: string, id: string): Promise<LedgerEntry | null> {
    const row = await findRow(this.manager, LedgerEntity, { speakerId, id });
    return row && (await this.believed([row]))[0]!;
  }

  async page(speakerId: string, after: LedgerPlace | null, limit: number): Promise<LedgerEntry[]> {
    const query = this.manager
      .createQueryBuilder(LedgerEntity, 'entry')
      .where('entry.speakerId = :speakerId', { speakerId })
      .orderBy('entry.createdAt', 'DESC')
      .limit(limit);
    if (after) query.andWhere('entry.createdAt < :at', { at: after[0] });
    return (await query.getMany()).map(toLedgerEntry);
  }

  async ofChange(changeId: string): Promise<LedgerEntry[]> {
    return this.believed(await findRows(this.manager, LedgerEntity, { changeId }));
  }

  async thatBrought(speakerId: string, enrollmentId: string): Promise<LedgerEntry[]> {
    const rows = await findRows(this.manager, LedgerEntity, { speakerId, enrollmentId });
    return this.believed(rows.filter(({ action }) => action === 'learned' || action === 'confirmed'));
  }

  async knows(speakerId: string, contentSha256: string): Promise<boolean> {
    return (await findRow(this.manager, LedgerEntity, { speakerId, contentSha256 })) !== null;
  }

  async undone(entry: LedgerEntry, at: Date): Promise<void> {
    const row = toLedgerRow({ ...entry, undoneAt: at, undoneBy: currentActor().by });
    const { id, undoneAt, undoneBy } = row;
    await updateRows(this.manager, LedgerEntity, { id }, { undoneAt, undoneBy });
    this.register.bind(this.manager, 'ledger', [row]);
  }

  async describe(entry: LedgerEntry, detail: LedgerDetail): Promise<void> {
    const row = toLedgerRow({ ...entry, detail });
    await updateRows(this.manager, LedgerEntity, { id: row.id }, { detail });
    this.register.bind(this.manager, 'ledger', [row]);
  }

  private async believed(rows: readonly LedgerRow[]): Promise<LedgerEntry[]> {
    await this.register.require(this.manager, 'ledger', rows);
    return rows.map(toLedgerEntry);
  }
}
