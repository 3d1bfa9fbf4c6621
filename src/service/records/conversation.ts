import type {
  AudioReport,
  Channel,
  ConversationKind,
  ConversationResult,
  ConversationSpeaker,
} from '../../addon/types.js';
import type { ErrorCode } from '../../errors/error-codes.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { ThresholdSource } from '../../scoring/decision-policy.js';
import type { NameLimits } from '../../scoring/scorer.js';
import type { NoNameReason, VoiceName } from '../../scoring/voice-names.js';
import type { KeptLabel } from './unknown-voice.js';
import type { GroupRef } from '../../support/group-ref.js';

export const CONVERSATION_STATES = ['waiting', 'done', 'failed', 'cancelled'] as const;
export type ConversationState = (typeof CONVERSATION_STATES)[number];

/** What is asked about a recording. */
export interface ConversationQuestion {
  speakers?: number | undefined;
  minSpeakers?: number | undefined;
  maxSpeakers?: number | undefined;
  kind?: ConversationKind | undefined;
  channel?: Channel | undefined;
  track?: number | undefined;
  /** Whether voices that get no name are kept. Left out: as TIMBRE_UNKNOWN_VOICES says. */
  unknownVoices?: 'keep' | 'discard' | undefined;
  /** Left out: nobody's name is looked for. */
  naming?: NamingQuestion | undefined;
}

/** Whom names are given of. */
export interface NamingQuestion {
  /** `Group.uid`: members alone. */
  group?: string | undefined;
  /** Of some people alone, who are stored beside it, so that whoever is erased is no candidate any more. */
  candidates: boolean;
  /** In place of the service's. */
  falseAcceptRate?: number | undefined;
}

/** By what names were given. */
export interface NamingRule extends NameLimits {
  thresholdFrom: ThresholdSource | null;
  /** Candidates who were compared. */
  gallerySize: number;
}

/** One voice. */
export interface VoiceFinding extends Pick<
  ConversationSpeaker,
  'label' | 'speechSeconds' | 'ownSeconds' | 'turns' | 'channels'
> {
  /** Why it has no name; null where it was given one, and where nobody asked. */
  reason: NoNameReason | null;
  /** Of its own speech, with NOT_ENOUGH_SPEECH; else 0. */
  missingSeconds: number;
  /** The label that has the name, with NAMED_ALREADY; else null. */
  sameAs: string | null;
}

/** What was heard: no audio, no vector, nothing that a voice could be recognised by, and nobody's name. */
export interface ConversationFindings extends Pick<ConversationResult, 'seconds' | 'turns' | 'model' | 'segmentation'> {
  speakers: VoiceFinding[];
  audio: Omit<AudioReport, 'channel'> & { channel: Channel };
  /** Null where nobody asked for names. */
  naming: NamingRule | null;
}

/**
 * The person whom a voice was found to be, or to be nearest to. It goes with the person: in the transaction that erases one
 * of the two.
 */
export interface NearestPerson extends Pick<VoiceName, 'margin'> {
  label: string;
  speakerId: string;
  /** Whether the voice was given the name. */
  named: boolean;
  cosine: number;
  llr: number | null;
  probability: number | null;
}

/** Who speaks when in one recording, which is not kept. */
export interface Conversation {
  /** UUID. */
  id: string;
  state: ConversationState;
  createdAt: Date;
  /** Null while it waits. */
  finishedAt: Date | null;
  /** The job that works on it, or has; null where it was answered at once, and once the job was removed. */
  jobId: string | null;
  /** As the caller named the file; for people. */
  fileName: string | null;
  question: ConversationQuestion;
  /** Groups that whoever made it was bound to; who is bound to others does not find it. Null: to none. */
  boundTo: readonly GroupRef[] | null;
  /** Of one that is done. */
  findings: ConversationFindings | null;
  /** One a voice at most, of people who are still there. */
  people: readonly NearestPerson[];
  /** Labels that are kept as unknown voices, by the label. */
  kept: readonly KeptLabel[];
  /** Of one that failed. */
  error: { code: ErrorCode; message: string } | null;
}

/** One of a list: without its turns. */
export interface ListedConversation extends Omit<Conversation, 'question' | 'findings' | 'boundTo'> {
  /** Of the recording; null until it is done. */
  seconds: number | null;
  /** How many are heard. */
  speakers: number | null;
}

/** What a conversation tells of somebody, or is to find out. */
export interface ConversationOfSpeaker extends Pick<
  Conversation,
  'id' | 'state' | 'createdAt' | 'finishedAt' | 'fileName'
> {
  /** Null while it waits: the speaker is a candidate for its voices. */
  heard:
    | (Omit<NearestPerson, 'speakerId'> & {
        speechSeconds: number;
        turns: { start: number; end: number; overlap: number }[];
      })
    | null;
}

/** How a conversation ends. */
export type ConversationOutcome =
  | { state: 'done'; findings: ConversationFindings; people: readonly NearestPerson[] }
  | { state: 'failed'; error: { code: ErrorCode; message: string } };

export function conversationNotFound(id: string): TimbreError {
  return new TimbreError('CONVERSATION_NOT_FOUND', `no conversation has the id ${JSON.stringify(id.slice(0, 64))}`);
}

export function conversationsOff(): TimbreError {
  return new TimbreError(
    'CONVERSATIONS_OFF',
    'this service is set up without conversations: TIMBRE_CONVERSATIONS=on turns them on',
  );
}
