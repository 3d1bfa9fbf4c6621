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
  /** Groups that whoever made it was bound to, as text that is the same for the same ones; null for everybody. */
  boundTo: string | null;
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
    boundTo: { type: 'text', name: 'bound_to', nullable: true },
  },
  indices: [
    { name: 'jobs_in_order', columns: ['createdAt', 'id'] },
    { name: 'jobs_by_state', columns: ['state', 'createdAt'] },
    { name: 'jobs_of_bound', columns: ['boundTo', 'createdAt', 'id'] },
    { name: 'jobs_by_end', columns: ['finishedAt'] },
  ],
});
