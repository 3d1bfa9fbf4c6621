import { randomUUID } from 'node:crypto';
import { In, type EntityManager } from 'typeorm';
import type { GroupRef } from '../../../../support/group-ref.js';
import { sameOrigin, type EmbeddingOrigin } from '../../../records/embedding.js';
import {
  isLearned,
  type Enrollment,
  type EnrollmentInfo,
  type ExemplarKind,
  type SetAside,
} from '../../../records/enrollment.js';
import {
  EnrollmentRepository,
  type EnrollmentPlace,
  type HeardBefore,
} from '../../../records/enrollment.repository.js';
import { ask, askPrepared, dialectOf } from '../dialect.js';
import { EnrollmentEntity, type EnrollmentRow } from '../entities/enrollment.entity.js';
import {
  enrollmentOwner,
  openEmbedding,
  toEnrollment,
  toEnrollmentInfo,
  toEnrollmentRow,
} from '../mappers/enrollment.mapper.js';
import { SpeakerEntity } from '../entities/speaker.entity.js';
import type { Register } from '../register.js';
import { findRow, findRows, insertRows, updateRows } from '../rows.js';
import { leaveTraces } from '../traces.js';
import { TypeOrmKeptRecordingRepository } from './typeorm-kept-recording.repository.js';
import { isVisible } from './typeorm-speaker.repository.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmEnrollmentRepository extends EnrollmentRepository {
  private readonly kept: TypeOrmKeptRecordingRepository;

  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
    private readonly register: Register,
    private readonly bound: readonly GroupRef[] | null,
  ) {
    super();
    this.kept = new TypeOrmKeptRecordingRepository(manager, cipher, register);
  }

  async insert(enrollment: Enrollment): Promise<boolean> {
    const row = toEnrollmentRow(enrollment, this.cipher);
    const key = ['speakerId', 'model', 'frontEnd', 'contentSha256'] as const;
    if ((await insertRows(this.manager, EnrollmentEntity, [row], { keep: key })) !== 1) return false;
    this.register.bind(this.manager, 'enrollment', [row]);
    return true;
  }

  async find(speakerId: string, id: string): Promise<EnrollmentInfo | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, id });
    return row && toEnrollmentInfo(row);
  }

  async page(speakerId: string, after: EnrollmentPlace | null, limit: number): Promise<EnrollmentInfo[]> {
    return (await this.rows(speakerId, after, limit)).map(toEnrollmentInfo);
  }

  async withEmbeddings(speakerId: string, after: EnrollmentPlace | null, limit: number): Promise<Enrollment[]> {
    const rows = await this.rows(speakerId, after, limit);
    await this.register.require(this.manager, 'enrollment', rows);
    return rows.map((row) => toEnrollment(row, this.cipher));
  }

  private rows(speakerId: string, after: EnrollmentPlace | null, limit: number): Promise<EnrollmentRow[]> {
    const query = this.manager
      .createQueryBuilder(EnrollmentEntity, 'enrollment')
      .where('enrollment.speakerId = :speakerId', { speakerId })
      .orderBy('enrollment.createdAt')
      .addOrderBy('enrollment.id')
      .limit(limit);
    if (after) query.andWhere('(enrollment.createdAt, enrollment.id) > (:at, :id)', { at: after[0], id: after[1] });
    return query.getMany();
  }

  async ofOrigin(speakerId: string, origin: EmbeddingOrigin): Promise<{ enrollments: Enrollment[]; total: number }> {
    const rows = await findRows(this.manager, EnrollmentEntity, { speakerId }, { order: ['createdAt'] });
    const own = rows.filter((row) => sameOrigin(row, origin) && row.setAside === null);
    await this.register.require(this.manager, 'enrollment', own);
    return {
      enrollments: own.map((row) => toEnrollment(row, this.cipher)),
      // The same file by another model is the same recording.
      total: new Set(rows.filter((row) => !isLearned(row)).map((row) => row.contentSha256)).size,
    };
  }

  async findByContent(
    speakerId: string,
    origin: EmbeddingOrigin,
    contentSha256: string,
  ): Promise<EnrollmentInfo | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, ...origin, contentSha256 });
    return row && toEnrollmentInfo(row);
  }

  async heardBefore({ model, frontEnd }: EmbeddingOrigin, contentSha256: string): Promise<HeardBefore | null> {
    const dialect = dialectOf(this.manager);
    const groups = this.bound && dialect.list(this.bound.map(({ uid }) => uid));
    const within = groups
      ? `AND EXISTS (SELECT 1 FROM speaker_terms t WHERE t.speaker_id = s.id AND t.term = ''
           AND t.group_uid IN ${groups.within})`
      : '';
    // In this order: not beginning with whoever has not withdrawn consent, nearly everybody.
    const [found] = await askPrepared<{ id: string; subject: string }>(
      this.manager,
      `SELECT e.id, s.subject FROM enrollments e ${dialect.inOrder} speakers s ON s.id = e.speaker_id
       WHERE e.content_sha256 = ? AND e.model = ? AND e.front_end = ? AND s.consent_withdrawn_at IS NULL ${within} LIMIT 1`,
      [contentSha256, model, frontEnd, ...(groups ? [groups.value] : [])],
    );
    const row = found && (await findRow(this.manager, EnrollmentEntity, { id: found.id }));
    if (!row) return null;
    await this.register.require(this.manager, 'enrollment', [row]);
    const speaker = await findRow(this.manager, SpeakerEntity, { id: row.speakerId });
    // As one who has opted out: the model runs anew.
    if (!speaker || !(await this.register.holds(this.manager, 'speaker', speaker))) return null;
    if (!isVisible({ row: speaker, known: true }, this.bound)) return null;
    const { embedding, measures } = toEnrollment(row, this.cipher);
    return { embedding, measures, subject: found.subject };
  }

  async idsByContent(speakerId: string): Promise<Map<string, string>> {
    const rows = await ask<{ content: string; id: string }>(
      this.manager,
      'SELECT content_sha256 AS content, id FROM enrollments WHERE speaker_id = ? ORDER BY created_at, rowid',
      [speakerId],
    );
    return new Map(rows.map(({ content, id }) => [content, id]));
  }

  async ofOtherModels(speakerId: string, origin: EmbeddingOrigin): Promise<EnrollmentInfo[]> {
    const { others, here } = await this.othersOf(speakerId, origin);
    const left = others.filter((row) => !here.has(row.contentSha256));
    return [...new Map(left.map((row) => [row.contentSha256, row])).values()].map(toEnrollmentInfo);
  }

  async supersede(made: Enrollment): Promise<string | null> {
    const { id, speakerId } = made;
    const [before] = await this.believed(speakerId, [id]);
    if (before?.contentSha256 !== made.contentSha256) return null;
    const aside = { ...before, id: randomUUID() };
    const vector = openEmbedding(before, this.cipher);
    aside.embedding = this.cipher.sealVector(vector, enrollmentOwner(aside));
    vector.fill(0);
    // What names the recording by its id, the ledger above all, goes on naming it.
    await updateRows(this.manager, EnrollmentEntity, { id }, { id: aside.id, embedding: aside.embedding });
    const row = toEnrollmentRow(made, this.cipher);
    await insertRows(this.manager, EnrollmentEntity, [row]);
    this.register.bind(this.manager, 'enrollment', [aside, row]);
    return aside.id;
  }

  async deleteSuperseded(
    speakerId: string,
    origin: EmbeddingOrigin,
  ): Promise<{ origins: EmbeddingOrigin[]; count: number }> {
    const { others, here } = await this.othersOf(speakerId, origin);
    const gone = others.filter((row) => here.has(row.contentSha256));
    for (const { id } of gone) {
      await this.manager.delete(EnrollmentEntity, { speakerId, id });
      this.register.release(this.manager, 'enrollment', speakerId, [id]);
    }
    if (gone.length > 0) await leaveTraces(this.manager);
    const origins = gone.map(({ model, frontEnd }) => ({ model, frontEnd }));
    const each = new Map(origins.map((one) => [JSON.stringify([one.model, one.frontEnd]), one]));
    return { origins: [...each.values()], count: gone.length };
  }

  /** Enrolments of other models, as they were stored, and the recordings that this one has embedded. */
  private async othersOf(
    speakerId: string,
    origin: EmbeddingOrigin,
  ): Promise<{ others: EnrollmentRow[]; here: ReadonlySet<string> }> {
    const rows = await findRows(this.manager, EnrollmentEntity, { speakerId }, { order: ['createdAt'] });
    const here = rows.filter((row) => sameOrigin(row, origin)).map((row) => row.contentSha256);
    return { others: rows.filter((row) => !sameOrigin(row, origin)), here: new Set(here) };
  }

  async embedding(speakerId: string, id: string): Promise<Float32Array | null> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, id });
    if (row) await this.register.require(this.manager, 'enrollment', [row]);
    return row && openEmbedding(row, this.cipher);
  }

  async delete(speakerId: string, id: string): Promise<boolean> {
    const row = await findRow(this.manager, EnrollmentEntity, { speakerId, id });
    if (!row) return false;
    await this.manager.delete(EnrollmentEntity, { speakerId, id });
    this.register.release(this.manager, 'enrollment', speakerId, [id]);
    // No other model is to bring back what was deleted.
    await this.kept.delete(speakerId, row.contentSha256);
    await leaveTraces(this.manager);
    return true;
  }

  async change(
    speakerId: string,
    ids: readonly string[],
    { kind, setAside }: { kind?: ExemplarKind; setAside?: SetAside | null },
  ): Promise<void> {
    const changes = {
      ...(kind === undefined ? {} : { kind: kind === 'enrolled' ? null : kind }),
      ...(setAside === undefined ? {} : { setAside }),
    };
    for (const row of await this.believed(speakerId, ids)) {
      await updateRows(this.manager, EnrollmentEntity, { id: row.id }, changes);
      this.register.bind(this.manager, 'enrollment', [{ ...row, ...changes }]);
    }
  }

  async trimReplaced(speakerId: string, { model, frontEnd }: EmbeddingOrigin, kept: number): Promise<void> {
    const { unlimited } = dialectOf(this.manager);
    const rows = await ask<{ id: string }>(
      this.manager,
      `SELECT id FROM enrollments WHERE speaker_id = ? AND model = ? AND front_end = ? AND set_aside = 'replaced'
       ORDER BY created_at DESC, rowid DESC LIMIT ${unlimited} OFFSET ?`,
      [speakerId, model, frontEnd, kept],
    );
    for (const { id } of rows) await this.delete(speakerId, id);
  }

  async move(ids: readonly string[], from: string, to: string): Promise<string[]> {
    const moved: string[] = [];
    for (const row of await this.believed(from, ids)) {
      const { id, model, frontEnd, contentSha256 } = row;
      const there = { speakerId: to, model, frontEnd, contentSha256 };
      if (await findRow(this.manager, EnrollmentEntity, there)) continue;
      const vector = openEmbedding(row, this.cipher);
      const owned = { ...row, speakerId: to };
      const embedding = this.cipher.sealVector(vector, enrollmentOwner(owned));
      vector.fill(0);
      // The row stays where it is among all: its place in sums is that of before.
      await updateRows(this.manager, EnrollmentEntity, { id }, { speakerId: to, embedding });
      this.register.release(this.manager, 'enrollment', from, [id]);
      this.register.bind(this.manager, 'enrollment', [{ ...owned, embedding }]);
      await this.kept.move(contentSha256, from, to);
      moved.push(id);
    }
    return moved;
  }

  /** Those of these that are the speaker's. */
  private async believed(speakerId: string, ids: readonly string[]): Promise<EnrollmentRow[]> {
    const rows = await this.manager.findBy(EnrollmentEntity, { speakerId, id: In([...ids]) });
    await this.register.require(this.manager, 'enrollment', rows);
    return rows;
  }
}
