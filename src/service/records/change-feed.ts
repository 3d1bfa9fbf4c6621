import type { Bell } from '../../support/bell.js';

/** Changes read at once. */
const BATCH = 500;

/**
 * voice: who can be found has changed, by the speaker's subject; job: what a job is has changed, by its id; calibration: which
 * saved one is in use may have changed, by the id of one of them.
 */
export type ChangeKind = 'voice' | 'job' | 'calibration';

export interface Change {
  /** Counts up in the order in which changes become durable. */
  seq: number;
  kind: ChangeKind;
  /** A subject, or the id of a job or calibration: nothing that tells who somebody is. */
  about: string;
}

/**
 * Every write that changes who can be found, what a job is, or which calibration is in use, appends to this in its own transaction. A follower takes
 * `head`, then a snapshot, then everything `after`: it misses nothing, and a change that it has seen in the snapshot
 * already does no harm, because a change only says what to read again.
 *
 * Errors of every call: those of the storage.
 */
export abstract class ChangeFeed {
  /** Rings when there may be more; a follower that only waits for it also looks by itself now and then. */
  abstract readonly bell: Bell;

  /** Whether other processes write, too. */
  abstract readonly shared: boolean;

  /** The number of the last change. */
  abstract head(): Promise<number>;

  /** Changes after a number, in their order; null where the feed does not reach back so far: begin with a snapshot. */
  abstract after(seq: number, limit: number): Promise<Change[] | null>;

  /**
   * Hands over everything after a number that is durable by now, in pieces, of which one may be empty. Gives the number of the
   * last change; null where the feed does not reach back so far.
   */
  async through(seq: number, take: (changes: Change[]) => void | Promise<void>): Promise<number | null> {
    for (let last = seq; ;) {
      const changes = await this.after(last, BATCH);
      if (changes === null) return null;
      await take(changes);
      last = changes.at(-1)?.seq ?? last;
      if (changes.length < BATCH) return last;
    }
  }
}
