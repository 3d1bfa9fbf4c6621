import type { Conversation, ConversationOfSpeaker, ConversationOutcome, ListedConversation } from './conversation.js';
import type { Cursor } from './cursor.js';

/** The place of a conversation among those that tell of somebody. */
export type OfSpeakerPlace = readonly [id: string, label: string];

/** Who acts while bound to groups finds those alone that were made by whoever is bound to the same. */
export abstract class ConversationRepository {
  /** `candidates`: ids of speakers who are there; for one that waits. */
  abstract insert(conversation: Conversation, candidates?: readonly string[]): Promise<void>;

  abstract find(id: string): Promise<Conversation | null>;

  /** How the recordings of these were named, by id. */
  abstract fileNames(ids: readonly string[]): Promise<Map<string, string | null>>;

  /** Of one that waits: ids of candidates who are still there, in order. */
  abstract candidates(id: string): Promise<string[]>;

  /** Newest first. */
  abstract page(after: Cursor | null, limit: number): Promise<ListedConversation[]>;

  abstract count(): Promise<number>;

  /** Stores how it ended; false where it does not wait any more, or was removed. Its candidates go. */
  abstract finish(id: string, outcome: ConversationOutcome, now: Date): Promise<boolean>;

  /** Those of a job that wait do so no more. */
  abstract cancelOfJob(jobId: string, now: Date): Promise<void>;

  /** What tells of a speaker: a row for each voice, and for each conversation that waits. */
  abstract ofSpeaker(
    speakerId: string,
    after: OfSpeakerPlace | null,
    limit: number,
  ): Promise<{ place: OfSpeakerPlace; conversation: ConversationOfSpeaker }[]>;

  /** Deletes what is stored of it; false where there was none. */
  abstract delete(id: string): Promise<boolean>;

  /** Deletes those that ended before a time, oldest first, and says how many. */
  abstract trim(before: Date, limit: number): Promise<number>;
}
