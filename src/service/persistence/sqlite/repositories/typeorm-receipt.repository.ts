import type { EntityManager } from 'typeorm';
import { ReceiptRepository, type Receipt } from '../../../records/receipt.js';
import { ReceiptEntity } from '../entities/receipt.entity.js';
import { findRow, insertRows } from '../rows.js';

export class TypeOrmReceiptRepository extends ReceiptRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert({ erasedAt, wipedAt, ...rest }: Receipt): Promise<void> {
    const row = { ...rest, erasedAt: erasedAt.getTime(), wipedAt: wipedAt?.getTime() ?? null };
    await insertRows(this.manager, ReceiptEntity, [row]);
  }

  async find(id: string): Promise<Receipt | null> {
    const row = await findRow(this.manager, ReceiptEntity, { id });
    if (!row) return null;
    const { erasedAt, wipedAt, ...rest } = row;
    return { ...rest, erasedAt: new Date(erasedAt), wipedAt: wipedAt === null ? null : new Date(wipedAt) };
  }

  async remains(subject: string): Promise<number> {
    const [row] = await this.manager.query<{ count: number }[]>(
      'SELECT COUNT(*) AS count FROM speakers WHERE subject = ?',
      [subject],
    );
    return row?.count ?? 0;
  }
}
