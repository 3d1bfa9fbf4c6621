import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { buildProfile } from '../../src/service/records/profile.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { clearUnusedBytes } from '../../src/service/persistence/sqlite/unused-bytes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { newSpeaker, type Speaker } from '../../src/service/records/speaker.js';
import { filesBelow } from '../files.js';
import { House } from './house.js';
import { embeddingOf } from './scripted-engine.js';
import { enrollment, ORIGIN, temporaryFolder } from './voices.js';

let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(() => remove());

/** Every file below the folder, as one. */
async function everything(): Promise<Buffer> {
  return Buffer.concat(await filesBelow(folder));
}

/** Pages of the database that have something in bytes that they do not use. */
async function pagesWithLeftovers(): Promise<number> {
  const file = await readFile(join(folder, DATABASE_FILE));
  const bytes = file.readUInt16BE(16);
  const pages = Array.from({ length: file.length / bytes }, (_, i) => file.subarray(i * bytes, (i + 1) * bytes));
  return pages.slice(1).filter((page) => clearUnusedBytes(page)).length;
}

function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

function integrity(database: Database): Promise<unknown[]> {
  return database.query((manager) => manager.query<unknown[]>('PRAGMA integrity_check'));
}

/** Another connection to the file, as another program has it. */
class OtherProgram {
  private readonly database: sqlite3.Database;

  constructor(file: string) {
    this.database = new sqlite3.Database(file);
    this.database.configure('busyTimeout', 5000);
  }

  run(sql: string): Promise<void> {
    return new Promise((resolve, reject) => this.database.exec(sql, (error) => (error ? reject(error) : resolve())));
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => this.database.close((error) => (error ? reject(error) : resolve())));
  }
}

/** People who come and go, with rows of all lengths: pages are split and joined all the time. The same every time. */
class Crowd {
  private readonly alive = new Map<string, string[]>();
  /** What is to be found of nobody any more. */
  readonly gone: string[] = [];
  /** Of those, what went last. */
  lately: string[] = [];
  private state = 7;

  constructor(private readonly store: TypeOrmUnitOfWork) {}

  /** What is to be found. */
  get present(): string[] {
    return [...this.alive.values()].flat();
  }

  async comeAndGo(coming: number, going: number): Promise<void> {
    this.lately = [];
    await this.store.transaction(async ({ speakers, enrollments, profiles }) => {
      for (let i = 0; i < coming; i++) {
        const id = `id-${randomBytes(6 + this.random(20)).toString('hex')}`;
        const name = `name-${randomBytes(4 + this.random(60)).toString('hex')}`;
        await speakers.insert(newSpeaker({ id, name }, new Date(this.random(1e9))));
        const marks: string[] = [id, name];
        for (let j = 0; j <= this.random(4); j++) {
          const fileName = `file-${randomBytes(4 + this.random(60)).toString('hex')}`;
          await enrollments.insert({ ...enrollment(id, fileName), fileName });
          marks.push(fileName);
        }
        const inputs = [{ enrollmentId: id, embedding: enrollment(id, 'x').embedding, speechSeconds: 1 }];
        const policy = { requiredSpeechSeconds: 1, outlierCosine: 0 };
        await profiles.put(buildProfile(id, ORIGIN, inputs, policy, new Date()));
        this.alive.set(id, marks);
      }
      const ids = [...this.alive.keys()];
      for (let i = 0; i < going; i++) {
        const id = ids[this.random(ids.length)]!;
        if (!(await speakers.erase(id))) continue;
        this.lately.push(...this.alive.get(id)!);
        this.alive.delete(id);
      }
    });
    this.gone.push(...this.lately);
  }

  private random(below: number): number {
    return (this.state = (Math.imul(this.state, 1_103_515_245) + 12_345) >>> 1) % below;
  }
}

describe('an erased speaker', () => {
  it('is in no row, free page, log or other file: neither name, id, file name, vector nor ciphertext', async () => {
    const house = await House.open(folder);
    const id = `id-${randomUUID()}`;
    const name = `Name ${randomUUID()}`;
    await house.speakers.create({ id, name });
    await house.consent.give(id, { givenBy: name, method: `by hand ${id}`, textVersion: '1' });
    const { results } = await house.enrol(id, { voice: 1 }, { voice: 1, seed: 1 }, { voice: 1, seed: 2 });
    await house.enrolled('bob', 2);
    await house.verify(id, { voice: 1, seed: 3 });
    await house.trail.flush();
    const blobs = await house.database.query((manager) =>
      manager.query<{ blob: Buffer }[]>(
        `SELECT embedding AS blob FROM enrollments WHERE speaker_id = ?
         UNION ALL SELECT centroid FROM profiles WHERE speaker_id = ?`,
        [id, id],
      ),
    );
    expect(blobs).toHaveLength(4);
    const fileNames = results.map(({ recording }) => recording.filename);
    const gone: (string | Buffer)[] = [
      id,
      name,
      ...fileNames,
      ...results.map(({ recording }) => recording.sha256),
      ...blobs.flatMap(({ blob }) => [blob.subarray(33, 65), blob.subarray(-32)]),
    ];
    const vectors = [0, 1, 2].map((seed) => bytesOf(embeddingOf({ voice: 1, seed })).subarray(0, 32));
    // The scripted recordings lie in the folder as uploads do until their request ends.
    for (const { recording } of results) await rm(recording.audio);

    const before = await everything();
    expect(gone.filter((what) => !before.includes(what))).toEqual([]);
    expect(vectors.filter((what) => before.includes(what))).toEqual([]);

    await house.speakers.erase(id);
    const answered = await everything();
    expect([...gone, ...vectors].filter((what) => answered.includes(what))).toEqual([]);
    expect((await house.identify({ voice: 1, seed: 4 })).ranking.map(({ speakerId }) => speakerId)).toEqual(['bob']);
    await house.close();
    const closed = await everything();
    expect([...gone, ...vectors].filter((what) => closed.includes(what))).toEqual([]);
    expect(closed.includes('bob')).toBe(true);
  });

  describe.each(['pages', 'file'] as const)('whose traces are wiped by the %s', (wipes) => {
    it('leaves nothing in unused parts of pages either, whatever was added and erased around', async () => {
      // SQLite's secure_delete overwrites what it deletes, but not what rows leave behind when pages are split and joined.
      const database = await Database.open({ folder, wipes, rewriteAfterMs: 3_600_000 });
      await database.query((manager) => manager.query('PRAGMA synchronous = OFF'));
      const crowd = new Crowd(new TypeOrmUnitOfWork(database));
      for (let round = 0; round < 60; round++) await crowd.comeAndGo(6, 4);
      await database.wipe();
      const { gone } = crowd;
      expect(gone.length).toBeGreaterThan(500);
      expect(await pagesWithLeftovers()).toBeGreaterThan(0);
      await database.rewrite();
      if (wipes === 'pages') expect(await pagesWithLeftovers()).toBe(0);
      const files = await everything();
      expect(gone.filter((what) => files.includes(what))).toEqual([]);
      expect(crowd.present.filter((what) => !files.includes(what))).toEqual([]);
      expect(await integrity(database)).toEqual([{ integrity_check: 'ok' }]);
      await database.close();
    });
  });

  it('is wiped while others come and go, and what they move about is wiped too', async () => {
    const database = await Database.open({ folder, rewriteAfterMs: 3_600_000 });
    await database.query((manager) => manager.query('PRAGMA synchronous = OFF'));
    const crowd = new Crowd(new TypeOrmUnitOfWork(database));
    for (let round = 0; round < 20; round++) await crowd.comeAndGo(10, 4);
    const wiping = { over: false };
    const wiped = database.rewrite().finally(() => (wiping.over = true));
    let between = 0;
    const late = new Set<string>();
    for (; !wiping.over; between++) {
      // What goes while the last step ends is for the next time.
      late.clear();
      for (let i = 0; i < 2; i++) {
        await crowd.comeAndGo(4, 2);
        for (const what of crowd.lately) late.add(what);
      }
    }
    await wiped;
    const { gone } = crowd;
    expect(between).toBeGreaterThan(2);
    const files = await everything();
    expect(gone.filter((what) => !late.has(what) && files.includes(what))).toEqual([]);
    expect(await integrity(database)).toEqual([{ integrity_check: 'ok' }]);
    await database.close();
    const closed = await everything();
    expect(gone.filter((what) => closed.includes(what))).toEqual([]);
    expect(crowd.present.filter((what) => !closed.includes(what))).toEqual([]);
  });

  it('is wiped where another program writes meanwhile, and holds nobody up while that keeps the database', async () => {
    const database = await Database.open({ folder, rewriteAfterMs: 3_600_000 });
    await database.query((manager) => manager.query('PRAGMA synchronous = OFF'));
    const crowd = new Crowd(new TypeOrmUnitOfWork(database));
    for (let round = 0; round < 20; round++) await crowd.comeAndGo(6, 4);
    const other = new OtherProgram(join(folder, DATABASE_FILE));
    try {
      await other.run('BEGIN IMMEDIATE');
      const wiping = { over: false };
      const wiped = database.rewrite().finally(() => (wiping.over = true));
      // Only reading waits for no other program.
      for (let i = 0; i < 3; i++) await new TypeOrmUnitOfWork(database).read(({ speakers }) => speakers.page(null, 1));
      expect(wiping.over).toBe(false);
      await other.run('ROLLBACK');
      let between = 0;
      for (; !wiping.over; between++) {
        await other.run(`INSERT INTO changes (kind, about) VALUES ('voice', '${'x'.repeat(2000)}')`);
        // It begins anew whenever the other has written.
        if (between === 20) break;
      }
      await wiped;
      expect(between).toBeGreaterThan(0);
      const files = await everything();
      expect(crowd.gone.filter((what) => files.includes(what))).toEqual([]);
      expect(await integrity(database)).toEqual([{ integrity_check: 'ok' }]);
    } finally {
      await other.close();
      await database.close();
    }
  });

  it('keeps nobody waiting who only reads while the file is written anew', async () => {
    const database = await Database.open({ folder, wipes: 'file', rewriteAfterMs: 3_600_000 });
    const store = new TypeOrmUnitOfWork(database);
    const add = (id: string): Promise<void> =>
      store.transaction(({ speakers }) => speakers.insert(newSpeaker({ id }, new Date())));
    await add('ada');
    await add('bob');
    await store.transaction(({ speakers }) => speakers.erase('ada'));
    const other = new OtherProgram(join(folder, DATABASE_FILE));
    try {
      // The rewriting waits for whoever writes.
      await other.run('BEGIN IMMEDIATE');
      const rewriting = database.rewrite();
      let written = false;
      const writing = add('cleo').then(() => (written = true));
      const find = (id: string): Promise<Speaker | null> => store.read(({ speakers }) => speakers.find(id));
      expect((await find('bob'))?.id).toBe('bob');
      expect((await find('bob'))?.id).toBe('bob');
      expect(written).toBe(false);
      await other.run('ROLLBACK');
      await Promise.all([rewriting, writing]);
      expect(await find('cleo')).not.toBeNull();
    } finally {
      await other.close();
      await database.close();
    }
  });

  it('is written anew beside the database, and the environment of the process stays as it was', async () => {
    const before = { ...process.env };
    const database = await Database.open({ folder, wipes: 'file', rewriteAfterMs: 3_600_000 });
    try {
      await database.query(async (manager) => {
        await manager.query('CREATE TABLE ballast (bytes BLOB)');
        await manager.query(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 32)
           INSERT INTO ballast SELECT randomblob(1 << 20) FROM n`,
        );
        await manager.query(`INSERT OR REPLACE INTO settings (name, value) VALUES ('traces', x'01')`);
      });
      const opened = new Set<string>();
      const rewriting = { done: false };
      const rewritten = database.rewrite().finally(() => (rewriting.done = true));
      while (!rewriting.done) {
        for (const fd of await readdir('/proc/self/fd')) {
          opened.add(await readlink(`/proc/self/fd/${fd}`).catch(() => ''));
        }
      }
      await rewritten;
      const temporary = [...opened].filter((path) => /\/etilqs_/.test(path));
      expect(temporary).not.toEqual([]);
      expect(temporary.filter((path) => !path.startsWith(`${folder}/`))).toEqual([]);
      expect({ ...process.env }).toEqual(before);
    } finally {
      await database.close();
    }
  });

  it('is cleared away by the next start where the process died in between', async () => {
    const database = await Database.open({ folder, rewriteAfterMs: 3_600_000 });
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(async ({ speakers }) => {
      await speakers.insert(newSpeaker({ id: 'ada' }, new Date()));
    });
    await store.transaction(({ speakers }) => speakers.erase('ada'));
    const flag = (of: Database): Promise<unknown[]> =>
      of.query((manager) => manager.query<unknown[]>(`SELECT 1 FROM settings WHERE name = 'traces'`));
    expect(await flag(database)).toHaveLength(1);
    await database.wipe();
    await database.rewrite();
    expect(await flag(database)).toEqual([]);
    await store.transaction(async ({ speakers }) => {
      await speakers.insert(newSpeaker({ id: 'bob' }, new Date()));
      await speakers.erase('bob');
    });
    await database.close();
    const next = await Database.open({ folder });
    expect(await flag(next)).toEqual([]);
    await next.close();
  });
});

describe('a vector of one speaker', () => {
  it('does not decrypt as another speaker’s, of another model, or as a profile', async () => {
    const database = await Database.open({ folder });
    const { cipher } = database;
    const vector = embeddingOf({ voice: 1 });
    const owner = ['enrollment', 'ada', 'model', 'front-end', 'e1'];
    const blob = cipher.sealVector(vector, owner);
    expect(cipher.openVector(blob, owner)).toEqual(vector);
    for (const other of [
      ['enrollment', 'bob', 'model', 'front-end', 'e1'],
      ['enrollment', 'ada', 'other', 'front-end', 'e1'],
      ['enrollment', 'ada', 'model', 'front-end', 'e2'],
      ['profile', 'ada', 'model', 'front-end'],
    ]) {
      expect(() => cipher.openVector(blob, other)).toThrow(/belongs to another speaker/);
    }
    await database.close();
  });
});
