import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { Speaker } from '../../../records/speaker.js';
import type { Cursor } from '../../../records/cursor.js';
import { SpeakerRepository, type ErasedRows, type RetentionTimes } from '../../../records/speaker.repository.js';
import { SpeakerEntity, type SpeakerRow } from '../entities/speaker.entity.js';
import { toSpeaker, toSpeakerRow } from '../mappers/speaker.mapper.js';
import type { Register } from '../register.js';
import { insertRows, updateRows } from '../rows.js';
import { sqliteCode } from '../storage-errors.js';
import { appendChange, appendVoiceChange } from '../changes.js';
import { readCounter } from '../counters.js';
import { leaveTraces } from '../traces.js';

export class TypeOrmSpeakerRepository extends SpeakerRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly register: Register,
  ) {
    super();
  }

  async insert(speaker: Speaker): Promise<void> {
    const row = toSpeakerRow(speaker);
    try {
      await insertRows(this.manager, SpeakerEntity, [row]);
    } catch (cause) {
      if (sqliteCode(cause) !== 'SQLITE_CONSTRAINT') throw cause;
      throw new TimbreError('SPEAKER_EXISTS', `there is a speaker with the id ${JSON.stringify(speaker.id)} already`, {
        cause,
      });
    }
    // Nothing of who had the id before, however the row was lost.
    this.register.releaseAll(this.manager, row.id);
    this.register.bind(this.manager, 'speaker', [row]);
  }

  async find(id: string): Promise<Speaker | null> {
    const found = await this.register.findOne(this.manager, 'speaker', SpeakerEntity, { id });
    return found && toSpeaker(found.row as SpeakerRow, found.known);
  }

  async findMany(ids: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { id: In([...ids]) });
    return this.toSpeakers(rows);
  }

  async bySubject(subjects: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { subject: In([...new Set(subjects)]) });
    return this.toSpeakers(rows);
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
    return this.toSpeakers(await query.getMany());
  }

  count(): Promise<number> {
    return readCounter(this.manager, 'speakers');
  }

  async update(speaker: Speaker): Promise<Speaker> {
    const { id, version } = speaker;
    const row = { ...toSpeakerRow(speaker), version: version + 1 };
    const { name, updatedAt, consent, consentWithdrawnAt, activeAt, noticeAt } = row;
    const changes = { name, updatedAt, consent, consentWithdrawnAt, activeAt, noticeAt, version: version + 1 };
    if ((await updateRows(this.manager, SpeakerEntity, { id, version }, changes)) !== 1) {
      throw new TimbreError(
        'CONFLICT',
        `speaker ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`,
      );
    }
    this.register.bind(this.manager, 'speaker', [row]);
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
    return this.toSpeakers(rows);
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
    return this.toSpeakers(rows);
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
    if (affected) {
      this.register.releaseAll(this.manager, id);
      await leaveTraces(this.manager);
    }
    return affected === 1 && counts ? counts : null;
  }

  private async toSpeakers(rows: readonly SpeakerRow[]): Promise<Speaker[]> {
    const known = await this.register.check(this.manager, 'speaker', rows);
    return rows.map((row, i) => toSpeaker(row, known[i]!));
  }
}
