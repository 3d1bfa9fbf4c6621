import { LessThan, type EntityManager } from 'typeorm';
import { AnswerRepository, type Answer } from '../../../records/answer.repository.js';
import { affect } from '../dialect.js';
import { AnswerEntity } from '../entities/answer.entity.js';
import { findRow, insertRows } from '../rows.js';

export class TypeOrmAnswerRepository extends AnswerRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async find(key: string, since: Date): Promise<Answer | null> {
    const row = await findRow(this.manager, AnswerEntity, { key });
    if (!row || row.createdAt < since.getTime()) return null;
    return { ...row, createdAt: new Date(row.createdAt) };
  }

  async insert({ createdAt, ...answer }: Answer, since: Date): Promise<boolean> {
    await this.manager.delete(AnswerEntity, { key: answer.key, createdAt: LessThan(since.getTime()) });
    const row = { ...answer, createdAt: createdAt.getTime() };
    return (await insertRows(this.manager, AnswerEntity, [row], { keep: ['key'] })) === 1;
  }

  trim(before: Date, limit: number): Promise<number> {
    return affect(
      this.manager,
      'DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE created_at < ? ORDER BY created_at LIMIT ?)',
      [before.getTime(), limit],
    );
  }
}
