/** What was answered to a request that came with an idempotency key. */
export interface Answer {
  /** Digest of the key and of whose it is. */
  key: string;
  /** Digest of the request. */
  request: string;
  /** JSON. */
  answer: string;
  /** Whom it tells of, with whom it goes; null where it tells of nobody. */
  speakerId: string | null;
  createdAt: Date;
}

export abstract class AnswerRepository {
  /** Null too for one from before `since`: its key may be used anew. */
  abstract find(key: string, since: Date): Promise<Answer | null>;

  /** False where the key has an answer that is not from before `since`; nothing is stored then. */
  abstract insert(answer: Answer, since: Date): Promise<boolean>;

  /** Deletes those from before a time, oldest first, and says how many. */
  abstract trim(before: Date, limit: number): Promise<number>;
}
