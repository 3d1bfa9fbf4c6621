import type { EntityManager } from 'typeorm';
import {
  WaitingVerificationRepository,
  type WaitingVerification,
  type WaitingVerificationInfo,
} from '../../../records/waiting-verification.js';
import { readCounter } from '../counters.js';
import { affect, ask, dialectOf } from '../dialect.js';
import { WaitingVerificationEntity, type WaitingVerificationRow } from '../entities/waiting-verification.entity.js';
import { toWaiting, toWaitingInfo, toWaitingRow } from '../mappers/waiting-verification.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import type { VectorCipher } from '../vector-cipher.js';

type Key = Pick<WaitingVerificationRow, 'id' | 'speakerId'>;

export class TypeOrmWaitingVerificationRepository extends WaitingVerificationRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
  ) {
    super();
  }

  async insert(waiting: WaitingVerification, most: number): Promise<void> {
    const others = await ask<Key>(
      this.manager,
      `SELECT id, speaker_id AS "speakerId" FROM waiting_verifications WHERE speaker_id = ?
       ORDER BY created_at DESC, id DESC LIMIT ${dialectOf(this.manager).unlimited} OFFSET ?`,
      [waiting.speakerId, most - 1],
    );
    await this.deleteThose(others);
    const row = toWaitingRow(waiting, this.cipher);
    await insertRows(this.manager, WaitingVerificationEntity, [row]);
    this.register.bind(this.manager, 'waiting-verification', [row]);
  }

  async find(id: string): Promise<WaitingVerification | null> {
    const row = await findRow(this.manager, WaitingVerificationEntity, { id });
    if (!row) return null;
    await this.register.require(this.manager, 'waiting-verification', [row]);
    return toWaiting(row, this.cipher);
  }

  async ofSpeaker(speakerId: string): Promise<WaitingVerificationInfo[]> {
    const rows = await findRows(this.manager, WaitingVerificationEntity, { speakerId }, { order: ['createdAt', 'id'] });
    return rows.map(toWaitingInfo);
  }

  async delete({ id, speakerId }: Key): Promise<void> {
    await this.deleteThose([{ id, speakerId }]);
  }

  async deleteOf(speakerId: string): Promise<number> {
    const rows = await ask<Key>(
      this.manager,
      'SELECT id, speaker_id AS "speakerId" FROM waiting_verifications WHERE speaker_id = ?',
      [speakerId],
    );
    await this.deleteThose(rows);
    return rows.length;
  }

  async trim(before: Date, limit: number): Promise<number> {
    const rows = await ask<Key>(
      this.manager,
      `SELECT id, speaker_id AS "speakerId" FROM waiting_verifications WHERE created_at < ? ORDER BY created_at LIMIT ?`,
      [before.getTime(), limit],
    );
    await this.deleteThose(rows);
    return rows.length;
  }

  count(): Promise<number> {
    return readCounter(this.manager, 'waiting_verifications');
  }

  private async deleteThose(rows: readonly Key[]): Promise<void> {
    if (rows.length === 0) return;
    const { within, value } = dialectOf(this.manager).list(rows.map(({ id }) => id));
    await affect(this.manager, `DELETE FROM waiting_verifications WHERE id IN ${within}`, [value]);
    for (const { id, speakerId } of rows) {
      this.register.release(this.manager, 'waiting-verification', speakerId, [id]);
    }
    await leaveTraces(this.manager);
  }
}
