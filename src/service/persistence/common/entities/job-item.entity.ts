import { EntitySchema } from 'typeorm';
import type { ErrorCode } from '../../../../errors/error-codes.js';
import type { ItemState } from '../../../records/job.js';

export interface JobItemRow {
  jobId: string;
  position: number;
  speakerId: string | null;
  fileName: string | null;
  path: string | null;
  conversationId: string | null;
  state: ItemState;
  enrollmentId: string | null;
  duplicate: boolean | null;
  accepted: boolean | null;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  event: number | null;
  /** Milliseconds since 1970. */
  settledAt: number | null;
  /** Names the claim that has it in hand. */
  lease: string | null;
  leaseUntil: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const JobItemEntity = new EntitySchema<JobItemRow>({
  name: 'JobItem',
  tableName: 'job_items',
  columns: {
    jobId: { type: 'text', name: 'job_id', primary: true },
    position: { type: 'integer', primary: true },
    speakerId: { type: 'text', name: 'speaker_id', nullable: true },
    fileName: { type: 'text', name: 'file_name', nullable: true },
    path: { type: 'text', nullable: true },
    conversationId: { type: 'text', name: 'conversation_id', nullable: true },
    state: { type: 'text' },
    enrollmentId: { type: 'text', name: 'enrollment_id', nullable: true },
    duplicate: { type: 'boolean', nullable: true },
    accepted: { type: 'boolean', nullable: true },
    errorCode: { type: 'text', name: 'error_code', nullable: true },
    errorMessage: { type: 'text', name: 'error_message', nullable: true },
    event: { type: 'integer', nullable: true },
    settledAt: { type: 'integer', name: 'settled_at', nullable: true },
    lease: { type: 'text', nullable: true },
    leaseUntil: { type: 'integer', name: 'lease_until', nullable: true },
  },
  indices: [
    { name: 'job_items_by_state', columns: ['jobId', 'state', 'position'] },
    { name: 'job_items_by_event', columns: ['jobId', 'event'] },
    { name: 'job_items_of_speaker', columns: ['speakerId', 'jobId', 'position'] },
  ],
  foreignKeys: [
    {
      name: 'job_items_of_job',
      target: 'Job',
      columnNames: ['jobId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});
