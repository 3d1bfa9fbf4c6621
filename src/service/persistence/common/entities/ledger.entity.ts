import { EntitySchema } from 'typeorm';
import type { LedgerAction, LedgerDetail } from '../../../records/ledger.js';

export interface LedgerRow {
  id: string;
  speakerId: string;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  by: string;
  action: LedgerAction;
  model: string | null;
  frontEnd: string | null;
  enrollmentId: string | null;
  contentSha256: string | null;
  changeId: string | null;
  detail: LedgerDetail;
  undoneAt: number | null;
  undoneBy: string | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const LedgerEntity = new EntitySchema<LedgerRow>({
  name: 'LedgerEntry',
  tableName: 'ledger',
  columns: {
    id: { type: 'text', primary: true },
    speakerId: { type: 'text', name: 'speaker_id' },
    createdAt: { type: 'integer', name: 'created_at' },
    by: { type: 'text' },
    action: { type: 'text' },
    model: { type: 'text', nullable: true },
    frontEnd: { type: 'text', name: 'front_end', nullable: true },
    enrollmentId: { type: 'text', name: 'enrollment_id', nullable: true },
    contentSha256: { type: 'text', name: 'content_sha256', nullable: true },
    changeId: { type: 'text', name: 'change_id', nullable: true },
    detail: { type: 'simple-json' },
    undoneAt: { type: 'integer', name: 'undone_at', nullable: true },
    undoneBy: { type: 'text', name: 'undone_by', nullable: true },
  },
  indices: [
    { name: 'ledger_in_order', columns: ['speakerId', 'createdAt'], unique: true },
    { name: 'ledger_by_content', columns: ['speakerId', 'contentSha256'] },
    { name: 'ledger_by_enrollment', columns: ['speakerId', 'enrollmentId'] },
    { name: 'ledger_by_change', columns: ['changeId'] },
  ],
  foreignKeys: [
    {
      name: 'ledger_of_speaker',
      target: 'Speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
});
