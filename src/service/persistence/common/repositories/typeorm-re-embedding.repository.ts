import type { EntityManager } from 'typeorm';
import type { ErrorCode } from '../../../../errors/error-codes.js';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import {
  ReEmbeddingRepository,
  type LeftCount,
  type LeftPerson,
  type ReEmbedding,
} from '../../../records/re-embedding.js';
import { affect, ask } from '../dialect.js';
import { ReEmbeddingEntity, ReEmbeddingFailureEntity, type ReEmbeddingRow } from '../entities/re-embedding.entity.js';
import { findRow, insertRows, updateRows } from '../rows.js';

/**
 * Enrolled recordings of other models that nothing of this one is there of: of speakers behind one, or of one; the parameters are
 * those of `leftValues`.
 */
const leftIn = (speakers: '>' | '='): string => `FROM enrollments e
  LEFT JOIN kept_recordings k ON k.speaker_id = e.speaker_id AND k.content_sha256 = e.content_sha256
  WHERE e.speaker_id ${speakers} ?1 AND NOT (e.model = ?2 AND e.front_end = ?3)
    AND (e.kind IS NULL OR e.kind = 'imported') AND e.set_aside IS NULL
    AND NOT EXISTS (SELECT 1 FROM enrollments n WHERE n.speaker_id = e.speaker_id AND n.model = ?2 AND n.front_end = ?3
      AND n.content_sha256 = e.content_sha256)
  GROUP BY e.speaker_id`;

const leftValues = ({ model, frontEnd }: EmbeddingOrigin, id: string): string[] => [id, model, frontEnd];

export class TypeOrmReEmbeddingRepository extends ReEmbeddingRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert(run: ReEmbedding): Promise<boolean> {
    // Writers come one after the other, and the index of running ones holds it, too.
    if (await this.running()) return false;
    await insertRows(this.manager, ReEmbeddingEntity, [toRow(run)]);
    await affect(this.manager, 'DELETE FROM re_embedding_failures');
    return true;
  }

  async running(): Promise<ReEmbedding | null> {
    const row = await findRow(this.manager, ReEmbeddingEntity, { state: 'running' });
    return row && toRun(row);
  }

  async last(): Promise<ReEmbedding | null> {
    const [row] = await this.manager.find(ReEmbeddingEntity, { order: { createdAt: 'DESC' }, take: 1 });
    return row ? toRun(row) : null;
  }

  async update(run: ReEmbedding): Promise<void> {
    const { id, ...changes } = toRow(run);
    await updateRows(this.manager, ReEmbeddingEntity, { id }, changes);
  }

  async noteFailure(speakerId: string, code: ErrorCode | null, at: Date): Promise<void> {
    if (code === null) await this.manager.delete(ReEmbeddingFailureEntity, { speakerId });
    else {
      const row = { speakerId, code, failedAt: at.getTime() };
      await insertRows(this.manager, ReEmbeddingFailureEntity, [row], { replace: ['speakerId'] });
    }
  }

  async left(origin: EmbeddingOrigin, after: string, limit: number): Promise<LeftPerson[]> {
    const rows = await ask<{ id: string; recordings: number; kept: number; enrolled: number; code: ErrorCode | null }>(
      this.manager,
      `SELECT e.speaker_id AS id, COUNT(DISTINCT e.content_sha256) AS recordings,
         COUNT(DISTINCT k.content_sha256) AS kept,
         (SELECT COUNT(*) FROM profiles p WHERE p.speaker_id = e.speaker_id AND p.model = ?2 AND p.front_end = ?3
            AND p.status = 'Enrolled') AS enrolled,
         (SELECT f.code FROM re_embedding_failures f WHERE f.speaker_id = e.speaker_id) AS code
       ${leftIn('>')} ORDER BY e.speaker_id LIMIT ?4`,
      [...leftValues(origin, after), limit],
    );
    return rows.map(({ id, recordings, kept, enrolled, code }) => ({
      speakerId: id,
      recordings,
      audioKept: kept,
      enrolled: enrolled > 0,
      code,
    }));
  }

  countLeft(origin: EmbeddingOrigin): Promise<LeftCount> {
    return this.leftAmong('>', leftValues(origin, ''));
  }

  leftOf(origin: EmbeddingOrigin, speakerId: string): Promise<LeftCount> {
    return this.leftAmong('=', leftValues(origin, speakerId));
  }

  private async leftAmong(speakers: '>' | '=', values: string[]): Promise<LeftCount> {
    const [row] = await ask<{ people: number; without: number }>(
      this.manager,
      `SELECT COUNT(*) AS people, COUNT(CASE WHEN l.kept = 0 THEN 1 END) AS without
       FROM (SELECT e.speaker_id, COUNT(k.content_sha256) AS kept ${leftIn(speakers)}) l`,
      values,
    );
    return { people: row?.people ?? 0, withoutAudio: row?.without ?? 0 };
  }

  async superseded({ model, frontEnd }: EmbeddingOrigin, after: string, limit: number): Promise<string[]> {
    const rows = await ask<{ id: string }>(
      this.manager,
      `SELECT DISTINCT n.speaker_id AS id FROM enrollments n
       JOIN enrollments e ON e.speaker_id = n.speaker_id AND e.content_sha256 = n.content_sha256
         AND NOT (e.model = ?1 AND e.front_end = ?2)
       WHERE n.model = ?1 AND n.front_end = ?2 AND n.speaker_id > ?3 ORDER BY n.speaker_id LIMIT ?4`,
      [model, frontEnd, after, limit],
    );
    return rows.map(({ id }) => id);
  }
}

function toRow({ origin, createdAt, finishedAt, left, ...run }: ReEmbedding): ReEmbeddingRow {
  const times = { createdAt: createdAt.getTime(), finishedAt: finishedAt?.getTime() ?? null };
  return {
    ...run,
    ...origin,
    ...times,
    leftPeople: left?.people ?? null,
    leftWithoutAudio: left?.withoutAudio ?? null,
  };
}

function toRun({
  model,
  frontEnd,
  createdAt,
  finishedAt,
  leftPeople: people,
  leftWithoutAudio: withoutAudio,
  ...row
}: ReEmbeddingRow): ReEmbedding {
  return {
    ...row,
    origin: { model, frontEnd },
    createdAt: new Date(createdAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
    left: people === null || withoutAudio === null ? null : { people, withoutAudio },
  };
}
