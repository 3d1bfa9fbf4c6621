import { randomInt, randomUUID } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import {
  QueryFailedError,
  QueryResult,
  QueryRunnerAlreadyReleasedError,
  type DataSource,
  type EntityManager,
} from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Bell } from '../../../support/bell.js';
import { isMissing } from '../../../support/files.js';
import type { KeyProvider } from '../../data-keys/key-provider.js';
import { hasAppended } from '../common/changes.js';
import { Epoch, FileEpochProvider, stateOf } from '../common/epoch.js';
import { proveKey, readKeyCheck, writeKeyCheck } from '../common/key-check.js';
import { requireInUse, requireWhole } from '../common/move-marks.js';
import { epochFileOf, keyProviderOf, type Places } from '../common/places.js';
import { requirePrivate, writeAside } from '../common/private-files.js';
import { HEAD, Register, StaleRegister, type Beginning, type Brought } from '../common/register.js';
import { TypeOrmAuditRepository } from '../common/repositories/typeorm-audit.repository.js';
import { settleRegister } from '../common/settle-register.js';
import { Store, type StoreSnapshot } from '../common/store.js';
import { VectorCipher } from '../common/vector-cipher.js';
import { hasVectorTables, resealSecret } from './pgvector/vector-tables.js';
import { KnownHistory } from './known-history.js';
import { NodeConnection, requireRoom } from './node-connection.js';
import { postgresCode, toStorageError } from './postgres-errors.js';
import { newerMigrations, noteNeeded, requireNothingNewer, takesAway, THIS_VERSION } from './schema-version.js';
import { checkSchema, isCurrent, lockKey, requireSuitable, sourceOf, type ServerOptions } from './server.js';

export interface PostgresOptions extends Places, ServerOptions {
  /** Goes on with a database that was put back, from now on, and writes that down. Default false. */
  acknowledgeRestore?: boolean | undefined;
}

/** Snapshots open at once: each is a connection. */
const MOST_SNAPSHOTS = 4;

/** Connections that are left to calls while snapshots and leaders have theirs. */
export const FEWEST_CONNECTIONS = MOST_SNAPSHOTS + 4;

const NODE_FILE = 'node.id';

/** What a program beside the service is called. */
const BESIDE = 'beside';

/** A transaction that PostgreSQL could not order among others is done again. */
const AGAIN = new Set(['40001', '40P01']);
const MOST_ATTEMPTS = 5;

/** A statement before has failed: that one says why. */
const ABORTED = '25P02';

const READ = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** What every write needs of what the one before has left, with its beginning: one way to PostgreSQL in the place of three. */
const BEGINNING = `SELECT (SELECT value FROM register WHERE name = '${HEAD}') AS head,
  (SELECT coalesce(max(id), 0) FROM audit) AS "lastEntry"`;

/**
 * A schema of a PostgreSQL database, which other nodes may have open too. Transactions that write come one after the other,
 * of all nodes: each takes the same advisory lock first, and sees everything that was committed before. What only reads waits for
 * nobody, and sees one moment.
 */
export class PostgresDatabase extends Store {
  private readonly logger = new Logger('Database');
  /** The last of this node's own that writes: one connection alone waits for the lock. */
  private last: Promise<unknown> = Promise.resolve();
  private snapshotsTaken = 0;
  private closed = false;
  private node: NodeConnection | undefined;
  private id = '';
  private readonly write: string;
  /** Rings after every transaction of this node that appends to the feed, and where another may have appended. */
  readonly committed = new Bell();

  private constructor(
    readonly options: PostgresOptions,
    private readonly source: DataSource,
    readonly nodeId: string,
    readonly cipher: VectorCipher,
    readonly keys: KeyProvider,
    readonly register: Register,
    private readonly epoch: Epoch,
    private readonly history = new KnownHistory(),
  ) {
    super();
    this.write = [
      'BEGIN',
      `SET LOCAL timbre.node = '${nodeId}'`,
      `SET LOCAL lock_timeout = ${Math.ceil(options.waitMs)}`,
      `SELECT pg_advisory_xact_lock(${lockKey(options.schema, 'writing')})`,
    ].join('; ');
  }

  /**
   * Checks that the schema is one of a version and key that fit, and only then brings its tables up to date, one node
   * at a time. Errors: STORAGE_UNAVAILABLE, STORAGE_REFUSED, STORAGE_UNSUITABLE, STORAGE_INVALID, STORAGE_ROLLED_BACK,
   * STORAGE_UNFINISHED, STORAGE_MOVED; nothing was changed then.
   */
  static async open(options: PostgresOptions): Promise<PostgresDatabase> {
    const nodeId = await nodeOf(options.folder);
    const history = new KnownHistory();
    const source = sourceOf(options, (client) => history.require(client));
    let database: PostgresDatabase | undefined;
    try {
      await source.initialize();
      database = await opening(source, options, async (manager) => {
        await requireSuitable(manager);
        const fresh = await checkSchema(manager, options, { make: true, newer: true });
        await requireRoom(manager, options.schema);
        return PostgresDatabase.settle(source, manager, options, { nodeId, fresh, history });
      });
      await database.join();
      return database;
    } catch (error) {
      if (source.isInitialized) await source.destroy();
      throw toStorageError(error);
    }
  }

  /**
   * For a program beside a service that may have the folder, without making or changing any table; null where nothing is
   * there yet, or what an older version left. `require`: what its marks of a move have to allow. Errors: those of `open`.
   */
  static async beside(options: PostgresOptions, require = requireWhole): Promise<PostgresDatabase | null> {
    const source = sourceOf(options);
    try {
      const { manager } = await source.initialize();
      await requireSuitable(manager);
      const fresh = await checkSchema(manager, options, { make: false, newer: false });
      if (!fresh) await require(manager, `the schema ${options.schema}`);
      if (fresh || !(await isCurrent(manager))) {
        await source.destroy();
        return null;
      }
      const keys = keyProviderOf(options);
      const cipher = new VectorCipher(...(await keys.read()));
      const check = await readKeyCheck(manager);
      if (check) proveKey(cipher, check, `the schema ${options.schema}`);
      const epoch = new Epoch(new FileEpochProvider(epochFileOf(options)), cipher);
      return new PostgresDatabase(options, source, BESIDE, cipher, keys, new Register(cipher), epoch);
    } catch (error) {
      if (source.isInitialized) await source.destroy();
      throw toStorageError(error);
    }
  }

  /** While no other node opens the schema. */
  private static async settle(
    source: DataSource,
    manager: EntityManager,
    options: PostgresOptions,
    { nodeId, fresh, history }: { nodeId: string; fresh: boolean; history: KnownHistory },
  ): Promise<PostgresDatabase> {
    const { acknowledgeRestore = false, schema } = options;
    if (!fresh) await (acknowledgeRestore ? requireWhole : requireInUse)(manager, `the schema ${schema}`);
    const check = fresh ? null : await readKeyCheck(manager);
    const keys = keyProviderOf(options);
    const cipher = new VectorCipher(...(await keys.load(check === null)));
    if (check) proveKey(cipher, check, `the schema ${schema}`);
    const register = new Register(cipher);
    const epoch = new Epoch(new FileEpochProvider(epochFileOf(options)), cipher);
    const database = new PostgresDatabase(options, source, nodeId, cipher, keys, register, epoch, history);
    const mark = acknowledgeRestore ? await epoch.readIfOfThisKey() : await epoch.read();
    const head = fresh ? null : await register.headIfAny(manager);
    // Another node has told its own provider: this one is new here, or has lost its mark.
    const joins = stateOf(head, mark) === 'no mark';
    if (!acknowledgeRestore && !joins) epoch.require(head, mark);
    await database.migrate(manager, fresh);
    if (!check) await database.query((own) => writeKeyCheck(own, cipher));
    const settled = await settleRegister(
      { transaction: (work) => database.transaction(work), manager, register, epoch },
      { sealing: null, restored: acknowledgeRestore ? { mark } : null },
    );
    database.id = settled.database;
    history.begin(register, settled);
    if (joins) await database.noteJoining();
    // What was put back may have sessions that were ended since, and links that were used.
    if (acknowledgeRestore) await database.statement('DELETE FROM sign_ins', []);
    return database;
  }

  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.alone(async () => {
      let counted: number | undefined;
      const { result, appends } = await this.again(() =>
        this.connected(`${this.write}; ${BEGINNING}`, async (manager, { begun, last }) => {
          const beginning = begun.then((results) => results.at(-1)!.rows[0] as Beginning);
          beginning.catch(() => undefined);
          const result = await this.register.within(manager, () => work(manager), {
            counted: (counter) => (counted = counter),
            beginning,
            last,
          });
          return { result, appends: hasAppended(manager) };
        }),
      );
      if (counted !== undefined && this.id !== '') this.noteCounter(counted);
      if (appends) this.committed.ring();
      return result;
    });
  }

  query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.alone(() => this.again(() => this.connected(this.write, work)));
  }

  read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.guarded(() => this.connected(READ, work));
  }

  /** Without BEGIN and COMMIT, one way to PostgreSQL in the place of three; what asks a second time is done anew with them. */
  override async readOne<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.readAlone(work, this.register.usual).catch((error: unknown) => {
        if (!(error instanceof StaleRegister)) throw error;
        return this.readAlone(work, 'all');
      });
    } catch (error) {
      if (!(error instanceof SecondStatement)) throw error;
      return this.read(work);
    }
  }

  /** Errors: those of `read`; SecondStatement, StaleRegister. */
  private readAlone<T>(work: (manager: EntityManager) => Promise<T>, brought: Brought): Promise<T> {
    return this.guarded(async () => {
      const runner = this.source.createQueryRunner();
      try {
        sendDirectly(runner, (await runner.connect()) as pg.PoolClient);
        allowOne(runner);
        this.register.bring(runner.manager, brought);
        return await work(runner.manager);
      } finally {
        await runner.release();
      }
    });
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.requireOpen();
    if (this.snapshotsTaken >= MOST_SNAPSHOTS) {
      const message = `${this.snapshotsTaken} long readings are under way, and no more are let in; try again later`;
      throw new TimbreError('OVERLOADED', message, { retryAfterSeconds: 5 });
    }
    this.snapshotsTaken++;
    const runner = this.source.createQueryRunner();
    let open = true;
    const close = async (): Promise<void> => {
      if (!open) return;
      open = false;
      this.snapshotsTaken--;
      await end(runner, 'COMMIT').catch(() => undefined);
    };
    try {
      const client = (await runner.connect()) as pg.PoolClient;
      // Nobody reads on and on: a snapshot that waits for whoever reads it is no fault.
      await client.query(`${READ}; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT 1 FROM settings LIMIT 1`);
    } catch (error) {
      await close();
      throw toStorageError(error);
    }
    const read = async <T>(work: (manager: EntityManager) => Promise<T>): Promise<T> => {
      try {
        return await work(runner.manager);
      } catch (error) {
        throw toStorageError(error);
      }
    };
    return { read, close };
  }

  /** PostgreSQL's own files are its to wipe: there is no log here that would have to be emptied. */
  async wipe(): Promise<boolean> {
    await this.read((manager) => manager.query('SELECT 1'));
    return true;
  }

  async markEpoch(): Promise<void> {
    await this.epoch.write(await this.read((manager) => this.register.head(manager)));
  }

  /** The time by the clock of PostgreSQL, which all nodes share. */
  now(): Date {
    return new Date(Date.now() + (this.node?.ahead ?? 0));
  }

  /**
   * Work on everything that is stored, during which no other node is there, and none comes. Errors: CONFLICT where there is one,
   * STORAGE_INVALID where a newer version may have stored what this one does not know, those of `work`.
   */
  async withoutOthers<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { node } = this;
    if (!node) throw new Error('a program beside the service keeps nobody out');
    if (!(await node.keepOthersOut())) {
      const text = `${what} needs this node to be the only one that has the database open; stop the others first`;
      throw new TimbreError('CONFLICT', text);
    }
    try {
      const { schema, version = THIS_VERSION } = this.options;
      await this.read((manager) => requireNothingNewer(manager, schema, version));
      return await work();
    } finally {
      await node.letOthersIn();
    }
  }

  /**
   * With a lock that one session of all nodes has at a time, for as long as the work goes on; null where another has it.
   * Errors: those of the storage, and of `work`.
   */
  async locked<T>(purpose: string, work: () => Promise<T>): Promise<T | null> {
    this.requireOpen();
    const runner = this.source.createQueryRunner();
    const key = lockKey(this.options.schema, purpose);
    try {
      const client = (await runner.connect()) as pg.PoolClient;
      const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${key}) AS taken`);
      if (rows[0]?.taken !== true) return null;
      try {
        return await work();
      } finally {
        // With a connection that was lost, the lock was.
        await client.query(`SELECT pg_advisory_unlock(${key})`).catch(() => void client.end().catch(() => undefined));
      }
    } catch (error) {
      throw toStorageError(error);
    } finally {
      await runner.release();
    }
  }

  /** On a connection of its own, in no transaction. Errors: those of the storage, and of `work`. */
  alongside<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.guarded(async () => {
      const runner = this.source.createQueryRunner();
      try {
        return await work((await runner.connect()) as pg.PoolClient);
      } finally {
        await runner.release();
      }
    });
  }

  override async resealing(manager: EntityManager): Promise<void> {
    // What follows changes of vectors has nothing to do.
    await manager.query(`SELECT set_config('timbre.resealing', 'on', true)`);
  }

  override async resealOwn(manager: EntityManager): Promise<void> {
    if (await hasVectorTables(manager)) await resealSecret(manager, this.cipher);
  }

  /** One statement that stands for itself. Errors: those of the storage. */
  statement<Row>(text: string, values: unknown[]): Promise<Row[]> {
    return this.guarded(() => this.source.query<Row[]>(text, values));
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.last;
    this.closed = true;
    try {
      await this.epoch.flush();
    } catch (error) {
      // A mark that is behind is no harm.
      this.logger.warn({ err: error, msg: 'the epoch file could not be written' });
    } finally {
      await this.node?.close();
      await this.source.destroy();
    }
  }

  /** Errors: STORAGE_UNAVAILABLE where others are there who could not go on; nothing was changed then. */
  private async migrate(manager: EntityManager, fresh: boolean): Promise<void> {
    const { source, options } = this;
    const { schema, version = THIS_VERSION } = options;
    const run = async (): Promise<void> => {
      await source.runMigrations();
      await noteNeeded(manager, version);
    };
    if (fresh || !(await takesAway(manager, version))) {
      await run();
      const newer = await newerMigrations(manager, version);
      if (newer.length > 0) {
        this.logger.warn(
          `the schema is of a newer version (${newer.join(', ')}), which has only added to it: this one goes on`,
        );
      }
      return;
    }
    const key = lockKey(schema, 'nodes');
    const [row] = await manager.query<{ taken: boolean }[]>(`SELECT pg_try_advisory_lock(${key}) AS taken`);
    if (row?.taken !== true) {
      const text =
        'services of an older version have the database open, and could not go on with the tables of this one; stop all of them ' +
        'first';
      throw new TimbreError('STORAGE_UNAVAILABLE', text);
    }
    try {
      // Whoever is started from now on is refused, however far this comes.
      await noteNeeded(manager, version);
      await run();
    } finally {
      await manager.query(`SELECT pg_advisory_unlock(${key})`);
    }
  }

  private async join(): Promise<void> {
    this.node = await NodeConnection.open({
      ...this.options,
      node: this.nodeId,
      heard: () => this.committed.ring(),
      require: (client) => this.history.require(client),
      tell: (channel, text) => this.source.query('SELECT pg_notify($1, $2)', [channel, text]),
    });
  }

  private noteCounter(counter: number): void {
    this.epoch.note(this.id, counter);
    this.history.note(counter);
  }

  private async noteJoining(): Promise<void> {
    this.logger.warn(
      'this node has no epoch file: it goes on from what the database says, which other nodes have vouched for',
    );
    await this.transaction((manager) =>
      new TypeOrmAuditRepository(manager, this.register).record({ action: 'data.node-joined', object: this.nodeId }),
    );
  }

  /** One after the other, and none waits longer than it is to. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const { waitMs } = this.options;
    let late = false;
    const turn = this.last;
    const result = new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        late = true;
        const message = `the database was busy for ${waitMs / 1000} s, and nothing of this call was done; try again`;
        reject(new TimbreError('STORAGE_UNAVAILABLE', message, { retryAfterSeconds: 1 }));
      }, waitMs);
      this.last = turn.then(async () => {
        clearTimeout(timer);
        if (late) return;
        const run = this.guarded(work);
        resolve(run);
        await run.catch(() => undefined);
      });
    });
    return result;
  }

  private async again<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!AGAIN.has(postgresCode(error) ?? '') || attempt === MOST_ATTEMPTS) throw error;
        await delay(randomInt(5, 20 * attempt));
      }
    }
  }

  /**
   * Between `begin` and COMMIT, on a connection of its own. Nothing waits for the answer to `begin`: where that fails, all that
   * was sent behind it fails too.
   */
  private async connected<T>(begin: string, work: (manager: EntityManager, ends: Ends) => Promise<T>): Promise<T> {
    const runner = this.source.createQueryRunner();
    let how: 'COMMIT' | 'ROLLBACK' = 'ROLLBACK';
    let sent: readonly Promise<unknown>[] = [];
    try {
      const client = (await runner.connect()) as pg.PoolClient;
      const beginning = client.query(begin) as Promise<pg.QueryResult | pg.QueryResult[]>;
      const begun = beginning.then((results) => [results].flat());
      begun.catch(() => undefined);
      sendDirectly(runner, client);
      const result = await work(runner.manager, { begun, last: (writes) => (sent = writes) }).catch(
        async (error: unknown) => {
          if (postgresCode(error) === ABORTED) await Promise.all([begun, ...sent]);
          throw error;
        },
      );
      sent = [begun, ...sent];
      how = 'COMMIT';
      return result;
    } finally {
      await end(runner, how, sent);
    }
  }

  private async guarded<T>(work: () => Promise<T>): Promise<T> {
    this.requireOpen();
    try {
      return await work();
    } catch (error) {
      throw toStorageError(error);
    }
  }

  private requireOpen(): void {
    if (this.closed) throw new TimbreError('STORAGE_UNAVAILABLE', 'the database is closed');
  }
}

type Runner = ReturnType<DataSource['createQueryRunner']>;

/** What lies at both ends of a transaction. */
interface Ends {
  /** What each statement that began it gave. */
  begun: Promise<pg.QueryResult[]>;
  /** To be told of writes that were sent and not answered yet, at the end. */
  last: (sent: readonly Promise<unknown>[]) => void;
}

/**
 * Gives statements to the connection as soon as they are there, one behind the other, without what TypeORM does around each. Who
 * watches what the database is asked is told as usual.
 */
function sendDirectly(runner: Runner, client: pg.PoolClient): void {
  const { connection } = runner;
  runner.query = (async (text: string, values?: unknown[], structured = false): Promise<unknown> => {
    if (runner.isReleased) throw new QueryRunnerAlreadyReleasedError();
    connection.logger.logQuery(text, values, runner);
    const found = await (client.query(text, values) as Promise<pg.QueryResult>).catch((error: unknown) => {
      throw new QueryFailedError(text, values, error as Error);
    });
    const isChange = found.command === 'DELETE' || found.command === 'UPDATE';
    const raw: unknown = isChange ? [found.rows, found.rowCount] : found.rows;
    if (!structured) return raw;
    return Object.assign(new QueryResult(), { raw, records: found.rows, affected: found.rowCount ?? undefined });
  }) as Runner['query'];
}

/** Asked where only the first sees one moment by itself. */
class SecondStatement extends Error {}

/** Errors of the second statement: SecondStatement; nothing was asked then. */
function allowOne(runner: Runner): void {
  const query = runner.query.bind(runner) as (...given: unknown[]) => Promise<unknown>;
  let asked = 0;
  runner.query = ((...given: unknown[]) =>
    ++asked === 1 ? query(...given) : Promise.reject(new SecondStatement('a second statement'))) as Runner['query'];
}

/**
 * Ends the transaction, behind what was `sent` last, and gives the connection back; one that cannot be ended is not used again.
 * Errors of a COMMIT: those of what was sent, and its own.
 */
async function end(runner: Runner, how: 'COMMIT' | 'ROLLBACK', sent: readonly Promise<unknown>[] = []): Promise<void> {
  let client: pg.PoolClient | undefined;
  let isOver = false;
  try {
    client = (await runner.connect()) as pg.PoolClient;
    const ending = client.query(how);
    refuseMore(runner);
    const answers = await Promise.allSettled([...sent, ending]);
    const { command } = await ending;
    const failed = answers.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    isOver = failed !== undefined || command === how;
    if (failed) throw failed.reason;
    // A statement has failed before, and whoever sent it has told nobody.
    if (command !== how) throw new Error(`PostgreSQL has undone a transaction that was to be stored (${command})`);
  } catch (error) {
    if (!isOver) void client?.end().catch(() => undefined);
    if (how === 'COMMIT') throw error;
  } finally {
    await runner.release();
  }
}

/** A statement behind the end of a transaction would be one by itself. */
function refuseMore(runner: Runner): void {
  runner.query = () => Promise.reject(new Error('the transaction has ended'));
}

/** One node at a time: whoever else opens the schema waits. */
async function opening<T>(
  source: DataSource,
  { schema, waitMs }: PostgresOptions,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const runner = source.createQueryRunner();
  const key = lockKey(schema, 'opening');
  try {
    const client = (await runner.connect()) as pg.PoolClient;
    // Migrations of another node may take their time.
    await client.query(`SET lock_timeout = ${Math.ceil(waitMs) + 600_000}; SET statement_timeout = 0`);
    await client.query({
      text: `SELECT pg_advisory_lock(${key})`,
      query_timeout: Math.ceil(waitMs) + 600_000,
    } as pg.QueryConfig);
    try {
      await client.query('RESET lock_timeout; RESET statement_timeout');
      return await work(runner.manager);
    } finally {
      await client.query(`SELECT pg_advisory_unlock(${key})`);
    }
  } finally {
    await runner.release();
  }
}

/** Names the data folder, whoever starts on it. Errors: STORAGE_UNAVAILABLE, STORAGE_EXPOSED. */
export async function nodeOf(folder: string): Promise<string> {
  const file = join(resolve(folder), NODE_FILE);
  try {
    await mkdir(resolve(folder), { recursive: true, mode: 0o700 });
    requirePrivate('the data folder', folder, await stat(resolve(folder)));
    const known = await readFile(file, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '';
      throw error;
    });
    if (/^[0-9a-f-]{36}$/.test(known.trim())) return known.trim();
    const node = randomUUID();
    await writeAside(file, `${file}.new`, `${node}\n`);
    return node;
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot use the data folder: ${(cause as Error).message}`, { cause });
  }
}
