import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { Speaker } from '../../../records/speaker.js';
import type { Cursor } from '../../../records/cursor.js';
import { SpeakerRepository, type ErasedRows } from '../../../records/speaker.repository.js';
import { EnrollmentEntity } from '../entities/enrollment.entity.js';
import { SpeakerEntity } from '../entities/speaker.entity.js';
import { toSpeaker, toSpeakerRow } from '../mappers/speaker.mapper.js';
import { findRow, insertRows, updateRows } from '../rows.js';
import { sqliteCode } from '../storage-errors.js';
import { appendChange, appendVoiceChange } from '../changes.js';
import { leaveTraces } from '../traces.js';

export class TypeOrmSpeakerRepository extends SpeakerRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert(speaker: Speaker): Promise<void> {
    try {
      await insertRows(this.manager, SpeakerEntity, [toSpeakerRow(speaker)]);
    } catch (cause) {
      if (sqliteCode(cause) !== 'SQLITE_CONSTRAINT') throw cause;
      throw new TimbreError('SPEAKER_EXISTS', `there is a speaker with the id ${JSON.stringify(speaker.id)} already`, {
        cause,
      });
    }
  }

  async find(id: string): Promise<Speaker | null> {
    const row = await findRow(this.manager, SpeakerEntity, { id });
    return row && toSpeaker(row);
  }

  async findMany(ids: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { id: In([...ids]) });
    return rows.map(toSpeaker);
  }

  async bySubject(subjects: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { subject: In([...new Set(subjects)]) });
    return rows.map(toSpeaker);
  }

  async page(after: Cursor | null, limit: number): Promise<Speaker[]> {
    const query = this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .orderBy('speaker.createdAt')
      .addOrderBy('speaker.id')
      .limit(limit);
    if (after) {
      query.where('(speaker.createdAt, speaker.id) > (:createdAt, :id)', {
        createdAt: after.createdAt.getTime(),
        id: after.id,
      });
    }
    return (await query.getMany()).map(toSpeaker);
  }

  count(): Promise<number> {
    return this.manager.count(SpeakerEntity);
  }

  async update(speaker: Speaker): Promise<Speaker> {
    const { id, version } = speaker;
    const { name, updatedAt, consent, consentWithdrawnAt } = toSpeakerRow(speaker);
    const changes = { name, updatedAt, consent, consentWithdrawnAt, version: version + 1 };
    if ((await updateRows(this.manager, SpeakerEntity, { id, version }, changes)) !== 1) {
      throw new TimbreError(
        'CONFLICT',
        `speaker ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`,
      );
    }
    await appendChange(this.manager, 'voice', speaker.subject);
    return { ...speaker, version: version + 1 };
  }

  async idle(since: Date, limit: number): Promise<Speaker[]> {
    const rows = await this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .where('speaker.createdAt < :since AND COALESCE(speaker.lastUsedAt, 0) < :since', { since: since.getTime() })
      .andWhere((query) => {
        const enrolments = query
          .subQuery()
          .select('1')
          .from(EnrollmentEntity, 'enrollment')
          .where('enrollment.speakerId = speaker.id AND enrollment.createdAt >= :since');
        return `NOT EXISTS ${enrolments.getQuery()}`;
      })
      .orderBy('speaker.createdAt')
      .limit(limit)
      .getMany();
    return rows.map(toSpeaker);
  }

  async used(id: string, at: Date): Promise<void> {
    await updateRows(this.manager, SpeakerEntity, { id }, { lastUsedAt: at.getTime() });
  }

  async erase(id: string): Promise<ErasedRows | null> {
    const [counts] = await this.manager.query<ErasedRows[]>(
      `SELECT (SELECT COUNT(*) FROM enrollments WHERE speaker_id = ?1) AS enrollments,
         (SELECT COUNT(*) FROM profiles WHERE speaker_id = ?1) AS profiles,
         (SELECT COUNT(*) FROM consents WHERE speaker_id = ?1) AS consents`,
      [id],
    );
    await appendVoiceChange(this.manager, id);
    const { affected } = await this.manager.delete(SpeakerEntity, { id });
    if (affected) await leaveTraces(this.manager);
    return affected === 1 && counts ? counts : null;
  }
}
