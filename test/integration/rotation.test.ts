import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProfile } from '../../src/service/records/profile.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import {
  BATCH_ROWS,
  countKeys,
  finishRotation,
  rotateDataKey,
  type RotationStep,
} from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmDataKeys } from '../../src/service/persistence/common/typeorm-data-keys.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { keyId } from '../../src/service/persistence/common/vector-cipher.js';
import { planOf, watch, type Statement } from './statements.js';
import { enrollment, ORIGIN, speaker, temporaryFolder } from './voices.js';

/** More than two batches, and with the two profiles no whole number of them. */
const RECORDINGS = 230;
const BATCHES = Math.ceil((RECORDINGS + 2) / BATCH_ROWS);

let folder: string;
let remove: () => Promise<void>;
const opened: Database[] = [];

async function open(at = folder, key?: string): Promise<Database> {
  const database = await Database.open({ folder: at, key });
  opened.push(database);
  return database;
}

async function filled(key?: string): Promise<Database> {
  const database = await open(folder, key);
  await new TypeOrmUnitOfWork(database).transaction(async ({ speakers, enrollments, profiles }) => {
    for (const id of ['ada', 'bob']) await speakers.insert(speaker(id));
    for (let i = 0; i < RECORDINGS; i++) await enrollments.insert(enrollment(i % 2 ? 'ada' : 'bob', `recording ${i}`));
    for (const id of ['ada', 'bob']) {
      const { id: enrollmentId, embedding } = enrollment(id, 'x');
      const inputs = [{ enrollmentId, embedding, speechSeconds: 10 }];
      await profiles.put(buildProfile(id, ORIGIN, inputs, { requiredSpeechSeconds: 1, outlierCosine: 0 }, new Date()));
    }
  });
  return database;
}

/** Opens every vector there is; damage and lost keys throw. */
async function readable(database: Database): Promise<number> {
  return new TypeOrmUnitOfWork(database).read(async ({ speakers, enrollments, profiles }) => {
    let count = 0;
    for (const { id } of await speakers.page(null, 10)) {
      count += (await enrollments.withEmbeddings(id, null, 1000)).length + (await profiles.ofSpeaker(id)).length;
    }
    return count;
  });
}

async function keysIn(at = folder): Promise<Buffer[]> {
  const text = await readFile(join(at, 'data.key'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'base64'));
}

/** The folder as a crash at this moment leaves it. */
async function crashed(name: string): Promise<string> {
  const at = join(folder, `crash-${name}`);
  await mkdir(at, { mode: 0o700 });
  for (const file of [DATABASE_FILE, `${DATABASE_FILE}-wal`, 'data.key', 'data.key.epoch'])
    await copyFile(join(folder, file), join(at, file));
  return at;
}

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  await remove();
});

describe('the rotation of the data key', () => {
  it('leaves one new key, under which everything is, and nothing of the old one', async () => {
    const database = await filled();
    const [old] = await keysIn();
    await rotateDataKey(database);
    const keys = await keysIn();
    expect(keys).toHaveLength(1);
    expect(keys[0]!.equals(old!)).toBe(false);
    const total = RECORDINGS + 2;
    expect(await countKeys(database)).toEqual({ done: total, total });
    await database.close();
    const file = await readFile(join(folder, DATABASE_FILE));
    expect(file.includes(Buffer.concat([Buffer.of(1), keyId(old!)]))).toBe(false);
    expect((await readdir(folder)).filter((name) => name.startsWith('.data-key'))).toEqual([]);
    expect(await readable(await open())).toBe(total);
  });

  it('goes on from every step at which it may be cut off, and loses nothing', async () => {
    const database = await filled();
    const [old] = await keysIn();
    const crashes: { step: RotationStep; at: string }[] = [];
    await rotateDataKey(database, {
      reached: async (step) => {
        crashes.push({ step, at: await crashed(`${crashes.length}`) });
      },
    });
    expect(crashes.map(({ step }) => step)).toEqual([
      'key added',
      ...Array<string>(BATCHES).fill('batch'),
      'check',
      'checkpoint',
      'key removed',
    ]);
    for (const { step, at } of crashes) {
      const again = await open(at);
      expect({ step, readable: await readable(again) }).toEqual({ step, readable: RECORDINGS + 2 });
      await finishRotation(again);
      const { done, total } = await countKeys(again);
      expect({ step, done }).toEqual({ step, done: total });
      const keys = await keysIn(at);
      expect(keys).toHaveLength(1);
      expect(keys[0]!.equals(old!)).toBe(false);
      expect({ step, readable: await readable(again) }).toEqual({ step, readable: total });
      await again.close();
    }
  }, 240_000);

  it('passes every row once, by an index, also over a crash, and counts without looking', async () => {
    const database = await filled();
    const changed: unknown[] = [];
    const begun: unknown[] = [];
    const look = async (of: Database, statements: readonly Statement[]): Promise<void> => {
      for (const statement of statements) {
        const { sql, values } = statement;
        if (sql.startsWith('UPDATE "enrollments"')) {
          changed.push(...(JSON.parse(values[0] as string) as [string, string][]).map(([, id]) => id));
          const plan = await planOf(of, statement);
          expect(plan).toContainEqual(expect.stringMatching(/^SEARCH enrollments USING (COVERING )?INDEX /));
        }
        if (!/^SELECT [^]* FROM "?(enrollments|profiles)\b/.test(sql)) continue;
        expect(await planOf(of, statement)).toEqual([expect.stringMatching(/^SEARCH .* USING (COVERING )?INDEX /)]);
        expect(sql).toMatch(/ LIMIT /);
        if (sql.includes('FROM "enrollments"')) begun.push(values[0]);
      }
    };
    const first = await watch(database);
    let batches = 0;
    const cut = rotateDataKey(database, {
      reached: async (step) => {
        if (step !== 'batch') return;
        await countKeys(database);
        if (++batches === 4) throw new Error('cut off');
      },
    });
    await expect(cut).rejects.toThrow('cut off');
    first.stop();
    await look(database, first.statements);
    expect(await countKeys(database)).toEqual({ done: 4 * BATCH_ROWS, total: RECORDINGS + 2 });
    await database.close();
    const again = await open();
    const second = await watch(again);
    await finishRotation(again);
    second.stop();
    await look(again, second.statements);
    expect(changed).toHaveLength(RECORDINGS);
    expect(new Set(changed).size).toBe(RECORDINGS);
    expect(begun).toEqual([...begun].sort());
    expect(new Set(begun).size).toBe(BATCHES);
    expect(await readable(again)).toBe(RECORDINGS + 2);
  });

  it('takes up a rotation that was cut off instead of beginning another', async () => {
    const database = await filled();
    const stop = new Error('cut off');
    const cut = rotateDataKey(database, {
      reached: (step) => {
        if (step === 'batch') throw stop;
      },
    });
    await expect(cut).rejects.toBe(stop);
    const [first] = await keysIn();
    await database.close();
    const again = await open();
    await rotateDataKey(again);
    expect(await keysIn()).toEqual([first]);
  });

  it('lets others read, write and erase meanwhile', async () => {
    const database = await filled();
    const store = new TypeOrmUnitOfWork(database);
    let more = 0;
    await rotateDataKey(database, {
      reached: async (step) => {
        if (step !== 'batch') return;
        await store.transaction(({ enrollments }) => enrollments.insert(enrollment('ada', `more ${more++}`)));
        expect(await readable(database)).toBeGreaterThan(0);
        if (more === 1) await store.transaction(({ speakers }) => speakers.erase('bob'));
      },
    });
    const { done, total } = await countKeys(database);
    expect(done).toBe(total);
    expect(total).toBe(RECORDINGS / 2 + 1 + more);
  });

  it('stops between batches when it is told to', async () => {
    const database = await filled();
    const controller = new AbortController();
    const stopped = rotateDataKey(database, {
      signal: controller.signal,
      reached: (step) => {
        if (step === 'batch') controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await keysIn()).toHaveLength(2);
    expect(await readable(database)).toBe(RECORDINGS + 2);
  });

  it('keeps the old key where a row does not open, and says so', async () => {
    const database = await filled();
    await database.query((manager) =>
      manager.query('UPDATE enrollments SET embedding = substr(embedding, 1, 40) WHERE rowid = 1'),
    );
    await expect(rotateDataKey(database)).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    expect(await keysIn()).toHaveLength(2);
  });

  it('does not start where the old key was taken away before everything was done', async () => {
    const database = await filled();
    const cut = rotateDataKey(database, {
      reached: () => {
        throw new Error('cut off');
      },
    });
    await expect(cut).rejects.toThrow('cut off');
    const [current, old] = await keysIn();
    await database.close();
    const write = (keys: Buffer[]): Promise<void> =>
      writeFile(join(folder, 'data.key'), keys.map((key) => key.toString('base64')).join('\n'));
    await write([current!]);
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/another data/),
    });
    await write([current!, old!]);
    expect(await readable(await open())).toBe(RECORDINGS + 2);
  });

  it('is told by a key of the environment with the old one after it', async () => {
    const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'));
    const before = await filled(first);
    await expect(rotateDataKey(before)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/TIMBRE_DATA_KEY/),
    });
    await before.close();
    const both = await open(folder, `${second},${first}`);
    await finishRotation(both);
    await both.close();
    expect(await readable(await open(folder, second))).toBe(RECORDINGS + 2);
    expect(await readdir(folder)).not.toContain('data.key');
  });

  it('leaves a trace in the audit trail, once', async () => {
    const database = await filled();
    await rotateDataKey(database);
    const entries = await new TypeOrmUnitOfWork(database).read(({ audit }) => audit.page({}, null, 100));
    expect(entries.map(({ action, subject }) => ({ action, subject }))).toEqual([
      { action: 'data-key.rotated', subject: null },
    ]);
  });

  it('runs in the background of a service, and goes on at its next start', async () => {
    const database = await filled();
    const keys = new TypeOrmDataKeys(database);
    expect(await keys.status()).toMatchObject({ state: 'idle', keys: 1, finishedAt: null });
    expect(await keys.rotate()).toMatchObject({ state: 'running', keys: 2, total: RECORDINGS + 2 });
    await keys.close();
    await database.close();
    const after = await open();
    const next = new TypeOrmDataKeys(after);
    next.resume();
    while ((await next.status()).state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await next.status()).toMatchObject({
      state: 'idle',
      keys: 1,
      done: RECORDINGS + 2,
      finishedAt: expect.any(Date),
      failure: null,
    });
    expect(await keysIn()).toHaveLength(1);
  });

  it('tells why it stopped, and can be started again', async () => {
    const database = await filled();
    const [damaged] = await database.query((manager) =>
      manager.query<{ id: string; embedding: Buffer }[]>('SELECT id, embedding FROM enrollments LIMIT 1'),
    );
    const put = (blob: Buffer): Promise<unknown> =>
      database.query((manager) =>
        manager.query('UPDATE enrollments SET embedding = ? WHERE id = ?', [blob, damaged!.id]),
      );
    await put(damaged!.embedding.subarray(0, 40));
    const keys = new TypeOrmDataKeys(database);
    await keys.rotate();
    while ((await keys.status()).state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await keys.status()).toMatchObject({
      state: 'failed',
      keys: 2,
      failure: expect.stringMatching(/does not open/),
    });
    await put(damaged!.embedding);
    await keys.rotate();
    while ((await keys.status()).state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await keys.status()).toMatchObject({ state: 'idle', keys: 1, failure: null });
  });
});

describe('a key file', () => {
  it('is cleared of what a killed process left beside it', async () => {
    await (await open()).close();
    await writeFile(join(folder, '.data-key-1-00000000'), 'never used');
    await open();
    expect(await readdir(folder)).not.toContain('.data-key-1-00000000');
  });

  it.each(['', 'one\ntwo', `${Buffer.alloc(32, 1).toString('base64')}\nshort`])('is refused with %j', async (text) => {
    await (await filled()).close();
    await writeFile(join(folder, 'data.key'), text);
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_INVALID', message: expect.stringMatching(/32 bytes/) });
    await rm(join(folder, 'data.key'));
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/is missing/),
    });
  });
});
