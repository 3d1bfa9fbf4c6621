import { randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Clock } from '../../../support/clock.js';
import { affect, ask } from '../common/dialect.js';
import type { TypeOrmJobRepository } from '../common/repositories/typeorm-job.repository.js';
import { TableJobQueue } from '../common/table-job-queue.js';
import type { Job } from '../../records/job.js';
import type { PostgresDatabase } from './postgres-database.js';

/**
 * Works on the jobs of this node alone: their uploads lie in its folder. What its earlier process had in hand is taken up at
 * once, because nobody else has the folder.
 */
export class PostgresJobQueue extends TableJobQueue {
  protected override readonly owner: string;

  constructor(
    private readonly postgres: PostgresDatabase,
    clock: Clock,
    leaseMs?: number,
  ) {
    super(postgres, clock, leaseMs);
    this.owner = `${postgres.nodeId}/${randomUUID()}`;
  }

  protected override async open(manager: EntityManager, jobs: TypeOrmJobRepository): Promise<Job[]> {
    const unfinished = await jobs.unfinished();
    if (unfinished.length === 0) return [];
    const own = await ask<{ id: string }>(
      manager,
      `SELECT n.job_id AS id FROM job_nodes n JOIN jobs j ON j.id = n.job_id
       WHERE n.node = ? AND j.state IN ('queued', 'running')`,
      [this.postgres.nodeId],
    );
    const ids = new Set(own.map(({ id }) => id));
    return unfinished.filter(({ id }) => ids.has(id));
  }

  protected override async endLeases(manager: EntityManager, jobId: string): Promise<void> {
    await affect(
      manager,
      `UPDATE job_items SET lease = NULL, lease_until = NULL
       WHERE job_id = ? AND state = 'queued' AND starts_with(lease, ?)`,
      [jobId, `${this.postgres.nodeId}/`],
    );
  }
}
