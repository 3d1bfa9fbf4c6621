import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { basename } from 'node:path';
import { actAs } from '../../support/actor.js';
import { AudioRoots } from '../uploads/audio-roots.js';
import { Bell } from '../../support/bell.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Traffic } from '../http/traffic.js';
import { Config } from '../config/config.js';
import { keepTrying, passes, RequestsFirst } from '../engine/background.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { EnrollmentsService, type AlongWith } from '../enrollments/enrollments.service.js';
import { Metrics } from '../metrics/metrics.service.js';
import { withNames } from '../uploads/client-names.js';
import type { Recording } from '../uploads/recording.js';
import { BlobStore } from '../uploads/blob-store.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { isFinished, type ItemError, type Job, type JobItem } from '../records/job.js';
import { JobQueue, type Claim } from '../records/job-queue.js';
import { Leader } from '../records/leader.js';
import { hasJumped, readHeartbeat } from '../records/heartbeat.js';
import { Pace } from './pace.js';

/** Why the work on a recording ends: its job was cancelled, its lease is somebody else's, or the service stops. */
type Ending = 'cancelled' | 'lost' | 'stopped';

/** What is done with recordings of jobs that are no enrolments. */
export interface JobWork {
  /**
   * Does the work, and stores its outcome and the recording's together. Errors: ABORTED where the recording is in another
   * hand, or does not wait any more; those of the work.
   */
  run(claim: Claim, recording: Recording, signal: AbortSignal): Promise<Job>;

  /** Stores that it failed, in the transaction that stores it of the recording. */
  failed(records: VoiceRecords, item: JobItem, error: ItemError, now: Date): Promise<void>;
}

/** A recording that is being worked on. */
interface InHand {
  claim: Claim;
  controller: AbortController;
}

/** What the work on a recording ends with whose claim was lost meanwhile. */
export function claimLost(): TimbreError {
  return new TimbreError('ABORTED', 'the recording does not wait any more, or is in another hand');
}

const HOUSEKEEPING_MS = 3600_000;
const DAY_MS = 86_400_000;
/** Jobs deleted in one transaction; each may have many thousand rows. */
const JOBS_AT_ONCE = 10;

/**
 * Works on the recordings of all jobs, oldest job first. Whatever is in the database is all it knows: after a crash it
 * goes on where the last recording became durable. What it has in hand is leased, and the lease is put off while the work
 * goes on.
 *
 * One worker of the engine is left to requests, and no recording is begun while those of requests queue.
 */
@Injectable()
export class JobRunner implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Jobs');
  private readonly stopping = new AbortController();
  /** Rings when there may be something to do. */
  private readonly work = new Bell();
  /** By lease. */
  private readonly inHand = new Map<string, InHand>();
  private readonly pace = new Pace();
  private readonly count: (result: string) => void;
  private conversations: JobWork | undefined;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private heart: NodeJS.Timeout | undefined;
  private requests: RequestsFirst | undefined;

  constructor(
    private readonly store: UnitOfWork,
    private readonly queue: JobQueue,
    private readonly leader: Leader,
    private readonly engine: EmbeddingEngine,
    private readonly enrollments: EnrollmentsService,
    private readonly blobs: BlobStore,
    private readonly roots: AudioRoots,
    private readonly config: Config,
    traffic: Traffic,
    metrics: Metrics,
  ) {
    traffic.onDrain(() => this.stop());
    this.count = metrics.counter('timbre_job_items_total', 'Recordings of jobs that have an outcome.', 'result');
    metrics.gauge('timbre_spool_bytes', 'Bytes of uploads that wait for their job.', () => this.blobs.bytes);
    metrics.gauges('timbre_jobs', 'Jobs that are not finished.', 'state', () => this.countJobs());
  }

  /** Before the service listens: what a process that was killed left in the spool goes. */
  async onModuleInit(): Promise<void> {
    await this.blobs.keepOnly(await this.store.read(({ jobs }) => jobs.spooled()));
  }

  onApplicationBootstrap(): void {
    this.requests = new RequestsFirst(this.engine);
    this.timer = setInterval(() => void this.keepHouse(), HOUSEKEEPING_MS).unref();
    // Two beats may fail before a lease ends.
    this.heart = setInterval(() => void this.beat(), this.queue.leaseMs / 3).unref();
    void this.keepHouse();
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop();
    clearInterval(this.timer);
    await this.running;
    this.requests?.close();
    clearInterval(this.heart);
  }

  /** There is a new job. */
  wake(): void {
    this.work.ring();
  }

  /** Says who works on conversations, before the first is begun. */
  workOnConversations(work: JobWork): void {
    this.conversations = work;
  }

  /** Ends the work on recordings of a job that was cancelled. */
  drop(jobId: string): void {
    for (const { claim, controller } of this.inHand.values()) {
      if (claim.item.jobId === jobId) controller.abort('cancelled' satisfies Ending);
    }
  }

  /** Seconds for so many recordings; null where nothing is known of the pace. */
  secondsFor(recordings: number): number | null {
    return this.pace.secondsFor(recordings);
  }

  /** What is in hand stays waiting in the database. */
  private stop(): void {
    this.stopping.abort();
    for (const { controller } of this.inHand.values()) controller.abort('stopped' satisfies Ending);
  }

  private async run(): Promise<void> {
    const stopped = new Promise<boolean>((resolve) => {
      this.stopping.signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    const ready = this.engine.ready().then(
      () => true,
      // The engine says what is wrong; jobs wait for a service that has a model.
      () => false,
    );
    if (!(await Promise.race([ready, stopped]))) return;
    const lanes = Math.max(1, this.engine.info().workers - 1);
    await Promise.all(Array.from({ length: lanes }, () => this.lane()));
  }

  /** One recording after the other. */
  private lane(): Promise<void> {
    const { signal } = this.stopping;
    const turn = async (): Promise<boolean> => {
      const { rings } = this.work;
      const claim = await this.queue.claim();
      if (claim) await this.settle(claim);
      // A lease that ends somewhere rings no bell.
      else await this.work.after(rings, signal, this.queue.leaseMs);
      return true;
    };
    return keepTrying(signal, turn, ({ code, message }, seconds) =>
      this.logger.warn({ code, msg: `jobs wait ${seconds} s: ${message}` }),
    );
  }

  /** Gives a recording its outcome. Throws what passes; the recording waits for the next claim then. */
  private async settle(claim: Claim): Promise<void> {
    const { item, lease } = claim;
    const controller = new AbortController();
    const { signal } = controller;
    this.inHand.set(lease, { claim, controller });
    let settled = false;
    try {
      if (this.stopping.signal.aborted) return;
      await this.requests?.wait(signal);
      // It reaches whom the maker of the job reaches.
      const groups = claim.boundTo ?? undefined;
      const job = await actAs({ by: 'jobs', requestId: null, groups }, () => this.workOn(claim, signal));
      settled = true;
      await this.blobs.remove(item);
      this.tell(job, 'done');
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (signal.aborted || error.code === 'ABORTED') return;
      if (passes(error)) throw error;
      await this.fail(claim, error);
      settled = true;
    } finally {
      this.inHand.delete(lease);
      if (!settled) await this.giveBack(claim);
      if (signal.reason === ('cancelled' satisfies Ending)) await this.blobs.removeJob(item.jobId);
    }
  }

  private async giveBack(claim: Claim): Promise<void> {
    await this.queue.release(claim).catch((error: unknown) => {
      const { jobId, index } = claim.item;
      this.logger.warn({ jobId, index, err: error, msg: 'a recording is given back when its lease ends' });
    });
  }

  /** Puts off the leases of what is in hand; ends the work on what is in somebody else's hand by now. */
  private async beat(): Promise<void> {
    const before = [...this.inHand.values()];
    if (before.length === 0) return;
    try {
      const held = new Set((await this.queue.extend(before.map(({ claim }) => claim))).map(({ lease }) => lease));
      for (const { claim, controller } of before) {
        if (!held.has(claim.lease)) controller.abort('lost' satisfies Ending);
      }
    } catch (error) {
      this.logger.warn({ err: error, msg: 'the leases of what is in hand could not be extended; trying again' });
    }
  }

  private async workOn(claim: Claim, signal: AbortSignal): Promise<Job> {
    const { item } = claim;
    const recording = await this.recording(item, signal);
    try {
      if (item.conversationId === null) return await this.enrol(claim, recording, signal);
      return await this.conversationWork().run(claim, recording, signal);
    } catch (thrown) {
      const { code, message } = toTimbreError(thrown);
      throw new TimbreError(code, withNames(message, [recording]), { cause: thrown });
    }
  }

  /** The enrolment and the outcome become durable together, or neither. */
  private async enrol(claim: Claim, recording: Recording, signal: AbortSignal): Promise<Job> {
    const { item } = claim;
    const settled: { job: Job | null } = { job: null };
    const alongWith: AlongWith = async (records, { results }) => {
      const [enrolled] = results;
      if (!enrolled || !('enrollment' in enrolled)) throw new Error('an enrolment without a result');
      const { enrollment, duplicate, audio } = enrolled;
      if (audio?.incomplete) {
        const { jobId, index } = item;
        this.logger.warn({ jobId, index, ...audio.incomplete, msg: 'a recording of a job is not whole' });
      }
      const result = { enrollmentId: enrollment.id, duplicate, accepted: enrollment.verdict.accepted };
      settled.job = await this.queue.settle(records, claim, { result }, new Date());
      if (!settled.job) throw claimLost();
    };
    await this.enrollments.enrol(item.speakerId ?? '', [recording], { signal }, { alongWith });
    if (!settled.job) throw new Error('an enrolment without a job');
    return settled.job;
  }

  private conversationWork(): JobWork {
    if (!this.conversations) throw new Error('nobody works on conversations');
    return this.conversations;
  }

  /** The recording as a file that nobody else changes. */
  private async recording(item: JobItem, signal: AbortSignal): Promise<Recording> {
    const { path, fileName } = item;
    const field = 'audio';
    if (path === null) return { field, filename: fileName ?? '', ...(await this.blobs.describe(item)) };
    const file = await this.roots.open(path, { signal });
    try {
      const copy = await this.blobs.copy(item, file.descriptor, signal);
      return { field, filename: fileName ?? basename(path), ...copy };
    } finally {
      await file.close();
    }
  }

  private async fail(claim: Claim, { code, message, cause }: TimbreError): Promise<void> {
    const { item } = claim;
    if (code === 'INTERNAL') this.logger.error({ jobId: item.jobId, err: cause, msg: message });
    const [fault, now] = [{ code, message }, new Date()];
    const job = await this.store.transaction(async (records) => {
      const settled = await this.queue.settle(records, claim, { error: fault }, now);
      if (settled && item.conversationId !== null) await this.conversationWork().failed(records, item, fault, now);
      return settled;
    });
    await this.blobs.remove(item);
    if (job) this.tell(job, 'failed');
  }

  private tell(job: Job, result: 'done' | 'failed'): void {
    this.pace.step(performance.now());
    this.count(result);
    if (!isFinished(job)) return;
    const { id, done, failed } = job;
    void this.blobs.removeJob(id).catch((error: unknown) => {
      this.logger.warn({ jobId: id, err: error, msg: 'the empty folder of a job could not be removed' });
    });
    this.logger.log({ jobId: id, done, failed, msg: `a job is ${job.state}: ${done} done, ${failed} failed` });
  }

  private async keepHouse(): Promise<void> {
    try {
      await this.leader.lead('old jobs', () => this.removeOld());
    } catch (error) {
      this.logger.warn({ err: error, msg: 'old jobs could not be removed; the next hour tries again' });
    }
  }

  /** Removes jobs that ended long ago. */
  private async removeOld(): Promise<void> {
    // By age, and so not by a clock that has jumped.
    const heartbeat = await this.store.read(({ notes }) => readHeartbeat(notes));
    if (hasJumped(heartbeat, new Date())) return;
    const before = new Date(Date.now() - this.config.jobDays * DAY_MS);
    for (let removed = JOBS_AT_ONCE; removed === JOBS_AT_ONCE && !this.stopping.signal.aborted;) {
      removed = await this.store.transaction(async ({ jobs }) => {
        const ids = await jobs.finishedBefore(before, JOBS_AT_ONCE);
        for (const id of ids) await jobs.delete(id);
        return ids.length;
      });
    }
  }

  private async countJobs(): Promise<Record<string, number>> {
    const unfinished = await this.store.read(({ jobs }) => jobs.unfinished());
    const running = unfinished.filter(({ state }) => state === 'running').length;
    return { waiting: unfinished.length - running, running };
  }
}
