import { In, IsNull, LessThan, MoreThan, MoreThanOrEqual, type EntityManager } from 'typeorm';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { Cursor } from '../../../records/cursor.js';
import { JobRepository, type ItemKey } from '../../../records/job.repository.js';
import type { ItemOutcome, ItemState, Job, JobItem, JobState, NewItem } from '../../../records/job.js';
import { ask, dialectOf } from '../dialect.js';
import { JobItemEntity, type JobItemRow } from '../entities/job-item.entity.js';
import { JobEntity } from '../entities/job.entity.js';
import { TimbreError } from '../../../../errors/timbre-error.js';
import { announceJob } from '../announce.js';
import { appendChange } from '../changes.js';
import { readCounter } from '../counters.js';
import { boundToText, toJob, toJobItem, toJobRow } from '../mappers/job.mapper.js';
import { insertRows, updateRows } from '../rows.js';

const UNFINISHED: JobState[] = ['queued', 'running'];

/** Rows of one statement; each may hold kilobytes. */
const ROWS_AT_ONCE = 200;

export class TypeOrmJobRepository extends JobRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  /** Many rows go as one parameter, and not all of them: ten thousand must not hold up everybody else. */
  async insert(job: Job, items: readonly NewItem[]): Promise<void> {
    await this.manager.insert(JobEntity, toJobRow(job));
    for (let from = 0; from < items.length; from += ROWS_AT_ONCE) {
      await this.insertItems(job.id, from, items.slice(from, from + ROWS_AT_ONCE));
    }
    await appendChange(this.manager, 'job', job.id);
  }

  private async insertItems(jobId: string, from: number, items: readonly NewItem[]): Promise<void> {
    if (dialectOf(this.manager).name !== 'sqlite') {
      const rows = items.map(({ speakerId, fileName, path, conversationId = null }, i) => {
        return { jobId, position: from + i, speakerId, fileName, path, conversationId, state: 'queued' as const };
      });
      await insertRows(this.manager, JobItemEntity, rows);
      return;
    }
    const rows = items.map((item) => [item.speakerId, item.fileName, item.path, item.conversationId ?? null]);
    await ask(
      this.manager,
      `INSERT INTO job_items (job_id, position, speaker_id, file_name, path, conversation_id, state)
       SELECT ?, key + ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3, 'queued' FROM json_each(?)`,
      [jobId, from, JSON.stringify(rows)],
    );
  }

  async find(id: string): Promise<Job | null> {
    const row = await this.manager.findOneBy(JobEntity, { id });
    return row && toJob(row);
  }

  async page(after: Cursor | null, limit: number, boundTo: readonly GroupRef[] | null = null): Promise<Job[]> {
    const query = this.manager
      .createQueryBuilder(JobEntity, 'job')
      .orderBy('job.createdAt', 'DESC')
      .addOrderBy('job.id', 'DESC')
      .limit(limit);
    if (after) {
      query.where('(job.createdAt, job.id) < (:createdAt, :id)', {
        createdAt: after.createdAt.getTime(),
        id: after.id,
      });
    }
    if (boundTo) query.andWhere('job.boundTo = :boundTo', { boundTo: boundToText(boundTo) });
    return (await query.getMany()).map(toJob);
  }

  async count(boundTo: readonly GroupRef[] | null = null): Promise<number> {
    if (!boundTo) return readCounter(this.manager, 'jobs');
    const [row] = await ask<{ count: number }>(this.manager, 'SELECT COUNT(*) AS count FROM jobs WHERE bound_to = ?', [
      boundToText(boundTo),
    ]);
    return row?.count ?? 0;
  }

  async unfinished(): Promise<Job[]> {
    const rows = await this.manager.find(JobEntity, {
      where: { state: In(UNFINISHED) },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    return rows.map(toJob);
  }

  async update(job: Job): Promise<Job> {
    const { id, version, ...changes } = toJobRow(job);
    const changed = { ...changes, version: version + 1 };
    if ((await updateRows(this.manager, JobEntity, { id, version }, changed)) !== 1) {
      throw new TimbreError('CONFLICT', `job ${id} was changed meanwhile; read it again and repeat`);
    }
    await appendChange(this.manager, 'job', id);
    await announceJob(this.manager, job);
    return { ...job, version: version + 1 };
  }

  async delete(id: string): Promise<boolean> {
    const { affected } = await this.manager.delete(JobEntity, { id });
    await appendChange(this.manager, 'job', id);
    return affected === 1;
  }

  async finishedBefore(time: Date, limit: number): Promise<string[]> {
    const rows = await this.manager.find(JobEntity, {
      select: { id: true },
      where: { finishedAt: LessThan(time.getTime()) },
      order: { finishedAt: 'ASC' },
      take: limit,
    });
    return rows.map(({ id }) => id);
  }

  async items(jobId: string, from: number, limit: number, state?: ItemState): Promise<JobItem[]> {
    const rows = await this.manager.find(JobItemEntity, {
      where: { jobId, position: MoreThanOrEqual(from), ...(state && { state }) },
      order: { position: 'ASC' },
      take: limit,
    });
    return rows.map(toJobItem);
  }

  async settled(jobId: string, afterEvent: number, limit: number): Promise<JobItem[]> {
    const rows = await this.manager.find(JobItemEntity, {
      where: { jobId, event: MoreThan(afterEvent) },
      order: { event: 'ASC' },
      take: limit,
    });
    return rows.map(toJobItem);
  }

  async settle(
    { jobId, index }: ItemKey,
    outcome: ItemOutcome,
    event: number,
    now: Date,
    lease?: string,
  ): Promise<boolean> {
    const changes: Partial<JobItemRow> =
      'error' in outcome
        ? { state: 'failed', errorCode: outcome.error.code, errorMessage: outcome.error.message }
        : { state: 'done', ...outcome.result };
    const waiting = { jobId, position: index, state: 'queued', ...(lease === undefined ? {} : { lease }) } as const;
    const settled = { ...changes, event, settledAt: now.getTime(), lease: null, leaseUntil: null };
    return (await updateRows(this.manager, JobItemEntity, waiting, settled)) === 1;
  }

  async cancelItems(jobId: string, now: Date): Promise<void> {
    const changes = { state: 'cancelled', settledAt: now.getTime(), lease: null, leaseUntil: null } as const;
    await this.manager.update(JobItemEntity, { jobId, state: 'queued' }, changes);
  }

  async spooled(): Promise<ItemKey[]> {
    const rows = await this.manager.find(JobItemEntity, {
      select: { jobId: true, position: true },
      where: { state: 'queued', path: IsNull() },
    });
    return rows.map(({ jobId, position }) => ({ jobId, index: position }));
  }

  async waitingOf(speakerId: string): Promise<JobItem[]> {
    const rows = await this.manager.find(JobItemEntity, {
      where: { speakerId, state: 'queued' },
      order: { jobId: 'ASC', position: 'ASC' },
    });
    return rows.map(toJobItem);
  }

  async ofSpeaker(speakerId: string, after: ItemKey | null, limit: number): Promise<JobItem[]> {
    const query = this.manager
      .createQueryBuilder(JobItemEntity, 'item')
      .where('item.speakerId = :speakerId', { speakerId })
      .orderBy('item.jobId')
      .addOrderBy('item.position')
      .limit(limit);
    if (after) query.andWhere('(item.jobId, item.position) > (:jobId, :index)', { ...after });
    return (await query.getMany()).map(toJobItem);
  }

  async forgetSpeaker(speakerId: string): Promise<number> {
    const nothing = { speakerId: null, fileName: null, path: null, enrollmentId: null, errorMessage: null };
    const { affected } = await this.manager.update(JobItemEntity, { speakerId }, nothing);
    return affected ?? 0;
  }
}
