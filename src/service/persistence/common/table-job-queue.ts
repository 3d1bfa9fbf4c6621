import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../../support/clock.js';
import { JobQueue, type Claim } from '../../records/job-queue.js';
import type { ItemOutcome, Job, JobItem } from '../../records/job.js';
import { settleItem } from '../../records/settle-item.js';
import type { VoiceRecords } from '../../records/unit-of-work.js';
import { affect, ask } from './dialect.js';
import type { Store } from './store.js';
import { JobItemEntity } from './entities/job-item.entity.js';
import { TypeOrmJobRepository } from './repositories/typeorm-job.repository.js';
import { updateRows } from './rows.js';

const LEASE_MS = 60_000;

/** Leases are columns of the recordings' rows; whoever changes a row names the lease that it has. */
export class TableJobQueue extends JobQueue {
  /** Begins the names of this queue's leases. */
  protected readonly owner: string = randomUUID();
  private claims = 0;

  constructor(
    protected readonly database: Store,
    private readonly clock: Clock,
    readonly leaseMs = LEASE_MS,
  ) {
    super();
  }

  /** Ends the leases that are left, where it is known that whoever had them is gone. */
  async takeOver(): Promise<void> {
    await this.database.transaction(async (manager) => {
      for (const { id } of await new TypeOrmJobRepository(manager).unfinished()) {
        await this.endLeases(manager, id);
      }
    });
  }

  protected async endLeases(manager: EntityManager, jobId: string): Promise<void> {
    await affect(
      manager,
      `UPDATE job_items SET lease = NULL, lease_until = NULL
       WHERE job_id = ? AND state = 'queued' AND lease IS NOT NULL`,
      [jobId],
    );
  }

  claim(): Promise<Claim | null> {
    return this.database.transaction(async (manager) => {
      const jobs = new TypeOrmJobRepository(manager);
      const now = this.clock.now();
      for (const job of await this.open(manager, jobs)) {
        const item = await this.free(manager, jobs, job, now);
        if (!item) continue;
        const lease = `${this.owner}:${++this.claims}`;
        const claimed = { jobId: job.id, position: item.index, state: 'queued' } as const;
        await updateRows(manager, JobItemEntity, claimed, { lease, leaseUntil: now.getTime() + this.leaseMs });
        if (job.state === 'queued') await jobs.update({ ...job, state: 'running', startedAt: now });
        return { item, lease, boundTo: job.boundTo };
      }
      return null;
    });
  }

  extend(claims: readonly Claim[]): Promise<Claim[]> {
    return this.database.transaction(async (manager) => {
      const leaseUntil = this.clock.now().getTime() + this.leaseMs;
      const held: Claim[] = [];
      for (const claim of claims) if (await change(manager, claim, { leaseUntil })) held.push(claim);
      return held;
    });
  }

  async release(claim: Claim): Promise<void> {
    await this.database.transaction((manager) => change(manager, claim, { lease: null, leaseUntil: null }));
  }

  settle({ jobs }: VoiceRecords, { item, lease }: Claim, outcome: ItemOutcome, now: Date): Promise<Job | null> {
    return settleItem(jobs, item, outcome, now, lease);
  }

  /** The jobs whose recordings may be claimed here, oldest first. */
  protected open(_manager: EntityManager, jobs: TypeOrmJobRepository): Promise<Job[]> {
    return jobs.unfinished();
  }

  private async free(
    manager: EntityManager,
    jobs: TypeOrmJobRepository,
    { id }: Job,
    now: Date,
  ): Promise<JobItem | undefined> {
    const [found] = await ask<{ position: number }>(
      manager,
      `SELECT position FROM job_items
       WHERE job_id = ? AND state = 'queued' AND (lease_until IS NULL OR lease_until <= ?) ORDER BY position LIMIT 1`,
      [id, now.getTime()],
    );
    return found && (await jobs.items(id, found.position, 1))[0];
  }
}

/** Whether the claim has its recording still. */
async function change(
  manager: EntityManager,
  { item: { jobId, index }, lease }: Claim,
  changes: { lease?: null; leaseUntil: number | null },
): Promise<boolean> {
  const own = { jobId, position: index, state: 'queued', lease } as const;
  return (await updateRows(manager, JobItemEntity, own, changes)) === 1;
}
