import { In, MoreThan, type EntityManager } from 'typeorm';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import type { Profile } from '../../../records/profile.js';
import { ProfileRepository } from '../../../records/profile.repository.js';
import { ProfileEntity } from '../entities/profile.entity.js';
import { toProfile, toProfileRow } from '../mappers/profile.mapper.js';
import { findRow, findRows, insertRows } from '../rows.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmProfileRepository extends ProfileRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
  ) {
    super();
  }

  async put(profile: Profile): Promise<void> {
    const row = toProfileRow(profile, this.cipher);
    await insertRows(this.manager, ProfileEntity, [row], { replace: ['speakerId', 'model', 'frontEnd'] });
  }

  async find(speakerId: string, origin: EmbeddingOrigin): Promise<Profile | null> {
    const row = await findRow(this.manager, ProfileEntity, { speakerId, ...origin });
    return row && toProfile(row, this.cipher);
  }

  async findMany(speakerIds: readonly string[], origin: EmbeddingOrigin): Promise<Profile[]> {
    const rows = await this.manager.findBy(ProfileEntity, { speakerId: In([...speakerIds]), ...origin });
    return rows.map((row) => toProfile(row, this.cipher));
  }

  async ofSpeaker(speakerId: string): Promise<Profile[]> {
    const rows = await findRows(this.manager, ProfileEntity, { speakerId }, { order: ['model', 'frontEnd'] });
    return rows.map((row) => toProfile(row, this.cipher));
  }

  async origins(speakerId: string): Promise<EmbeddingOrigin[]> {
    return this.manager.find(ProfileEntity, {
      select: { model: true, frontEnd: true },
      where: { speakerId },
      order: { model: 'ASC', frontEnd: 'ASC' },
    });
  }

  async enrolled(origin: EmbeddingOrigin, after: string | null, limit: number): Promise<Profile[]> {
    const rows = await this.manager.find(ProfileEntity, {
      where: { ...origin, status: 'Enrolled', ...(after === null ? {} : { speakerId: MoreThan(after) }) },
      order: { speakerId: 'ASC' },
      take: limit,
    });
    return rows.map((row) => toProfile(row, this.cipher));
  }

  async delete(speakerId: string, origin: EmbeddingOrigin): Promise<void> {
    await this.manager.delete(ProfileEntity, { speakerId, ...origin });
  }
}
