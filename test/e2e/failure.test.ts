import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { errorBody } from '../../src/service/http/api-errors.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { STORAGE } from '../../src/service/persistence/persistence.module.js';
import { DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { CurrentModel } from '../../src/service/voices/current-model.js';
import { formOf, startBuilt, TestService, wav, Workshop } from './support.js';

let workshop: Workshop;
let model: string;

/** Small file systems of their own, which only root can make. */
const mounted = new Set<string>();

function mount(folder: string, ...options: string[]): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', ['size=1m', ...options].join(','), 'tmpfs', folder], { stdio: 'ignore' });
  mounted.add(folder);
}

function unmount(folder: string): void {
  execFileSync('umount', [folder], { stdio: 'ignore' });
  mounted.delete(folder);
}

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterAll(async () => {
  for (const folder of mounted) unmount(folder);
  await workshop.remove();
});

async function started(settings: ConfigInput = {}): Promise<TestService> {
  const service = await TestService.start(workshop, { model, workers: 1, sidecarPort: 'off', ...settings });
  await service.service.ready();
  return service;
}

/** Status, and the code of an error. */
async function outcome(answer: ReturnType<TestService['call']>): Promise<[number, string]> {
  const { status, body } = await answer;
  return [status, status < 400 ? 'OK' : errorBody.parse(body).code];
}

const addSpeaker = (service: TestService, id: string): Promise<[number, string]> =>
  outcome(service.postJson('/v1/speakers', { id, name: 'N'.repeat(100) }));

async function speakers(service: TestService): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await service.call(`/v1/speakers?limit=500${cursor}`);
    expect(status).toBe(200);
    const page = body as { speakers: { id: string }[]; nextCursor: string | null };
    found.push(...page.speakers.map(({ id }) => id));
    if (page.nextCursor === null) return found;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

/** A statement on the service's own connection. */
async function pragma(service: TestService, sql: string): Promise<unknown> {
  const rows = await service.service.app
    .get<Storage>(STORAGE, { strict: false })
    .store.query((manager) => manager.query<Record<string, unknown>[]>(sql));
  return Object.values(rows[0] ?? {})[0];
}

/** Another program with the same file open. */
class OtherProgram {
  private constructor(private readonly database: sqlite3.Database) {}

  static async open(dataDir: string): Promise<OtherProgram> {
    const database = new sqlite3.Database(join(dataDir, DATABASE_FILE));
    await once(database, 'open');
    return new OtherProgram(database);
  }

  run(sql: string): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.database.all(sql, (error, rows) => {
        if (error) reject(error);
        else resolve(rows);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.database.close(() => resolve());
    });
  }
}

describe('a database', () => {
  let service: TestService;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(workshop.path('data-'));
    service = await started({ dataDir });
  });

  afterAll(() => service.close());

  test('that another program writes to is 503, and readable meanwhile', async () => {
    await pragma(service, 'PRAGMA busy_timeout = 50');
    const other = await OtherProgram.open(dataDir);
    try {
      await other.run('BEGIN IMMEDIATE');
      const refused = await service.postJson('/v1/speakers', { id: 'locked' });
      expect([refused.status, errorBody.parse(refused.body).code]).toEqual([503, 'STORAGE_UNAVAILABLE']);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await speakers(service)).not.toContain('locked');
      expect(await service.call('/health/ready')).toMatchObject({ status: 200 });
      await other.run('ROLLBACK');
      expect(await addSpeaker(service, 'unlocked')).toEqual([201, 'OK']);
    } finally {
      await other.close();
    }
  });

  test('that is read-only is 503 until it is not', async () => {
    await pragma(service, 'PRAGMA query_only = ON');
    expect(await addSpeaker(service, 'read-only')).toEqual([503, 'STORAGE_UNAVAILABLE']);
    expect(await speakers(service)).not.toContain('read-only');
    await pragma(service, 'PRAGMA query_only = OFF');
    expect(await addSpeaker(service, 'writable')).toEqual([201, 'OK']);
  });

  test('that is full is 507, keeps what it has, and goes on when there is room', async () => {
    const pages = Number(await pragma(service, 'PRAGMA page_count'));
    await pragma(service, `PRAGMA max_page_count = ${pages}`);
    const stored = await speakers(service);
    let answer: [number, string] = [201, 'OK'];
    for (let i = 0; i < 500 && answer[0] === 201; i++) {
      answer = await addSpeaker(service, `full-${i}`);
      if (answer[0] === 201) stored.push(`full-${i}`);
    }
    expect(answer).toEqual([507, 'STORAGE_FULL']);
    expect((await speakers(service)).sort()).toEqual([...stored].sort());
    expect(await service.call('/health/ready')).toMatchObject({ status: 200 });
    await pragma(service, `PRAGMA max_page_count = ${pages + 1000}`);
    expect(await addSpeaker(service, 'room')).toEqual([201, 'OK']);
  });
});

describe('readiness', () => {
  test('ends when the database does not answer, and comes back', async () => {
    const service = await started();
    try {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const holding = service.service.app.get<Storage>(STORAGE, { strict: false }).store.query(() => held);
      expect(await service.call('/health/ready')).toMatchObject({
        status: 503,
        body: { error: { database: { status: 'down', message: 'the database does not answer' } } },
      });
      expect(await service.call('/health/live')).toMatchObject({ status: 200 });
      release();
      await holding;
      expect(await service.call('/health/ready')).toMatchObject({
        status: 200,
        body: { details: { database: { status: 'up' }, gallery: { status: 'up', setAside: 0 } } },
      });
    } finally {
      await service.close();
    }
  });

  test('does not wait for a voice that cannot be read, and counts it', async () => {
    const dataDir = await mkdtemp(workshop.path('gallery-'));
    const first = await started({ dataDir });
    const { model: name, frontEnd } = first.service.app.get(CurrentModel, { strict: false }).origin();
    await first.close();
    const other = await OtherProgram.open(dataDir);
    const speaker = `'ada', 'Ada', 1, 1, 1, '6a5f0a1e-5f3b-4f0c-9d1a-2f6f0c1b7e55'`;
    await other.run(`INSERT INTO speakers (id, name, created_at, updated_at, version, subject) VALUES (${speaker})`);
    await other.run(
      `INSERT INTO profiles (speaker_id, model, front_end, centroid, members, speech_seconds, cohesion, confidence, status,
       updated_at) VALUES ('ada', '${name}', '${frontEnd}', x'00', '[]', 30, 1, 0.9, 'Enrolled', 1)`,
    );
    const service = await started({ dataDir });
    try {
      expect(await service.call('/health/ready')).toMatchObject({
        status: 200,
        body: { details: { gallery: { status: 'up', setAside: 1 }, records: { altered: 2 } } },
      });
      const metrics = await (await service.fetch('/metrics')).text();
      expect(metrics).toContain('timbre_voices_set_aside 1');
      expect(await service.call('/v1/speakers')).toMatchObject({ status: 200, body: { speakers: [{ id: 'ada' }] } });
    } finally {
      await other.close();
      await service.close();
    }
  });
});

describe('a disk', () => {
  test('of uploads that is full is 507, and takes the next upload when there is room', async () => {
    const uploadDir = workshop.path('full');
    await mkdir(uploadDir);
    mount(uploadDir);
    const service = await started({ uploadDir, uploadMemoryBytes: 0 });
    try {
      expect(await outcome(service.postForm('/v1/embeddings', [['audio', wav(60)]]))).toEqual([507, 'WRITE_FAILED']);
      expect(await readdir(uploadDir)).toEqual([]);
      expect(await outcome(service.postForm('/v1/embeddings', [['audio', wav(2)]]))).toEqual([200, 'OK']);
      expect(await service.call('/health/ready')).toMatchObject({ status: 200 });
    } finally {
      await service.close();
      unmount(uploadDir);
    }
  });

  test('of uploads that is read-only is 507 until it is not', async () => {
    const uploadDir = workshop.path('read-only');
    await mkdir(uploadDir);
    mount(uploadDir, 'ro');
    const service = await started({ uploadDir, uploadMemoryBytes: 0 });
    try {
      const { status, body } = await service.postForm('/v1/embeddings', [['audio', wav(1)]]);
      expect([status, errorBody.parse(body).code]).toEqual([507, 'WRITE_FAILED']);
      expect(errorBody.parse(body).message).toContain('EROFS');
      execFileSync('mount', ['-o', 'remount,rw', uploadDir]);
      expect(await outcome(service.postForm('/v1/embeddings', [['audio', wav(1)]]))).toEqual([200, 'OK']);
    } finally {
      await service.close();
      unmount(uploadDir);
    }
  });

  test('of the database that is full loses nothing that was acknowledged', async () => {
    const dataDir = workshop.path('full-data');
    await mkdir(dataDir);
    mount(dataDir, 'size=3m', 'mode=0700');
    const filler = join(dataDir, 'filler');
    const stored: string[] = [];
    const service = await started({ dataDir });
    try {
      stored.push(...(await addAll(service, 'before', 5)));
      await fill(filler);
      let answer: [number, string] = [201, 'OK'];
      for (let i = 0; i < 2000 && answer[0] === 201; i++) {
        answer = await addSpeaker(service, `full-${i}`);
        if (answer[0] === 201) stored.push(`full-${i}`);
      }
      expect(answer).toEqual([507, 'STORAGE_FULL']);
      expect(await service.call('/health/ready')).toMatchObject({ status: 200 });
      await rm(filler);
      stored.push(...(await addAll(service, 'after', 5)));
      expect((await speakers(service)).sort()).toEqual([...stored].sort());
    } finally {
      await service.close();
    }
    const again = await started({ dataDir });
    try {
      expect((await speakers(again)).sort()).toEqual([...stored].sort());
      expect(await pragma(again, 'PRAGMA integrity_check')).toBe('ok');
    } finally {
      await again.close();
      unmount(dataDir);
    }
  });
});

async function addAll(service: TestService, prefix: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  for (const id of ids) expect(await addSpeaker(service, id)).toEqual([201, 'OK']);
  return ids;
}

/** Takes all the room that there is. */
async function fill(file: string): Promise<void> {
  await writeFile(file, '');
  for (let bytes = 1 << 20; bytes >= 512; bytes /= 2) {
    for (;;) {
      try {
        await writeFile(file, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}

describe('SIGTERM in the middle of everything', () => {
  test.each([1, 2, 3])('loses no write that was acknowledged (%d)', async (round) => {
    const dataDir = workshop.path(`sigterm-${round}`);
    const words = ['--model', model, '--workers', '1', '--drain-seconds', '1'];
    const env = { TIMBRE_UPLOAD_DIR: workshop.folder };
    const { url, key, child, exited } = await startBuilt(dataDir, words, { env });
    const acknowledged: string[] = [];
    const codes = new Set<string>();
    let stop = false;
    /** Adds one speaker after the other until the service is gone. */
    const client = async (name: number): Promise<void> => {
      for (let i = 0; !stop; i++) {
        const id = `s-${name}-${i}`;
        try {
          const headers = { 'content-type': 'application/json', 'x-api-key': key };
          const answer = await fetch(`${url}/v1/speakers`, { method: 'POST', headers, body: JSON.stringify({ id }) });
          const body = await answer.json();
          if (answer.status === 201) acknowledged.push(id);
          else codes.add(errorBody.parse(body).code);
        } catch {
          // Cut off, or nobody listens any more: nothing was acknowledged.
        }
        if (acknowledged.length >= 20 * round) child.kill('SIGTERM');
      }
    };
    const uploads = async (): Promise<void> => {
      while (!stop) {
        const init = { method: 'POST', headers: { 'x-api-key': key }, body: formOf([['audio', wav(20)]]) };
        await fetch(`${url}/v1/embeddings`, init).catch(() => undefined);
      }
    };
    const clients = [1, 2, 3, 4].map(client);
    const others = [uploads(), uploads()];
    await exited;
    stop = true;
    await Promise.all([...clients, ...others]);
    // A service that is stopping refuses by name, if it still answers.
    for (const code of codes) expect(code).toBe('ENGINE_CLOSED');
    expect(acknowledged.length).toBeGreaterThanOrEqual(20 * round);

    const again = await started({ dataDir });
    try {
      expect(await speakers(again)).toEqual(expect.arrayContaining(acknowledged));
      expect(await pragma(again, 'PRAGMA integrity_check')).toBe('ok');
    } finally {
      await again.close();
    }
  });
});
