import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { finishRotation, rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { PostgresDataKeys } from '../../src/service/persistence/postgres/open.js';
import {
  FEWEST_CONNECTIONS,
  PostgresDatabase,
  type PostgresOptions,
} from '../../src/service/persistence/postgres/postgres-database.js';
import { PostgresJobQueue } from '../../src/service/persistence/postgres/postgres-job-queue.js';
import { PostgresLeader } from '../../src/service/persistence/postgres/postgres-leader.js';
import { PostgresLimiter } from '../../src/service/persistence/postgres/postgres-limiter.js';
import { PostgresSessions } from '../../src/service/persistence/postgres/postgres-sessions.js';
import { schemaDifference } from '../../src/service/persistence/postgres/server.js';
import { newJob } from '../../src/service/records/job.js';
import { SystemClock } from '../../src/support/clock.js';
import { until } from '../e2e/support.js';
import { describeLeader, describeLimiter, describeSessions, sessionKey } from '../integration/port-contracts.js';
import { enrollment, ORIGIN, speaker } from '../integration/voices.js';
import { POSTGRES_MIGRATIONS } from '../../src/service/persistence/postgres/migrations/index.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;

beforeAll(async () => {
  postgres = await Postgres.start({ password: 'ö p@ss:w/%rd?' });
});

afterAll(() => postgres.stop());

const open: PostgresDatabase[] = [];

async function opened(options: PostgresOptions): Promise<PostgresDatabase> {
  const database = await PostgresDatabase.open(options);
  open.push(database);
  return database;
}

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
});

const keyOf = ({ folder }: PostgresOptions): Promise<string> =>
  readFile(join(folder, 'data.key'), 'utf8').then((text) => text.trim());

/** Two nodes of one schema, each with a data folder of its own. */
async function twoNodes(): Promise<[PostgresDatabase, PostgresDatabase]> {
  const first = await postgres.node(postgres.newSchema());
  const one = await opened(first);
  const other = await opened(await postgres.node(first.schema, { key: await keyOf(first) }));
  return [one, other];
}

/** Statements from outside, as another program sends them; gives the rows of the last. */
async function outside({ url }: { url: string }, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const sql of statements) ({ rows } = await client.query<Record<string, unknown>>(sql));
    return rows;
  } finally {
    await client.end();
  }
}

describe('the schema', () => {
  it('is what the entities say, after all migrations', async () => {
    const options = await postgres.node(postgres.newSchema());
    await opened(options);
    expect(await schemaDifference(options)).toEqual([]);
  });

  it('is made once, however many nodes start at once', async () => {
    const schema = postgres.newSchema();
    const key = Buffer.alloc(32, 5).toString('base64');
    const nodes = await Promise.all([1, 2, 3].map(() => postgres.node(schema, { key })));
    const databases = await Promise.all(nodes.map(opened));
    const [row] = await outside(nodes[0]!, `SELECT count(*)::int AS count FROM ${schema}.migrations`);
    expect(row).toEqual({ count: POSTGRES_MIGRATIONS.length });
    const [one] = databases;
    const heads = await Promise.all(databases.map((each) => each.read((manager) => one!.register.head(manager))));
    expect(new Set(heads.map(({ database }) => database)).size).toBe(1);
  });
});

describe('opening', () => {
  const refused = async (options: PostgresOptions): Promise<{ code: string; message: string }> => {
    const error = await PostgresDatabase.open(options).then(
      async (database) => {
        await database.close();
        throw new Error('it was opened');
      },
      (thrown: unknown) => thrown as { code: string; message: string },
    );
    // Whatever is wrong: nobody reads the password in a log.
    expect(error.message).not.toContain('p@ss');
    expect(error.message).not.toContain(encodeURIComponent('ö p@ss:w/%rd?'));
    return { code: error.code, message: error.message };
  };

  it('says that nothing answers at the address', async () => {
    const options = await postgres.node('nowhere');
    const found = await refused({ ...options, url: postgres.cluster.url({ port: 1 }) });
    expect(found).toMatchObject({ code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') });
    const unknown = await refused({ ...options, url: 'postgres://timbre@there-is-no.invalid/postgres' });
    expect(unknown.code).toBe('STORAGE_UNAVAILABLE');
  });

  it('says that the password, the user or the database is wrong', async () => {
    const options = await postgres.node('nowhere');
    const { cluster } = postgres;
    for (const url of [
      cluster.url({ password: 'another' }),
      cluster.url({ password: '' }),
      cluster.url({ user: 'nobody' }),
      cluster.url({ database: 'nothing' }),
    ]) {
      expect(await refused({ ...options, url })).toMatchObject({ code: 'STORAGE_REFUSED' });
    }
  });

  it('says that there is no TLS where it is asked for', async () => {
    const options = await postgres.node('nowhere');
    const found = await refused({ ...options, url: `${options.url}?sslmode=verify-full` });
    expect(found).toMatchObject({ code: 'STORAGE_UNSUITABLE', message: expect.stringContaining('TLS') });
  });

  it('refuses a database of another encoding, and one that is read-only', async () => {
    const options = await postgres.node('nowhere');
    await outside(
      options,
      `CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0`,
      'CREATE DATABASE still',
      'ALTER DATABASE still SET default_transaction_read_only = on',
    );
    const { cluster } = postgres;
    expect(await refused({ ...options, url: cluster.url({ database: 'latin' }) })).toMatchObject({
      code: 'STORAGE_UNSUITABLE',
      message: expect.stringContaining('LATIN1'),
    });
    expect(await refused({ ...options, url: cluster.url({ database: 'still' }) })).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('read-only'),
    });
  });

  it('refuses a role that may make no schema, another program’s tables, and a later version', async () => {
    const options = await postgres.node(postgres.newSchema());
    await outside(options, `CREATE ROLE guest LOGIN PASSWORD 'guest'`);
    const url = postgres.cluster.url({ user: 'guest', password: 'guest' });
    expect(await refused({ ...options, url })).toMatchObject({ code: 'STORAGE_REFUSED' });
    await outside(options, `CREATE SCHEMA ${options.schema}`, `CREATE TABLE ${options.schema}.things (id int)`);
    expect(await refused(options)).toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringContaining('another program'),
    });
    const later = await postgres.node(postgres.newSchema());
    await (await PostgresDatabase.open(later)).close();
    await outside(
      later,
      `INSERT INTO ${later.schema}.migrations (timestamp, name) VALUES (9, 'Later9')`,
      `COMMENT ON TABLE ${later.schema}.migrations IS 'needs Later9'`,
    );
    expect(await refused(later)).toMatchObject({ code: 'STORAGE_INVALID', message: expect.stringContaining('Later9') });
  });

  it('refuses another data key, and a data folder that another node has', async () => {
    const options = await postgres.node(postgres.newSchema());
    await opened(options);
    const { message, code } = await refused(
      await postgres.node(options.schema, { key: Buffer.alloc(32, 7).toString('hex') }),
    );
    expect([code, message]).toEqual(['STORAGE_INVALID', expect.stringContaining('another data key')]);
    expect(await refused(await postgres.node(options.schema))).toMatchObject({ code: 'STORAGE_INVALID' });
    expect(await refused(options)).toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringContaining('data folder'),
    });
  }, 120_000);

  it('recognises a pooler that gives connections to others between transactions', async () => {
    const options = await postgres.node(postgres.newSchema());
    const strict = await postgres.cluster.pooler();
    const parameters = 'options,extra_float_digits,statement_timeout,idle_in_transaction_session_timeout';
    const lenient = await postgres.cluster.pooler({ ignore_startup_parameters: parameters });
    const query = `SET search_path = ${options.schema}`;
    const knowing = await postgres.cluster.pooler({ ignore_startup_parameters: parameters }, query);
    try {
      for (const { port } of [strict, lenient, knowing]) {
        expect(await refused({ ...options, url: postgres.cluster.url({ port }) })).toMatchObject({
          code: 'STORAGE_UNSUITABLE',
          message: expect.stringContaining('pooler'),
        });
      }
    } finally {
      for (const { stop } of [strict, lenient, knowing]) await stop();
    }
  });
});

describe('transactions', () => {
  it('are done again where PostgreSQL could not order them, and not for ever', async () => {
    const database = await opened(await postgres.node(postgres.newSchema()));
    const store = new TypeOrmUnitOfWork(database);
    let attempts = 0;
    const failing = (times: number) =>
      database.transaction(async (manager) => {
        attempts++;
        await manager.query(`INSERT INTO settings VALUES ('attempt', '\\x01')`);
        if (attempts <= times)
          await manager.query(`DO $$ BEGIN RAISE EXCEPTION 'no order' USING ERRCODE = '40001'; END $$`);
        return attempts;
      });
    expect(await failing(3)).toBe(4);
    await database.transaction((manager) => manager.query(`DELETE FROM settings WHERE name = 'attempt'`));
    attempts = -100;
    await expect(failing(1)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(attempts).toBe(-95);
    await store.check();
  });

  it('are stored by nobody who has swallowed a failed statement', async () => {
    const database = await opened(await postgres.node(postgres.newSchema()));
    const store = new TypeOrmUnitOfWork(database);
    const work = database.transaction(async (manager) => {
      await manager.query(`INSERT INTO settings VALUES ('mine', '\\x01')`);
      await manager.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(work).rejects.toThrow();
    const rows = await database.read((manager) =>
      manager.query<unknown[]>(`SELECT 1 FROM settings WHERE name = 'mine'`),
    );
    expect(rows).toEqual([]);
    await store.check();
  });

  it('have every connection of the pool, those that opening took too', async () => {
    const options = { ...(await postgres.node(postgres.newSchema())), pool: FEWEST_CONNECTIONS };
    const database = await opened(options);
    let begun = 0;
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const reads = Array.from({ length: options.pool }, () =>
      database.read(async (manager) => {
        await manager.query('SELECT 1');
        if (++begun === options.pool) goOn();
        await gate;
      }),
    );
    await Promise.all(reads);
    expect(begun).toBe(options.pool);
  });

  it('of two nodes lose no change of the same record', async () => {
    const stores = (await twoNodes()).map((database) => new TypeOrmUnitOfWork(database));
    await stores[0]!.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        stores[i % 2]!.transaction(async ({ speakers }) => {
          const found = (await speakers.find('ada'))!;
          await speakers.update({ ...found, name: `${Number(found.name?.replace(/\D/g, '') ?? 0) + 1}` });
        }),
      ),
    );
    for (const store of stores) {
      expect(await store.read(({ speakers }) => speakers.find('ada'))).toMatchObject({ version: 41, name: '40' });
      expect(store.altered).toBe(0);
    }
  });

  it('see what was committed before them, whatever isolation the database begins with', async () => {
    const first = await postgres.node(postgres.newSchema());
    await outside(
      first,
      'CREATE DATABASE strict',
      `ALTER DATABASE strict SET default_transaction_isolation = 'serializable'`,
    );
    const url = postgres.cluster.url({ database: 'strict' });
    const one = await opened({ ...first, url });
    const other = await opened({ ...(await postgres.node(first.schema, { key: await keyOf(first) })), url });
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => (begun = resolve));
    const writing = one.transaction(async (manager) => {
      await manager.query(`INSERT INTO settings VALUES ('count', '\\x01')`);
      begun();
      await gate;
    });
    await isBegun;
    let attempts = 0;
    const next = other.transaction((manager) => {
      attempts++;
      return manager.query<unknown[]>(`SELECT value FROM settings WHERE name = 'count'`);
    });
    // It waits for the lock of those who write.
    await until(async () => {
      const waits = `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
      return (await outside(first, waits))[0]?.['count'] === 1;
    });
    goOn();
    await writing;
    expect(await next).toEqual([{ value: Buffer.of(1) }]);
    expect(attempts).toBe(1);
  });

  it('read one moment, whatever another node commits meanwhile', async () => {
    const [one, other] = (await twoNodes()).map((database) => new TypeOrmUnitOfWork(database));
    await one!.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    const snapshot = await one!.snapshot();
    try {
      const seen = await one!.read(async ({ speakers }) => {
        const before = await speakers.count();
        await other!.transaction((records) => records.speakers.insert(speaker('bob')));
        return [before, await speakers.count(), await speakers.find('bob')];
      });
      expect(seen).toEqual([1, 1, null]);
      expect(await snapshot.read(({ speakers }) => speakers.count())).toBe(1);
    } finally {
      await snapshot.close();
    }
    expect(await one!.read(({ speakers }) => speakers.count())).toBe(2);
    expect(one!.altered).toBe(0);
  });
});

describe('the change feed of several nodes', () => {
  it('gives a follower everything in order, with transactions held open across each other', async () => {
    const [one, other] = await twoNodes();
    const stores = [one, other].map((database) => new TypeOrmUnitOfWork(database));
    const feed = new TableChangeFeed(other);
    const from = await feed.head();
    const gates: (() => void)[] = [];
    // Each holds its transaction open after it has written; they end from the last to the first, the second is undone.
    const writes = [0, 1, 2].map((i) =>
      stores[i % 2]!.transaction(async ({ jobs }) => {
        await jobs.insert(newJob(`job ${i}`, 0, new Date()), []);
        await new Promise<void>((resolve) => gates.push(resolve));
        if (i === 1) throw new Error('changed my mind');
      }).catch(() => undefined),
    );
    const seen: string[] = [];
    let last = from;
    const follow = async (): Promise<void> => {
      const changes = await feed.after(last, 100);
      expect(changes).not.toBeNull();
      for (const change of changes!) {
        expect(change.seq).toBe(last.seq + 1);
        last = change;
        seen.push(change.about);
      }
    };
    for (let ended = 0; ended < 3; ended++) {
      await until(() => gates.length > ended, 30);
      await follow();
      gates[ended]!();
    }
    await Promise.all(writes);
    await follow();
    expect([...seen].sort()).toEqual(['job 0', 'job 2']);
  });

  it('gives numbers that become durable in their order, also to those who take no lock', async () => {
    const options = await postgres.node(postgres.newSchema());
    const database = await opened(options);
    const feed = new TableChangeFeed(database);
    const from = await feed.head();
    const append = (about: string): string => `
      WITH next AS (UPDATE ${options.schema}.counters SET value = value + 1 WHERE name = 'changes' RETURNING value)
      INSERT INTO ${options.schema}.changes (seq, kind, about) SELECT value, 'job', '${about}' FROM next`;
    const clients = await Promise.all(
      [1, 2].map(async () => {
        const client = new pg.Client({ connectionString: options.url });
        await client.connect();
        return client;
      }),
    );
    const [early, late] = clients as [pg.Client, pg.Client];
    await early.query('BEGIN');
    await early.query(append('early'));
    await late.query('BEGIN');
    const waiting = late.query(append('late')).then(() => late.query('COMMIT'));
    expect(await feed.after(from, 9)).toEqual([]);
    await early.query('COMMIT');
    await waiting;
    expect((await feed.after(from, 9))?.map(({ about }) => about)).toEqual(['early', 'late']);
    for (const client of clients) await client.end();
  });

  it('rings on the other node', async () => {
    const [one, other] = await twoNodes();
    const { rings } = other.committed;
    const rang = other.committed.after(rings, new AbortController().signal, 30_000);
    await new TypeOrmUnitOfWork(one).transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
    await rang;
    expect(other.committed.rings).toBeGreaterThan(rings);
  });
});

describe('jobs of several nodes', () => {
  it('are worked on by the node that has their uploads, which takes up at once what it had in hand before', async () => {
    const [one, other] = await twoNodes();
    const items = [{ speakerId: 'ada', fileName: null, path: null }];
    await new TypeOrmUnitOfWork(one).transaction(({ jobs }) => jobs.insert(newJob('a job', 1, new Date()), items));
    const clock = new SystemClock();
    expect(await new PostgresJobQueue(other, clock).claim()).toBeNull();
    const before = new PostgresJobQueue(one, clock);
    expect(await before.claim()).toMatchObject({ item: { jobId: 'a job' } });
    await new PostgresJobQueue(other, clock).takeOver();
    expect(await new PostgresJobQueue(one, clock).claim()).toBeNull();
    const again = new PostgresJobQueue(one, clock);
    await again.takeOver();
    expect(await again.claim()).toMatchObject({ item: { jobId: 'a job' } });
  });
});

describe('what nodes share', () => {
  it('one leads at a time, and another when that one is done', async () => {
    const [one, other] = (await twoNodes()).map((database) => new PostgresLeader(database));
    let goOn = (): void => undefined;
    let begun = (): void => undefined;
    const began = new Promise<void>((resolve) => (begun = resolve));
    const leading = one!.lead('sweep', async () => {
      begun();
      await new Promise<void>((resolve) => (goOn = resolve));
      return 'one';
    });
    await began;
    expect(await other!.lead('sweep', () => Promise.resolve('other'))).toBeNull();
    expect(await other!.lead('another task', () => Promise.resolve('other'))).toBe('other');
    goOn();
    expect(await leading).toBe('one');
    expect(await other!.lead('sweep', () => Promise.resolve('other'))).toBe('other');
  });

  it('counts of requests', async () => {
    const [one, other] = (await twoNodes()).map((database) => new PostgresLimiter(database, 4, 60));
    const waits = [];
    for (let i = 0; i < 6; i++) waits.push(await (i % 2 === 0 ? one! : other!).take('a key'));
    expect(waits.slice(0, 4)).toEqual([0, 0, 0, 0]);
    for (const wait of waits.slice(4)) expect(wait).toBeGreaterThan(0);
  });
});

describe('sign-ins', () => {
  const TABLE = (database: PostgresDatabase): string => `${database.options.schema}.sign_ins`;

  it('are those of all nodes: a link of one is used up at the other, and a session is open and ended on both', async () => {
    const [one, other] = (await twoNodes()).map((database) => new PostgresSessions(database));
    await one!.addLink('link', 60_000);
    const taken = await Promise.all([other!.takeLink('link'), one!.takeLink('link'), other!.takeLink('link')]);
    expect(taken.filter(Boolean)).toHaveLength(1);
    const key = sessionKey();
    await other!.open(key);
    expect(await one!.all()).toEqual([key]);
    expect(await one!.end(key.id)).toBe(true);
    expect(await other!.all()).toEqual([]);
  });

  it('are none where another program has written, moved or prolonged them', async () => {
    const [database] = await twoNodes();
    const sessions = new PostgresSessions(database);
    const table = TABLE(database);
    const key = sessionKey();
    await sessions.open(key);
    await sessions.addLink('link', -1);
    await sessions.addLink('another', 60_000);
    await outside(
      database.options,
      `INSERT INTO ${table} SELECT kind, '0123456789ab', expires_at, sealed FROM ${table} WHERE kind = 'session'`,
      `INSERT INTO ${table} SELECT 'session', id, expires_at, sealed FROM ${table} WHERE kind = 'link'`,
      `INSERT INTO ${table} SELECT 'link', id, expires_at, sealed FROM ${table} WHERE id = '${key.id}'`,
      `INSERT INTO ${table} VALUES ('link', 'forged', 9e15, '\\x00'), ('session', 'forged', 9e15, '\\x0102')`,
      `UPDATE ${table} SET expires_at = 9e15`,
    );
    expect(await sessions.all()).toEqual([key]);
    for (const id of ['forged', key.id, 'link']) expect([id, await sessions.takeLink(id)]).toEqual([id, false]);
    expect(await sessions.end('forged')).toBe(false);
    expect(await sessions.takeLink('another')).toBe(true);
    const rows = await outside(database.options, `SELECT sealed FROM ${table}`);
    const text = Buffer.concat(rows.map(({ sealed }) => sealed as Buffer)).toString('latin1');
    expect(text).not.toContain(key.digest.toString('base64'));
  });

  it('end where a database was put back', async () => {
    const options = await postgres.node(postgres.newSchema());
    const before = await PostgresDatabase.open(options);
    await new PostgresSessions(before).open(sessionKey());
    await before.close();
    const after = new PostgresSessions(await opened({ ...options, acknowledgeRestore: true }));
    expect(await after.all()).toEqual([]);
  });
});

describe('one node', () => {
  let database: PostgresDatabase;

  beforeAll(async () => {
    database = await PostgresDatabase.open(await postgres.node(postgres.newSchema()));
  });

  afterAll(() => database.close());

  let sources = 0;
  describeLimiter('PostgreSQL', (points) => {
    // Sources of its own: the table is that of all tests.
    const own = `${++sources} `;
    class Limiter extends PostgresLimiter {
      override take(source: string): Promise<number> {
        return super.take(own + source);
      }
    }
    return new Limiter(database, points, 60);
  });
  describeLeader('PostgreSQL', () => new PostgresLeader(database));
  describeSessions('PostgreSQL', async () => {
    await outside(database.options, `DELETE FROM ${database.options.schema}.sign_ins`);
    return new PostgresSessions(database);
  });
});

describe('what is vouched for', () => {
  it('is not believed where another program has changed it', async () => {
    const options = await postgres.node(postgres.newSchema());
    const store = new TypeOrmUnitOfWork(await opened(options));
    await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    await outside(options, `UPDATE ${options.schema}.speakers SET name = 'Eve' WHERE id = 'ada'`);
    const found = await store.read(({ speakers }) => speakers.find('ada'));
    expect(found?.optedOutAt).not.toBeNull();
    expect(store.altered).toBe(1);
  });

  it('is a trail that nobody changes, shortens or empties', async () => {
    const options = await postgres.node(postgres.newSchema());
    const store = new TypeOrmUnitOfWork(await opened(options));
    await store.transaction(({ audit }) => audit.record({ action: 'key.created', object: 'a key' }));
    const { schema } = options;
    for (const sql of [
      `UPDATE ${schema}.audit SET by = 'nobody'`,
      `DELETE FROM ${schema}.audit`,
      `TRUNCATE ${schema}.audit`,
    ]) {
      await expect(outside(options, sql)).rejects.toThrow(/append-only/);
    }
    const trimmed = await store.transaction(({ audit }) => audit.trim(new Date(Date.now() + 1000), 9));
    expect(trimmed).toBe(1);
  });

  it('is refused where an older copy was put back, until that is acknowledged', async () => {
    const options = await postgres.node(postgres.newSchema());
    const { schema } = options;
    const words = ['--dbname', postgres.cluster.url()];
    const add = async (id: string): Promise<void> => {
      const database = await PostgresDatabase.open(options);
      await new TypeOrmUnitOfWork(database).transaction(({ speakers }) => speakers.insert(speaker(id)));
      await database.close();
    };
    await add('ada');
    const copy = postgres.cluster.tool('pg_dump', [...words, '--schema', schema]);
    await add('bob');
    await outside(options, `DROP SCHEMA ${schema} CASCADE`);
    postgres.cluster.tool('psql', [...words, '--quiet', '--set', 'ON_ERROR_STOP=1'], copy);
    await expect(PostgresDatabase.open(options)).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
    await (await PostgresDatabase.open({ ...options, acknowledgeRestore: true })).close();
    const store = new TypeOrmUnitOfWork(await opened(options));
    const [ada, bob] = await store.read(async ({ speakers }) => [
      await speakers.find('ada'),
      await speakers.find('bob'),
    ]);
    expect([ada?.id, ada?.optedOutAt, bob]).toEqual(['ada', null, null]);
  });

  it('says in the trail that a node has joined without a mark of its own', async () => {
    const [one] = await twoNodes();
    const entries = await new TypeOrmUnitOfWork(one).read(({ audit }) => audit.page({}, null, 9));
    expect(entries.filter(({ action }) => action === 'data.node-joined')).toHaveLength(1);
  });
});

describe('the data key', () => {
  it('is rotated by a node that is alone, and by none beside others', async () => {
    const options = await postgres.node(postgres.newSchema());
    const one = await opened(options);
    const before = await keyOf(options);
    const other = await opened(await postgres.node(options.schema, { key: before }));
    await expect(new PostgresDataKeys(one).rotate()).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await keyOf(options)).toBe(before);
    await open.splice(open.indexOf(other), 1)[0]!.close();

    const store = new TypeOrmUnitOfWork(one);
    await store.transaction(async ({ speakers, enrollments }) => {
      await speakers.insert(speaker('ada'));
      for (const seed of ['a', 'b', 'c']) await enrollments.insert(enrollment('ada', seed));
    });
    await one.withoutOthers('rotating', () => rotateDataKey(one));
    expect(await keyOf(options)).not.toBe(before);
    const late = await postgres.node(options.schema, { key: before });
    await expect(PostgresDatabase.open(late)).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    const found = await store.read(({ enrollments }) => enrollments.ofOrigin('ada', ORIGIN));
    expect(found.enrollments).toHaveLength(3);
  });
});

describe('data keys in variables of several nodes', () => {
  const [old, newer] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('hex')) as [string, string];
  const node = async (schema: string, ...keys: string[]): Promise<PostgresDatabase> =>
    opened(await postgres.node(schema, { key: keys.join(',') }));
  const end = async (database: PostgresDatabase): Promise<void> => open.splice(open.indexOf(database), 1)[0]!.close();
  const enrol = (database: PostgresDatabase, id: string, count: number): Promise<void> =>
    new TypeOrmUnitOfWork(database).transaction(async ({ speakers, enrollments, webhooks }) => {
      await speakers.insert(speaker(id));
      for (let i = 0; i < count; i++) await enrollments.insert(enrollment(id, `${id} ${i}`));
      const what = { events: ['job.finished'] as const, createdAt: new Date(), goneAt: null };
      await webhooks.insert({ ...what, id: randomUUID(), url: `https://${id}.example/`, secret: randomBytes(32) });
    });

  it('open everything with the newer one alone, whatever was written with the old one before each node had the newer first', async () => {
    const schema = postgres.newSchema();
    let [one, other] = [await node(schema, old, newer), await node(schema, old, newer)];
    await enrol(one, 'ada', 3);
    await end(one);
    one = await node(schema, newer, old);
    await finishRotation(one);
    // It goes on with the old one, which is right: everybody opens both.
    await enrol(other, 'bob', 3);
    await end(other);
    other = await node(schema, newer, old);
    await finishRotation(other);
    for (const database of [one, other]) await end(database);
    const last = await node(schema, newer);
    const store = new TypeOrmUnitOfWork(last);
    for (const id of ['ada', 'bob']) {
      const found = await store.read(({ enrollments }) => enrollments.ofOrigin(id, ORIGIN));
      expect(found.enrollments).toHaveLength(3);
    }
    const webhooks = await store.read((records) => records.webhooks.list());
    expect(webhooks.map(({ url }) => url).sort()).toEqual(['https://ada.example/', 'https://bob.example/']);
    expect(store.altered).toBe(0);
    const [row] = await outside(
      last.options,
      `SELECT count(*)::int AS count FROM ${schema}.settings WHERE name LIKE 'rotation%'`,
    );
    expect(row).toEqual({ count: 1 });
  });

  it('come to an end in two orders at once', async () => {
    const schema = postgres.newSchema();
    const [one, other] = [await node(schema, old, newer), await node(schema, newer, old)];
    // More than are passed in one transaction.
    await enrol(one, 'ada', 120);
    await Promise.all([finishRotation(one), finishRotation(other)]);
    await finishRotation(other);
    for (const database of [one, other]) await end(database);
    const found = await new TypeOrmUnitOfWork(await node(schema, newer)).read(({ enrollments }) =>
      enrollments.ofOrigin('ada', ORIGIN),
    );
    expect(found.enrollments).toHaveLength(120);
  });
});

describe('a database that goes away', () => {
  it('is told as such by a call that has a connection at the moment', async () => {
    const database = await opened(await postgres.node(postgres.newSchema()));
    const lose = async (manager: EntityManager): Promise<void> => {
      const [own] = await manager.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
      await outside(database.options, `SELECT pg_terminate_backend(${own!.pid})`);
      await until(() => manager.queryRunner!.isReleased);
    };
    const lost = { code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining('lost') };
    const between = database.read(async (manager) => {
      await lose(manager);
      return manager.query<unknown[]>('SELECT 1');
    });
    await expect(between).rejects.toMatchObject(lost);
    await expect(database.transaction(lose)).rejects.toMatchObject(lost);
    expect(await database.read((manager) => manager.query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
  });

  it('is waited for by a rotation that nobody has asked for', async () => {
    const own = await Postgres.start();
    try {
      const key = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('hex')).join(',');
      const database = await PostgresDatabase.open(await own.node('timbre', { key }));
      const keys = new PostgresDataKeys(database);
      await own.cluster.stop();
      keys.resume();
      const state = (): Promise<string> =>
        keys.status().then(
          (status) => status.state,
          () => 'gone',
        );
      // What waits holds nothing: the attempts of others fail in the same way.
      await expect(database.read((manager) => manager.query('SELECT 1'))).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
      });
      await own.cluster.run();
      await until(async () => (await state()) === 'running' || (await state()) === 'idle', 30);
      await until(async () => (await state()) === 'idle', 30);
      expect(await keys.status()).toMatchObject({ state: 'idle', failure: null, keys: 2 });
      await keys.close();
      await database.close();
    } finally {
      await own.stop();
    }
  }, 120_000);

  it('is used again by itself when it is back', async () => {
    const own = await Postgres.start();
    try {
      const database = await PostgresDatabase.open(await own.node('timbre'));
      const store = new TypeOrmUnitOfWork(database);
      await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
      await own.cluster.stop();
      await expect(store.check()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      const write = store.transaction(({ speakers }) => speakers.insert(speaker('bob')));
      await expect(write).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      await own.cluster.run();
      await until(
        () =>
          store.check().then(
            () => true,
            () => false,
          ),
        30,
      );
      await store.transaction(({ speakers }) => speakers.insert(speaker('bob')));
      expect(await store.read(({ speakers }) => speakers.count())).toBe(2);
      // It hears of others again.
      const other = await PostgresDatabase.open(await own.node('timbre', { key: await keyOf(database.options) }));
      const { rings } = database.committed;
      await new TypeOrmUnitOfWork(other).transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
      await until(() => database.committed.rings > rings, 30);
      await other.close();
      await database.close();
    } finally {
      await own.stop();
    }
  }, 120_000);
});
