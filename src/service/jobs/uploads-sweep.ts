import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ChangeFeed } from '../records/change-feed.js';
import { isFinished } from '../records/job.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { BlobStore } from '../uploads/blob-store.js';

/** Recordings read at once. */
const BATCH = 500;

/**
 * Removes uploads of this process whose recordings another process has settled: a job was cancelled there, or a speaker erased.
 * What is settled here is removed by whoever does it.
 */
@Injectable()
export class UploadsSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Jobs');
  private readonly stopping = new AbortController();
  /** The last event that was seen of each job that has uploads here. */
  private readonly events = new Map<string, number>();
  private running: Promise<void> | undefined;

  constructor(
    private readonly feed: ChangeFeed,
    private readonly store: UnitOfWork,
    private readonly blobs: BlobStore,
  ) {}

  onApplicationBootstrap(): void {
    if (this.feed.shared) this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private run(): Promise<void> {
    return this.feed.follow(
      {
        // At the start uploads are those that wait.
        begin: (isFirst) => (isFirst ? undefined : this.lookAt(this.blobs.jobs)),
        take: (changes) => this.lookAt(changes.filter(({ kind }) => kind === 'job').map(({ about }) => about)),
        waits: (error) =>
          this.logger.warn({ err: error, msg: 'uploads of jobs that ended elsewhere wait for the database' }),
      },
      this.stopping.signal,
    );
  }

  /** Those of the jobs that have uploads here. */
  private async lookAt(jobs: Iterable<string>): Promise<void> {
    const here = new Set(this.blobs.jobs);
    for (const jobId of this.events.keys()) if (!here.has(jobId)) this.events.delete(jobId);
    for (const jobId of new Set(jobs)) if (here.has(jobId)) await this.look(jobId);
  }

  private async look(jobId: string): Promise<void> {
    const job = await this.store.read(({ jobs }) => jobs.find(jobId));
    // One that is not there yet is being made.
    if (!job) return;
    if (isFinished(job)) {
      await this.blobs.removeJob(jobId);
      return;
    }
    for (let event = this.events.get(jobId) ?? 0; ;) {
      const settled = await this.store.read(({ jobs }) => jobs.settled(jobId, event, BATCH));
      for (const { index } of settled) await this.blobs.remove({ jobId, index });
      event = settled.at(-1)?.event ?? event;
      this.events.set(jobId, event);
      if (settled.length < BATCH) return;
    }
  }
}
