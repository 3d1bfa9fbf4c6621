import type { EntityManager } from 'typeorm';
import { sameOrigin, type EmbeddingOrigin } from '../../../records/embedding.js';
import type { Enrollment } from '../../../records/enrollment.js';
import { EnrollmentRepository } from '../../../records/enrollment.repository.js';
import { EnrollmentEntity } from '../entities/enrollment.entity.js';
import { toEnrollment, toEnrollmentRow } from '../mappers/enrollment.mapper.js';
import { findRow, findRows, insertRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmEnrollmentRepository extends EnrollmentRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
  ) {
    super();
  }

  async insert(enrollment: Enrollment): Promise<boolean> {
    const row = toEnrollmentRow(enrollment, this.cipher);
    const key = ['speakerId', 'model', 'frontEnd', 'contentSha256'] as const;
    return (await insertRows(this.manager, EnrollmentEntity, [row], { keep: key })) === 1;
  }

  async find(speakerId: string, id: string): Promise<Enrollment | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, id });
    return row && toEnrollment(row, this.cipher);
  }

  async ofSpeaker(speakerId: string): Promise<Enrollment[]> {
    const rows = await findRows(this.manager, EnrollmentEntity, { speakerId }, { order: ['createdAt'] });
    return rows.map((row) => toEnrollment(row, this.cipher));
  }

  async ofOrigin(speakerId: string, origin: EmbeddingOrigin): Promise<{ enrollments: Enrollment[]; total: number }> {
    const rows = await findRows(this.manager, EnrollmentEntity, { speakerId }, { order: ['createdAt'] });
    const own = rows.filter((row) => sameOrigin(row, origin));
    return { enrollments: own.map((row) => toEnrollment(row, this.cipher)), total: rows.length };
  }

  async findByContent(speakerId: string, origin: EmbeddingOrigin, contentSha256: string): Promise<Enrollment | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, ...origin, contentSha256 });
    return row && toEnrollment(row, this.cipher);
  }

  async findAnyByContent(origin: EmbeddingOrigin, contentSha256: string): Promise<Enrollment | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { ...origin, contentSha256 });
    return row && toEnrollment(row, this.cipher);
  }

  async delete(speakerId: string, id: string): Promise<boolean> {
    const { affected } = await this.manager.delete(EnrollmentEntity, { speakerId, id });
    if (affected) await leaveTraces(this.manager);
    return affected === 1;
  }
}
