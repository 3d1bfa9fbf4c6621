import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { KEEPING_SETTINGS, type KeptRecording } from '../records/kept-recording.js';
import type { Keeping } from './recordings.service.js';

const DAY_MS = 24 * 3600 * 1000;

const setting = z.enum(KEEPING_SETTINGS).nullable().meta({
  description:
    'Null: as other groups of the speaker say, one that says off before all others, else TIMBRE_KEEP_RECORDINGS.',
});

export const setGroupKeeping = z.strictObject({ setting });
export const groupKeepingView = z.object({ group: z.string().meta({ example: 'household-7' }), setting });

export const listRecordings = z.strictObject(pageQuery('Recordings', { most: 500, usual: 50 }));

export const recordingsView = z.object({
  keeps: z.boolean().meta({ description: 'Whether the audio of the next enrolment is kept.' }),
  from: z.enum(['group', 'default']).meta({ description: 'Who says so.' }),
  recordings: z.array(
    z.object({
      sha256: z.string().meta({ description: 'Of the recording, as its enrolments have it.' }),
      bytes: z.int(),
      keptAt: z.iso.datetime(),
      expiresAt: z.iso.datetime().nullable().meta({
        description:
          'After which retention removes the audio; null: it stays as long as the enrolment. TIMBRE_RECORDING_DAYS.',
      }),
    }),
  ),
  nextCursor: nextCursorView,
});

export const removedView = z.object({
  removed: z.int().meta({ description: 'Recordings whose audio was kept.', example: 3 }),
});

export type GroupKeepingView = z.output<typeof groupKeepingView>;
export type RecordingsView = z.output<typeof recordingsView>;
export type RemovedView = z.output<typeof removedView>;

/** `days`: after which the audio goes; 0: not by its age. */
export function toKeptView(
  { contentSha256, bytes, createdAt }: KeptRecording,
  days: number,
): RecordingsView['recordings'][number] {
  const expiresAt = days > 0 ? new Date(createdAt.getTime() + days * DAY_MS).toISOString() : null;
  return { sha256: contentSha256, bytes, keptAt: createdAt.toISOString(), expiresAt };
}

export function toRecordingsView(
  { rows, nextCursor, keeps, from }: Keeping & { rows: readonly KeptRecording[]; nextCursor: string | null },
  days: number,
): RecordingsView {
  return { keeps, from, recordings: rows.map((one) => toKeptView(one, days)), nextCursor };
}
