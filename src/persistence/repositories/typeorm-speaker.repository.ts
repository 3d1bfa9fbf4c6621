import { In, type EntityManager } from 'typeorm';
import { TimbreError } from '../../common/timbre-error.js';
import type { Speaker } from '../../speakers/speaker.js';
import { SpeakerRepository, type SpeakerCursor } from '../../speakers/speaker.repository.js';
import { SpeakerEntity } from '../entities/speaker.entity.js';
import { toSpeaker, toSpeakerRow } from '../mappers/speaker.mapper.js';
import { sqliteCode } from '../storage-errors.js';

export class TypeOrmSpeakerRepository extends SpeakerRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async insert(speaker: Speaker): Promise<void> {
    try {
      await this.manager.insert(SpeakerEntity, toSpeakerRow(speaker));
    } catch (cause) {
      if (sqliteCode(cause) !== 'SQLITE_CONSTRAINT') throw cause;
      throw new TimbreError('SPEAKER_EXISTS', `there is a speaker with the id ${JSON.stringify(speaker.id)} already`, {
        cause,
      });
    }
  }

  async find(id: string): Promise<Speaker | null> {
    const row = await this.manager.findOneBy(SpeakerEntity, { id });
    return row && toSpeaker(row);
  }

  async findMany(ids: readonly string[]): Promise<Speaker[]> {
    const rows = await this.manager.findBy(SpeakerEntity, { id: In([...ids]) });
    return rows.map(toSpeaker);
  }

  async page(after: SpeakerCursor | null, limit: number): Promise<Speaker[]> {
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
    const { affected } = await this.manager.update(SpeakerEntity, { id, version }, changes);
    if (affected !== 1) {
      throw new TimbreError(
        'CONFLICT',
        `speaker ${JSON.stringify(id)} was changed meanwhile; read it again and repeat`,
      );
    }
    return { ...speaker, version: version + 1 };
  }

  async erase(id: string): Promise<boolean> {
    const { affected } = await this.manager.delete(SpeakerEntity, { id });
    return affected === 1;
  }
}
