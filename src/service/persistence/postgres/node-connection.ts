import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { LOOK_MS } from './known-history.js';
import { toStorageError } from './postgres-errors.js';
import { connectionOf, lockKey, type ServerOptions } from './server.js';

/** How often it is looked whether the connection is there, and whether something was missed. */
const BEAT_MS = 1000;

/** How long PostgreSQL may take to see that a process before this one, of the same folder, has ended. */
const TAKE_OVER_MS = 10_000;
const TAKE_OVER_PAUSE_MS = 200;

/** How long word of oneself may take. */
const ECHO_MS = 5000;

export interface NodeConnectionOptions extends ServerOptions {
  /** Of the data folder; no other process may have it at the same time. */
  node: string;
  /** Called where another node may have changed something. */
  heard: () => void;
  /** Throws where what is there is not the database that this node knows. */
  require?: (client: pg.Client) => Promise<void>;
  /** Tells all who listen, by another connection than this one. */
  tell: (channel: string, text: string) => Promise<unknown>;
}

/** Errors: STORAGE_UNAVAILABLE where somebody has the schema to himself, before anything is written. */
export async function requireRoom(manager: EntityManager, schema: string): Promise<void> {
  const key = lockKey(schema, 'nodes');
  // The lock ends with the statement.
  const [row] = await manager.query<{ taken: boolean }[]>(`SELECT pg_try_advisory_xact_lock_shared(${key}) AS taken`);
  if (row?.taken !== true) throw keptOut();
}

function keptOut(): TimbreError {
  const text =
    'another program has the database to itself: a node that rotates the data key (start this one when that is done, with ' +
    'the new key), or `timbre migrate`';
  return new TimbreError('STORAGE_UNAVAILABLE', text);
}

/**
 * The one connection of a node that lasts: it holds the locks that say that the node is there, and hears of what others have
 * changed. Lost, it is made anew; until then everybody looks by himself.
 */
export class NodeConnection {
  private readonly logger = new Logger('Database');
  private readonly stopping = new AbortController();
  private client: pg.Client | undefined;
  /** What serves the connection before this one at PostgreSQL, which may not have missed it yet, and keeps its locks. */
  private former: number | undefined;
  private lastSeq = -1;
  private beating: Promise<void> = Promise.resolve();
  private echo: { text: string; heard: () => void } | undefined;
  /** Milliseconds that the clock of PostgreSQL is ahead of this machine's. */
  ahead = 0;

  private constructor(private readonly options: NodeConnectionOptions) {}

  /**
   * Errors: STORAGE_UNAVAILABLE where another process has the folder, or a data key is being rotated; STORAGE_UNSUITABLE
   * where nothing is heard, as behind a pooler that gives connections to others between transactions.
   */
  static async open(options: NodeConnectionOptions): Promise<NodeConnection> {
    const own = new NodeConnection(options);
    try {
      await own.connect(TAKE_OVER_MS, () => own.proveHearing());
      await own.look();
    } catch (error) {
      await own.close();
      throw toStorageError(error);
    }
    own.beating = own.beat();
    return own;
  }

  /** Whether no other node is there; none comes until `letOthersIn`. */
  async keepOthersOut(): Promise<boolean> {
    return this.try(`pg_try_advisory_lock(${this.key('nodes')})`);
  }

  async letOthersIn(): Promise<void> {
    await this.client?.query(`SELECT pg_advisory_unlock(${this.key('nodes')})`);
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.beating;
    await this.drop();
  }

  /** `prove`: before any lock is taken, which a pooler would keep for somebody else. */
  private async connect(patience: number, prove = () => Promise.resolve()): Promise<void> {
    const { options } = this;
    const client = new pg.Client(connectionOf(options));
    // What it was told of is seen by the next beat.
    client.on('error', () => void this.drop(client));
    client.on('end', () => void this.drop(client));
    await client.connect();
    this.client = client;
    try {
      client.on('notification', ({ payload = '' }) => this.hear(payload));
      await client.query(`LISTEN "timbre_${options.schema}"`);
      await prove();
      await this.present(patience);
    } catch (error) {
      await this.drop(client);
      throw error;
    }
  }

  private async present(patience: number): Promise<void> {
    const { node } = this.options;
    const end = performance.now() + patience;
    const key = this.key(`node ${node}`);
    while (!(await this.try(`pg_try_advisory_lock(${key})`))) {
      await this.endFormer(key);
      if (performance.now() > end) {
        const text = 'another service uses this data folder; stop it, or give this one a data folder of its own';
        throw new TimbreError('STORAGE_UNAVAILABLE', text);
      }
      await delay(TAKE_OVER_PAUSE_MS);
    }
    if (!(await this.try(`pg_try_advisory_lock_shared(${this.key('nodes')})`))) {
      throw keptOut();
    }
  }

  /** Where it has the lock still: what was between has let go of one end alone. */
  private async endFormer(key: string): Promise<void> {
    const [space, name] = key.split(', ');
    await this.client?.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks
       WHERE locktype = 'advisory' AND pid = $1 AND classid = ${space} AND objid::bigint = (${name}::bigint & 4294967295)`,
      [this.former],
    );
  }

  /** Word of oneself comes back, where connections are one's own. */
  private async proveHearing(): Promise<void> {
    const text = `echo ${randomUUID()}`;
    const heard = new Promise<true>((resolve) => {
      this.echo = { text, heard: () => resolve(true) };
    });
    await this.options.tell(`timbre_${this.options.schema}`, text);
    const end = new AbortController();
    const came = await Promise.race([heard, delay(ECHO_MS, false, { signal: end.signal }).catch(() => false)]);
    end.abort();
    this.echo = undefined;
    if (came) return;
    const why = 'a pooler in front of it gives connections to others between transactions (transaction mode)';
    throw new TimbreError(
      'STORAGE_UNSUITABLE',
      `nothing that PostgreSQL tells is heard here: ${why}; name PostgreSQL itself, or a pooler in session mode`,
    );
  }

  private hear(payload: string): void {
    if (payload === this.echo?.text) this.echo.heard();
    else if (payload !== this.options.node && !payload.startsWith('echo ')) this.options.heard();
  }

  private async beat(): Promise<void> {
    const { signal } = this.stopping;
    let down = false;
    for (;;) {
      await delay(BEAT_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        if (!this.client) await this.connect(0);
        await this.look();
        if (down) this.logger.log('PostgreSQL is there again');
        down = false;
      } catch (error) {
        await this.drop();
        if (!down)
          this.logger.warn({ err: toStorageError(error), msg: 'PostgreSQL is not there as it was; trying again' });
        down = true;
      }
    }
  }

  /** Whatever was not told, and what the time is there. */
  private async look(): Promise<void> {
    await this.options.require?.(this.client!);
    const began = Date.now();
    const { rows } = await this.client!.query<{ seq: number; now: number }>({
      text: `SELECT value AS seq, (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now
        FROM counters WHERE name = 'changes'`,
      query_timeout: LOOK_MS,
    } as pg.QueryConfig);
    const { seq = -1, now = began } = rows[0] ?? {};
    this.ahead = now - (began + Date.now()) / 2;
    if (seq !== this.lastSeq) this.options.heard();
    this.lastSeq = seq;
  }

  private async try(lock: string): Promise<boolean> {
    const { client } = this;
    if (!client) throw new TimbreError('STORAGE_UNAVAILABLE', 'PostgreSQL is not there', { retryAfterSeconds: 1 });
    const { rows } = await client.query<{ taken: boolean }>(`SELECT ${lock} AS taken`);
    return rows[0]?.taken === true;
  }

  private key(purpose: string): string {
    return lockKey(this.options.schema, purpose);
  }

  private async drop(client = this.client): Promise<void> {
    if (client && client === this.client) {
      this.client = undefined;
      this.former = (client as { processID?: number }).processID;
    }
    await client?.end().catch(() => undefined);
  }
}
