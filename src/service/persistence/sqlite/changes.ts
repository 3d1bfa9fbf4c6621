import type { EntityManager } from 'typeorm';
import { Bell } from '../../../support/bell.js';
import { ChangeFeed, type Change, type ChangeKind } from '../../records/change-feed.js';
import type { Database } from './database.js';

/** Changes kept; a follower that is further behind begins with a snapshot again. */
const KEPT = 10_000;

/** To be called in the transaction that makes the change. */
export async function appendChange(manager: EntityManager, kind: ChangeKind, about: string): Promise<void> {
  await manager.query('INSERT INTO changes (kind, about) VALUES (?, ?)', [kind, about]);
  await manager.query('DELETE FROM changes WHERE seq <= last_insert_rowid() - ?', [KEPT]);
}

/** The same for a speaker, as long as the row is there. */
export async function appendVoiceChange(manager: EntityManager, speakerId: string): Promise<void> {
  const [speaker] = await manager.query<{ subject: string }[]>('SELECT subject FROM speakers WHERE id = ?', [
    speakerId,
  ]);
  if (speaker) await appendChange(manager, 'voice', speaker.subject);
}

/** One process has the database: what is committed here is all there is. */
export class SqliteChangeFeed extends ChangeFeed {
  readonly bell: Bell;

  constructor(private readonly database: Database) {
    super();
    this.bell = database.committed;
  }

  head(): Promise<number> {
    return this.database.read(async (manager) => {
      const [row] = await manager.query<{ seq: number | null }[]>('SELECT MAX(seq) AS seq FROM changes');
      return row?.seq ?? 0;
    });
  }

  after(seq: number, limit: number): Promise<Change[] | null> {
    return this.database.read(async (manager) => {
      const found = await manager.query<Change[]>(
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
