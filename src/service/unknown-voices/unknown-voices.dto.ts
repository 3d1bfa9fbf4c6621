import { z } from 'zod';
import { currentActor } from '../../support/actor.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { giveConsent } from '../consent/consent.dto.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { boundTo } from '../records/bound.js';
import { MOST_GROUPS } from '../records/group.js';
import { LONGEST_NAME } from '../records/speaker.js';
import {
  isUndoable,
  LONGEST_REASON,
  UNKNOWN_VOICE_STATES,
  VOICE_STEP_ACTIONS,
  type VoiceStep,
} from '../records/unknown-voice.js';
import type { ToldVoice, UnknownVoicePage } from './unknown-voices.service.js';

export const EXAMPLE_ID = '9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11';

/** Conversations of one call that are split off. */
const MOST_SPLIT = 500;

const DAY_MS = 24 * 3600 * 1000;

export const listUnknownVoices = z.strictObject({
  ...pageQuery('Voices', { most: 500, usual: 50 }),
  state: z
    .enum(UNKNOWN_VOICE_STATES)
    .default('open')
    .meta({ description: 'Which voices. `open`, the default: those that nobody said anything of.' }),
});

export const listVoiceLedger = z.strictObject(pageQuery('Entries', { most: 500, usual: 50 }));

const step = {
  reason: z
    .string()
    .optional()
    .meta({ maxLength: LONGEST_REASON, description: `Why, for people; ${LONGEST_REASON} characters at most.` }),
  version: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'The version that you have seen; a voice that has changed since is CONFLICT.' }),
};

export const takeStep = z.strictObject(step);

export const nameVoice = z.strictObject({
  ...step,
  speakerId: z
    .string()
    .min(1)
    .max(LONGEST_ID)
    .optional()
    .meta({ description: 'The speaker whose voice it is.', example: 'ada' }),
  create: z
    .strictObject({
      id: z
        .string()
        .optional()
        .meta({ maxLength: LONGEST_ID, description: 'Left out, a UUID is made.', example: 'ada' }),
      name: z
        .string()
        .nullable()
        .optional()
        .meta({ maxLength: LONGEST_NAME, description: `For people; ${LONGEST_NAME} characters at most.` }),
      groups: z
        .array(z.string().max(64))
        .max(MOST_GROUPS)
        .optional()
        .meta({ description: 'Ids of the groups that the speaker belongs to.' }),
    })
    .optional()
    .meta({ description: 'In the place of `speakerId`: somebody who is added.' }),
  consent: giveConsent.optional().meta({ description: 'Recorded where the speaker has none.' }),
});

const voiceId = z.uuid().meta({ example: EXAMPLE_ID });
const conversationId = z.uuid().meta({ example: '3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60' });

export const mergeVoice = z.strictObject({
  ...step,
  from: voiceId.meta({ description: 'The voice whose conversations are taken over.' }),
});

export const splitVoice = z.strictObject({
  ...step,
  conversations: z
    .array(conversationId)
    .min(1)
    .max(MOST_SPLIT)
    .meta({ description: 'Those in which it is somebody else; one at least has to be left.' }),
});

export const reassignVoice = z.strictObject({
  ...step,
  conversationId: conversationId.meta({ description: 'In which it is somebody else.' }),
  label: z
    .string()
    .max(8)
    .optional()
    .meta({ description: 'One voice of that conversation, where several were merged.', example: 'B' }),
  to: voiceId.meta({ description: 'The unknown voice that it is instead.' }),
});

const summary = {
  id: voiceId,
  state: z.enum(UNKNOWN_VOICE_STATES).meta({
    description:
      "open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. " +
      'blocked: it is never kept again.',
  }),
  version: z.int().meta({ description: 'Counts every change.' }),
  speechSeconds: z.number().meta({ description: 'In which nobody else speaks, over all conversations.' }),
  conversations: z.int().meta({ description: 'Voices of conversations that it is made of.' }),
  firstHeardAt: z.iso.datetime().meta({ description: 'When the first of them was recorded here.' }),
  lastHeardAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable().meta({
    description: 'When it is deleted unless it is heard again, or something is said of it; null: not for its age.',
  }),
  model: z.string().meta({ description: 'The network that embedded it: voices of different ones are not compared.' }),
  speakerId: z
    .string()
    .nullable()
    .meta({ description: 'Whose it is; null unless it is named, and the caller may see who.' }),
  name: z.string().nullable().meta({ description: 'As the speaker is called now.' }),
  mergedInto: z.uuid().nullable().meta({ description: 'The voice that has what it had; null unless it is merged.' }),
};

const summaryView = z.object(summary);

export const unknownVoicesView = z.object({
  voices: z.array(summaryView),
  total: z.int().meta({ description: 'Of all pages.' }),
  nextCursor: nextCursorView,
});

export const unknownVoiceView = z.object({
  ...summary,
  heard: z
    .array(
      z.object({
        conversationId,
        label: z.string().meta({ description: 'Of the voice in the conversation.', example: 'B' }),
        filename: z.string().nullable(),
        heardAt: z.iso.datetime(),
        ownSeconds: z.number().meta({ description: 'Seconds in which nobody else speaks.' }),
        intervals: z.array(z.object({ start: z.number(), end: z.number() })).meta({
          description: 'Where it speaks alone in the recording, the longest five, in order. No audio is kept.',
        }),
      }),
    )
    .meta({ description: 'In conversations, oldest first; none for a voice that is merged or blocked.' }),
});

export const steppedView = z.object({
  voice: unknownVoiceView,
  other: unknownVoiceView.nullable().meta({ description: 'The other voice of a merge, a split or a reassignment.' }),
  ledgerEntry: z.uuid().meta({ description: 'By which the step is undone.' }),
});

export const takenBackView = z.object({
  voice: unknownVoiceView
    .nullable()
    .meta({ description: 'Null where nothing is left of it, as of one that was blocked.' }),
  other: unknownVoiceView.nullable().meta({ description: 'Another voice that has something again.' }),
});

export const voiceLedgerView = z.object({
  entries: z.array(
    z.object({
      id: z.uuid(),
      at: z.iso.datetime(),
      by: z.string().nullable().meta({
        description: 'Who did it, as in the audit trail; null for a key that is bound to groups where another did.',
      }),
      action: z.enum(VOICE_STEP_ACTIONS).meta({
        description:
          'kept, joined: it was heard in a conversation, and joined with what was there by evidence. named, merged, split, ' +
          'reassigned, dismissed, blocked: somebody said so.',
      }),
      reason: z.string().nullable().meta({ description: 'As the caller gave it.' }),
      voiceId: z.uuid().meta({ description: 'The voice that the step was about.' }),
      otherId: z.uuid().nullable().meta({ description: 'The other voice of it, perhaps not there any more.' }),
      conversationId: z.uuid().nullable().meta({ description: 'In which it was heard; perhaps not there any more.' }),
      label: z.string().nullable(),
      evidence: z
        .object({
          cosine: z.number(),
          llr: z.number().nullable(),
          threshold: z.number().meta({ description: 'That had to be reached, of `llr` where there is one.' }),
          falseAcceptRate: z.number().nullable(),
        })
        .nullable()
        .meta({ description: 'With the voice as it was then; null unless it was joined.' }),
      undoable: z.boolean().meta({ description: 'It is of a kind that can be undone, and was not.' }),
      undoneAt: z.iso.datetime().nullable(),
    }),
  ),
  nextCursor: nextCursorView,
});

export type UnknownVoiceSummary = z.output<typeof summaryView>;
export type UnknownVoiceView = z.output<typeof unknownVoiceView>;
export type UnknownVoicesView = z.output<typeof unknownVoicesView>;
export type SteppedView = z.output<typeof steppedView>;
export type TakenBackView = z.output<typeof takenBackView>;
export type VoiceLedgerView = z.output<typeof voiceLedgerView>;

/** `days`: after which a voice that nobody said anything of is deleted; 0: never for its age. */
export function toUnknownVoiceSummary(
  { voice, speaker }: UnknownVoicePage['voices'][number],
  days: number,
): UnknownVoiceSummary {
  const { id, state, version, speechSeconds, shares, firstHeardAt, lastHeardAt, origin, mergedInto } = voice;
  const expires = days > 0 && (state === 'open' || state === 'dismissed');
  const named = speaker?.optedOutAt ? null : speaker;
  return {
    id,
    state,
    version,
    speechSeconds,
    conversations: state === 'blocked' ? 0 : shares,
    firstHeardAt: firstHeardAt.toISOString(),
    lastHeardAt: lastHeardAt.toISOString(),
    expiresAt: expires ? new Date(lastHeardAt.getTime() + days * DAY_MS).toISOString() : null,
    model: origin.model,
    speakerId: named?.id ?? null,
    name: named?.name ?? null,
    mergedInto,
  };
}

export function toUnknownVoiceView({ shares, fileNames, ...told }: ToldVoice, days: number): UnknownVoiceView {
  const heard = shares.flatMap(({ conversationId: id, label, heardAt, ownSeconds, intervals }) => {
    if (id === null) return [];
    const where = { conversationId: id, label, filename: fileNames.get(id) ?? null, heardAt: heardAt.toISOString() };
    return [{ ...where, ownSeconds, intervals: intervals.map(({ start, end }) => ({ start, end })) }];
  });
  return { ...toUnknownVoiceSummary(told, days), heard };
}

export function toVoiceStepView(entry: VoiceStep): VoiceLedgerView['entries'][number] {
  const { id, at, by, action, reason, voiceId: about, otherId, detail, undoneAt } = entry;
  return {
    id,
    at: at.toISOString(),
    by: boundTo() && by !== currentActor().by ? null : by,
    action,
    reason,
    voiceId: about,
    otherId,
    conversationId: detail.conversationId ?? null,
    label: detail.label ?? null,
    evidence: detail.evidence ?? null,
    undoable: isUndoable(entry),
    undoneAt: undoneAt?.toISOString() ?? null,
  };
}
