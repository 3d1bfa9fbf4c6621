import type pg from 'pg';
import { TimbreError } from '../../../errors/timbre-error.js';
import { HEAD, type Head, type Register } from '../common/register.js';

/** Where nothing comes back within so long, the connection is made anew. */
export const LOOK_MS = 5000;

/**
 * How far the database had come when this node wrote or looked last. Whatever stands at its address has come so far, or is not what
 * it was: a standby that was behind and has taken over, or a backup.
 */
export class KnownHistory {
  private register: Register | undefined;
  private known: Pick<Head, 'database' | 'counter'> | undefined;

  /** From now on: this database, which the register vouches for. */
  begin(register: Register, head: Pick<Head, 'database' | 'counter'>): void {
    this.register = register;
    this.known = head;
  }

  /** What this node has committed. */
  note(counter: number): void {
    if (this.known) this.known = { ...this.known, counter: Math.max(counter, this.known.counter) };
  }

  /** On a connection that was made, and from time to time. Errors: STORAGE_ROLLED_BACK; those of the driver, and of the register. */
  async require(client: pg.ClientBase): Promise<void> {
    const { known, register } = this;
    if (!known || !register) return;
    const { rows } = await client.query<{ value: Buffer }>({
      text: `SELECT value FROM register WHERE name = '${HEAD}'`,
      query_timeout: LOOK_MS,
    } as pg.QueryConfig);
    const head = register.openHead(rows[0]?.value);
    if (head.database !== known.database || head.counter < known.counter) throw rolledBack();
    this.note(head.counter);
  }
}

function rolledBack(): TimbreError {
  return new TimbreError(
    'STORAGE_ROLLED_BACK',
    'the database is older than this node has seen it: a standby that was behind has taken over, or a backup was restored, with ' +
      'consents that were withdrawn and keys that were revoked since; bring back the one that was there, or, where that is ' +
      'meant, stop every node and run `timbre data acknowledge-restore`',
  );
}
