import type { EntityManager } from 'typeorm';
import type { EmbeddingOrigin } from '../../voices/embedding.js';
import type { Enrollment } from '../../enrollments/enrollment.js';
import { EnrollmentRepository } from '../../enrollments/enrollment.repository.js';
import { EnrollmentEntity } from '../entities/enrollment.entity.js';
import { toEnrollment, toEnrollmentRow } from '../mappers/enrollment.mapper.js';
import { leaveTraces } from '../traces.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmEnrollmentRepository extends EnrollmentRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
  ) {
    super();
  }

  async insert(enrollment: Enrollment): Promise<void> {
    await this.manager.insert(EnrollmentEntity, toEnrollmentRow(enrollment, this.cipher));
  }

  async find(speakerId: string, id: string): Promise<Enrollment | null> {
    const row = await this.manager.findOneBy(EnrollmentEntity, { speakerId, id });
    return row && toEnrollment(row, this.cipher);
  }

  async ofSpeaker(speakerId: string, origin?: EmbeddingOrigin): Promise<Enrollment[]> {
    const rows = await this.manager.find(EnrollmentEntity, {
      where: { speakerId, ...origin },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    return rows.map((row) => toEnrollment(row, this.cipher));
  }

  async findByContent(speakerId: string, origin: EmbeddingOrigin, contentSha256: string): Promise<Enrollment | null> {
    const row = await this.manager.findOneBy(EnrollmentEntity, { speakerId, ...origin, contentSha256 });
    return row && toEnrollment(row, this.cipher);
  }

  async findAnyByContent(origin: EmbeddingOrigin, contentSha256: string): Promise<Enrollment | null> {
    const row = await this.manager.findOneBy(EnrollmentEntity, { ...origin, contentSha256 });
    return row && toEnrollment(row, this.cipher);
  }

  count(speakerId: string): Promise<number> {
    return this.manager.countBy(EnrollmentEntity, { speakerId });
  }

  async delete(speakerId: string, id: string): Promise<boolean> {
    const { affected } = await this.manager.delete(EnrollmentEntity, { speakerId, id });
    if (affected) await leaveTraces(this.manager);
    return affected === 1;
  }
}
