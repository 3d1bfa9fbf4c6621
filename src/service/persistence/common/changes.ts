import { setImmediate } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Bell } from '../../../support/bell.js';
import { ChangeFeed, FEED_START, type Change, type ChangeKind, type FeedPlace } from '../../records/change-feed.js';
import { affect, ask, askPrepared, dialectOf } from './dialect.js';
import type { Store } from './store.js';

/** Changes kept; a follower that is further behind begins with a snapshot again. */
const KEPT = 10_000;

/** What transactions on PostgreSQL have sent to be appended so far; each has a manager of its own. */
const appended = new WeakMap<EntityManager, Set<string>>();

/** Whether a follower may find something new when this transaction is committed; on PostgreSQL. */
export function hasAppended(manager: EntityManager): boolean {
  return appended.has(manager);
}

/** To be called in the transaction that makes the change. */
export async function appendChange(manager: EntityManager, kind: ChangeKind, about: string): Promise<void> {
  // One says all: whoever follows reads what there is after the transaction.
  if (!isNew(manager, `${kind} ${about}`)) return;
  await append(manager, kind, 'SELECT CAST(? AS text) AS about', about);
}

/** The same for a speaker, as long as the row is there. */
export async function appendVoiceChange(manager: EntityManager, speakerId: string): Promise<void> {
  isNew(manager, ofSpeaker(speakerId));
  await append(manager, 'voice', 'SELECT subject AS about FROM speakers WHERE id = ?', speakerId);
}

/** The same for a speaker whose row was there all the time. */
export async function appendChangeOf(
  manager: EntityManager,
  { id, subject }: { id: string; subject: string },
): Promise<void> {
  if (isNew(manager, ofSpeaker(id))) await appendChange(manager, 'voice', subject);
}

const ofSpeaker = (id: string): string => `voice of ${id}`;

/** Notes that this is appended; false where it was before. On SQLite everything is new. */
function isNew(manager: EntityManager, what: string): boolean {
  if (dialectOf(manager).name === 'sqlite') return true;
  const before = appended.get(manager) ?? new Set();
  appended.set(manager, before);
  return before.size < before.add(what).size;
}

/** `about`: SQL with a parameter that gives what the change is about, or no row where there is nothing to tell. */
async function append(manager: EntityManager, kind: ChangeKind, about: string, value: string): Promise<void> {
  if (dialectOf(manager).name === 'sqlite') {
    await affect(manager, `INSERT INTO changes (kind, about) SELECT ?, about FROM (${about})`, [kind, value]);
    await affect(manager, 'DELETE FROM changes WHERE seq <= (SELECT MAX(seq) FROM changes) - ?', [KEPT]);
    return;
  }
  // Not a sequence, whose numbers are lost with what is undone, and become durable in another order than they were given
  // in: the row is this transaction's until its end, so that whoever is next waits, and has the next number.
  const [told] = await askPrepared<{ counted: boolean }>(
    manager,
    `WITH told AS (${about}),
       next AS (
         UPDATE counters SET value = value + 1 WHERE name = 'changes' AND EXISTS (SELECT 1 FROM told) RETURNING value
       ),
       gone AS (DELETE FROM changes WHERE seq <= (SELECT value FROM next) - ?),
       new AS (INSERT INTO changes (seq, kind, about) SELECT value, ?, about FROM next, told)
     SELECT EXISTS (SELECT 1 FROM next) AS counted FROM told`,
    [value, KEPT, kind],
  );
  if (told && !told.counted) {
    throw new TimbreError('STORAGE_INVALID', 'the database has lost its counter of changes; restore a backup');
  }
}

/** Rows of a table, in numbers without gaps. */
export class TableChangeFeed extends ChangeFeed {
  readonly bell: Bell;
  /** Readings that have not begun, by what they read: who follows is woken with all others, and reads with them. */
  private readonly next = new Map<string, Promise<Change[] | null>>();

  constructor(
    private readonly store: Store,
    readonly shared = false,
  ) {
    super();
    this.bell = store.committed;
  }

  head(): Promise<FeedPlace> {
    return this.store.readOne(async (manager) => {
      const [last] = await ask<FeedPlace>(manager, 'SELECT seq, about FROM changes ORDER BY seq DESC LIMIT 1');
      return last ?? FEED_START;
    });
  }

  after({ seq, about }: FeedPlace, limit: number): Promise<Change[] | null> {
    const key = JSON.stringify([seq, about, limit]);
    const next =
      this.next.get(key) ??
      setImmediate().then(() => {
        this.next.delete(key);
        return this.readAfter({ seq, about }, limit);
      });
    this.next.set(key, next);
    return next;
  }

  private readAfter(place: FeedPlace, limit: number): Promise<Change[] | null> {
    return this.store.readOne(async (manager) => {
      const found = await askPrepared<Change>(
        manager,
        'SELECT seq, kind, about FROM changes WHERE seq >= ? ORDER BY seq LIMIT ?',
        [place.seq, limit + 1],
      );
      // Numbers have no gaps: where the place is there no more, something was dropped after it, or the database was put back.
      if (place.seq === FEED_START.seq) return found.length === 0 || found[0]!.seq === 1 ? found.slice(0, limit) : null;
      const [seen, ...rest] = found;
      return seen?.seq === place.seq && seen.about === place.about ? rest : null;
    });
  }
}
