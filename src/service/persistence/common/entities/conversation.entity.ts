import { EntitySchema } from 'typeorm';
import type { ErrorCode } from '../../../../errors/error-codes.js';
import type { ConversationState } from '../../../records/conversation.js';

export interface ConversationRow {
  id: string;
  state: ConversationState;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  finishedAt: number | null;
  jobId: string | null;
  fileName: string | null;
  /** JSON. */
  question: string;
  findings: string | null;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  /** Groups that whoever made it was bound to, as text that is the same for the same ones; null for everybody. */
  boundTo: string | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ConversationEntity = new EntitySchema<ConversationRow>({
  name: 'Conversation',
  tableName: 'conversations',
  columns: {
    id: { type: 'text', primary: true },
    state: { type: 'text' },
    createdAt: { type: 'integer', name: 'created_at' },
    finishedAt: { type: 'integer', name: 'finished_at', nullable: true },
    jobId: { type: 'text', name: 'job_id', nullable: true },
    fileName: { type: 'text', name: 'file_name', nullable: true },
    question: { type: 'text' },
    findings: { type: 'text', nullable: true },
    errorCode: { type: 'text', name: 'error_code', nullable: true },
    errorMessage: { type: 'text', name: 'error_message', nullable: true },
    boundTo: { type: 'text', name: 'bound_to', nullable: true },
  },
  indices: [
    { name: 'conversations_in_order', columns: ['createdAt', 'id'] },
    { name: 'conversations_of_bound', columns: ['boundTo', 'createdAt', 'id'] },
    { name: 'conversations_by_end', columns: ['finishedAt'] },
    { name: 'conversations_of_job', columns: ['jobId'] },
  ],
  foreignKeys: [
    {
      name: 'conversations_by_job',
      target: 'Job',
      columnNames: ['jobId'],
      referencedColumnNames: ['id'],
      onDelete: 'SET NULL',
    },
  ],
});
