import type pg from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { copiedTables } from '../common/copied-tables.js';
import { ask } from '../common/dialect.js';
import { isUntouched, ofPlace, type MoveSource, type MoveTarget, type OpenSource } from '../common/move.js';
import { readMoveMark } from '../common/move-marks.js';
import { trustIn } from '../common/move-trust.js';
import { isMigrated } from '../common/settle-register.js';
import { AudioRows } from './audio-rows.js';
import { NodeConnection } from './node-connection.js';
import { nodeOf, type PostgresOptions } from './postgres-database.js';
import { toStorageError } from './postgres-errors.js';
import { localKeyOf } from './postgres-key-store.js';
import { noteNeeded, THIS_VERSION } from './schema-version.js';
import { checkSchema, isCurrent, lockKey, requireSuitable, sourceOf } from './server.js';

/** A schema, on one connection, and the locks that keep every node out. */
class SchemaEnd {
  node: NodeConnection | undefined;

  private constructor(
    readonly options: PostgresOptions,
    readonly source: DataSource,
    readonly nodeId: string,
    private readonly runner: QueryRunner,
    private readonly client: pg.PoolClient,
  ) {}

  static async open(options: PostgresOptions): Promise<SchemaEnd> {
    const nodeId = await nodeOf(options.folder);
    const source = sourceOf(options);
    try {
      await source.initialize();
      const runner = source.createQueryRunner();
      return new SchemaEnd(options, source, nodeId, runner, (await runner.connect()) as pg.PoolClient);
    } catch (error) {
      if (source.isInitialized) await source.destroy();
      throw ofPlace(placeOf(options), error, toStorageError);
    }
  }

  get place(): string {
    return placeOf(this.options);
  }

  get removal(): string {
    return `psql '${addressOf(this.options.url)}' -c 'DROP SCHEMA ${this.options.schema} CASCADE'`;
  }

  get localKey(): string {
    return localKeyOf(this.nodeId);
  }

  get manager(): EntityManager {
    return this.runner.manager;
  }

  /** Errors: STORAGE_UNAVAILABLE where a node has the schema open. */
  async keepNodesOut(): Promise<void> {
    this.node = await NodeConnection.open({
      ...this.options,
      node: this.nodeId,
      heard: () => undefined,
      tell: (channel, text) => this.source.query('SELECT pg_notify($1, $2)', [channel, text]),
    });
    if (await this.node.keepOthersOut()) return;
    throw new TimbreError('STORAGE_UNAVAILABLE', `a service has ${this.place} open; stop every node of it first`);
  }

  /** A lock that this connection has until it ends, waited for as calls wait. */
  async lock(purpose: string): Promise<void> {
    const { schema, waitMs } = this.options;
    await this.client.query(`SET lock_timeout = ${Math.ceil(waitMs)}`);
    await this.client.query(`SELECT pg_advisory_lock(${lockKey(schema, purpose)})`);
  }

  async unlock(purpose: string): Promise<void> {
    await this.client.query(`SELECT pg_advisory_unlock(${lockKey(this.options.schema, purpose)})`);
  }

  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.manager);
    } catch (error) {
      throw ofPlace(this.place, error, toStorageError);
    }
  }

  /** `begin`: the words that it begins with. */
  async transaction<T>(begin: string, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const { client } = this;
    try {
      await client.query(begin);
      const result = await work(this.manager);
      const { command } = await client.query('COMMIT');
      if (command !== 'COMMIT')
        throw new Error(`PostgreSQL has undone a transaction that was to be stored (${command})`);
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw ofPlace(this.place, error, toStorageError);
    }
  }

  audio(): AudioRows {
    return new AudioRows((sql, values) => this.read((manager) => manager.query<unknown[]>(sql, values)));
  }

  async close(): Promise<void> {
    await this.node?.close();
    // With its session end its locks.
    await this.client.end().catch(() => undefined);
    await this.runner.release().catch(() => undefined);
    await this.source.destroy().catch(() => undefined);
  }
}

/**
 * What a move reads: one moment, while nobody else can write. Errors: STORAGE_UNAVAILABLE where there is nothing, or a service has it
 * open; STORAGE_INVALID where the key is another one, or it is not of this version; STORAGE_ROLLED_BACK, STORAGE_UNFINISHED; those of
 * the storage.
 */
export async function openPostgresSource(options: PostgresOptions): Promise<OpenSource> {
  const end = await SchemaEnd.open(options);
  try {
    const trust = await trustOf(end);
    await end.keepNodesOut();
    // Programs beside a service write with this lock alone.
    await end.lock('writing');
    const moment = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0';
    await end.read((manager) => manager.query(moment));
    return { ...trust, source: sourceEnd(end) };
  } catch (error) {
    await end.close();
    throw ofPlace(end.place, error, toStorageError);
  }
}

function sourceEnd(end: SchemaEnd): MoveSource {
  const { place, removal, localKey, source } = end;
  return {
    place,
    removal,
    localKey,
    source,
    read: (work) => end.read(work),
    leave: async (work) => {
      await end.read((manager) => manager.query('COMMIT'));
      // Nobody else has written since: the lock of those who write is this session's.
      await end.transaction('BEGIN', work);
    },
    uploadsElsewhere: () =>
      end.read((manager) =>
        ask<{ node: string; recordings: number }>(
          manager,
          `SELECT n.node, COUNT(*) AS recordings FROM job_items i JOIN job_nodes n ON n.job_id = i.job_id
           WHERE i.state = 'queued' AND i.path IS NULL AND n.node <> ? GROUP BY n.node ORDER BY n.node`,
          [end.nodeId],
        ),
      ),
    audio: () => end.audio(),
    close: () => end.close(),
  };
}

async function trustOf({ manager, options, place }: SchemaEnd): Promise<Omit<OpenSource, 'source'>> {
  await requireSuitable(manager);
  if (await checkSchema(manager, options, { make: false, newer: false })) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `there is no data in ${place}`);
  }
  // A folder that was no node's has no mark.
  return trustIn(manager, { place, places: options, isCurrent: () => isCurrent(manager), mayJoin: true });
}

/**
 * Where a move writes: it makes the schema where it is missing. Errors: STORAGE_UNAVAILABLE where a service has it open; STORAGE_INVALID
 * for what a newer version or another program made; STORAGE_REFUSED, STORAGE_UNSUITABLE; those of the storage.
 */
export async function openPostgresTarget(options: PostgresOptions): Promise<MoveTarget> {
  const end = await SchemaEnd.open(options);
  try {
    const { manager, source } = end;
    await requireSuitable(manager);
    await end.lock('opening');
    const fresh = await checkSchema(manager, options, { make: true, newer: false });
    const isEmpty =
      fresh ||
      ((await isMigrated(manager, THIS_VERSION.migrations)) && (await isUntouched(manager, copiedTables(source))));
    if (isEmpty || (await readMoveMark(manager, 'copying'))) {
      await source.runMigrations();
      await noteNeeded(manager, THIS_VERSION);
      // Before the lock of those who open it is given back: whoever comes finds it taken.
      await end.keepNodesOut();
    }
    await end.unlock('opening');
    return targetEnd(end, isEmpty);
  } catch (error) {
    await end.close();
    throw ofPlace(end.place, error, toStorageError);
  }
}

function targetEnd(end: SchemaEnd, isEmpty: boolean): MoveTarget {
  const { place, removal, localKey, source, options, nodeId } = end;
  const begin = [
    'BEGIN',
    // Whose the uploads of the jobs are that are put there.
    `SET LOCAL timbre.node = '${nodeId}'`,
    `SET LOCAL lock_timeout = ${Math.ceil(options.waitMs)}`,
    `SELECT pg_advisory_xact_lock(${lockKey(options.schema, 'writing')})`,
  ].join('; ');
  return {
    place,
    removal,
    localKey,
    source,
    isEmpty,
    read: (work) => end.read(work),
    transaction: (work) => end.transaction(begin, work),
    continueNumbers: (manager) => continueNumbers(manager, options.schema),
    prepare: () => Promise.resolve(),
    audio: () => end.audio(),
    close: () => end.close(),
  };
}

/** Identity columns, and the counter of changes. */
async function continueNumbers(manager: EntityManager, schema: string): Promise<void> {
  const columns = await ask<{ table: string; column: string; sequence: string }>(
    manager,
    `SELECT c.table_name AS "table", c.column_name AS "column",
       pg_get_serial_sequence(format('%I.%I', c.table_schema, c.table_name), c.column_name) AS sequence
     FROM information_schema.columns c WHERE c.table_schema = ? AND c.is_identity = 'YES'`,
    [schema],
  );
  for (const { table, column, sequence } of columns) {
    await ask(
      manager,
      `SELECT setval(CAST(? AS regclass), COALESCE(MAX("${column}"), 1), MAX("${column}") IS NOT NULL) FROM "${table}"`,
      [sequence],
    );
  }
  await ask(manager, "UPDATE counters SET value = (SELECT COALESCE(MAX(seq), 0) FROM changes) WHERE name = 'changes'");
}

function placeOf({ url, schema }: PostgresOptions): string {
  return `${addressOf(url)} (schema ${schema})`;
}

/** Without user, password and what else may be secret. */
function addressOf(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = hostname || (searchParams.get('host') ?? 'localhost');
  return `postgres://${host}${port && `:${port}`}${pathname}`;
}
