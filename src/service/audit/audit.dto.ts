import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { AUDIT_ACTIONS, type AuditEntry } from '../records/audit-entry.js';

const time = z.iso.datetime({ offset: true });

/** Which entries; in a span of time they come in the order of the times, otherwise in that of their ids. */
export const auditFilter = z.strictObject({
  speaker: z.string().max(1000).optional().meta({ description: 'Only what was done to this speaker, by id.' }),
  subject: z.uuid().optional().meta({
    description: "The same by the trail's own name for a speaker, which outlives the speaker.",
  }),
  from: time.optional().meta({ description: 'At or after.', example: '2026-03-01T00:00:00Z' }),
  to: time.optional().meta({ description: 'Before.', example: '2026-04-01T00:00:00Z' }),
});

export const auditQuery = auditFilter.extend(pageQuery('Entries', { most: 1000, usual: 100 }));

export const auditEntryView = z.object({
  id: z.int().meta({ description: 'Counts up.', example: 4711 }),
  at: z.iso.datetime(),
  by: z.string().meta({
    description: 'Id of the API key; `local` where none was asked for; `retention` for what grew old.',
    example: 'local',
  }),
  action: z.enum(AUDIT_ACTIONS).meta({ example: 'enrollment.added' }),
  subject: z.string().nullable().meta({
    description: 'Whom it was done to, by a UUID that nothing can be learnt from; null where it was nobody.',
    example: '3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10',
  }),
  speakerId: z.string().nullable().meta({
    description: 'The id of that speaker; null once the speaker is erased.',
    example: 'ada',
  }),
  object: z
    .string()
    .nullable()
    .meta({ description: 'What else it was done to: an enrolment, a key, a job; the version of a calibration.' }),
  outcome: z.string().meta({ description: '`OK`, a decision, or the code of an error.', example: 'OK' }),
  requestId: z.string().nullable(),
});

export const auditView = z.object({
  entries: z.array(auditEntryView),
  nextCursor: nextCursorView,
});

export type AuditFilterQuery = z.output<typeof auditFilter>;
export type AuditQuery = z.output<typeof auditQuery>;
export type AuditEntryView = z.output<typeof auditEntryView>;
export type AuditView = z.output<typeof auditView>;

export function toAuditEntryView(entry: AuditEntry, speakerId: string | null): AuditEntryView {
  return { ...entry, at: entry.at.toISOString(), speakerId };
}
