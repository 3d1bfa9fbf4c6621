import type { Conversation, ConversationOutcome, ListedConversation } from './conversation.js';
import type { Cursor } from './cursor.js';

export abstract class ConversationRepository {
  abstract insert(conversation: Conversation): Promise<void>;

  abstract find(id: string): Promise<Conversation | null>;

  /** Newest first. */
  abstract page(after: Cursor | null, limit: number): Promise<ListedConversation[]>;

  abstract count(): Promise<number>;

  /** Stores how it ended; false where it does not wait any more, or was removed. */
  abstract finish(id: string, outcome: ConversationOutcome, now: Date): Promise<boolean>;

  /** Those of a job that wait do so no more. */
  abstract cancelOfJob(jobId: string, now: Date): Promise<void>;

  /** Deletes what is stored of it; false where there was none. */
  abstract delete(id: string): Promise<boolean>;

  /** Deletes those that ended before a time, oldest first, and says how many. */
  abstract trim(before: Date, limit: number): Promise<number>;
}
