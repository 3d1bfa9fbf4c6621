import type { Cursor } from './cursor.js';
import type { KeepingSetting } from './kept-recording.js';
import type { LearningSetting } from './learning.js';
import type { Group, WatchedGroup } from './group.js';

/** Who acts while bound to groups finds those alone. */
export abstract class GroupRepository {
  /** Errors: GROUP_EXISTS. */
  abstract insert(group: Group): Promise<void>;

  abstract find(id: string): Promise<Group | null>;

  /** Oldest first. */
  abstract page(after: Cursor | null, limit: number): Promise<Group[]>;

  abstract count(): Promise<number>;

  /** What is said of these groups' profiles, whoever asks; nothing of one that is not as it was written. */
  abstract learningOf(uids: readonly string[]): Promise<(LearningSetting | null)[]>;

  /** The same about keeping audio. */
  abstract keepingOf(uids: readonly string[]): Promise<(KeepingSetting | null)[]>;

  /** The watch lists, in order. */
  abstract watched(): Promise<WatchedGroup[]>;

  /**
   * Stores name, learning, watch rate, keeping and `updatedAt`, and moves the version on by one. Errors: CONFLICT where the
   * stored version is not `group.version`.
   */
  abstract update(group: Group): Promise<Group>;

  /** Nobody belongs to it any more; false where it was not there. */
  abstract delete(uid: string): Promise<boolean>;

  /** Ids of the API keys that are bound to it and let somebody in. */
  abstract keysBoundTo(uid: string, now: Date): Promise<string[]>;
}
