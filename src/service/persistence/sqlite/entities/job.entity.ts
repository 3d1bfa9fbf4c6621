import { EntitySchema } from 'typeorm';
import type { JobState } from '../../../records/job.js';

export interface JobRow {
  id: string;
  state: JobState;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  total: number;
  done: number;
  failed: number;
  cancelled: number;
  lastEvent: number;
  version: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const JobEntity = new EntitySchema<JobRow>({
  name: 'Job',
  tableName: 'jobs',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    createdAt: { type: 'integer', name: 'created_at' },
    startedAt: { type: 'integer', name: 'started_at', nullable: true },
    finishedAt: { type: 'integer', name: 'finished_at', nullable: true },
    total: { type: 'integer' },
    done: { type: 'integer' },
    failed: { type: 'integer' },
    cancelled: { type: 'integer' },
    lastEvent: { type: 'integer', name: 'last_event' },
    version: { type: 'integer', default: 1 },
  },
  indices: [
    { name: 'jobs_in_order', columns: ['createdAt', 'id'] },
    { name: 'jobs_by_state', columns: ['state', 'createdAt'] },
    { name: 'jobs_by_end', columns: ['finishedAt'] },
  ],
});
