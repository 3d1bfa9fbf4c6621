import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { newJob } from '../../src/service/records/job.js';
import { TestService, until, Workshop } from '../e2e/support.js';
import { speaker } from '../integration/voices.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

/** What is between a node and PostgreSQL: it takes every connection, and passes nothing on while it is silent. */
class Proxy {
  private silent = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly to: number,
  ) {
    server.on('connection', (client) => this.pass(client));
  }

  static async start(to: number): Promise<Proxy> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, to);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are there stay open, and are never heard of again; new ones are taken. */
  hang(): void {
    this.silent = true;
    for (const socket of this.sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** For new connections. */
  resume(): void {
    this.silent = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private pass(client: Socket): void {
    this.keep(client);
    if (this.silent) return;
    const server = connect(this.to, '127.0.0.1');
    this.keep(server);
    client.pipe(server).pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

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
