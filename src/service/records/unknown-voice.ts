import type { Interval } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { GroupRef } from '../../support/group-ref.js';
import type { EmbeddingOrigin } from './embedding.js';

/**
 * `open`: nobody said whose it is. `named`: it is a speaker's. `merged`: its shares are another one's. `dismissed`: it is no
 * voice. `blocked`: it is never kept again, and its embedding is there to recognise it alone.
 */
export const UNKNOWN_VOICE_STATES = ['open', 'named', 'merged', 'dismissed', 'blocked'] as const;
export type UnknownVoiceState = (typeof UNKNOWN_VOICE_STATES)[number];

/** Of the reason that a caller gives for a step, characters. */
export const LONGEST_REASON = 200;

/** A voice that was heard in conversations and got no name. */
export interface UnknownVoice {
  /** UUID. */
  id: string;
  state: UnknownVoiceState;
  createdAt: Date;
  updatedAt: Date;
  /** Counts every change, from 1. */
  version: number;
  origin: EmbeddingOrigin;
  /** Its own speech, nobody else speaking, over all shares. */
  speechSeconds: number;
  /** How many. */
  shares: number;
  /** When its first and its last conversation were recorded here. */
  firstHeardAt: Date;
  lastHeardAt: Date;
  /** Whose it is; null unless it is named. */
  speakerId: string | null;
  /** The voice that has its shares; null unless it is merged. */
  mergedInto: string | null;
  /** Groups that whoever made its conversations was bound to; null: to none. */
  boundTo: readonly GroupRef[] | null;
}

/** What one conversation has of a voice: one of its labels. */
export interface VoiceShare {
  /** UUID. */
  id: string;
  voiceId: string;
  /** Null for what is left of a blocked voice. */
  conversationId: string | null;
  /** Of the voice in the conversation. */
  label: string;
  heardAt: Date;
  /** Seconds in which nobody else speaks. */
  ownSeconds: number;
  /** Where it speaks alone, the longest few, in order. */
  intervals: readonly Interval[];
  origin: EmbeddingOrigin;
}

export interface EmbeddedShare extends VoiceShare {
  /** As the model gave it. */
  embedding: Float32Array;
}

/** The voice that a label of a conversation is kept as. */
export interface KeptLabel {
  label: string;
  voiceId: string;
  /** Whom somebody named it as. */
  speakerId: string | null;
}

/** Everything that is done about a voice. A name once used keeps its meaning. */
export const VOICE_STEP_ACTIONS = [
  'kept',
  'joined',
  'named',
  'merged',
  'split',
  'reassigned',
  'dismissed',
  'blocked',
] as const;
export type VoiceStepAction = (typeof VOICE_STEP_ACTIONS)[number];

/** The numbers that a share was joined on. */
export interface JoinEvidence {
  /** With the voice as it was then, in [-1, 1]. */
  cosine: number;
  llr: number | null;
  /** What had to be reached: of llr, or of cosine where there is none. */
  threshold: number;
  /** Share of strangers' voices that are joined with another one's; null where none is promised. */
  falseAcceptRate: number | null;
}

/** What it takes to take a step back, and what it was made on. */
export interface VoiceStepDetail {
  conversationId?: string;
  label?: string;
  evidence?: JoinEvidence;
  /** Ids of shares that came, or changed hands. */
  shares?: string[];
  /** `Speaker.subject` of whose it was said to be. */
  subject?: string;
  /** Enrolments that were made of it. */
  enrollments?: string[];
}

/** One step about a voice. */
export interface VoiceStep {
  /** UUID. */
  id: string;
  /** The voice that has what the step brought, or that it was taken from. */
  voiceId: string;
  /** The other voice of a merge, a split or a reassignment. */
  otherId: string | null;
  at: Date;
  /** As the audit trail names who did it. */
  by: string;
  action: VoiceStepAction;
  /** As the caller gave it. */
  reason: string | null;
  detail: VoiceStepDetail;
  undoneAt: Date | null;
  undoneBy: string | null;
}

/** All but the first one, which is undone by deleting the voice. */
export function isUndoable({ action, undoneAt }: Pick<VoiceStep, 'action' | 'undoneAt'>): boolean {
  return action !== 'kept' && undoneAt === null;
}

/** The sums of a voice over its shares, of which there is one at least. */
export function sumsOf(
  shares: readonly Pick<VoiceShare, 'ownSeconds' | 'heardAt'>[],
): Pick<UnknownVoice, 'speechSeconds' | 'shares' | 'firstHeardAt' | 'lastHeardAt'> {
  const times = shares.map(({ heardAt }) => heardAt.getTime());
  return {
    speechSeconds: shares.reduce((sum, { ownSeconds }) => sum + ownSeconds, 0),
    shares: shares.length,
    firstHeardAt: new Date(Math.min(...times)),
    lastHeardAt: new Date(Math.max(...times)),
  };
}

export function unknownVoiceNotFound(id: string): TimbreError {
  return new TimbreError('UNKNOWN_VOICE_NOT_FOUND', `no unknown voice has the id ${JSON.stringify(id.slice(0, 64))}`);
}

export function voiceStepNotFound(id: string, stepId: string): TimbreError {
  return new TimbreError(
    'LEDGER_ENTRY_NOT_FOUND',
    `the ledger of the unknown voice ${JSON.stringify(id.slice(0, 64))} has no entry with the id ` +
      JSON.stringify(stepId.slice(0, 64)),
  );
}

export function unknownVoicesOff(): TimbreError {
  return new TimbreError(
    'UNKNOWN_VOICES_OFF',
    'this service keeps no unknown voices: TIMBRE_UNKNOWN_VOICES=on turns that on; leave out unknownVoices=keep',
  );
}

/** Errors: UNKNOWN_VOICE_SETTLED unless nobody said yet what the voice is. */
export function requireOpen({ id, state }: Pick<UnknownVoice, 'id' | 'state'>): void {
  if (state === 'open') return;
  throw new TimbreError(
    'UNKNOWN_VOICE_SETTLED',
    `the unknown voice ${id} is ${state}: undo that first (GET /v1/unknown-voices/${id}/ledger has the step)`,
    { details: { state } },
  );
}

/** Errors: CONFLICT. */
export function requireVersion({ id, version }: Pick<UnknownVoice, 'id' | 'version'>, asked: number | undefined): void {
  if (asked !== undefined && asked !== version) throw voiceChanged(id);
}

export function voiceChanged(id: string): TimbreError {
  return new TimbreError('CONFLICT', `the unknown voice ${id} was changed meanwhile; read it again and repeat`);
}
