import type { AudioReport, ConversationKind, ConversationResult, ConversationSpeaker } from '../../addon/types.js';
import type { ErrorCode } from '../../errors/error-codes.js';
import { TimbreError } from '../../errors/timbre-error.js';

export const CONVERSATION_STATES = ['waiting', 'done', 'failed', 'cancelled'] as const;
export type ConversationState = (typeof CONVERSATION_STATES)[number];

/** What is asked about a recording. */
export interface ConversationQuestion {
  speakers?: number | undefined;
  minSpeakers?: number | undefined;
  maxSpeakers?: number | undefined;
  kind?: ConversationKind | undefined;
  channel?: 'mix' | number | undefined;
  track?: number | undefined;
}

/** What was heard: no audio, no vector, and nothing that a voice could be recognised by. */
export interface ConversationFindings extends Pick<ConversationResult, 'seconds' | 'turns' | 'model' | 'segmentation'> {
  speakers: Pick<ConversationSpeaker, 'label' | 'speechSeconds' | 'ownSeconds' | 'turns'>[];
  audio: AudioReport;
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
  /** Of one that is done. */
  findings: ConversationFindings | null;
  /** Of one that failed. */
  error: { code: ErrorCode; message: string } | null;
}

/** One of a list: without its turns. */
export interface ListedConversation extends Omit<Conversation, 'question' | 'findings'> {
  /** Of the recording; null until it is done. */
  seconds: number | null;
  /** How many are heard. */
  speakers: number | null;
}

/** How a conversation ends. */
export type ConversationOutcome =
  { state: 'done'; findings: ConversationFindings } | { state: 'failed'; error: { code: ErrorCode; message: string } };

export function conversationNotFound(id: string): TimbreError {
  return new TimbreError('CONVERSATION_NOT_FOUND', `no conversation has the id ${JSON.stringify(id.slice(0, 64))}`);
}
