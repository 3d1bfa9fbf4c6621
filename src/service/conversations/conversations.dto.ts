import { z } from 'zod';
import { MOST_SPEAKERS } from '../../addon/speaker-counts.js';
import { shownNames } from '../../conversations/named.js';
import { THRESHOLD_SOURCES } from '../../scoring/decision-policy.js';
import { askedRate } from '../access/asked-rate.js';
import { audioView } from '../embeddings/embeddings.dto.js';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { searchedPeople } from '../identification/identification.dto.js';
import {
  CONVERSATION_STATES,
  type Conversation,
  type ListedConversation,
  type NamingRule,
  type NearestPerson,
  type VoiceFinding,
} from '../records/conversation.js';
import type { Speaker } from '../records/speaker.js';
import type { KeptLabel } from '../records/unknown-voice.js';
import { everyPart } from '../uploads/selection.js';

export const EXAMPLE_ID = '3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60';

const count = (means: string): z.ZodOptional<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(1).max(MOST_SPEAKERS).optional().meta({ description: means });

/** The form beside the recording; its fields are text. */
export const conversationFields = z.strictObject({
  ...everyPart,
  speakers: count('How many people speak, where that is known. Not with `minSpeakers` and `maxSpeakers`.'),
  minSpeakers: count('At least so many. Default: 1.'),
  maxSpeakers: count('At most so many. Default: as many as are heard, on a call 2.'),
  kind: z
    .enum(['call', 'meeting', 'auto'])
    .optional()
    .meta({ description: '`call`: two people at most. `meeting` and `auto` (the default): as many as are heard.' }),
  names: z
    .enum(['all', 'none'])
    .optional()
    .meta({
      description:
        'Whose names voices may get. `all`: of everybody enrolled, and for a key that is bound to groups of their members. ' +
        "`none`: nobody's, which is the default unless `group` or `candidates` say whose. Needs the scope `read` beside `enrol`.",
    }),
  unknownVoices: z
    .enum(['keep', 'discard'])
    .optional()
    .meta({
      description:
        'Whether voices that get no name are kept, to be named later. Default: `keep` where TIMBRE_UNKNOWN_VOICES is on; where it is ' +
        'off, `keep` is refused.',
    }),
  ...searchedPeople,
  ...askedRate,
});

/** Why a voice has no name. */
export const NO_NAME_REASONS = [
  'NOT_ASKED',
  'NOT_ENROLLED',
  'NOT_ENOUGH_SPEECH',
  'REJECT',
  'AMBIGUOUS',
  'MIXED_VOICES',
  'NAMED_ALREADY',
  'NAME_REMOVED',
] as const;

const NAME_DECISIONS = ['ACCEPT', 'REJECT', 'AMBIGUOUS', 'NOT_ENOUGH_SPEECH', 'NOT_ENROLLED'] as const;

const strangers = 'on REJECT for keys of the scope `vectors` alone.';

const speakerView = z.object({
  label: z.string().meta({ description: 'A, B, ... in the order in which they first speak.', example: 'A' }),
  speakerId: z
    .string()
    .nullable()
    .meta({ description: 'Whose voice it is; null unless the decision is ACCEPT, or somebody said so.' }),
  name: z.string().nullable().meta({ description: 'As the speaker is called now.' }),
  namedBy: z.enum(['EVIDENCE', 'HAND']).nullable().meta({
    description:
      'EVIDENCE: the decision. HAND: somebody named the unknown voice that it is kept as. Null without a speaker.',
  }),
  unknownVoiceId: z
    .uuid()
    .nullable()
    .meta({ description: 'The unknown voice that it is kept as; null where it is not.' }),
  decision: z
    .enum(NAME_DECISIONS)
    .nullable()
    .meta({
      description:
        'As of an identification; AMBIGUOUS also where the reason is MIXED_VOICES or NAMED_ALREADY. Null where nobody asked, ' +
        'where the name was removed, and where somebody gave it.',
    }),
  reason: z
    .enum(NO_NAME_REASONS)
    .nullable()
    .meta({
      description:
        'Why there is no speaker. NOT_ASKED: nothing was compared with enrolled voices. NOT_ENROLLED: there is no candidate. ' +
        'NOT_ENOUGH_SPEECH: too little speech of its own. REJECT: it is none of the candidates. AMBIGUOUS: somebody else is too ' +
        'close. MIXED_VOICES: it fits two people who are certainly not one. NAMED_ALREADY: the person is the label `sameAs`. ' +
        'NAME_REMOVED: it had a name, and the speaker was erased, has opted out, or is not seen by this key.',
    }),
  missingSpeechSeconds: z.number().nullable().meta({
    description: 'With NOT_ENOUGH_SPEECH: seconds of its own speech that the voice lacks; else null.',
  }),
  sameAs: z.string().nullable().meta({ description: 'With NAMED_ALREADY: the label that has the name; else null.' }),
  score: z
    .number()
    .nullable()
    .meta({
      description: `The evidence for \`nearest\`, in what \`naming.on\` says; ${strangers}`,
    }),
  margin: z
    .number()
    .nullable()
    .meta({
      description: `That less the evidence for anybody else; null where there is nobody else, and ${strangers}`,
    }),
  nearest: z
    .object({
      speakerId: z.string(),
      name: z.string().nullable(),
      cosine: z.number(),
      llr: z.number().nullable(),
      probability: z.number().nullable(),
    })
    .nullable()
    .meta({ description: `The nearest candidate who is still there; ${strangers}` }),
  speechSeconds: z.number(),
  ownSeconds: z.number().meta({ description: 'Seconds in which nobody else speaks.' }),
  turns: z.int().meta({ description: 'How many.' }),
  channels: z.array(z.int()).nullable().meta({
    description:
      'With `channel=each`: those in which the voice is heard, the one with most of its speech first; else null.',
  }),
});

const namingView = z.object({
  on: z
    .enum(['llr', 'cosine'])
    .meta({ description: 'What evidence is counted in: log-likelihood ratios, or cosines.' }),
  threshold: z.number().meta({ description: 'For the nearest candidate; it rises with the number of candidates.' }),
  leastMargin: z.number().meta({ description: 'By which the nearest candidate has to lead everybody else.' }),
  falseAcceptRate: z.number().nullable().meta({
    description:
      "Share of strangers' voices that get a name, whatever the number of candidates; null where none is promised.",
  }),
  thresholdFrom: z.enum(THRESHOLD_SOURCES).nullable().meta({ description: 'Where the threshold is from.' }),
  extrapolated: z.boolean().nullable().meta({
    description: 'Whether the rate lies beyond what the trials of the calibration can show; null without a rate.',
  }),
  gallerySize: z.int().meta({ description: 'Candidates who were compared.' }),
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
  naming: namingView
    .nullable()
    .meta({ description: 'By what names were given; null where nobody asked, and until it is done.' }),
  audio: audioView
    .extend({ channel: z.union([audioView.shape.channel, z.literal('each')]) })
    .nullable()
    .meta({ description: 'What the recording was.' }),
});

export const listConversations = z.strictObject(pageQuery('Conversations', { most: 500, usual: 50 }));

const summaryView = z.object({
  ...summary,
  speakers: z.int().nullable().meta({ description: 'How many are heard; null until it is done.' }),
  names: z
    .array(z.object({ label: z.string(), speakerId: z.string(), name: z.string().nullable() }))
    .meta({ description: 'Of the voices that have one.' }),
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

type Common = Omit<ConversationSummary, 'speakers' | 'seconds' | 'names'>;

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

type Speakers = ReadonlyMap<string, Speaker>;

/** `speakers`: whom the caller may know of. */
export function toConversationSummary(listed: ListedConversation, speakers: Speakers): ConversationSummary {
  const { seconds, speakers: heard, people, kept } = listed;
  const names = [...people, ...kept].flatMap((person) => {
    const speaker = nameable(person, speakers);
    return speaker ? [{ label: person.label, speakerId: speaker.id, name: speaker.name }] : [];
  });
  names.sort((a, b) => labelOrder(a.label, b.label));
  return { ...toCommon(listed), seconds, speakers: heard, names };
}

/** `strangers`: whether to tell whom the voice of a stranger is nearest to. */
export function toConversationView(
  conversation: Conversation,
  speakers: Speakers,
  strangers: boolean,
  progress: ConversationView['progress'],
): ConversationView {
  const { findings } = conversation;
  const people = new Map(conversation.people.map((person) => [person.label, person]));
  const kept = new Map(conversation.kept.map((one) => [one.label, one]));
  const { naming = null } = findings ?? {};
  return {
    ...toCommon(conversation),
    seconds: findings?.seconds ?? null,
    progress: conversation.state === 'waiting' ? progress : null,
    speakers: (findings?.speakers ?? []).map(({ reason, missingSeconds, sameAs, channels, ...speech }) => {
      const person = people.get(speech.label);
      const asked = { reason, missingSeconds, sameAs, person, speaker: person && nameable(person, speakers) };
      const unknown = kept.get(speech.label);
      return {
        ...speech,
        ...(unknown && unknown.speakerId !== null
          ? namedByHand(unknown, speakers)
          : naming
            ? named(asked, naming.on, strangers)
            : NOBODY),
        unknownVoiceId: unknown?.voiceId ?? null,
        channels: channels ?? null,
      };
    }),
    turns: findings?.turns ?? [],
    model: findings?.model ?? null,
    segmentation: findings?.segmentation ?? null,
    naming: naming && toNamingView(naming),
    audio: findings?.audio ?? null,
  };
}

type NameView = Omit<
  ConversationView['speakers'][number],
  'label' | 'speechSeconds' | 'ownSeconds' | 'turns' | 'channels' | 'unknownVoiceId'
>;

const NOBODY: NameView = {
  speakerId: null,
  name: null,
  namedBy: null,
  decision: null,
  reason: 'NOT_ASKED',
  missingSpeechSeconds: null,
  sameAs: null,
  score: null,
  margin: null,
  nearest: null,
};

const DECISIONS = {
  REJECT: 'REJECT',
  AMBIGUOUS: 'AMBIGUOUS',
  MIXED_VOICES: 'AMBIGUOUS',
  NAMED_ALREADY: 'AMBIGUOUS',
  NOT_ENOUGH_SPEECH: 'NOT_ENOUGH_SPEECH',
  NOT_ENROLLED: 'NOT_ENROLLED',
} as const satisfies Record<NonNullable<VoiceFinding['reason']>, ConversationView['speakers'][number]['decision']>;

function named(
  {
    reason,
    missingSeconds,
    sameAs,
    person,
    speaker,
  }: Pick<VoiceFinding, 'reason' | 'missingSeconds' | 'sameAs'> & {
    person: NearestPerson | undefined;
    speaker: Speaker | undefined;
  },
  on: 'llr' | 'cosine',
  strangers: boolean,
): NameView {
  const told = person && speaker && (reason !== 'REJECT' || strangers) ? { person, speaker } : null;
  const evidence: Pick<NameView, 'score' | 'margin' | 'nearest'> = told
    ? {
        score: on === 'llr' ? told.person.llr : told.person.cosine,
        margin: told.person.margin,
        nearest: {
          speakerId: told.speaker.id,
          name: told.speaker.name,
          cosine: told.person.cosine,
          llr: told.person.llr,
          probability: told.person.probability,
        },
      }
    : { score: null, margin: null, nearest: null };
  if (reason === null) {
    if (!speaker) return { ...NOBODY, reason: 'NAME_REMOVED' };
    const { id: speakerId, name } = speaker;
    return { ...NOBODY, ...evidence, speakerId, name, namedBy: 'EVIDENCE', decision: 'ACCEPT', reason: null };
  }
  const missing = reason === 'NOT_ENOUGH_SPEECH' ? missingSeconds : null;
  return { ...NOBODY, ...evidence, decision: DECISIONS[reason], reason, missingSpeechSeconds: missing, sameAs };
}

function namedByHand(kept: KeptLabel, speakers: Speakers): NameView {
  const speaker = nameable(kept, speakers);
  if (!speaker) return { ...NOBODY, reason: 'NAME_REMOVED' };
  return { ...NOBODY, speakerId: speaker.id, name: speaker.name, namedBy: 'HAND', reason: null };
}

/** A, B, ..., Z, AA, ... */
function labelOrder(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

function toNamingView({
  margin,
  on,
  threshold,
  falseAcceptRate,
  thresholdFrom,
  extrapolated,
  gallerySize,
}: NamingRule): NonNullable<ConversationView['naming']> {
  return { on, threshold, leastMargin: margin, falseAcceptRate, thresholdFrom, extrapolated, gallerySize };
}

/** Undefined for who is not there, or has opted out. */
function nameable({ speakerId }: Pick<KeptLabel, 'speakerId'>, speakers: Speakers): Speaker | undefined {
  const speaker = speakerId === null ? undefined : speakers.get(speakerId);
  return speaker?.optedOutAt ? undefined : speaker;
}

/** What each label is called: by the id of its speaker, which is one person's, or by the name, with the id where two have it. */
export function calledBy(
  by: 'id' | 'name',
  { findings, people, kept }: Conversation,
  speakers: Speakers,
): Map<string, string> {
  const known = [...people.filter((person) => person.named), ...kept].flatMap((person) => {
    const speaker = nameable(person, speakers);
    return speaker ? [{ label: person.label, speaker }] : [];
  });
  const textOf = ({ id, name }: Speaker): string => (by === 'id' ? id : (name ?? id));
  const twice = (text: string): boolean =>
    new Set(known.flatMap(({ speaker }) => (textOf(speaker) === text ? speaker.id : []))).size > 1;
  const names = known.map(({ label, speaker }) => {
    const text = textOf(speaker);
    return { label, speakerId: twice(text) ? `${text} (${speaker.id})` : text };
  });
  return shownNames(
    (findings?.speakers ?? []).map(({ label }) => label),
    names,
  );
}
