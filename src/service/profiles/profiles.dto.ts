import { z } from 'zod';
import { giveConsent } from '../consent/consent.dto.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { currentActor } from '../../support/actor.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { boundTo } from '../records/bound.js';
import { LEARNING_REFUSALS, LEARNING_SETTINGS, LEARNING_SOURCES } from '../records/learning.js';
import { LEDGER_ACTIONS, UNDOABLE, type LedgerAction } from '../records/ledger.js';
import { LONGEST_NAME } from '../records/speaker.js';
import { speakerView } from '../speakers/speakers.dto.js';
import type { Lesson } from './learning.service.js';
import type { LearningState, ShownEntry } from './ledger.service.js';

/** Recordings of one call that are split off. */
const MOST_SPLIT = 500;

export const listLedger = z.strictObject(pageQuery('Entries', { most: 500, usual: 50 }));

const REASONS = ['CALLED', 'HIGH_EVIDENCE', 'CONFIRMED'] as const;

export const ledgerEntryView = z.object({
  id: z.uuid(),
  at: z.iso.datetime(),
  by: z.string().nullable().meta({
    description: 'Who did it, as in the audit trail; null for a key that is bound to groups where another did.',
  }),
  action: z.enum(LEDGER_ACTIONS).meta({
    description:
      'enrolled, imported, deleted: a recording, by a call. named: a voice of a conversation that was named. learned, confirmed: a recording that was verified. merged, split-off: ' +
      'recordings came from the other speaker; merged-away, split: they went to the other one. frozen, unfrozen: the ' +
      'profile learns nothing, or may again.',
  }),
  reason: z.enum(REASONS).meta({
    description: 'CALLED: somebody called for it. HIGH_EVIDENCE: the evidence reached the threshold of learning.',
  }),
  model: z.string().nullable().meta({ description: 'Of the recording; null where it is of none or several.' }),
  enrollmentId: z
    .uuid()
    .nullable()
    .meta({ description: 'The recording, in the list of enrolments while it is there.' }),
  verificationId: z.uuid().nullable(),
  evidence: z
    .object({
      cosine: z.number(),
      llr: z.number().nullable(),
      threshold: z
        .number()
        .nullable()
        .meta({ description: 'The cosine that had to be reached; null: it was confirmed.' }),
      falseAcceptRate: z.number().nullable(),
    })
    .nullable()
    .meta({ description: 'With the profile as it was then; null where nothing was compared.' }),
  replaced: z.array(z.uuid()).meta({ description: 'Learned recordings that do not count any more because of it.' }),
  otherSpeakerId: z.string().nullable().meta({
    description: 'Of a merge or a split; null where there is none, or none whom the caller may see.',
  }),
  recordings: z.array(z.uuid()).meta({ description: 'Recordings that changed hands.' }),
  undoable: z.boolean().meta({ description: 'It is of a kind that can be undone, and was not.' }),
  undoneAt: z.iso.datetime().nullable(),
});

export const ledgerView = z.object({ entries: z.array(ledgerEntryView), nextCursor: nextCursorView });

export const undoSince = z.strictObject({
  since: z.iso.datetime({ offset: true }).meta({
    description: 'All that can be undone from then on is.',
    example: '2026-03-01T00:00:00Z',
  }),
});

export const undoneView = z.object({
  undone: z.array(z.uuid()).meta({ description: 'Entries that were undone, the newest first.' }),
  left: z.array(z.uuid()).meta({ description: 'Entries whose other person, or recording, is not there any more.' }),
});

const setting = z.enum(LEARNING_SETTINGS).nullable().meta({
  description: 'Null: as the groups of the speaker say, one that says off before all others, else TIMBRE_LEARNING.',
});

export const setLearning = z.strictObject({
  setting: setting.optional(),
  frozen: z.boolean().optional().meta({ description: 'Whether the profile learns nothing, whatever is set.' }),
});

export const learningView = z.object({
  speakerId: z.string().meta({ example: 'ada' }),
  setting,
  learns: z.boolean().meta({ description: 'What comes of all settings, but for `frozenAt`.' }),
  from: z.enum(LEARNING_SOURCES).meta({ description: 'Who says so.' }),
  frozenAt: z.iso.datetime().nullable(),
});

const groupSetting = z
  .enum(LEARNING_SETTINGS)
  .nullable()
  .meta({ description: 'Null: as other groups of the speaker say, else TIMBRE_LEARNING.' });

export const setGroupLearning = z.strictObject({ setting: groupSetting });
export const groupLearningView = z.object({
  group: z.string().meta({ example: 'household-7' }),
  setting: groupSetting,
});

export const confirmView = z.object({
  speakerId: z.string().meta({ example: 'ada' }),
  learned: z.boolean(),
  reason: z.enum(LEARNING_REFUSALS).nullable().meta({ description: 'Why it was not learned; null where it was.' }),
  ledgerEntry: z.uuid().nullable().meta({ description: 'By which it is undone.' }),
});

export const mergeSpeaker = z.strictObject({
  from: z.string().min(1).max(LONGEST_ID).meta({ description: 'Id of the speaker whose recordings are taken over.' }),
});

export const splitSpeaker = z.strictObject({
  recordings: z.array(z.uuid()).min(1).max(MOST_SPLIT).meta({ description: 'Ids of enrolments of the speaker.' }),
  id: z
    .string()
    .optional()
    .meta({ maxLength: LONGEST_ID, description: 'Of the new speaker. Left out, a UUID is made.', example: 'bea' }),
  name: z
    .string()
    .nullable()
    .optional()
    .meta({ maxLength: LONGEST_NAME, description: `For people; ${LONGEST_NAME} characters at most.` }),
  consent: giveConsent.optional().meta({ description: "The new speaker's; that of the first is not hers." }),
});

export const mergedView = z.object({
  speaker: speakerView,
  ledgerEntry: z.uuid().meta({ description: 'By which it is undone, as long as both are there.' }),
});

export const splitView = z.object({
  speaker: speakerView,
  split: speakerView.meta({ description: 'The new speaker.' }),
  ledgerEntry: z.uuid().meta({ description: 'By which it is undone, as long as both are there.' }),
});

export const listDuplicates = z.strictObject({
  ...pageQuery('Speakers who are compared with all others', { most: 100, usual: 50 }),
  group: z.string().max(64).optional().meta({ description: 'Only among members of this group, by its id.' }),
  falseAcceptRate: z.coerce
    .number()
    .min(1e-5)
    .max(0.2)
    .optional()
    .meta({ description: 'Default: TIMBRE_DUPLICATE_FALSE_ACCEPT_RATE.' }),
});

export const duplicatesView = z.object({
  pairs: z.array(
    z.object({
      of: z.string().meta({ example: 'ada' }),
      speakerId: z.string().meta({ description: 'Who may be the same person.', example: 'ada-2' }),
      cosine: z.number(),
      llr: z.number().nullable(),
      falseAcceptRate: z.number().nullable().meta({
        description: 'Share of people who are nobody else and are told all the same; null where none was learned.',
      }),
      gallerySize: z.int().meta({ description: 'People whom one was compared with.' }),
    }),
  ),
  compared: z.int().meta({ description: 'Speakers of the page who are enrolled.' }),
  nextCursor: nextCursorView,
});

export type DuplicatesView = z.output<typeof duplicatesView>;
export type LedgerEntryView = z.output<typeof ledgerEntryView>;
export type LedgerView = z.output<typeof ledgerView>;
export type UndoneView = z.output<typeof undoneView>;
export type LearningView = z.output<typeof learningView>;
export type GroupLearningView = z.output<typeof groupLearningView>;
export type ConfirmView = z.output<typeof confirmView>;
export type MergedView = z.output<typeof mergedView>;
export type SplitView = z.output<typeof splitView>;

export function toLedgerEntryView({ entry, other }: ShownEntry): LedgerEntryView {
  const { id, at, by, action, origin, enrollmentId, detail, undoneAt } = entry;
  return {
    id,
    at: at.toISOString(),
    by: boundTo() && by !== currentActor().by ? null : by,
    action,
    reason: reasonOf(action),
    model: origin?.model ?? null,
    enrollmentId,
    verificationId: detail.verificationId ?? null,
    evidence: detail.evidence ?? null,
    replaced: detail.replaced ?? [],
    otherSpeakerId: other,
    recordings: detail.recordings ?? [],
    undoable: UNDOABLE.includes(action) && undoneAt === null,
    undoneAt: undoneAt?.toISOString() ?? null,
  };
}

export function toLearningView({ frozenAt, ...state }: LearningState): LearningView {
  return { ...state, frozenAt: frozenAt?.toISOString() ?? null };
}

export function toConfirmView({ entry, ...lesson }: Lesson): ConfirmView {
  return { ...lesson, ledgerEntry: entry };
}

function reasonOf(action: LedgerAction): (typeof REASONS)[number] {
  if (action === 'learned') return 'HIGH_EVIDENCE';
  return action === 'confirmed' ? 'CONFIRMED' : 'CALLED';
}
