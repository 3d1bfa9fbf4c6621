import { createHash } from 'node:crypto';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { isMigrated, isSettled } from '../common/settle-register.js';
import { POSTGRES_ENTITIES } from './entities.js';
import { PostgresClient } from './postgres-client.js';
import { mayGoOn, migrationsRun, newerSchema, THIS_VERSION, type SchemaVersion } from './schema-version.js';

/** The oldest that was tested. */
const OLDEST = 15;

/**
 * A connection that nothing goes over is asked so often, from both ends, whether the other one is there: the system's own is two
 * hours, for which PostgreSQL would keep the locks of a node that is gone.
 */
const KEEP_ALIVE_MS = 30_000;

export interface ServerOptions {
  /** `postgres://user:password@host/database?sslmode=verify-full`. */
  url: string;
  schema: string;
  /** Connections at most, beside the one that listens. */
  pool: number;
  /** How long a call waits for a connection, and for its turn to write. */
  waitMs: number;
  /** A statement that takes longer is ended. */
  statementMs: number;
  /** Default: what this version knows. */
  version?: SchemaVersion | undefined;
}

/** `bigint` as a number: times, counts and numbers of rows, which stay below 2^53. */
const TYPES = new pg.TypeOverrides();
TYPES.setTypeParser(pg.types.builtins.INT8, Number);

/** Settings of every session, whatever the database, the role or the address says. */
const SESSION: readonly string[] = [
  'client_min_messages=warning',
  // Statements are short: compiling one takes longer than it saves.
  'jit=off',
  `tcp_keepalives_idle=${KEEP_ALIVE_MS / 1000}`,
  // Who has waited for a lock sees what was committed meanwhile.
  String.raw`default_transaction_isolation=read\ committed`,
];

/** What every connection is made with. Errors: STORAGE_REFUSED for an address that is none; it is not repeated. */
export function connectionOf({ url, schema, waitMs, statementMs }: ServerOptions): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'timbre',
    connectionTimeoutMillis: waitMs,
    statement_timeout: statementMs,
    // What the network has swallowed ends here, some seconds after PostgreSQL would have ended it.
    query_timeout: statementMs + 5000,
    idle_in_transaction_session_timeout: 60_000 + statementMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    options: SESSION.concat(`search_path=${schema}`)
      .map((setting) => `-c ${setting}`)
      .join(' '),
    types: TYPES,
  };
}

/** `verify`: of each connection of the pool, before anybody has it; what it throws is told to whoever asked for one. */
export function sourceOf(
  options: ServerOptions,
  verify: (client: pg.PoolClient) => Promise<void> = () => Promise.resolve(),
): DataSource {
  return new DataSource({
    type: 'postgres',
    driver: pg,
    poolSize: options.pool,
    connectTimeoutMS: options.waitMs,
    // A connection that is lost while nobody uses it is made anew by whoever needs one.
    poolErrorHandler: () => undefined,
    // Statements that need no answer of those before are sent together.
    extra: {
      ...connectionOf(options),
      pipeline: true,
      Client: PostgresClient,
      verify: (client: pg.PoolClient, done: (error?: unknown) => void) => void verify(client).then(() => done(), done),
    },
    entities: POSTGRES_ENTITIES,
    migrations: [...(options.version ?? THIS_VERSION).migrations],
    migrationsTransactionMode: 'all',
    synchronize: false,
    installExtensions: false,
  });
}

/** Two numbers that name a lock of this schema in its database, see pg_advisory_lock. */
export function lockKey(schema: string, purpose: string): string {
  const hash = createHash('sha256').update(`${schema}\n${purpose}`).digest().readInt32BE(0);
  return `1416195426, ${hash}`;
}

interface Facts {
  version: number;
  encoding: string;
  readonly: string;
  standby: boolean;
}

/** Errors: STORAGE_UNSUITABLE for a server of another kind, STORAGE_UNAVAILABLE for one that takes no writes. */
export async function requireSuitable(manager: EntityManager): Promise<void> {
  const [facts] = await manager.query<Facts[]>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
       current_setting('transaction_read_only') AS readonly, pg_is_in_recovery() AS standby`,
  );
  const { version, encoding, readonly, standby } = facts!;
  if (version < OLDEST * 10_000) {
    const text = `PostgreSQL ${Math.floor(version / 10_000)} is too old; the service needs ${OLDEST} or later`;
    throw new TimbreError('STORAGE_UNSUITABLE', text);
  }
  if (encoding !== 'UTF8') {
    const text = `the database is encoded in ${encoding}; make one with: createdb --encoding UTF8 --template template0`;
    throw new TimbreError('STORAGE_UNSUITABLE', text);
  }
  if (standby || readonly === 'on') {
    const why = standby ? 'this server is a standby' : 'default_transaction_read_only is on';
    throw new TimbreError('STORAGE_UNAVAILABLE', `the database is read-only (${why}); name one that can be written`);
  }
}

export interface CheckOptions {
  /** Makes the schema where it is missing. */
  make: boolean;
  /** Takes a schema of a newer version, too, where that has only added to it. */
  newer: boolean;
}

/**
 * True for a schema that holds nothing yet. Errors: STORAGE_INVALID for what is another program's, or a later version's;
 * STORAGE_REFUSED where the role may not make the schema; STORAGE_UNSUITABLE behind a pooler that connections are not one's own of.
 */
export async function checkSchema(
  manager: EntityManager,
  { schema, version = THIS_VERSION }: Pick<ServerOptions, 'schema' | 'version'>,
  { make, newer }: CheckOptions,
): Promise<boolean> {
  const [path] = await manager.query<{ schema: string }[]>(`SELECT current_setting('search_path') AS schema`);
  if (path?.schema !== schema) {
    const text = 'a pooler in front of PostgreSQL leaves out what the service asks of its connections (`options`)';
    throw new TimbreError('STORAGE_UNSUITABLE', `${text}; name PostgreSQL itself`);
  }
  const there = await manager.query<unknown[]>('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (there.length === 0 && make) await manager.query(`CREATE SCHEMA "${schema}"`);
  const tables = await manager.query<{ name: string }[]>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
    [schema],
  );
  if (tables.length === 0) return true;
  const done = tables.some(({ name }) => name === 'migrations') ? await migrationsRun(manager) : [];
  const known = new Set(version.migrations.map(({ name }) => name));
  const unknown = done.filter((name) => !known.has(name));
  if (unknown.length > 0 && done.some((name) => known.has(name))) {
    if (newer && (await mayGoOn(manager, version))) return false;
    throw newerSchema(schema, unknown);
  }
  if (done.length === 0) {
    if (tables.every(({ name }) => name === 'migrations')) return true;
    const remedy = 'name one of its own with TIMBRE_DATABASE_SCHEMA';
    throw new TimbreError('STORAGE_INVALID', `the schema ${schema} has tables of another program; ${remedy}`);
  }
  if (unknown.length > 0) {
    throw new TimbreError('STORAGE_INVALID', `the schema ${schema} has tables of another program`);
  }
  return false;
}

/** Whether every table is there, as this version makes them, and what they hold is vouched for. */
export async function isCurrent(manager: EntityManager): Promise<boolean> {
  return (await isMigrated(manager, THIS_VERSION.migrations)) && (await isSettled(manager));
}

/** The schema that the entities describe but the migrations have not made, as SQL; empty where they agree. */
export async function schemaDifference(options: ServerOptions): Promise<string[]> {
  const source = await sourceOf(options).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  } finally {
    await source.destroy();
  }
}
