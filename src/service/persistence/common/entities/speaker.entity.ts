import { EntitySchema } from 'typeorm';
import type { LearningSetting } from '../../../records/learning.js';

/** A consent as JSON: times in ISO 8601. */
export interface ConsentJson {
  givenBy: string;
  method: string;
  givenAt: string;
  textVersion: string;
  recordedAt: string;
}

export interface SpeakerRow {
  id: string;
  subject: string;
  name: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  version: number;
  consent: ConsentJson | null;
  consentWithdrawnAt: number | null;
  lastUsedAt: number | null;
  activeAt: number;
  noticeAt: number | null;
  /** `Group.uid`, in their order; null where the speaker belongs to none. */
  memberOf: string[] | null;
  /** In the order of the keys; null where there is none. */
  metadata: Record<string, string> | null;
  learning: LearningSetting | null;
  frozenAt: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const SpeakerEntity = new EntitySchema<SpeakerRow>({
  name: 'Speaker',
  tableName: 'speakers',
  columns: {
    id: { type: 'text', primary: true },
    name: { type: 'text', nullable: true },
    createdAt: { type: 'integer', name: 'created_at' },
    updatedAt: { type: 'integer', name: 'updated_at' },
    version: { type: 'integer' },
    subject: { type: 'text', default: '' },
    consent: { type: 'simple-json', nullable: true },
    consentWithdrawnAt: { type: 'integer', name: 'consent_withdrawn_at', nullable: true },
    lastUsedAt: { type: 'integer', name: 'last_used_at', nullable: true },
    activeAt: { type: 'integer', name: 'active_at', default: 0 },
    noticeAt: { type: 'integer', name: 'notice_at', nullable: true },
    memberOf: { type: 'simple-json', name: 'member_of', nullable: true },
    metadata: { type: 'simple-json', nullable: true },
    learning: { type: 'text', nullable: true },
    frozenAt: { type: 'integer', name: 'frozen_at', nullable: true },
  },
  indices: [
    { name: 'speakers_in_order', columns: ['createdAt', 'id'] },
    { name: 'speakers_by_subject', columns: ['subject'], unique: true },
    { name: 'speakers_by_activity', columns: ['activeAt', 'id'] },
    { name: 'speakers_by_withdrawal', columns: ['consentWithdrawnAt', 'id'] },
    { name: 'speakers_by_notice', columns: ['noticeAt', 'id'] },
  ],
});
