import { EntitySchema } from 'typeorm';
import type { AuditAction } from '../../../records/audit-entry.js';

export interface AuditRow {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  by: string;
  action: AuditAction;
  subject: string | null;
  object: string | null;
  outcome: string;
  requestId: string | null;
  /** Binds the entry to those before it, see `trail.ts`; null where it was not sealed yet. */
  mac: Buffer | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const AuditEntity = new EntitySchema<AuditRow>({
  name: 'Audit',
  tableName: 'audit',
  columns: {
    id: { type: 'integer', primary: true, generated: 'increment' },
    at: { type: 'integer' },
    by: { type: 'text' },
    action: { type: 'text' },
    subject: { type: 'text', nullable: true },
    object: { type: 'text', nullable: true },
    outcome: { type: 'text' },
    requestId: { type: 'text', name: 'request_id', nullable: true },
    mac: { type: 'blob', nullable: true },
  },
  indices: [
    { name: 'audit_of_subject', columns: ['subject', 'id'] },
    { name: 'audit_of_subject_in_time', columns: ['subject', 'at'] },
    { name: 'audit_in_time', columns: ['at'] },
  ],
});
