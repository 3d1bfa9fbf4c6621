import type { EntityManager } from 'typeorm';
import type { Conversation, ConversationOutcome, ListedConversation } from '../../../records/conversation.js';
import { ConversationRepository } from '../../../records/conversation.repository.js';
import type { Cursor } from '../../../records/cursor.js';
import { readCounter } from '../counters.js';
import { ConversationEntity, type ConversationRow } from '../entities/conversation.entity.js';
import {
  toConversation,
  toConversationRow,
  toListedConversation,
  type ListedRow,
} from '../mappers/conversation.mapper.js';
import { findRow, insertRows, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';

export class TypeOrmConversationRepository extends ConversationRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert(conversation: Conversation): Promise<void> {
    await insertRows(this.manager, ConversationEntity, [toConversationRow(conversation)]);
  }

  async find(id: string): Promise<Conversation | null> {
    const row = await findRow(this.manager, ConversationEntity, { id });
    return row && toConversation(row);
  }

  /** The turns of many conversations are not brought into memory. */
  async page(after: Cursor | null, limit: number): Promise<ListedConversation[]> {
    const place = after ? [after.createdAt.getTime(), after.id] : [];
    const rows = await this.manager.query<ListedRow[]>(
      `SELECT id, state, created_at AS createdAt, finished_at AS finishedAt, job_id AS jobId, file_name AS fileName,
         error_code AS errorCode, error_message AS errorMessage, findings ->> '$.seconds' AS seconds,
         json_array_length(findings, '$.speakers') AS speakers
       FROM conversations ${after ? 'WHERE (created_at, id) < (?, ?)' : ''} ORDER BY created_at DESC, id DESC LIMIT ?`,
      [...place, limit],
    );
    return rows.map(toListedConversation);
  }

  count(): Promise<number> {
    return readCounter(this.manager, 'conversations');
  }

  async finish(id: string, outcome: ConversationOutcome, now: Date): Promise<boolean> {
    const changes: Partial<ConversationRow> =
      outcome.state === 'done'
        ? { findings: JSON.stringify(outcome.findings) }
        : { errorCode: outcome.error.code, errorMessage: outcome.error.message };
    const ended = { state: outcome.state, finishedAt: now.getTime(), ...changes };
    return (await updateRows(this.manager, ConversationEntity, { id, state: 'waiting' }, ended)) === 1;
  }

  async cancelOfJob(jobId: string, now: Date): Promise<void> {
    const ended = { state: 'cancelled', finishedAt: now.getTime() } as const;
    await updateRows(this.manager, ConversationEntity, { jobId, state: 'waiting' }, ended);
  }

  async delete(id: string): Promise<boolean> {
    const { affected } = await this.manager.delete(ConversationEntity, { id });
    if (affected !== 1) return false;
    await leaveTraces(this.manager);
    return true;
  }

  async trim(before: Date, limit: number): Promise<number> {
    await this.manager.query(
      `DELETE FROM conversations WHERE id IN
         (SELECT id FROM conversations WHERE finished_at < ? ORDER BY finished_at LIMIT ?)`,
      [before.getTime(), limit],
    );
    const [row] = await this.manager.query<{ count: number }[]>('SELECT changes() AS count');
    const count = row?.count ?? 0;
    if (count > 0) await leaveTraces(this.manager);
    return count;
  }
}
