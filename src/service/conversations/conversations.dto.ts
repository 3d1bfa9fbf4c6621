import { z } from 'zod';
import { MOST_SPEAKERS } from '../../addon/speaker-counts.js';
import { audioView } from '../embeddings/embeddings.dto.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { CONVERSATION_STATES, type Conversation, type ListedConversation } from '../records/conversation.js';
import { onePart } from '../uploads/selection.js';

export const EXAMPLE_ID = '3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60';

const count = (means: string): z.ZodOptional<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(1).max(MOST_SPEAKERS).optional().meta({ description: means });

/** The form beside the recording; its fields are text. */
export const conversationFields = z.strictObject({
  ...onePart,
  speakers: count('How many people speak, where that is known. Not with `minSpeakers` and `maxSpeakers`.'),
  minSpeakers: count('At least so many. Default: 1.'),
  maxSpeakers: count('At most so many. Default: as many as are heard, on a call 2.'),
  kind: z
    .enum(['call', 'meeting', 'auto'])
    .optional()
    .meta({ description: '`call`: two people at most. `meeting` and `auto` (the default): as many as are heard.' }),
});

/** Why a voice has no name. */
export const NO_NAME_REASONS = ['NOT_ASKED'] as const;

const speakerView = z.object({
  label: z.string().meta({ description: 'A, B, ... in the order in which they first speak.', example: 'A' }),
  speakerId: z.string().nullable().meta({ description: 'Whose voice it is; null where that is not known.' }),
  name: z.string().nullable(),
  decision: z.string().nullable().meta({ description: 'Null where nobody asked.' }),
  reason: z
    .enum(NO_NAME_REASONS)
    .nullable()
    .meta({ description: 'Why there is no speaker. NOT_ASKED: nothing was compared with enrolled voices.' }),
  score: z.number().nullable(),
  speechSeconds: z.number(),
  ownSeconds: z.number().meta({ description: 'Seconds in which nobody else speaks.' }),
  turns: z.int().meta({ description: 'How many.' }),
});

const turnView = z.object({
  start: z.number().meta({ description: 'Seconds from the beginning of the recording.' }),
  end: z.number(),
  speaker: z.string().meta({ description: 'The label.' }),
  overlap: z.number().meta({ description: 'Seconds of the turn in which somebody else speaks too.' }),
});

const summary = {
  id: z.uuid().meta({ example: EXAMPLE_ID }),
  state: z.enum(CONVERSATION_STATES).meta({ description: 'waiting: its job is not done with it.' }),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  jobId: z
    .string()
    .nullable()
    .meta({ description: 'The job that works on it; null where none does, and once that was removed.' }),
  filename: z.string().nullable().meta({ example: 'meeting.opus' }),
  seconds: z.number().nullable().meta({ description: 'Of the recording; null until it is done.' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable().meta({ description: 'Why it failed.' }),
};

export const conversationView = z.object({
  ...summary,
  progress: z
    .object({
      seconds: z.number().meta({ description: 'Of the recording, worked off.' }),
      totalSeconds: z.number().nullable().meta({ description: 'Null where the recording does not say.' }),
    })
    .nullable()
    .meta({ description: 'Null unless it is being worked on.' }),
  speakers: z.array(speakerView).meta({ description: 'Empty where nobody is heard, and until it is done.' }),
  turns: z.array(turnView).meta({ description: 'By time.' }),
  model: z.string().nullable().meta({ description: 'The network that embedded the voices.' }),
  segmentation: z.string().nullable().meta({ description: 'The network that heard who of a few speakers talks when.' }),
  audio: audioView.nullable().meta({ description: 'What the recording was.' }),
});

export const listConversations = z.strictObject(pageQuery('Conversations', { most: 500, usual: 50 }));

const summaryView = z.object({
  ...summary,
  speakers: z.int().nullable().meta({ description: 'How many are heard; null until it is done.' }),
});

export const conversationsView = z.object({
  conversations: z.array(summaryView),
  total: z.int().meta({ description: 'Of all pages.' }),
  nextCursor: nextCursorView,
});

export type ConversationFields = z.output<typeof conversationFields>;
export type ConversationView = z.output<typeof conversationView>;
export type ConversationSummary = z.output<typeof summaryView>;
export type ConversationsView = z.output<typeof conversationsView>;

type Common = Omit<ConversationSummary, 'speakers' | 'seconds'>;

function toCommon(conversation: Conversation | ListedConversation): Common {
  const { id, state, createdAt, finishedAt, jobId, fileName, error } = conversation;
  return {
    id,
    state,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
    jobId,
    filename: fileName,
    error,
  };
}

export function toConversationSummary(listed: ListedConversation): ConversationSummary {
  return { ...toCommon(listed), seconds: listed.seconds, speakers: listed.speakers };
}

export function toConversationView(
  conversation: Conversation,
  progress: ConversationView['progress'],
): ConversationView {
  const { findings } = conversation;
  const nobody = { speakerId: null, name: null, decision: null, reason: 'NOT_ASKED', score: null } as const;
  return {
    ...toCommon(conversation),
    seconds: findings?.seconds ?? null,
    progress: conversation.state === 'waiting' ? progress : null,
    speakers: (findings?.speakers ?? []).map(({ label, ...speech }) => ({ label, ...nobody, ...speech })),
    turns: findings?.turns ?? [],
    model: findings?.model ?? null,
    segmentation: findings?.segmentation ?? null,
    audio: findings?.audio ?? null,
  };
}
