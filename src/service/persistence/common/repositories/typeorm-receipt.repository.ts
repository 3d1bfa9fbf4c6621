import type { EntityManager } from 'typeorm';
import { ReceiptRepository, type Receipt } from '../../../records/receipt.js';
import { ask, dialectOf } from '../dialect.js';
import { ReceiptEntity } from '../entities/receipt.entity.js';
import { findRow, insertRows } from '../rows.js';

export class TypeOrmReceiptRepository extends ReceiptRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert({ erasedAt, wipedAt, wipes: _, ...rest }: Receipt): Promise<void> {
    const row = { ...rest, erasedAt: erasedAt.getTime(), wipedAt: wipedAt?.getTime() ?? null };
    await insertRows(this.manager, ReceiptEntity, [row]);
  }

  async find(id: string): Promise<Receipt | null> {
    const row = await findRow(this.manager, ReceiptEntity, { id });
    if (!row) return null;
    const { erasedAt, wipedAt, ...rest } = row;
    const times = { erasedAt: new Date(erasedAt), wipedAt: wipedAt === null ? null : new Date(wipedAt) };
    return { ...rest, ...times, wipes: dialectOf(this.manager).name === 'sqlite' };
  }

  async remains(subject: string): Promise<number> {
    const [row] = await ask<{ count: number }>(
      this.manager,
      'SELECT COUNT(*) AS count FROM speakers WHERE subject = ?',
      [subject],
    );
    return row?.count ?? 0;
  }
}
