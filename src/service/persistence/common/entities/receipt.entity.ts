import { EntitySchema } from 'typeorm';

export interface ReceiptRow {
  id: string;
  subject: string;
  /** Milliseconds since 1970, as all times. */
  erasedAt: number;
  by: string;
  enrollments: number;
  profiles: number;
  consents: number;
  groups: number;
  metadata: number;
  jobRecordings: number;
  ledgerEntries: number;
  waitingVerifications: number;
  recordings: number;
  conversations: number;
  unknownVoices: number;
  wipedAt: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ReceiptEntity = new EntitySchema<ReceiptRow>({
  name: 'Receipt',
  tableName: 'receipts',
  columns: {
    id: { type: 'text', primary: true },
    subject: { type: 'text' },
    erasedAt: { type: 'integer', name: 'erased_at' },
    by: { type: 'text' },
    enrollments: { type: 'integer' },
    profiles: { type: 'integer' },
    consents: { type: 'integer' },
    groups: { type: 'integer', default: 0 },
    metadata: { type: 'integer', default: 0 },
    jobRecordings: { type: 'integer', name: 'job_recordings' },
    ledgerEntries: { type: 'integer', name: 'ledger_entries', default: 0 },
    waitingVerifications: { type: 'integer', name: 'waiting_verifications', default: 0 },
    recordings: { type: 'integer', default: 0 },
    conversations: { type: 'integer', default: 0 },
    unknownVoices: { type: 'integer', name: 'unknown_voices', default: 0 },
    wipedAt: { type: 'integer', name: 'wiped_at', nullable: true },
  },
});
