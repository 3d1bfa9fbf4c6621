import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { Speaker } from '../../../records/speaker.js';
import type { Cursor } from '../../../records/cursor.js';
import { SpeakerRepository, type ErasedRows, type RetentionTimes } from '../../../records/speaker.repository.js';
import { SpeakerEntity } from '../entities/speaker.entity.js';
import { toSpeaker, toSpeakerRow } from '../mappers/speaker.mapper.js';
import { findRow, insertRows, updateRows } from '../rows.js';
import { sqliteCode } from '../storage-errors.js';
import { appendChange, appendVoiceChange } from '../changes.js';
import { readCounter } from '../counters.js';
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
    return readCounter(this.manager, 'speakers');
  }

  async update(speaker: Speaker): Promise<Speaker> {
    const { id, version } = speaker;
    const { name, updatedAt, consent, consentWithdrawnAt, activeAt, noticeAt } = toSpeakerRow(speaker);
    const changes = { name, updatedAt, consent, consentWithdrawnAt, activeAt, noticeAt, version: version + 1 };
    if ((await updateRows(this.manager, SpeakerEntity, { id, version }, changes)) !== 1) {
      throw new TimbreError(
        'CONFLICT',
        `speaker ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`,
      );
    }
    await appendChange(this.manager, 'voice', speaker.subject);
    return { ...speaker, version: version + 1 };
  }

  async fading(before: RetentionTimes, limit: number): Promise<Speaker[]> {
    const rows = await this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .where('speaker.noticeAt IS NULL AND (speaker.activeAt < :idle OR speaker.consentWithdrawnAt < :withdrawn)', {
        idle: before.idle.getTime(),
        withdrawn: before.withdrawn.getTime(),
      })
      .limit(limit)
      .getMany();
    return rows.map(toSpeaker);
  }

  async due(before: RetentionTimes, announced: Date, limit: number): Promise<Speaker[]> {
    const rows = await this.manager
      .createQueryBuilder(SpeakerEntity, 'speaker')
      .where('speaker.noticeAt <= :announced', { announced: announced.getTime() })
      .andWhere('(speaker.activeAt < :idle OR speaker.consentWithdrawnAt < :withdrawn)', {
        idle: before.idle.getTime(),
        withdrawn: before.withdrawn.getTime(),
      })
      .orderBy('speaker.noticeAt')
      .limit(limit)
      .getMany();
    return rows.map(toSpeaker);
  }

  async announce(id: string, at: Date): Promise<void> {
    await updateRows(this.manager, SpeakerEntity, { id }, { noticeAt: at.getTime() });
  }

  async used(subject: string, at: Date): Promise<void> {
    const activity = { lastUsedAt: at.getTime(), activeAt: at.getTime(), noticeAt: null };
    await updateRows(this.manager, SpeakerEntity, { subject }, activity);
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
