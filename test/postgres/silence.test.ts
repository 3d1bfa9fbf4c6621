import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { newJob } from '../../src/service/records/job.js';
import { TestService, until, Workshop } from '../e2e/support.js';
import { speaker } from '../integration/voices.js';
import { Postgres } from './postgres.js';
import { Proxy } from './proxy.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;
let proxy: Proxy;

beforeAll(async () => {
  postgres = await Postgres.start();
});

afterEach(() => proxy.stop());

afterAll(() => postgres.stop());

/** Behind a proxy of its own; a statement is given up after 5.5 s, and a new connection after three. */
async function behindProxy(pool: number): Promise<PostgresOptions> {
  proxy = await Proxy.start(postgres.cluster.port);
  const options = await postgres.node(postgres.newSchema());
  return { ...options, url: postgres.cluster.url({ port: proxy.port }), pool, waitMs: 3000, statementMs: 500 };
}

const UNAVAILABLE = { code: 'STORAGE_UNAVAILABLE' };

describe('a PostgreSQL that takes connections and says nothing', () => {
  it('is told as such at the start', async () => {
    const options = await behindProxy(10);
    proxy.hang();
    await expect(PostgresDatabase.open(options)).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is told as such by every call under way, and is used again by itself when it answers', async () => {
    const database = await PostgresDatabase.open(await behindProxy(10));
    const store = new TypeOrmUnitOfWork(database);
    const add = (id: string): Promise<void> => store.transaction(({ speakers }) => speakers.insert(speaker(id)));
    await add('ada');
    proxy.hang();
    const calls = [
      ...Array.from({ length: 12 }, () => store.read(({ speakers }) => speakers.count())),
      ...Array.from({ length: 12 }, () => store.readOne(({ speakers }) => speakers.find('ada'))),
      add('bob'),
      add('cleo'),
      database.statement('SELECT 1', []),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: UNAVAILABLE });
    }
    proxy.resume();
    await add('dan');
    // No connection that hangs is left in the pool.
    const found = await Promise.all(Array.from({ length: 20 }, () => store.read(({ speakers }) => speakers.count())));
    expect(found).toEqual(Array.from({ length: 20 }, () => 2));
    // It hears of others again.
    const [key] = await database.keys.read();
    const other = await PostgresDatabase.open(
      await postgres.node(database.options.schema, { key: key!.toString('hex') }),
    );
    const { rings } = database.committed;
    await new TypeOrmUnitOfWork(other).transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
    await until(() => database.committed.rings > rings, 30);
    await other.close();
    await database.close();
  }, 120_000);

  it('is a 503 over HTTP, until it answers', async () => {
    const { url, schema, waitMs, statementMs } = await behindProxy(10);
    const workshop = await Workshop.open();
    const service = await TestService.start(workshop, {
      model: await workshop.bundle(),
      databaseUrl: url,
      databaseSchema: schema,
      storageWaitSeconds: waitMs / 1000,
      databaseStatementSeconds: statementMs / 1000,
    });
    try {
      const status = async (): Promise<number> => (await service.fetch('/v1/speakers/ada')).status;
      expect(await status()).toBe(404);
      proxy.hang();
      const answers = await Promise.all(Array.from({ length: 5 }, () => service.fetch('/v1/speakers')));
      for (const answer of answers) {
        expect(answer.status).toBe(503);
        expect(await answer.json()).toMatchObject(UNAVAILABLE);
      }
      proxy.resume();
      await until(async () => (await status()) === 404, 30);
    } finally {
      await service.close();
      await workshop.remove();
    }
  }, 120_000);
});
