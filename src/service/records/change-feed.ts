import { setTimeout as delay } from 'node:timers/promises';
import type { Bell } from '../../support/bell.js';

/** Changes read at once. */
const BATCH = 500;

/** When a follower that was prevented looks again, though the feed did not ring; milliseconds. */
const AGAIN_MS = 2000;

/** When a follower looks though nothing rang and nothing failed; milliseconds. */
const LOOK_MS = 30_000;

/** From one reading of a follower to the next where others write, too: what comes within this time is read at once; milliseconds. */
const REST_MS = 100;

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
 * How far somebody has come: to a change, by its number and by what it was about, since a database that was put back gives the same
 * number to another change.
 */
export type FeedPlace = Pick<Change, 'seq' | 'about'>;

/** Before the first change. */
export const FEED_START: FeedPlace = { seq: 0, about: '' };

/** Who is told of changes. */
export interface Follower {
  /** For what was before: at the beginning (`isFirst`), and again where the feed has no more what was seen last. */
  begin(isFirst: boolean): void | Promise<void>;

  /** For what has come since, in pieces, of which one may be empty. */
  take(changes: Change[]): void | Promise<void>;

  /** When any of it threw: it is done again. */
  waits(error: unknown): void;
}

/**
 * Every write that changes who can be found, what a job is, or which calibration is in use, appends to this in its own
 * transaction. A follower takes `head`, then a snapshot, then everything `after`: it misses nothing, and a change that it has
 * seen in the snapshot already does no harm, because a change only says what to read again.
 *
 * Errors of every call: those of the storage.
 */
export abstract class ChangeFeed {
  /** Rings when there may be more, whoever has written it. */
  abstract readonly bell: Bell;

  /** Whether other processes write, too. */
  abstract readonly shared: boolean;

  /** The last change. */
  abstract head(): Promise<FeedPlace>;

  /** Changes after one, in their order; null where the feed has that one no more: begin with a snapshot. */
  abstract after(place: FeedPlace, limit: number): Promise<Change[] | null>;

  /** Tells a follower of everything that becomes durable, for as long as it is wanted and until `signal` is aborted. */
  async follow(follower: Follower, signal: AbortSignal, isWanted = (): boolean => true): Promise<void> {
    let place: FeedPlace | undefined;
    while (isWanted() && !signal.aborted) {
      const { rings } = this.bell;
      const began = performance.now();
      let pause = LOOK_MS;
      try {
        const last = place === undefined ? null : await this.through(place, follower);
        place = last ?? (await this.begin(follower, place === undefined));
      } catch (error) {
        follower.waits(error);
        pause = AGAIN_MS;
      }
      await this.bell.after(rings, signal, pause);
      const rest = REST_MS - (performance.now() - began);
      if (this.shared && rest > 0) await delay(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The place first: what changes while the follower reads is told once more. */
  private async begin(follower: Follower, isFirst: boolean): Promise<FeedPlace> {
    const place = await this.head();
    await follower.begin(isFirst);
    return place;
  }

  /** Hands over everything after a place that is durable by now. Gives the last change; null where the feed lacks that place. */
  private async through(place: FeedPlace, follower: Follower): Promise<FeedPlace | null> {
    for (let last = place; ;) {
      const changes = await this.after(last, BATCH);
      if (changes === null) return null;
      await follower.take(changes);
      last = changes.at(-1) ?? last;
      if (changes.length < BATCH) return last;
    }
  }
}
