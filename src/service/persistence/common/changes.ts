import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Bell } from '../../../support/bell.js';
import { ChangeFeed, type Change, type ChangeKind } from '../../records/change-feed.js';
import { affect, ask, dialectOf } from './dialect.js';
import type { Store } from './store.js';

/** Changes kept; a follower that is further behind begins with a snapshot again. */
const KEPT = 10_000;

/** To be called in the transaction that makes the change. */
export async function appendChange(manager: EntityManager, kind: ChangeKind, about: string): Promise<void> {
  if (dialectOf(manager).name === 'sqlite') {
    await affect(manager, 'INSERT INTO changes (kind, about) VALUES (?, ?)', [kind, about]);
    await affect(manager, 'DELETE FROM changes WHERE seq <= last_insert_rowid() - ?', [KEPT]);
    return;
  }
  // Not a sequence, whose numbers are lost with what is undone, and become durable in another order than they were given
  // in: the row is this transaction's until its end, so that whoever is next waits, and has the next number.
  const [next] = await ask<{ seq: number }>(
    manager,
    `WITH next AS (UPDATE counters SET value = value + 1 WHERE name = 'changes' RETURNING value)
     INSERT INTO changes (seq, kind, about) SELECT value, ?, ? FROM next RETURNING seq`,
    [kind, about],
  );
  if (!next) throw new TimbreError('STORAGE_INVALID', 'the database has lost its counter of changes; restore a backup');
  await affect(manager, 'DELETE FROM changes WHERE seq <= ?', [next.seq - KEPT]);
}

/** The same for a speaker, as long as the row is there. */
export async function appendVoiceChange(manager: EntityManager, speakerId: string): Promise<void> {
  const [speaker] = await ask<{ subject: string }>(manager, 'SELECT subject FROM speakers WHERE id = ?', [speakerId]);
  if (speaker) await appendChange(manager, 'voice', speaker.subject);
}

/** Rows of a table, in numbers without gaps. */
export class TableChangeFeed extends ChangeFeed {
  readonly bell: Bell;

  constructor(
    private readonly store: Store,
    readonly shared = false,
  ) {
    super();
    this.bell = store.committed;
  }

  head(): Promise<number> {
    return this.store.readOne(async (manager) => {
      const [row] = await ask<{ seq: number | null }>(manager, 'SELECT MAX(seq) AS seq FROM changes');
      return row?.seq ?? 0;
    });
  }

  after(seq: number, limit: number): Promise<Change[] | null> {
    return this.store.readOne(async (manager) => {
      const found = await ask<Change>(
        manager,
        'SELECT seq, kind, about FROM changes WHERE seq > ? ORDER BY seq LIMIT ?',
        [seq, limit],
      );
      const [first] = found;
      if (!first || first.seq === seq + 1) return found;
      // Numbers have no gaps: something was dropped in between.
      return null;
    });
  }
}
