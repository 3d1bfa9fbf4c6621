import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { CHECKPOINT_PAGES } from '../../src/service/persistence/sqlite/database-file.js';
import { Database, DATABASE_FILE, schemaDifference } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { outside as statementsOn } from './outside.js';
import { enrollment, ORIGIN, speaker, temporaryFolder } from './voices.js';

let folder: string;
let remove: () => Promise<void>;
const opened: Database[] = [];

async function open(options: Partial<Parameters<typeof Database.open>[0]> = {}): Promise<Database> {
  const database = await Database.open({ folder, ...options });
  opened.push(database);
  return database;
}

async function stored(seeds: string[], id = 'ada'): Promise<void> {
  const database = await open();
  await new TypeOrmUnitOfWork(database).transaction(async ({ speakers, enrollments }) => {
    await speakers.insert(speaker(id));
    for (const seed of seeds) await enrollments.insert(enrollment(id, seed));
  });
  await database.close();
}

const outside = (...statements: string[]): Promise<Record<string, unknown>[]> => statementsOn(folder, ...statements);

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  await remove();
});

describe('a data folder at its first start', () => {
  it('gets a database and a key that only their owner may read', async () => {
    await open();
    for (const name of [DATABASE_FILE, 'data.key', 'data.key.epoch', `${DATABASE_FILE}-wal`]) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect(Buffer.from(await readFile(join(folder, 'data.key'), 'utf8'), 'base64')).toHaveLength(32);
    expect((await readdir(folder)).filter((name) => name.startsWith('.data-key'))).toEqual([]);
  });

  it('has the tables that the entities describe', async () => {
    await (await open()).close();
    expect(await schemaDifference(join(folder, DATABASE_FILE))).toEqual([]);
  });

  it('would show a column that no migration makes', async () => {
    await (await open()).close();
    await outside('ALTER TABLE speakers DROP COLUMN name');
    expect((await schemaDifference(join(folder, DATABASE_FILE))).join()).toMatch(/"name" text/);
  });

  it('runs with the write-ahead log, full synchronisation, secure deletion and foreign keys', async () => {
    const database = await open();
    const pragma = (name: string): Promise<unknown> =>
      database.query(
        async (manager) => Object.values((await manager.query<[Record<string, unknown>]>(`PRAGMA ${name}`))[0])[0],
      );
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('secure_delete')).toBe(1);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('busy_timeout')).toBe(5000);
  });

  it('keeps the write-ahead log short, so that no call waits until much of it is moved', async () => {
    const database = await open();
    const [page] = await database.query((manager) => manager.query<[{ page_size: number }]>('PRAGMA page_size'));
    const store = new TypeOrmUnitOfWork(database);
    const pagesOfLog = async (): Promise<number> =>
      (await stat(join(folder, `${DATABASE_FILE}-wal`))).size / page.page_size;
    for (const round of ['before', 'after']) {
      for (let i = 0; i < 100; i++) {
        await store.transaction(({ speakers }) => speakers.insert(speaker(`${round}-${i}`)));
      }
      expect(await pagesOfLog()).toBeLessThan(1.5 * CHECKPOINT_PAGES);
      // The wiping of pages has a pace of its own.
      await database.rewrite();
    }
  });

  it('takes the key of the environment and makes no file', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    await (await open({ key })).close();
    expect(await readdir(folder)).not.toContain('data.key');
    await open({ key: Buffer.alloc(32, 7).toString('hex') });
  });

  it.each(['', 'short', 'x'.repeat(44), Buffer.alloc(31, 1).toString('base64')])(
    'refuses the key %j and makes no tables',
    async (key) => {
      await expect(open({ key })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
      expect(await outside('SELECT name FROM sqlite_master')).toEqual([]);
    },
  );

  it('ends whole when it was cut off before its first table', async () => {
    await (await open()).close();
    const tables = await outside(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`);
    await outside(
      'PRAGMA foreign_keys = OFF',
      ...tables
        .map(({ name }) => String(name))
        .flatMap((name) => (name === 'migrations' ? [] : [`DROP TABLE "${name}"`])),
      'DELETE FROM migrations',
      'PRAGMA application_id = 0',
    );
    await rm(join(folder, 'data.key.epoch'));
    await open();
  });

  it('ends whole when it was cut off before the key check was written', async () => {
    await (await open()).close();
    await outside('DELETE FROM settings', 'PRAGMA application_id = 0');
    await open();
  });
});

describe('a database that does not fit', () => {
  const untouched = async (attempt: () => Promise<unknown>, expected: object): Promise<void> => {
    const before = await readFile(join(folder, DATABASE_FILE));
    await expect(attempt()).rejects.toMatchObject(expected);
    expect((await readFile(join(folder, DATABASE_FILE))).equals(before)).toBe(true);
  };

  it('is refused with another key and stays as it is', async () => {
    await stored(['a']);
    const key = Buffer.alloc(32, 9).toString('base64');
    await untouched(() => open({ key }), {
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/another data key/),
    });
    await writeFile(join(folder, 'data.key'), key);
    await untouched(() => open(), { code: 'STORAGE_INVALID', message: expect.stringMatching(/another data key/) });
  });

  it('is refused when its key is lost, and no other is made', async () => {
    await stored(['a']);
    await rm(join(folder, 'data.key'));
    await untouched(() => open(), { code: 'STORAGE_INVALID', message: expect.stringMatching(/data\.key is missing/) });
    expect(await readdir(folder)).not.toContain('data.key');
  });

  it.each([0o622, 0o640, 0o604])('is refused when others have access to its key: %o', async (mode) => {
    await stored(['a']);
    await chmod(join(folder, 'data.key'), mode);
    await untouched(() => open(), { code: 'STORAGE_EXPOSED', message: expect.stringMatching(/run: chmod 600 /) });
  });

  it('is refused when others have access to its folder', async () => {
    await stored(['a']);
    await chmod(folder, 0o750);
    await untouched(() => open(), { code: 'STORAGE_EXPOSED', message: expect.stringMatching(/run: chmod 700 /) });
  });

  it('is refused when a newer version made it', async () => {
    await stored(['a']);
    await outside(`INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Later9999999999999')`);
    await untouched(() => open(), {
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/newer version.*Later9999999999999/),
    });
  });

  it('is refused when another program made it', async () => {
    await outside('CREATE TABLE notes (text)', `INSERT INTO notes VALUES ('keep me')`);
    await untouched(() => open(), { code: 'STORAGE_INVALID', message: expect.stringMatching(/another program/) });
    expect(await readdir(folder)).not.toContain('data.key');
  });

  it('is refused when it is no database', async () => {
    await writeFile(join(folder, DATABASE_FILE), 'a text that somebody put here\n'.repeat(100));
    await untouched(() => open(), { code: 'STORAGE_INVALID', message: expect.stringMatching(/damaged/) });
  });

  it('is refused when its vectors have lost their key check', async () => {
    await stored(['a']);
    await outside('DELETE FROM settings');
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
  });

  it('is refused when its folder is a file', async () => {
    await writeFile(join(folder, 'taken'), '');
    await expect(Database.open({ folder: join(folder, 'taken') })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
  });
});

describe('two services on one data folder', () => {
  it('are one too many until the first has stopped', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      message: expect.stringMatching(/another service uses/),
    });
    await first.close();
    await open();
  });

  it('are none after the first was killed', async () => {
    await (await open()).close();
    const holder = spawn(process.execPath, [
      '-e',
      `const { Database } = require('sqlite3');
       const lock = new Database(process.argv[1]);
       lock.run('BEGIN EXCLUSIVE', () => { console.log('held'); setInterval(() => {}, 1000); });`,
      join(folder, `${DATABASE_FILE}.lock`),
    ]);
    await once(holder.stdout, 'data');
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await open();
  });
});

describe('transactions', () => {
  it('run one after the other', async () => {
    const database = await open();
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    const events: string[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        store.transaction(async ({ speakers }) => {
          events.push(`begin ${i}`);
          const found = (await speakers.find('ada'))!;
          await speakers.update({ ...found, name: `${i}` });
          events.push(`end ${i}`);
        }),
      ),
    );
    expect(events).toEqual(Array.from({ length: 20 }, (_, i) => [`begin ${i}`, `end ${i}`]).flat());
    expect(await store.read(({ speakers }) => speakers.find('ada'))).toMatchObject({ version: 21, name: '19' });
  });

  it('leave nothing of what failed, and ring for nobody', async () => {
    const database = await open();
    const store = new TypeOrmUnitOfWork(database);
    const failing = store.transaction(async ({ speakers }) => {
      await speakers.insert(speaker('ada'));
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(database.committed.rings).toBe(0);
    expect(await store.read(({ speakers }) => speakers.count())).toBe(0);
  });

  it('say that the database is locked, and work again when it is not', async () => {
    const store = new TypeOrmUnitOfWork(await open({ busyTimeoutMs: 20 }));
    const other = new sqlite3.Database(join(folder, DATABASE_FILE));
    const run = (sql: string): Promise<void> =>
      new Promise((resolve, reject) =>
        other.run(sql, (error) => {
          if (error) reject(error);
          else resolve();
        }),
      );
    await run('BEGIN IMMEDIATE');
    const insert = (): Promise<void> => store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    await expect(insert()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryAfterSeconds: 1 });
    await run('COMMIT');
    await new Promise((resolve) => {
      other.close(resolve);
    });
    await insert();
    expect(await store.read(({ speakers }) => speakers.count())).toBe(1);
  });

  it('say that the disk is full, store nothing, and work again when there is room', async () => {
    const database = await open();
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
    // A limit of SQLite's own acts as a full disk does: SQLITE_FULL from the write that needs another page.
    const pages = (limit: number): Promise<unknown> =>
      database.query((manager) => manager.query(`PRAGMA max_page_count = ${limit}`));
    await pages(1);
    const seeds = Array.from({ length: 40 }, (_, i) => `recording ${i}`);
    const enrol = (): Promise<void> =>
      store.transaction(async ({ enrollments }) => {
        for (const seed of seeds) await enrollments.insert(enrollment('ada', seed));
      });
    await expect(enrol()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(await store.read(({ enrollments }) => enrollments.withEmbeddings('ada', null, 1000))).toEqual([]);
    await pages(1_000_000);
    await enrol();
    expect(await store.read(({ enrollments }) => enrollments.withEmbeddings('ada', null, 1000))).toHaveLength(40);
  });

  it('are refused after closing', async () => {
    const database = await open();
    const store = new TypeOrmUnitOfWork(database);
    await database.close();
    await expect(store.read(({ speakers }) => speakers.count())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});

describe('vectors at rest', () => {
  it('do not open in the row of another speaker', async () => {
    await stored(['a'], 'ada');
    await stored(['bb'], 'bob');
    await outside(`UPDATE enrollments SET embedding = (SELECT embedding FROM enrollments WHERE speaker_id = 'ada')`);
    const store = new TypeOrmUnitOfWork(await open());
    expect(await store.read(({ enrollments }) => enrollments.withEmbeddings('ada', null, 1000))).toHaveLength(1);
    await expect(store.read(({ enrollments }) => enrollments.withEmbeddings('bob', null, 1000))).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
    });
  });

  it('are not to be read without the key', async () => {
    await stored(['a']);
    const { embedding } = enrollment('ada', 'a');
    const file = await readFile(join(folder, DATABASE_FILE));
    expect(file.includes(Buffer.from(embedding.buffer, 0, 16))).toBe(false);
  });

  it('are gone from every file once their speaker was erased', async () => {
    const database = await open();
    const store = new TypeOrmUnitOfWork(database);
    const seeds = Array.from({ length: 30 }, (_, i) => `recording ${i}`);
    await store.transaction(async ({ speakers, enrollments }) => {
      for (const id of ['ada', 'bob']) {
        await speakers.insert(speaker(id));
        for (const seed of seeds) await enrollments.insert(enrollment(id, seed));
      }
    });
    const blobs = await database.query((manager) =>
      manager.query<{ embedding: Buffer }[]>(`SELECT embedding FROM enrollments WHERE speaker_id = 'ada'`),
    );
    const found = async (): Promise<number> => {
      const names = await readdir(folder);
      const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
      return blobs.filter(({ embedding }) => files.some((file) => file.includes(embedding.subarray(-64)))).length;
    };
    expect(await found()).toBe(30);
    await store.transaction(({ speakers }) => speakers.erase('ada'));
    await database.wipe();
    expect(await found()).toBe(0);
    expect(await store.read(({ enrollments }) => enrollments.withEmbeddings('bob', null, 1000))).toHaveLength(30);
    expect(await store.read(({ profiles }) => profiles.find('ada', ORIGIN))).toBeNull();
  });
});
