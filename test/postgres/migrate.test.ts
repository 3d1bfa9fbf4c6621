import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { AuditTrail } from '../../src/service/audit/audit-trail.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { copiedTables, keyOf, LEFT_OUT, readCopied } from '../../src/service/persistence/common/copied-tables.js';
import { readCounter } from '../../src/service/persistence/common/counters.js';
import { ENTITIES } from '../../src/service/persistence/common/entities/index.js';
import type { MoveOptions, MoveStep } from '../../src/service/persistence/common/move.js';
import { MOVE_MARKS, readMoveMark, type Copying } from '../../src/service/persistence/common/move-marks.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { dataOf } from '../../src/service/persistence/data.js';
import { move, type MoveDirection } from '../../src/service/persistence/move.js';
import { openPostgres } from '../../src/service/persistence/postgres/open.js';
import { RECORDINGS_FOLDER } from '../../src/service/persistence/sqlite/audio-files.js';
import { DATABASE_FILE } from '../../src/service/persistence/sqlite/database-file.js';
import { SideConnection } from '../../src/service/persistence/sqlite/side-connection.js';
import { openSqlite } from '../../src/service/persistence/sqlite/open.js';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { hasTraces, leaveTraces } from '../../src/service/persistence/common/traces.js';
import { ExportService } from '../../src/service/privacy/export.service.js';
import { readAll } from '../../src/service/records/kept-audio.js';
import { newJob } from '../../src/service/records/job.js';
import { populate } from '../integration/populated.js';
import { enrollment, ORIGIN, speaker, temporaryFolder } from '../integration/voices.js';
import { timbre } from '../cli/support.js';
import { TestService, until, Workshop } from '../e2e/support.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;
const folders: (() => Promise<void>)[] = [];
const open: Storage[] = [];

beforeAll(async () => {
  postgres = await Postgres.start({ password: 'ö p@ss:w/%rd?' });
});

afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close();
});

afterAll(async () => {
  await postgres.stop();
  for (const remove of folders) await remove();
});

/** A data folder and a schema of their own. */
async function places(): Promise<Config> {
  const { folder, remove } = await temporaryFolder();
  folders.push(remove);
  return Config.of({
    dataDir: folder,
    databaseUrl: postgres.cluster.url(),
    databaseSchema: postgres.newSchema(),
    consent: 'optional',
  });
}

/** The same without PostgreSQL, as a service on the file is started. */
function onFile({ dataDir }: Config): Config {
  return Config.of({ dataDir, consent: 'optional' });
}

/** The same with other settings. */
function changed(config: Config, changes: ConfigInput): Config {
  const { dataDir, databaseUrl, databaseSchema } = config;
  return Config.of({ dataDir, databaseUrl, databaseSchema, consent: 'optional', ...changes });
}

async function opened(config: Config): Promise<Storage> {
  const storage = config.databaseUrl === '' ? await openSqlite(config) : await openPostgres(config);
  open.push(storage);
  return storage;
}

async function closed(storage: Storage): Promise<void> {
  open.splice(open.indexOf(storage), 1);
  await storage.close();
}

/** With so many people in it, and closed again. */
async function populated(config: Config, people = 6): Promise<string[]> {
  const storage = await opened(config);
  const ids = await populate(storage, people);
  await closed(storage);
  return ids;
}

/** Exports of everybody with vectors where there are any to be had, but for what an export itself adds. */
async function exportsOf(config: Config, ids: readonly string[]): Promise<unknown[]> {
  const storage = await opened(config);
  const unit = new TypeOrmUnitOfWork(storage.store);
  const exports = new ExportService(unit, new AuditTrail(unit, config), new ConsentPolicy(config), config);
  const found: unknown[] = [];
  for (const id of ids) {
    const optedOut = (await unit.read(({ speakers }) => speakers.find(id)))!.optedOutAt !== null;
    let text = '';
    for await (const piece of exports.export(id, !optedOut)) text += piece;
    const { exportedAt: _, audit, ...rest } = JSON.parse(text) as { audit: { action: string }[]; exportedAt: string };
    found.push({ ...rest, audit: audit.filter(({ action }) => !action.endsWith('.exported')) });
  }
  await closed(storage);
  return found;
}

/** Kept recordings with their bytes, by content and speaker. */
async function audioOf(config: Config, ids: readonly string[]): Promise<Record<string, Buffer>> {
  const storage = await opened(config);
  const found: Record<string, Buffer> = {};
  for (const id of ids) {
    const kept = await storage.unitOfWork.read(async ({ recordings }) => {
      const contents = await recordings.contents(id);
      return Promise.all([...contents].map(async (content) => (await recordings.find(id, content))!));
    });
    for (const one of kept) found[`${one.contentSha256} of ${id}`] = await readAll(storage.keptAudio, one);
  }
  await closed(storage);
  return found;
}

/** All rows of every table that is copied, but for the marks of moves. */
async function rowsOf(store: Store): Promise<Record<string, unknown[][]>> {
  return store.read(async (manager) => {
    const found: Record<string, unknown[][]> = {};
    for (const table of copiedTables(manager.connection)) {
      const rows = await readCopied(manager, table, null, 100_000);
      found[table.name] = rows.filter((row) => !MOVE_MARKS.includes(keyOf(table, row)[0] as string));
    }
    return found;
  });
}

/** Statements from outside, as another program sends them; gives the rows of the last. */
async function outside(...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: postgres.cluster.url() });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const sql of statements) ({ rows } = await client.query<Record<string, unknown>>(sql));
    return rows;
  } finally {
    await client.end();
  }
}

const refusal = (code: string, text: RegExp | string = ''): unknown =>
  expect.objectContaining({
    code,
    message: typeof text === 'string' ? expect.stringContaining(text) : expect.stringMatching(text),
  });

/** Ends the move at the nth time that something of a kind is durable. */
function cutAt(step: MoveStep, nth = 1): MoveOptions {
  let left = nth;
  return {
    reached: (reached) => {
      if (reached === step && --left === 0) throw new Error('cut off');
    },
  };
}

describe('what is moved', () => {
  it('has every table of the entities, but for those that are named as left out, and a row in each', async () => {
    const config = await places();
    await populated(onFile(config));
    const storage = await opened(onFile(config));
    const rows = await rowsOf(storage.store);
    const tables = ENTITIES.map(({ options }) => options.tableName!);
    expect([...Object.keys(rows), ...Object.keys(LEFT_OUT)].sort()).toEqual([...tables].sort());
    expect(Object.entries(rows).filter(([, own]) => own.length === 0)).toEqual([]);
  });

  it('leaves out no table of either database but these', async () => {
    const config = await places();
    await populated(onFile(config));
    await move(config, 'to PostgreSQL');
    const found = await outside(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${config.databaseSchema}'`,
    );
    const known = ENTITIES.map(({ options }) => options.tableName!);
    const others = found.map(({ name }) => name as string).filter((name) => !known.includes(name));
    // Filled by a trigger of `jobs`; sealed audio, which lies in files elsewhere; each database's own; a minute's counts;
    // who is signed in, who signs in again.
    expect(others.sort()).toEqual(['job_nodes', 'kept_audio', 'migrations', 'rates', 'sign_ins']);
  });
});

describe('to PostgreSQL and back', () => {
  it('gives the same: rows, exports of everybody, register and trail', async () => {
    const config = await places();
    const file = onFile(config);
    const ids = await populated(file, 12);
    const before = await exportsOf(file, ids);
    const audio = await audioOf(file, ids);
    expect(
      Object.values(audio)
        .map(({ length }) => length)
        .sort((a, b) => a - b),
    ).toEqual([1, 2_621_440, 2_621_440]);
    const source = await opened(file);
    const rows = await rowsOf(source.store);
    const sealed = await source.store.read((manager) => readCounter(manager, 'vectors'));
    await closed(source);

    const there = await move(config, 'to PostgreSQL');
    expect(there).toMatchObject({ resumed: false, alreadyMoved: false, uploadsElsewhere: [] });
    expect(there.tables).toMatchObject({ speakers: 12, consents: 12, settings: rows['settings']!.length });
    expect(there).toMatchObject({ recordings: 3, missingRecordings: 0 });
    expect(there.vectors).toBeGreaterThan(36);
    // Of every table that has something under the data key.
    expect(there.vectors).toBe(sealed);
    expect(there.from).toBe(join(config.dataDir, DATABASE_FILE));
    expect(JSON.stringify(there)).not.toContain('p@ss');
    expect(await (await dataOf(config)).examine({})).toMatchObject({ sound: true, findingsCount: 0 });
    expect(await exportsOf(config, ids)).toEqual(before);
    expect(await audioOf(config, ids)).toEqual(audio);

    const again = await places();
    const back = changed(config, {
      dataDir: again.dataDir,
      dataKeyFile: config.dataKeyFile,
      epochFile: config.epochFile,
    });
    await move(back, 'to SQLite');
    const { dataDir, dataKeyFile, epochFile } = back;
    const backOnFile = Config.of({ dataDir, dataKeyFile, epochFile, consent: 'optional' });
    expect(await (await dataOf(backOnFile)).examine({})).toMatchObject({ sound: true, findingsCount: 0 });
    const target = await opened(backOnFile);
    const after = await rowsOf(target.store);
    await closed(target);
    for (const name of Object.keys(rows)) {
      // What exports, starts and moves have written since.
      if (['audit', 'register', 'settings', 'changes'].includes(name)) continue;
      expect([name, after[name]]).toEqual([name, rows[name]]);
    }
    expect(after['audit']!.slice(0, rows['audit']!.length)).toEqual(rows['audit']);
    expect(await exportsOf(backOnFile, ids)).toEqual(before);
    expect(await audioOf(backOnFile, ids)).toEqual(audio);
  });

  it('tells of audio that the source does not have, and moves the rest', async () => {
    const config = await places();
    await populated(onFile(config));
    const folder = join(config.dataDir, RECORDINGS_FOLDER);
    const [lost] = (await readdir(folder, { recursive: true })).filter((name) => name.includes('/'));
    await rm(join(folder, lost!));
    expect(await move(config, 'to PostgreSQL')).toMatchObject({ recordings: 2, missingRecordings: 1 });
  });
});

describe('whatever texts and numbers people are made of', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => !value.includes('\0'));
  const people = fc.uniqueArray(
    fc.record({
      id: text,
      name: fc.option(text),
      metadata: fc.dictionary(text, text, { maxKeys: 5 }),
      at: fc.integer({ min: 0, max: 4_102_444_800_000 }),
      embedding: fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true }),
      cosine: fc.double({ noNaN: true, noDefaultInfinity: true }),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 200 },
  );

  it('there and back again gives the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(people, async (found) => {
        const config = await places();
        const first = await opened(onFile(config));
        await first.unitOfWork.transaction(async (records) => {
          for (const { id, name, metadata, at, embedding: vector, cosine } of found) {
            await records.speakers.insert({ ...speaker('somebody', at), id, name, metadata });
            await records.enrollments.insert(enrollment(id, 'one', { embedding: vector, createdAt: new Date(at) }));
            const evidence = { cosine, llr: cosine, threshold: null, falseAcceptRate: null };
            await records.ledger.append({ speakerId: id, action: 'learned', detail: { evidence } });
          }
        });
        const before = await rowsOf(first.store);
        await closed(first);
        await move(config, 'to PostgreSQL');
        await rm(join(config.dataDir, DATABASE_FILE));
        await move(config, 'to SQLite');
        expect(await (await dataOf(onFile(config))).examine({})).toMatchObject({ sound: true });
        const last = await opened(onFile(config));
        const after = await rowsOf(last.store);
        await closed(last);
        for (const name of ['speakers', 'speaker_terms', 'enrollments', 'ledger', 'changes']) {
          expect([name, after[name]]).toEqual([name, before[name]]);
        }
      }),
      { numRuns: 4 },
    );
  }, 120_000);
});

/** The source of a move in either direction, and its target, as services on them are started. */
async function bothWays(): Promise<[MoveDirection, Config, { source: Config; target: Config }][]> {
  const forth = await places();
  await populated(onFile(forth));
  const back = await places();
  await populated(back);
  await rm(join(back.dataDir, DATABASE_FILE), { force: true });
  return [
    ['to PostgreSQL', forth, { source: onFile(forth), target: forth }],
    ['to SQLite', back, { source: back, target: onFile(back) }],
  ];
}

/** The only schema-qualified name that statements of another program need. */
const settingsOf = ({ databaseSchema }: Config): string => `${databaseSchema}.settings`;

describe('a move that was cut off', () => {
  it.each<[MoveStep, number]>([
    ['begun', 1],
    ['batch', 1],
    ['batch', 7],
    ['batch', 20],
    ['audio', 2],
    ['copied', 1],
    ['compared', 1],
    ['left', 1],
  ])('after %s (%i) lets no service onto the target, and goes on', async (step, nth) => {
    for (const [direction, config, { source, target }] of await bothWays()) {
      await expect(move(config, direction, cutAt(step, nth))).rejects.toThrow('cut off');
      await expect(opened(target)).rejects.toEqual(
        refusal('STORAGE_UNFINISHED', 'run the same `timbre migrate` again'),
      );
      if (step === 'left') await expect(opened(source)).rejects.toEqual(refusal('STORAGE_MOVED'));
      const report = await move(config, direction);
      expect(report).toMatchObject({ resumed: true, alreadyMoved: false });
      expect(await (await dataOf(target)).examine({})).toMatchObject({ sound: true });
      await expect(opened(source)).rejects.toEqual(refusal('STORAGE_MOVED', 'remove this one'));
    }
  });

  it('after everything was done says so', async () => {
    for (const [direction, config, { target }] of await bothWays()) {
      await expect(move(config, direction, cutAt('arrived'))).rejects.toThrow('cut off');
      expect(await move(config, direction)).toMatchObject({ alreadyMoved: true, tables: { speakers: 6 } });
      // Before and after a service has been there.
      await closed(await opened(target));
      expect(await move(config, direction)).toMatchObject({ alreadyMoved: true });
    }
  });

  it('by its signal goes on, too', async () => {
    const config = await places();
    await populated(onFile(config));
    const stop = new AbortController();
    const reached = (step: MoveStep): void => {
      if (step === 'batch') stop.abort();
    };
    const options = { signal: stop.signal, reached };
    await expect(move(config, 'to PostgreSQL', options)).rejects.toEqual(refusal('ABORTED', 'goes on'));
    expect(await move(config, 'to PostgreSQL')).toMatchObject({ resumed: true });
  });

  it('does not go on where the source was written to meanwhile, and says what to remove', async () => {
    for (const [direction, config, { source }] of await bothWays()) {
      await expect(move(config, direction, cutAt('batch', 9))).rejects.toThrow('cut off');
      const storage = await opened(source);
      await storage.unitOfWork.transaction(({ speakers }) => speakers.insert(speaker('late')));
      await closed(storage);
      const removal = direction === 'to SQLite' ? 'rm ' : 'DROP SCHEMA';
      await expect(move(config, direction)).rejects.toEqual(
        refusal('STORAGE_NOT_EMPTY', new RegExp(`was written to since.*${removal}`)),
      );
      if (direction === 'to SQLite') {
        for (const name of await readdir(config.dataDir)) {
          if (name.startsWith(DATABASE_FILE)) await rm(join(config.dataDir, name));
        }
      } else {
        await outside(`DROP SCHEMA ${config.databaseSchema} CASCADE`);
      }
      expect(await move(config, direction)).toMatchObject({ resumed: false, tables: { speakers: 7 } });
    }
  });

  it('is not gone on with by another source', async () => {
    const [one, other] = [await places(), await places()];
    for (const config of [one, other]) await populated(onFile(config), 1);
    await expect(move(one, 'to PostgreSQL', cutAt('batch', 9))).rejects.toThrow('cut off');
    const mixed = changed(other, { databaseSchema: one.databaseSchema });
    await expect(move(mixed, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_NOT_EMPTY', 'is not the data of'));
  });
});

describe('a process that is killed', () => {
  /** The command as it is installed: made by `npm run build`. */
  const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

  /** Rows of the copy that are durable; -1 where none was begun, or it is done. */
  async function rowsSoFar(config: Config, direction: MoveDirection): Promise<number> {
    let copying: Copying | null;
    if (direction === 'to PostgreSQL') {
      const query = `SELECT convert_from(value, 'UTF8') AS text FROM ${settingsOf(config)} WHERE name = 'copy not finished'`;
      const [row] = await outside(query).catch(() => []);
      copying = row ? (JSON.parse(row['text'] as string) as Copying) : null;
    } else {
      const file = await SideConnection.open(config.dataDir, { needs: [], readOnly: true }).catch(() => null);
      copying = (await file?.query((manager) => readMoveMark(manager, 'copying')).catch(() => null)) ?? null;
      await file?.close();
    }
    return copying ? Object.values(copying.tables).reduce((sum, { rows }) => sum + rows, 0) : -1;
  }

  it.each<[MoveDirection, number[]]>([
    ['to PostgreSQL', [0, 300, 1500]],
    ['to SQLite', [0, 900]],
  ])(
    '%s at any moment loses and doubles nothing',
    async (direction, moments) => {
      const config = await places();
      const [source, target] = direction === 'to PostgreSQL' ? [onFile(config), config] : [config, onFile(config)];
      const ids = await populated(source, 120);
      const before = await exportsOf(source, ids.slice(0, 5));
      const [from, to] =
        direction === 'to PostgreSQL'
          ? [config.dataDir, 'TIMBRE_DATABASE_URL']
          : ['TIMBRE_DATABASE_URL', config.dataDir];
      const words = ['migrate', '--from', from, '--to', to, '--schema', config.databaseSchema];
      const env = { ...process.env, TIMBRE_DATABASE_URL: config.databaseUrl, NODE_OPTIONS: '' };
      let kills = 0;
      for (const atLeast of moments) {
        const child = spawn(process.execPath, [MAIN, ...words], { env, stdio: 'ignore' });
        const exit = once(child, 'exit');
        await until(async () => child.exitCode !== null || (await rowsSoFar(config, direction)) >= atLeast, 60);
        if (child.exitCode === null) {
          child.kill('SIGKILL');
          kills++;
        }
        await exit;
      }
      expect(kills).toBeGreaterThan(0);
      const ran = await timbre(words, { env });
      expect(ran).toMatchObject({ status: 0, stdout: '' });
      expect(ran.stderr).toMatch(/goes on with a copy that was cut off|was moved to/);
      expect(await (await dataOf(target)).examine({})).toMatchObject({ sound: true });
      expect(await exportsOf(target, ids.slice(0, 5))).toEqual(before);
    },
    300_000,
  );
});

describe('what is refused', () => {
  it('is a target that is not empty', async () => {
    for (const [direction, config] of await bothWays()) {
      const other = await places();
      if (direction === 'to PostgreSQL') {
        await closed(await opened(changed(other, { databaseSchema: config.databaseSchema })));
      } else {
        await closed(await opened(onFile(other)));
        await copyFile(join(other.dataDir, DATABASE_FILE), join(config.dataDir, DATABASE_FILE));
      }
      await expect(move(config, direction)).rejects.toEqual(
        refusal('STORAGE_NOT_EMPTY', 'nothing is ever overwritten'),
      );
    }
  });

  it('is what a move has left behind, as a source and as a target', async () => {
    const config = await places();
    await populated(onFile(config), 1);
    await move(config, 'to PostgreSQL');
    const elsewhere = changed(config, { databaseSchema: postgres.newSchema() });
    await expect(move(elsewhere, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_MOVED'));
    await expect(move(config, 'to SQLite')).rejects.toEqual(refusal('STORAGE_NOT_EMPTY', 'left behind'));
  });

  it('is a source, or a target, that a service has open', async () => {
    for (const [direction, config, { source }] of await bothWays()) {
      const storage = await opened(source);
      await expect(move(config, direction)).rejects.toEqual(refusal('STORAGE_UNAVAILABLE', /stop/));
      await closed(storage);
      await move(config, direction, {
        reached: async (step) => {
          // Nor does a service get in, or a key, while it is moved.
          if (step !== 'copied') return;
          await expect(opened(source)).rejects.toEqual(refusal('STORAGE_UNAVAILABLE'));
        },
      });
    }
  });

  it('is a data key that is another one, and one that is missing', async () => {
    for (const [direction, config] of await bothWays()) {
      const dataKey = Buffer.alloc(32, 9).toString('base64');
      await expect(move(changed(config, { dataKey }), direction)).rejects.toEqual(
        refusal('STORAGE_INVALID', 'another data key'),
      );
      await rm(config.dataKeyFile);
      await expect(move(config, direction)).rejects.toEqual(refusal('STORAGE_INVALID', 'is missing'));
    }
  });

  it('is a database of a newer version', async () => {
    for (const [direction, config] of await bothWays()) {
      const later = `INSERT INTO migrations (timestamp, name) VALUES (1, 'Later1')`;
      const storage = await opened(direction === 'to SQLite' ? config : onFile(config));
      await storage.store.query((manager) => manager.query(later));
      await closed(storage);
      await expect(move(config, direction)).rejects.toEqual(refusal('STORAGE_INVALID', 'newer version'));
    }
  });

  it('is a source that was put back as it was', async () => {
    const config = await places();
    const file = onFile(config);
    await populated(file, 1);
    const copy = join(config.dataDir, 'copy');
    await (await dataOf(file)).backUp(copy);
    const storage = await opened(file);
    await storage.unitOfWork.transaction(({ speakers }) => speakers.insert(speaker('late')));
    await closed(storage);
    await copyFile(copy, join(config.dataDir, DATABASE_FILE));
    await expect(move(config, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_ROLLED_BACK'));
  });

  it('is a folder without data, and a schema without', async () => {
    const config = await places();
    await expect(move(config, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_UNAVAILABLE', 'there is no database'));
    await expect(move(config, 'to SQLite')).rejects.toEqual(refusal('STORAGE_UNAVAILABLE', 'there is no data'));
    expect(await outside(`SELECT 1 FROM pg_namespace WHERE nspname = '${config.databaseSchema}'`)).toEqual([]);
  });

  it('is a row of somebody who is not there, which another program has left', async () => {
    const config = await places();
    await populated(onFile(config), 2);
    const storage = await opened(onFile(config));
    const deletion = ['PRAGMA foreign_keys = OFF', `DELETE FROM speakers WHERE id = 'person-1'`];
    for (const sql of deletion) await storage.store.query((manager) => manager.query(sql));
    await closed(storage);
    await expect(move(config, 'to PostgreSQL')).rejects.toEqual(
      refusal('STORAGE_INVALID', /rows of enrollments .*`timbre doctor/),
    );
  });

  it('is a text that PostgreSQL cannot store, saying where it is', async () => {
    const config = await places();
    await populated(onFile(config), 1);
    const storage = await opened(onFile(config));
    await storage.store.query((manager) => manager.query(`UPDATE jobs SET bound_to = 'a' || char(0) || 'b'`));
    await closed(storage);
    await expect(move(config, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_INVALID', /of jobs .*bound_to/));
  });
});

describe('what fails on the way', () => {
  it('is a target that cannot be reached, and it is named without its password', async () => {
    const config = await places();
    await populated(onFile(config), 1);
    const nowhere = changed(config, { databaseUrl: postgres.cluster.url({ port: 1 }) });
    const failed = move(nowhere, 'to PostgreSQL');
    await expect(failed).rejects.toEqual(refusal('STORAGE_UNAVAILABLE', /^postgres:.*:1\/postgres.*ECONNREFUSED/));
    await expect(failed).rejects.not.toEqual(refusal('STORAGE_UNAVAILABLE', /p@ss|p%40ss/));
    // The source is as it was.
    await closed(await opened(onFile(config)));
  });

  it('is a connection that is lost, and it goes on when it is back', async () => {
    const own = await Postgres.start();
    try {
      const config = changed(await places(), { databaseUrl: own.cluster.url() });
      await populated(onFile(config));
      let batches = 0;
      const lost = move(config, 'to PostgreSQL', {
        reached: async (step) => {
          if (step === 'batch' && ++batches === 5) await own.cluster.stop();
        },
      });
      await expect(lost).rejects.toEqual(refusal('STORAGE_UNAVAILABLE'));
      await own.cluster.run();
      expect(await move(config, 'to PostgreSQL')).toMatchObject({ resumed: true });
      const cut = move(config, 'to PostgreSQL');
      expect(await cut).toMatchObject({ alreadyMoved: true });
    } finally {
      await own.stop();
    }
  }, 120_000);

  it('is a full disk, and it goes on when there is room', async () => {
    const config = await places();
    await populated(onFile(config));
    await expect(move(config, 'to PostgreSQL', cutAt('batch', 3))).rejects.toThrow('cut off');
    const schema = config.databaseSchema;
    await outside(
      `SET search_path = ${schema}`,
      `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full';
       END $$`,
      'CREATE TRIGGER no_room BEFORE INSERT ON webhooks FOR EACH ROW EXECUTE FUNCTION no_room()',
    );
    await expect(move(config, 'to PostgreSQL')).rejects.toEqual(refusal('STORAGE_FULL', /^postgres:/));
    await expect(opened(config)).rejects.toEqual(refusal('STORAGE_UNFINISHED'));
    await outside(`DROP TRIGGER no_room ON ${schema}.webhooks`);
    expect(await move(config, 'to PostgreSQL')).toMatchObject({ resumed: true });
  });

  it('is another program that writes to the copy, which is told as a difference', async () => {
    const config = await places();
    await populated(onFile(config));
    const reached = async (step: MoveStep): Promise<void> => {
      if (step === 'copied') await outside(`UPDATE ${config.databaseSchema}.jobs SET total = total + 1`);
    };
    await expect(move(config, 'to PostgreSQL', { reached })).rejects.toEqual(
      refusal('STORAGE_INVALID', /row .* of jobs is another one in total/),
    );
    await expect(opened(config)).rejects.toEqual(refusal('STORAGE_UNFINISHED'));
    await closed(await opened(onFile(config)));
  });
});

describe('a service on the target', () => {
  it('goes on with numbers, feed, jobs and the local key, and the source is gone on with only on purpose', async () => {
    for (const [direction, config, { source, target }] of await bothWays()) {
      const before = await opened(source);
      const last = await before.changeFeed.head();
      const locals = await before.store.read((manager) =>
        manager.query<{ value: Buffer }[]>(`SELECT value FROM settings WHERE name LIKE 'local-key%'`),
      );
      const claim = await before.jobQueue.claim();
      expect(claim).not.toBeNull();
      const end = await before.changeFeed.head();
      expect(end.seq).toBeGreaterThan(last.seq);
      await closed(before);
      await move(config, direction);

      // Without saying anything of a restore.
      const after = await opened(target);
      expect(await after.changeFeed.head()).toEqual(end);
      const found = await after.store.read((manager) =>
        manager.query<{ name: string; value: Buffer }[]>(
          `SELECT name, value FROM settings WHERE name LIKE 'local-key%'`,
        ),
      );
      expect(found.map(({ value }) => value)).toEqual(locals.map(({ value }) => value));
      // What its earlier process had in hand is taken up at once.
      expect((await after.jobQueue.claim())?.item).toEqual(claim!.item);
      await after.unitOfWork.transaction(async ({ speakers, enrollments, audit, jobs }) => {
        await speakers.insert(speaker('new'));
        for (const seed of ['x', 'y']) await enrollments.insert(enrollment('new', seed));
        await audit.record({ action: 'speaker.created' });
        await jobs.insert(newJob('a new one', 0, new Date()), []);
      });
      const [order] = await after.store.read((manager) =>
        manager.query<{ late: string }[]>(
          `SELECT COUNT(*) AS late FROM enrollments WHERE rowid > (SELECT MAX(rowid) FROM enrollments WHERE speaker_id <> 'new')`,
        ),
      );
      expect(Number(order!.late)).toBe(2);
      const [change] = (await after.changeFeed.after(end, 10))!;
      expect(change?.seq).toBe(end.seq + 1);
      expect(await after.unitOfWork.read(({ speakers }) => speakers.count())).toBe(7);
      expect(await after.unitOfWork.read(({ enrollments }) => enrollments.ofOrigin('new', ORIGIN))).toMatchObject({
        total: 2,
      });
      const moved = await after.unitOfWork.read(({ audit }) => audit.page({}, null, 500));
      expect(moved.filter(({ action }) => action === 'data.moved')).toHaveLength(1);
      await closed(after);
      expect(await (await dataOf(target)).examine({})).toMatchObject({ sound: true });

      await expect(opened(source)).rejects.toEqual(refusal('STORAGE_MOVED', 'acknowledge-restore'));
      await expect((await dataOf(source)).keysIfThere()).rejects.toEqual(refusal('STORAGE_MOVED'));
      await (await dataOf(source)).acknowledgeRestore();
      const old = await opened(source);
      expect(await old.unitOfWork.read(({ speakers }) => speakers.count())).toBe(6);
    }
  });

  it('is told by the epoch file what was left behind, even where nothing else says so', async () => {
    for (const [direction, config, { source }] of await bothWays()) {
      await move(config, direction);
      if (direction === 'to SQLite') {
        await outside(`DELETE FROM ${settingsOf(config)} WHERE name = 'moved away'`);
      } else {
        const file = await SideConnection.open(config.dataDir, { needs: [] });
        await file!.transaction((manager) => manager.query(`DELETE FROM settings WHERE name = 'moved away'`));
        await file!.close();
      }
      await expect(opened(source)).rejects.toEqual(refusal('STORAGE_ROLLED_BACK'));
    }
  });

  it('believes nothing that the source did not', async () => {
    const config = await places();
    await populated(onFile(config));
    const storage = await opened(onFile(config));
    await storage.store.query((manager) =>
      manager.query(`UPDATE speakers SET consent_withdrawn_at = NULL, name = 'Mallory' WHERE id = 'person-0'`),
    );
    await storage.store.query((manager) =>
      manager.query(`UPDATE profiles SET centroid = zeroblob(801) WHERE speaker_id = 'person-1'`),
    );
    await closed(storage);
    const before = await (await dataOf(onFile(config))).examine({});
    expect(before).toMatchObject({ sound: false, findingsCount: 3 });
    expect(await move(config, 'to PostgreSQL')).toMatchObject({ unreadableVectors: 1 });
    const after = await (await dataOf(config)).examine({});
    expect(after.findings).toEqual(before.findings);
    const there = await opened(config);
    const altered = await there.unitOfWork.read(({ speakers }) => speakers.find('person-0'));
    expect(altered?.optedOutAt).not.toBeNull();
  });

  it('has the file wiped where erasures wait for that, in the source and in the target', async () => {
    const config = await places();
    await populated(onFile(config));
    const wiped = async (own: Config): Promise<(number | null)[]> => {
      const storage = await opened(own);
      const rows = await storage.store.read((manager) =>
        manager.query<{ wiped_at: number | null }[]>('SELECT wiped_at FROM receipts'),
      );
      await closed(storage);
      return rows.map(({ wiped_at: at }) => at);
    };
    // As a crash leaves it.
    const crashed = await SideConnection.open(config.dataDir, { needs: [] });
    await crashed!.transaction(async (manager) => {
      await leaveTraces(manager);
      await manager.query('UPDATE receipts SET wiped_at = NULL');
    });
    await crashed!.close();
    await move(config, 'to PostgreSQL');
    expect(await wiped(config)).toEqual([expect.any(Number)]);

    const there = await opened(config);
    await there.store.query((manager) => manager.query('UPDATE receipts SET wiped_at = NULL'));
    await closed(there);
    await rm(join(config.dataDir, DATABASE_FILE));
    await move(config, 'to SQLite');
    const back = await opened(onFile(config));
    expect(await back.store.read(hasTraces)).toBe(true);
    await closed(back);
    expect(await wiped(onFile(config))).toEqual([expect.any(Number)]);
  });

  it('knows whose the uploads of jobs are, and a move back tells of those that lie elsewhere', async () => {
    const config = await places();
    await populated(onFile(config));
    await move(config, 'to PostgreSQL');
    const nodes = await outside(`SELECT DISTINCT node FROM ${config.databaseSchema}.job_nodes`);
    expect(nodes).toHaveLength(1);
    const elsewhere = await places();
    const other = changed(config, {
      dataDir: elsewhere.dataDir,
      dataKeyFile: config.dataKeyFile,
      epochFile: config.epochFile,
    });
    const report = await move(other, 'to SQLite');
    expect(report.uploadsElsewhere).toEqual([{ node: nodes[0]!['node'], recordings: 1 }]);
  });
});

describe('the whole service', () => {
  it('answers the same on the target, is told why it does not start on a half of one, and its key still works', async () => {
    const workshop = await Workshop.open();
    try {
      const model = await workshop.bundle();
      const schema = postgres.newSchema();
      const service = await TestService.start(workshop, { model });
      await service.service.ready();
      const { dataDir } = service;
      await service.postJson('/v1/speakers', { id: 'ada', name: 'Ada' });
      const before = await service.call('/v1/speakers/ada');
      await service.close();
      const settings = { model, dataDir, databaseUrl: postgres.cluster.url(), databaseSchema: schema };
      const config = Config.of(settings);
      await expect(move(config, 'to PostgreSQL', cutAt('batch', 10))).rejects.toThrow('cut off');
      await expect(TestService.start(workshop, settings)).rejects.toEqual(refusal('STORAGE_UNFINISHED'));
      await move(config, 'to PostgreSQL');
      await expect(TestService.start(workshop, { model, dataDir })).rejects.toEqual(refusal('STORAGE_MOVED'));
      const there = await TestService.start(workshop, settings);
      try {
        await there.service.ready();
        expect((await there.call('/v1/speakers/ada')).body).toEqual(before.body);
      } finally {
        await there.close();
      }
    } finally {
      await workshop.remove();
    }
  }, 120_000);
});

describe('timbre migrate', () => {
  it('tells what was done and what to do, on stderr, or as one document', async () => {
    const config = await places();
    await populated(onFile(config), 2);
    const env = { TIMBRE_DATABASE_URL: config.databaseUrl };
    const words = ['--schema', config.databaseSchema];
    const forth = await timbre(['migrate', '--from', config.dataDir, '--to', 'TIMBRE_DATABASE_URL', ...words], { env });
    expect(forth).toMatchObject({ status: 0, stdout: '' });
    expect(forth.stderr).toContain('vectors were opened in both');
    expect(forth.stderr).toContain(`To remove it: rm ${config.dataDir}/${DATABASE_FILE}*`);
    await rm(join(config.dataDir, DATABASE_FILE));
    const back = await timbre(['migrate', '--from', config.databaseUrl, '--to', config.dataDir, ...words, '--json']);
    expect(back.status).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ resumed: false, tables: { speakers: 2 } });
    expect(back.stdout + back.stderr).not.toContain('p@ss');
  });

  it.each([
    [['--from', './a', '--to', './b'], 'one of --from and --to is a data folder'],
    [['--from', 'postgres://h/d', '--to', 'postgres://h/e'], 'one of --from and --to is a data folder'],
    [['--from', './a', '--to', 'postgres://user:p@ss:w/rd@host/voices'], '--to: the address is no address'],
    [['--from', 'mysql://h/d', '--to', './a'], '--from: the address must begin with postgres://'],
    [['--from', './a', '--to', 'TIMBRE_DATABASE_URL'], 'is empty'],
    [['--from', './a', '--to', 'postgres://h/d', '--schema', 'No'], 'lower-case letters'],
  ])('is told what is wrong with %j', async (words, why) => {
    const { status, stderr } = await timbre(['migrate', ...words]);
    expect(status).toBe(2);
    expect(stderr).toContain(why);
    expect(stderr).not.toContain('p@ss');
  });
});
