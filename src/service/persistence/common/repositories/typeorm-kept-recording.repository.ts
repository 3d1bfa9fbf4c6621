import type { EntityManager } from 'typeorm';
import type { StoredAudio } from '../../../records/kept-audio.js';
import { KeptRecordingRepository, type KeptPlace, type KeptRecording } from '../../../records/kept-recording.js';
import { readCounter } from '../counters.js';
import { affect, ask, askPrepared, dialectOf } from '../dialect.js';
import { KeptRecordingEntity, type KeptRecordingRow } from '../entities/kept-recording.entity.js';
import { recordingOwner, toKeptRecording, toKeptRecordingRow } from '../mappers/kept-recording.mapper.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows, selection, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmKeptRecordingRepository extends KeptRecordingRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
  ) {
    super();
  }

  async insert(recording: KeptRecording, key: Buffer): Promise<boolean> {
    const row = toKeptRecordingRow(recording, key, this.cipher);
    const of = ['speakerId', 'contentSha256'] as const;
    if ((await insertRows(this.manager, KeptRecordingEntity, [row], { keep: of })) !== 1) return false;
    this.register.bind(this.manager, 'recording', [row]);
    return true;
  }

  async find(speakerId: string, contentSha256: string): Promise<(KeptRecording & StoredAudio) | null> {
    const row = await findRow(this.manager, KeptRecordingEntity, { speakerId, contentSha256 });
    if (!row) return null;
    await this.register.require(this.manager, 'recording', [row]);
    return { ...toKeptRecording(row), key: this.cipher.open(row.sealedKey, recordingOwner(row)) };
  }

  async contents(speakerId: string): Promise<Set<string>> {
    const rows = await ask<{ content: string }>(
      this.manager,
      'SELECT content_sha256 AS content FROM kept_recordings WHERE speaker_id = ?',
      [speakerId],
    );
    return new Set(rows.map(({ content }) => content));
  }

  async page(speakerId: string, after: KeptPlace | null, limit: number): Promise<KeptRecording[]> {
    const query = this.manager
      .createQueryBuilder(KeptRecordingEntity, 'recording')
      .where('recording.speakerId = :speakerId', { speakerId })
      .orderBy('recording.createdAt')
      .addOrderBy('recording.id')
      .limit(limit);
    if (after) query.andWhere('(recording.createdAt, recording.id) > (:at, :id)', { at: after[0], id: after[1] });
    return (await query.getMany()).map(toKeptRecording);
  }

  async countOf(speakerIds: readonly string[]): Promise<Map<string, number>> {
    if (speakerIds.length === 0) return new Map();
    const { within, value } = dialectOf(this.manager).list(speakerIds);
    const rows = await askPrepared<{ id: string; count: number }>(
      this.manager,
      `SELECT speaker_id AS id, COUNT(*) AS count FROM kept_recordings WHERE speaker_id IN ${within} GROUP BY speaker_id`,
      [value],
    );
    return new Map(rows.map(({ id, count }) => [id, count]));
  }

  async delete(speakerId: string, contentSha256: string): Promise<boolean> {
    const rows = await findRows(this.manager, KeptRecordingEntity, { speakerId, contentSha256 });
    return (await this.deleteThose(rows)) > 0;
  }

  async deleteOf(speakerId: string): Promise<number> {
    return this.deleteThose(await findRows(this.manager, KeptRecordingEntity, { speakerId }));
  }

  async trim(before: Date, limit: number): Promise<KeptRecording[]> {
    const { columns, row } = selection(this.manager, KeptRecordingEntity, 'k');
    const found = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM kept_recordings k WHERE k.created_at < ? ORDER BY k.created_at, k.id LIMIT ?`,
      [before.getTime(), limit],
    );
    const rows = found.map(row);
    await this.deleteThose(rows);
    return rows.map(toKeptRecording);
  }

  async speakers(after: string, limit: number): Promise<string[]> {
    const rows = await ask<{ id: string }>(
      this.manager,
      'SELECT DISTINCT speaker_id AS id FROM kept_recordings WHERE speaker_id > ? ORDER BY speaker_id LIMIT ?',
      [after, limit],
    );
    return rows.map(({ id }) => id);
  }

  async countSpeakers(): Promise<number> {
    const [row] = await ask<{ count: number }>(
      this.manager,
      'SELECT COUNT(DISTINCT speaker_id) AS count FROM kept_recordings',
    );
    return row?.count ?? 0;
  }

  async totals(): Promise<{ recordings: number; bytes: number }> {
    return {
      recordings: await readCounter(this.manager, 'kept_recordings'),
      bytes: await readCounter(this.manager, 'kept_recording_bytes'),
    };
  }

  /** The audio goes with its recording to another speaker, who may have it already. */
  async move(contentSha256: string, from: string, to: string): Promise<void> {
    const row = await findRow(this.manager, KeptRecordingEntity, { speakerId: from, contentSha256 });
    if (!row) return;
    if (await findRow(this.manager, KeptRecordingEntity, { speakerId: to, contentSha256 })) {
      await this.deleteThose([row]);
      return;
    }
    await this.register.require(this.manager, 'recording', [row]);
    const key = this.cipher.open(row.sealedKey, recordingOwner(row));
    const owned = { ...row, speakerId: to };
    const sealedKey = this.cipher.seal(key, recordingOwner(owned));
    key.fill(0);
    await updateRows(this.manager, KeptRecordingEntity, { id: row.id }, { speakerId: to, sealedKey });
    this.register.release(this.manager, 'recording', from, [row.id]);
    this.register.bind(this.manager, 'recording', [{ ...owned, sealedKey }]);
  }

  private async deleteThose(rows: readonly KeptRecordingRow[]): Promise<number> {
    if (rows.length === 0) return 0;
    const { within, value } = dialectOf(this.manager).list(rows.map(({ id }) => id));
    await affect(this.manager, `DELETE FROM kept_recordings WHERE id IN ${within}`, [value]);
    for (const { id, speakerId } of rows) this.register.release(this.manager, 'recording', speakerId, [id]);
    await leaveTraces(this.manager);
    return rows.length;
  }
}
