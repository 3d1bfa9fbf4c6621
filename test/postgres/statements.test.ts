import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import type { ApiKey } from '../../src/service/access/api-key.js';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { postgresKeyStore } from '../../src/service/persistence/postgres/postgres-key-store.js';
import { PostgresLimiter } from '../../src/service/persistence/postgres/postgres-limiter.js';
import { lockKey } from '../../src/service/persistence/postgres/server.js';
import { newAuditEntry } from '../../src/service/records/audit-entry.js';
import type { Profile } from '../../src/service/records/profile.js';
import { newJob } from '../../src/service/records/job.js';
import { until } from '../e2e/support.js';
import { watch } from '../integration/statements.js';
import { ORIGIN, speaker } from '../integration/voices.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;
const open: PostgresDatabase[] = [];

beforeAll(async () => {
  postgres = await Postgres.start();
});

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
});

afterAll(() => postgres.stop());

/** On a schema that nobody else has, or that of another node. */
async function opened(beside?: PostgresDatabase, more: Partial<PostgresOptions> = {}): Promise<PostgresDatabase> {
  const [key] = (await beside?.keys.read()) ?? [];
  const schema = beside?.options.schema ?? postgres.newSchema();
  const node = await postgres.node(schema, key ? { key: key.toString('hex') } : {});
  const database = await PostgresDatabase.open({ ...node, ...more });
  open.push(database);
  return database;
}

async function outside({ url }: PostgresOptions, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

function apiKey(id: string): ApiKey {
  const rest = { groups: null, createdAt: new Date(), expiresAt: null, revokedAt: null, lastUsedOn: null };
  return { id, name: 'a key', scopes: ['read'], digest: Buffer.alloc(32, 1), ...rest };
}

function profile(speakerId: string): Profile {
  return {
    speakerId,
    origin: ORIGIN,
    centroid: Float32Array.of(0.6, 0.8),
    members: [],
    speechSeconds: 30,
    cohesion: null,
    confidence: 0.5,
    status: 'Enrolled',
    updatedAt: new Date(),
  };
}

/** What the database is asked while something is done. */
async function asked(database: PostgresDatabase, work: () => Promise<unknown>): Promise<string[]> {
  const { statements, stop } = await watch(database);
  try {
    await work();
  } finally {
    stop();
  }
  return statements.map(({ sql }) => sql);
}

describe('what is read by one statement', () => {
  it('is speakers with their groups and with a profile, whatever another node has changed before', async () => {
    const one = await opened();
    const [store, other] = [one, await opened(one)].map((database) => new TypeOrmUnitOfWork(database));
    await other!.transaction(async ({ speakers, profiles }) => {
      for (const id of ['ada', 'bob']) await speakers.insert(speaker(id));
      await profiles.put(profile('ada'));
    });
    const read = async (): Promise<unknown> => [
      (await store!.readOne(({ speakers }) => speakers.findMany(['ada', 'bob', 'nobody']))).map(({ id }) => id).sort(),
      await store!.readOne(({ profiles }) => profiles.withSpeaker('ada', ORIGIN)),
      await store!.readOne(({ profiles }) => profiles.withSpeaker('bob', ORIGIN)),
      await store!.readOne(({ profiles }) => profiles.withSpeaker('no\0body', ORIGIN)),
    ];
    const expected = [
      ['ada', 'bob'],
      { speaker: { id: 'ada', optedOutAt: null }, profile: { speakerId: 'ada' } },
      { speaker: { id: 'bob' }, profile: null },
      null,
    ];
    // What this node has not seen of the register is brought by a second one.
    const first = await asked(one, async () => expect(await read()).toMatchObject(expected));
    expect(first.filter((sql) => sql.includes('register_root')).length).toBeGreaterThan(0);
    expect(first.length).toBeLessThanOrEqual(2 * 3);
    const again = await asked(one, async () => expect(await read()).toMatchObject(expected));
    expect(again).toHaveLength(3);
    expect(store!.altered).toBe(0);
  });

  it('is not believed where another program has changed it', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(async ({ speakers, profiles }) => {
      await speakers.insert(speaker('ada'));
      await profiles.put(profile('ada'));
    });
    const { schema } = database.options;
    await outside(database.options, `UPDATE ${schema}.profiles SET speech_seconds = 1000`);
    const found = store.readOne(({ profiles }) => profiles.withSpeaker('ada', ORIGIN));
    await expect(found).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    await outside(database.options, `UPDATE ${schema}.speakers SET name = 'Eve'`);
    const [ada] = await store.readOne(({ speakers }) => speakers.findMany(['ada']));
    expect(ada?.optedOutAt).not.toBeNull();
  });

  it('is read in a transaction where it takes two', async () => {
    const database = await opened();
    let runs = 0;
    const isolation = await database.readOne(async (manager) => {
      runs++;
      await manager.query('SELECT 1');
      return manager.query<unknown[]>(`SELECT current_setting('transaction_isolation') AS level`);
    });
    expect([isolation, runs]).toEqual([[{ level: 'repeatable read' }], 2]);
  });
});

describe('statements of every request', () => {
  it('are kept by each connection; those of many texts are not', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(async ({ speakers, audit }) => {
      await speakers.insert(speaker('ada'));
      const entry = newAuditEntry({ action: 'key.created', object: 'a key' });
      await audit.append(Array.from({ length: 20 }, () => entry));
    });
    const kept = await database.read(async (manager) => {
      await new TypeOrmUnitOfWork(database).read(({ speakers }) => speakers.find('ada'));
      return manager.query<{ statement: string }[]>('SELECT statement FROM pg_prepared_statements');
    });
    const texts = kept.map(({ statement }) => statement);
    expect(texts).toContainEqual(expect.stringMatching(/^INSERT INTO "speakers"/));
    expect(texts).not.toContainEqual(expect.stringMatching(/^INSERT INTO "audit"/));
  });
});

describe('a transaction', () => {
  it('fails with the reason of a write that was not waited for, and stores nothing of it', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    const { schema } = database.options;
    const table = `ALTER TABLE ${schema}.audit`;
    await outside(database.options, `${table} ADD CONSTRAINT refused CHECK ("action" <> 'key.created') NOT VALID`);
    const refusing = (more: () => Promise<unknown>) =>
      store.transaction(async ({ speakers, audit }) => {
        await audit.record({ action: 'key.created', object: 'a key' });
        await speakers.insert(speaker('ada'));
        await more();
      });
    const reason = { driverError: { code: '23514', constraint: 'refused' } };
    await expect(refusing(() => Promise.resolve())).rejects.toMatchObject(reason);
    // The connections go on.
    await outside(database.options, `${table} DROP CONSTRAINT refused`);
    expect(await store.read(({ speakers }) => speakers.find('ada'))).toBeNull();
    await refusing(() => Promise.resolve());
    expect(await store.read(({ speakers }) => speakers.find('ada'))).not.toBeNull();
  });

  it('fails with the reason why it did not begin', async () => {
    const database = await opened(undefined, { waitMs: 200 });
    const store = new TypeOrmUnitOfWork(database);
    const { url, schema } = database.options;
    const blocking = new pg.Client({ connectionString: url });
    await blocking.connect();
    await blocking.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockKey(schema, 'writing')})`);
    const add = () => store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    const failed = add().catch((error: unknown) => error);
    await expect(failed).resolves.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause: { code: '55P03' } });
    await blocking.end();
    await until(() =>
      add().then(
        () => true,
        () => false,
      ),
    );
    expect(await store.read(({ speakers }) => speakers.find('ada'))).not.toBeNull();
  });

  it('takes nothing behind its end', async () => {
    const store = new TypeOrmUnitOfWork(await opened());
    for (const how of ['transaction', 'read'] as const) {
      let late: Promise<unknown> = Promise.resolve();
      await store[how](({ notes }) => {
        // Its end has been sent by then, and is not answered.
        late = new Promise((resolve) => setImmediate(resolve)).then(() => notes.write('a note', 'too late'));
        late.catch(() => undefined);
        return Promise.resolve();
      });
      await expect(late).rejects.toThrow();
    }
    expect(await store.read(({ notes }) => notes.read('a note'))).toBeNull();
  });
});

describe('API keys', () => {
  it('are read by one statement, with what vouches for them, also where another node has made one', async () => {
    const one = await opened();
    const other = await opened(one);
    const store = postgresKeyStore(one);
    await postgresKeyStore(other).insert(apiKey('0123456789ab'));
    await store.all();
    const statements = await asked(one, async () => {
      expect((await store.all()).map(({ id, altered }) => [id, altered])).toEqual([['0123456789ab', undefined]]);
    });
    expect(statements).toHaveLength(1);
    await outside(one.options, `UPDATE ${one.options.schema}.api_keys SET scopes = 'admin'`);
    const [changed] = await store.all();
    expect(changed?.altered).toBe(true);
  });
});

describe('the feed of changes', () => {
  it('is read once for all who follow it, and not for a transaction that changes nothing of it', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    const feed = new TableChangeFeed(database);
    const stopping = new AbortController();
    const seen = [0, 0, 0];
    const followers = seen.map((_, i) => {
      const take = (changes: unknown[]): void => void (seen[i]! += changes.length);
      return feed.follow({ begin: () => undefined, take, waits: () => undefined }, stopping.signal);
    });
    const add = (id: string) => store.transaction(({ jobs }) => jobs.insert(newJob(id, 0, new Date()), []));
    await add('before');
    await until(() => seen.every((count) => count === 1));
    const statements = await asked(database, async () => {
      await store.transaction(({ notes }) => notes.write('a note', 'of no interest'));
      await add('after');
      await until(() => seen.every((count) => count === 2));
    });
    expect(statements.filter((sql) => sql.includes('FROM changes WHERE seq >'))).toHaveLength(1);
    stopping.abort();
    await Promise.all(followers);
  });

  it('is read a few times for many transactions that come close together, where others write too', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    const stopping = new AbortController();
    let seen = 0;
    const take = (changes: unknown[]): void => void (seen += changes.length);
    const follower = { begin: () => undefined, take, waits: () => undefined };
    const following = new TableChangeFeed(database, true).follow(follower, stopping.signal);
    const add = (id: string) => store.transaction(({ jobs }) => jobs.insert(newJob(id, 0, new Date()), []));
    await add('before');
    await until(() => seen === 1);
    const ids = Array.from({ length: 100 }, (_, i) => `job ${i}`);
    const statements = await asked(database, async () => {
      for (const id of ids) await add(id);
      await until(() => seen === 1 + ids.length);
    });
    const readings = statements.filter((sql) => sql.includes('FROM changes WHERE seq >')).length;
    expect(readings).toBeGreaterThan(0);
    expect(readings).toBeLessThan(ids.length / 2);
    stopping.abort();
    await following;
  });

  it('has no hole where there was nothing to tell', async () => {
    const database = await opened();
    const store = new TypeOrmUnitOfWork(database);
    const feed = new TableChangeFeed(database);
    const before = await feed.head();
    await store.transaction(({ profiles }) => profiles.delete('nobody', ORIGIN));
    expect(await feed.head()).toEqual(before);
    await store.transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
    expect(await feed.after(before, 9)).toEqual([{ seq: before.seq + 1, kind: 'job', about: 'a job' }]);
  });

  it('says that its counter is lost', async () => {
    const database = await opened();
    await outside(database.options, `DELETE FROM ${database.options.schema}.counters WHERE name = 'changes'`);
    const write = new TypeOrmUnitOfWork(database).transaction(({ jobs }) =>
      jobs.insert(newJob('a job', 0, new Date()), []),
    );
    await expect(write).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
  });
});

describe('the limit of requests of several nodes', () => {
  const LIMIT = 640;
  /** Requests that a node may have let through without having told the others. */
  const UNTOLD = LIMIT / 64;

  it('refuses nobody below it, few more than it above, and asks the database now and then while it is far', async () => {
    const one = await opened();
    const nodes = [one, await opened(one)];
    const limiters = nodes.map((database) => new PostgresLimiter(database, LIMIT, 60));
    let allowed = 0;
    const take = async (count: number, node = 0): Promise<void> => {
      for (let i = 0; i < count; i++) if ((await limiters[node]!.take('a key')) === 0) allowed++;
    };
    const statements = await asked(one, () => take(LIMIT / 2));
    expect(allowed).toBe(LIMIT / 2);
    expect(statements.length).toBeLessThan(LIMIT / 4);
    await take(LIMIT / 2 - nodes.length * UNTOLD, 1);
    expect(allowed).toBe(LIMIT - nodes.length * UNTOLD);
    await take(LIMIT, 0);
    await take(LIMIT, 1);
    expect(allowed).toBeGreaterThanOrEqual(LIMIT);
    expect(allowed).toBeLessThanOrEqual(LIMIT + nodes.length * UNTOLD);
    expect(await limiters[1]!.take('a key')).toBeGreaterThan(0);
    expect(await limiters[1]!.take('another key')).toBe(0);
  });
});
