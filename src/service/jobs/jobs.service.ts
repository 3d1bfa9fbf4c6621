import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { boundTo } from '../records/bound.js';
import { newConsent, type GivenConsent } from '../records/consent.js';
import { Places } from '../http/pages.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { Steps } from '../../support/steps.js';
import { speakerId } from '../../support/speaker-id.js';
import { speakerName } from '../records/speaker.js';
import { SpeakersService } from '../speakers/speakers.service.js';
import type { Recording } from '../uploads/recording.js';
import { BlobStore } from '../uploads/blob-store.js';
import type { JobRepository } from '../records/job.repository.js';
import type { GroupRef } from '../../support/group-ref.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import {
  afterCancel,
  isFinished,
  jobNotFound,
  newJob,
  waiting,
  type ItemState,
  type Job,
  type JobItem,
  type NewItem,
} from '../records/job.js';
import { JobRunner } from './job-runner.js';

/** One recording of a session to be: of whom, and where it lies. */
export interface SessionItem {
  speakerId: string;
  /** Of a speaker who is added. */
  name?: string | null | undefined;
  /** For a speaker who has none recorded. */
  consent?: GivenConsent | undefined;
  /** Null for an upload. */
  path: string | null;
  fileName: string | null;
}

/** A job, and for how many seconds it will take; null where that is not known. */
export interface Forecast {
  job: Job;
  secondsLeft: number | null;
}

const JOBS = new Places<[createdAt: number, id: string]>('jobs', ['number', 'string']);
const ITEMS = new Places<[index: number]>('job items', ['number']);

@Injectable()
export class JobsService {
  private readonly logger = new Logger('Jobs');

  constructor(
    private readonly store: UnitOfWork,
    private readonly speakers: SpeakersService,
    private readonly blobs: BlobStore,
    private readonly runner: JobRunner,
    private readonly config: Config,
  ) {}

  /** Errors: OVERLOADED where a new job would be refused. */
  async admit(): Promise<void> {
    const unfinished = await this.store.read(({ jobs }) => jobs.unfinished());
    this.checkRoom(unfinished);
    this.blobs.admit();
  }

  /**
   * Adds a job. `uploads` are the recordings without a path, in their order; they are taken over. The job is durable
   * when this resolves; where it rejects, nothing of it is left but speakers who were added and consents.
   * `alongWith` runs in the transaction that writes the job; what it throws undoes that.
   * Errors: INVALID_ARGUMENT, FORBIDDEN_GROUP for a path by who is bound to groups, BODY_TOO_LARGE for too many recordings, OVERLOADED, WRITE_FAILED, those of the storage and,
   * before the job is written, of the steps.
   */
  async create(
    items: readonly SessionItem[],
    uploads: readonly Recording[],
    createSpeakers: boolean,
    steps = new Steps(),
    alongWith?: (records: VoiceRecords, made: Forecast) => Promise<void>,
  ): Promise<Forecast> {
    const { maxJobItems } = this.config;
    if (items.length > maxJobItems) {
      throw new TimbreError('BODY_TOO_LARGE', `a job has ${maxJobItems} recordings at most, not ${items.length}`);
    }
    if (boundTo() && items.some(({ path }) => path !== null)) {
      throw new TimbreError(
        'FORBIDDEN_GROUP',
        'the API key is bound to groups: it uploads its recordings, and names no files of the machine',
      );
    }
    const checked: SessionItem[] = [];
    for (const [index, item] of items.entries()) {
      checked.push(checkItem(item, index));
      await steps.next();
    }
    await this.admit();
    await this.speakers.prepare(
      checked.map(({ speakerId: id, name, consent }) => ({ id, name, consent })),
      createSpeakers,
      steps,
    );
    return this.add(randomUUID(), checked, uploads, alongWith);
  }

  /**
   * Adds a job of recordings that are no enrolments, all of them uploads. As `create`, without what that does for speakers;
   * `id` is a new UUID. Errors: OVERLOADED, WRITE_FAILED, those of the storage.
   */
  async addWork(
    id: string,
    items: readonly NewItem[],
    uploads: readonly Recording[],
    alongWith: (records: VoiceRecords, made: Forecast) => Promise<void>,
  ): Promise<Forecast> {
    await this.admit();
    return this.add(id, items, uploads, alongWith);
  }

  private async add(
    id: string,
    items: readonly NewItem[],
    uploads: readonly Recording[],
    alongWith?: (records: VoiceRecords, made: Forecast) => Promise<void>,
  ): Promise<Forecast> {
    const job = newJob(id, items.length, new Date(), boundTo());
    const made = { job, secondsLeft: null };
    if (uploads.length > 0) await this.blobs.adopt(job.id, uploads);
    try {
      await this.store.transaction(async (records) => {
        const { jobs, audit } = records;
        this.checkRoom(await jobs.unfinished());
        await jobs.insert(job, items);
        await audit.record({ action: 'job.created', object: job.id });
        await alongWith?.(records, made);
      });
    } catch (error) {
      await this.blobs.removeJob(job.id);
      throw error;
    }
    this.runner.wake();
    return made;
  }

  /** Errors: JOB_NOT_FOUND. */
  get(id: string): Promise<Forecast> {
    return this.store.read(async ({ jobs }) => {
      const job = await requireJob(jobs, id);
      return this.forecast(job, await jobs.unfinished());
    });
  }

  /** A page of the job's recordings. Errors: JOB_NOT_FOUND. */
  async items(
    id: string,
    { cursor, limit, state }: { cursor?: string | undefined; limit: number; state?: ItemState | undefined },
  ): Promise<Forecast & { items: JobItem[]; nextCursor: string | null }> {
    const after = ITEMS.decode(cursor);
    return this.store.read(async ({ jobs }) => {
      const job = await requireJob(jobs, id);
      // One more than asked for tells whether there is another page.
      const found = await jobs.items(id, after ? after[0] + 1 : 0, limit + 1, state);
      const { rows, nextCursor } = ITEMS.page(found, limit, ({ index }) => [index]);
      return {
        ...this.forecast(job, await jobs.unfinished()),
        items: rows,
        nextCursor,
      };
    });
  }

  /** Newest first. Errors: INVALID_ARGUMENT for a cursor of nobody's. */
  async page(
    limit: number,
    cursor: string | undefined,
  ): Promise<{ jobs: Forecast[]; total: number; nextCursor: string | null }> {
    const after = JOBS.decode(cursor);
    return this.store.read(async ({ jobs }) => {
      const bound = boundTo();
      const found = await jobs.page(after && { createdAt: new Date(after[0]), id: after[1] }, limit + 1, bound);
      const { rows, nextCursor } = JOBS.page(found, limit, ({ createdAt, id }) => [createdAt.getTime(), id]);
      const unfinished = await jobs.unfinished();
      return {
        jobs: rows.map((job) => this.forecast(job, unfinished)),
        total: await jobs.count(bound),
        nextCursor,
      };
    });
  }

  /**
   * Cancels what waits of a job; what it enrolled stays. One that is finished stays as it is, so that the call can be
   * repeated. Errors: JOB_NOT_FOUND.
   */
  async cancel(id: string): Promise<Job> {
    const cancelled = await this.end(id);
    if (!cancelled) throw jobNotFound(id);
    return cancelled;
  }

  /** `cancel` of a job that may be gone; null then. */
  async end(id: string): Promise<Job | null> {
    const now = new Date();
    const cancelled = await this.store.transaction(async ({ jobs, conversations, audit }) => {
      const job = await findJob(jobs, id);
      if (!job || isFinished(job)) return job;
      await jobs.cancelItems(id, now);
      await conversations.cancelOfJob(id, now);
      const next = await jobs.update(afterCancel(job, now));
      await audit.record({ action: 'job.cancelled', object: id });
      return next;
    });
    if (cancelled) await this.clear(id);
    return cancelled;
  }

  /** Removes a finished job with its results. Errors: JOB_NOT_FOUND, JOB_NOT_FINISHED. */
  async remove(id: string): Promise<void> {
    await this.store.transaction(async ({ jobs, audit }) => {
      const job = await requireJob(jobs, id);
      if (!isFinished(job)) {
        throw new TimbreError(
          'JOB_NOT_FINISHED',
          `the job is ${job.state}; cancel it first: POST /v1/jobs/${id}/cancel`,
        );
      }
      await jobs.delete(id);
      await audit.record({ action: 'job.removed', object: id });
    });
    await this.clear(id);
  }

  /** Ends the work on a job's recordings; uploads that cannot be removed now go at the next start. */
  private async clear(id: string): Promise<void> {
    this.runner.drop(id);
    await this.blobs.removeJob(id).catch((error: unknown) => {
      this.logger.warn({ jobId: id, err: error, msg: 'the uploads of a job could not be removed yet' });
    });
  }

  private forecast(job: Job, unfinished: readonly Job[]): Forecast {
    // What others have waiting is theirs to know.
    if (isFinished(job) || boundTo()) return { job, secondsLeft: null };
    const before = unfinished.slice(0, unfinished.findIndex(({ id }) => id === job.id) + 1);
    const recordings = before.reduce((sum, one) => sum + waiting(one), 0);
    return { job, secondsLeft: this.runner.secondsFor(recordings) };
  }

  private checkRoom(unfinished: readonly Job[]): void {
    const { maxJobs } = this.config;
    if (unfinished.length < maxJobs) return;
    throw new TimbreError('OVERLOADED', `no more than ${maxJobs} jobs may be unfinished; try again later`, {
      retryAfterSeconds: 30,
    });
  }
}

/** Who is bound to groups finds the jobs of those who are bound to the same. Errors: JOB_NOT_FOUND. */
async function requireJob(jobs: JobRepository, id: string): Promise<Job> {
  const job = await findJob(jobs, id);
  if (!job) throw jobNotFound(id);
  return job;
}

/** Null also where it is the job of others than those whom the caller reaches. */
async function findJob(jobs: JobRepository, id: string): Promise<Job | null> {
  const job = await jobs.find(id);
  const bound = boundTo();
  return job && bound && !sameGroups(bound, job.boundTo) ? null : job;
}

function sameGroups(bound: readonly GroupRef[], of: readonly GroupRef[] | null): boolean {
  const uids = new Set(bound.map(({ uid }) => uid));
  return of?.length === uids.size && of.every(({ uid }) => uids.has(uid));
}

function checkItem(item: SessionItem, index: number): SessionItem {
  try {
    const checked = {
      ...item,
      speakerId: speakerId(item.speakerId),
      name: item.name == null ? null : speakerName(item.name),
    };
    if (item.consent) newConsent(item.consent, { id: checked.speakerId, name: checked.name }, new Date());
    return checked;
  } catch (error) {
    if (!(error instanceof TimbreError)) throw error;
    throw new TimbreError(error.code, `items.${index}: ${error.message}`, { cause: error });
  }
}
