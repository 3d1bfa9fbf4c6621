import { z } from 'zod';
import type { Receipt } from '../records/receipt.js';

const count = (of: string): z.ZodInt => z.int().meta({ description: of });

export const receiptView = z.object({
  receipt: z.uuid().meta({ description: 'Id of the receipt: keep it, and nothing else of the speaker.' }),
  subject: z.uuid().meta({ description: "The audit trail's name for who was erased." }),
  erasedAt: z.iso.datetime(),
  by: z.string().meta({ description: 'Who erased, as in the audit trail.', example: 'local' }),
  erased: z.object({
    enrollments: count('Recordings, of every model.'),
    profiles: count('Profiles.'),
    consents: count('Consents.'),
    groups: count('Groups that the speaker belonged to.'),
    metadata: count('Entries of metadata.'),
    jobRecordings: count('Recordings of jobs that told of the speaker.'),
    ledgerEntries: count('Entries of the ledger of the profile.'),
    waitingVerifications: count('Verifications that waited to be confirmed.'),
    recordings: count('Recordings whose audio was kept.'),
    conversations: count('Conversations that named the speaker, or had the speaker among those who might be named.'),
    unknownVoices: count('Unknown voices of conversations that somebody had named as the speaker.'),
  }),
  traces: z.enum(['PENDING', 'WIPED', 'DATABASE']).meta({
    description:
      'PENDING: no call finds anything of the speaker, and copies of rows may still lie in unused parts of the database ' +
      'file, which is wiped soon. WIPED: it was. DATABASE: the files are those of PostgreSQL, which overwrites them in ' +
      'its own time, and whose log and backups are its operator’s.',
  }),
  wipedAt: z.iso.datetime().nullable(),
});

export const checkedReceiptView = receiptView.extend({
  remains: count('Speakers of this subject that are there in spite of the receipt, as after restoring an old backup.'),
});

export type ReceiptView = z.output<typeof receiptView>;
export type CheckedReceiptView = z.output<typeof checkedReceiptView>;

export function toReceiptView({ id, subject, erasedAt, by, wipedAt, wipes, ...erased }: Receipt): ReceiptView {
  const { enrollments, profiles, consents, groups, metadata, jobRecordings, conversations } = erased;
  const { ledgerEntries, waitingVerifications, recordings, unknownVoices } = erased;
  return {
    receipt: id,
    subject,
    erasedAt: erasedAt.toISOString(),
    by,
    erased: {
      enrollments,
      profiles,
      consents,
      groups,
      metadata,
      jobRecordings,
      conversations,
      ledgerEntries,
      waitingVerifications,
      unknownVoices,
      recordings,
    },
    traces: wipedAt ? 'WIPED' : wipes ? 'PENDING' : 'DATABASE',
    wipedAt: wipedAt?.toISOString() ?? null,
  };
}
