import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, cp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newApiKey, statusOf } from '../../src/service/access/api-key.js';
import { KeyRing } from '../../src/service/access/key-ring.js';
import { MemorySessions } from '../../src/service/access/memory-sessions.js';
import type { KeyStore } from '../../src/service/access/key-store.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { examineDatabase, type DataReport } from '../../src/service/persistence/sqlite/examine.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmSpeakerRepository } from '../../src/service/persistence/common/repositories/typeorm-speaker.repository.js';
import { SqliteKeyStore } from '../../src/service/persistence/sqlite/sqlite-key-store.js';
import type { SavedCalibration } from '../../src/service/records/calibration.js';
import { actAs } from '../../src/support/actor.js';
import { timbre } from '../cli/support.js';
import { newCalibration } from '../integration/saved-calibrations.js';
import { House, sizesOf } from '../integration/house.js';
import { outside } from '../integration/outside.js';
import { copyFixture, temporaryFolder } from '../integration/voices.js';

/** What is stored is changed, exchanged or put back by whoever may write the database file and has no key. */

let folder: string;
let remove: () => Promise<void>;
let house: House | undefined;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(async () => {
  await house?.close();
  house = undefined;
  await remove();
});

async function open(): Promise<House> {
  house = await House.open(folder);
  return house;
}

async function close(): Promise<void> {
  await house?.close();
  house = undefined;
}

let prepared: ReturnType<typeof prepare> | undefined;

afterAll(async () => {
  await (await prepared)?.remove();
});

/** A data folder with Ada, Bob and Eve, enrolled, as a service has left it. */
async function prepare(): ReturnType<typeof temporaryFolder> {
  const temporary = await temporaryFolder();
  const service = await House.open(temporary.folder);
  await service.enrolled('ada', 1);
  await service.enrolled('bob', 2);
  await service.enrolled('eve', 3);
  await service.close();
  return temporary;
}

/** Ada, Bob and Eve, enrolled; the service has stopped. */
async function three(): Promise<void> {
  const from = await (prepared ??= prepare());
  await cp(from.folder, folder, { recursive: true });
}

const attack = (...statements: string[]): Promise<Record<string, unknown>[]> => outside(folder, ...statements);

const examine = (): Promise<DataReport> => examineDatabase({ folder });

/** The rest is as it was: these are found by their voices. */
async function found(...names: ('ada' | 'bob' | 'eve')[]): Promise<void> {
  const voices = { ada: 1, bob: 2, eve: 3 };
  for (const name of names) {
    expect(await house!.identify({ voice: voices[name], seed: 9 })).toMatchObject({ speakerId: name });
  }
}

test('what nobody has touched is sound, and stays so through everything that a service does', async () => {
  const service = await open();
  await service.enrolled('ada', 1);
  await service.enrolled('bob', 2);
  await service.consent.withdraw('bob');
  await service.speakers.update('ada', { name: 'Ada' });
  const { enrollments } = await service.enrollments.list('ada');
  await service.enrollments.delete('ada', enrollments[0]!.id);
  await service.enrolled('eve', 3);
  await service.speakers.erase('eve');
  await service.verify('ada', { voice: 1, seed: 9 });
  await rotateDataKey(service.database);
  expect(await examine()).toMatchObject({ sound: true });
  await close();
  await open();
  const report = await examine();
  expect(report).toMatchObject({ sound: true, findings: [], missing: [], missingSpeakers: 0, registerBroken: [] });
  expect(report.records).toMatchObject({ speaker: 2, profile: 2 });
  expect(report.trail.entries).toBeGreaterThan(8);
});

describe('a profile', () => {
  /** What was there before Ada's last recordings. */
  async function older(...tables: string[]): Promise<void> {
    await three();
    await attack(...tables.map((table) => `CREATE TABLE old_${table} AS SELECT * FROM ${table}`));
    await open();
    await house!.enrol('ada', { voice: 1, seed: 7 }, { voice: 1, seed: 8 });
    await close();
  }

  async function putBack(table: string, where: string): Promise<void> {
    await attack(
      `DELETE FROM ${table} WHERE ${where}`,
      `INSERT INTO ${table} SELECT * FROM old_${table} WHERE ${where}`,
    );
  }

  const dropped = async (...tables: string[]): Promise<void> => {
    await attack(...tables.map((table) => `DROP TABLE old_${table}`));
  };

  test('that was put back alone is set aside, and nobody else is', async () => {
    await older('profiles');
    await putBack('profiles', `speaker_id = 'ada'`);
    await dropped('profiles');
    await open();
    await house!.gallery.ready();
    expect(sizesOf(house!.gallery)).toEqual([2, 1]);
    expect(house!.store.altered).toBe(1);
    await expect(house!.verify('ada', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    await found('bob', 'eve');
    expect(await examine()).toMatchObject({
      sound: false,
      findingsCount: 1,
      findings: [{ kind: 'profile', speakerId: 'ada', what: 'changed' }],
    });
    // A recording more makes it anew, of enrolments that are as they were written.
    await house!.enrol('ada', { voice: 1, seed: 10 });
    await found('ada', 'bob', 'eve');
    expect(house!.store.altered).toBe(0);
    expect(await examine()).toMatchObject({ sound: true });
  });

  test.each([
    ['its leaf', `name = 'of ada'`],
    ['its leaf and the buckets', `name = 'of ada' OR name LIKE 'bucket %'`],
    ['everything but the head', `name <> 'head'`],
  ])('that was put back with %s of the register is not believed either', async (_, where) => {
    await older('profiles', 'register');
    await putBack('profiles', `speaker_id = 'ada'`);
    await putBack('register', where);
    await dropped('profiles', 'register');
    await open();
    await expect(house!.verify('ada', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    expect((await examine()).findings).toEqual(
      expect.arrayContaining([expect.objectContaining({ kind: 'profile', speakerId: 'ada' })]),
    );
  });

  test('that was put back with all of the register is told as a database that was', async () => {
    await older('profiles', 'register');
    await putBack('profiles', `speaker_id = 'ada'`);
    await putBack('register', '1');
    await dropped('profiles', 'register');
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
  });

  test('that was exchanged for another is set aside, and so is the other', async () => {
    await three();
    await attack(
      'CREATE TABLE both AS SELECT speaker_id, centroid FROM profiles',
      `UPDATE profiles SET centroid = (SELECT centroid FROM both WHERE speaker_id = 'bob') WHERE speaker_id = 'ada'`,
      `UPDATE profiles SET centroid = (SELECT centroid FROM both WHERE speaker_id = 'ada') WHERE speaker_id = 'bob'`,
      'DROP TABLE both',
    );
    await open();
    await house!.gallery.ready();
    expect(sizesOf(house!.gallery)).toEqual([1, 2]);
    await found('eve');
  });

  test('that was made enrolled is not', async () => {
    await open();
    await house!.speakers.create({ id: 'ada' });
    await house!.enrol('ada', { voice: 1, seed: 1 });
    await close();
    await attack(`UPDATE profiles SET status = 'Enrolled', speech_seconds = 60 WHERE speaker_id = 'ada'`);
    await open();
    await house!.gallery.ready();
    expect(sizesOf(house!.gallery)).toEqual([0, 1]);
  });
});

test('an enrolment that was deleted and put back makes no profile', async () => {
  await three();
  await attack('CREATE TABLE old AS SELECT * FROM enrollments');
  await open();
  const { enrollments } = await house!.enrollments.list('ada');
  const { id } = enrollments[0]!;
  await house!.enrollments.delete('ada', id);
  await close();
  await attack(`INSERT INTO enrollments SELECT * FROM old WHERE id = '${id}'`, 'DROP TABLE old');
  await open();
  expect((await examine()).findings).toEqual([{ kind: 'enrollment', speakerId: 'ada', id, what: 'changed' }]);
  await expect(house!.enrol('ada', { voice: 1, seed: 10 })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
  await house!.enrollments.delete('ada', id);
  await house!.enrol('ada', { voice: 1, seed: 10 });
  expect(await examine()).toMatchObject({ sound: true });
});

describe('consent and opt-out', () => {
  test('an opt-out that was lifted still stands', async () => {
    await three();
    await open();
    await house!.consent.withdraw('ada');
    await close();
    await attack(`UPDATE speakers SET consent_withdrawn_at = NULL WHERE id = 'ada'`);
    await open();
    await house!.gallery.ready();
    expect(await house!.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'OPTED_OUT' });
    expect((await house!.identify({ voice: 1, seed: 9 })).ranking.map(({ speakerId }) => speakerId)).not.toContain(
      'ada',
    );
    await found('bob', 'eve');
    expect(house!.store.altered).toBe(1);
    expect((await examine()).findings).toEqual([{ kind: 'speaker', speakerId: 'ada', id: null, what: 'changed' }]);
    // Recorded anew by who may: from then on it is.
    await actAs({ by: 'admin', requestId: null, scopes: ['admin'] }, () =>
      house!.consent.give('ada', { method: 'form', textVersion: '1' }),
    );
    await found('ada');
    expect(await examine()).toMatchObject({ sound: true });
  });

  test('a consent that was forged is none', async () => {
    house = await House.open(folder, undefined, { consent: 'required' });
    await house.speakers.create({ id: 'ada' });
    await close();
    const consent =
      '{"givenBy":"ada","method":"form","givenAt":"2026-01-01T00:00:00.000Z","textVersion":"1","recordedAt":"2026-01-01T00:00:00.000Z"}';
    await attack(
      `UPDATE speakers SET consent = '${consent}' WHERE id = 'ada'`,
      `INSERT INTO consents VALUES ('00000000-0000-4000-8000-000000000000', 'ada', 'ada', 'form', '1', 1, 1, NULL)`,
    );
    house = await House.open(folder, undefined, { consent: 'required' });
    await expect(house.enrol('ada', { voice: 1, seed: 1 })).rejects.toMatchObject({ code: 'OPTED_OUT' });
    expect((await house.speakers.get('ada')).speaker.consent).toBeNull();
    expect((await examine()).findings.map(({ kind }) => kind).sort()).toEqual(['consent', 'speaker']);
    const history = await house.store.read(({ consents }) => consents.page('ada', null, 10));
    expect(history).toMatchObject([{ withdrawnAt: expect.any(Date) }]);
  });

  test('a speaker who was added with another program has neither', async () => {
    await three();
    await attack(
      `INSERT INTO speakers SELECT 'mallory', 'Mallory', created_at, updated_at, version, '00000000-0000-4000-8000-000000000000',
         consent, NULL, NULL, active_at, NULL, NULL, NULL, NULL, NULL FROM speakers WHERE id = 'ada'`,
    );
    await open();
    expect(await house!.verify('mallory', { voice: 1, seed: 9 })).toMatchObject({ decision: 'OPTED_OUT' });
  });

  test('a record of a consent that was deleted is missing', async () => {
    await open();
    await house!.speakers.create({ id: 'ada', consent: { method: 'form', textVersion: '1' } });
    await close();
    await attack('DELETE FROM consents');
    expect(await examine()).toMatchObject({ sound: false, missing: [{ speakerId: 'ada', records: 1 }] });
    await attack(`DELETE FROM speakers`);
    expect(await examine()).toMatchObject({ sound: false, missingSpeakers: 1 });
  });
});

describe('an API key', () => {
  async function withKey(
    work: (store: KeyStore, ring: KeyRing, text: string) => Promise<void>,
    sql?: string,
  ): Promise<void> {
    const { key, text } = newApiKey({ name: 'kiosk', scopes: ['read'] }, new Date());
    await open();
    const store = await SqliteKeyStore.beside(house!.file, folder);
    try {
      await store.insert(key);
      if (sql) await attack(sql);
      await work(store, new KeyRing(store, new MemorySessions()), text);
    } finally {
      await store.close();
    }
  }

  test('is let in as it was made', () =>
    withKey(async (store, ring, text) => {
      expect((await ring.authenticate(text)).scopes).toEqual(['read']);
      expect((await store.all()).map((key) => statusOf(key, new Date()))).toEqual(['active']);
    }));

  test.each([
    ['whose scopes were raised', `UPDATE api_keys SET scopes = 'admin,vectors'`],
    ['that was bound to a group', `UPDATE api_keys SET bound_to = '[]'`],
    ['whose end was put off', 'UPDATE api_keys SET expires_at = 9999999999999'],
    ['whose secret was exchanged', `UPDATE api_keys SET digest = x'00'`],
  ])('%s is refused', (_, sql) =>
    withKey(async (store, ring, text) => {
      await expect(ring.authenticate(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      const [key] = await store.all();
      expect(statusOf(key!, new Date())).toBe('altered');
      expect((await examine()).findings).toEqual([{ kind: 'api-key', speakerId: null, id: key!.id, what: 'changed' }]);
      // Revoking it vouches for nothing.
      await store.revoke(key!.id, new Date());
      expect(statusOf((await store.all())[0]!, new Date())).toBe('altered');
    }, sql),
  );

  test('that was bound to a group and is no more is refused', async () => {
    await open();
    await house!.groups.create({ id: 'home' });
    const store = await SqliteKeyStore.beside(house!.file, folder);
    try {
      const { key, text } = newApiKey(
        { name: 'kiosk', scopes: ['read'], groups: await store.groups(['home']) },
        new Date(),
      );
      await store.insert(key);
      const ring = new KeyRing(store, new MemorySessions());
      expect((await ring.authenticate(text)).groups).toMatchObject([{ id: 'home' }]);
      await attack('UPDATE api_keys SET bound_to = NULL');
      await expect(new KeyRing(store, new MemorySessions()).authenticate(text)).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      });
    } finally {
      await store.close();
    }
  });

  test('that was revoked and put back is refused', async () => {
    await withKey(async (store, ring, text) => {
      const [key] = await store.all();
      await store.revoke(key!.id, new Date());
      await attack('UPDATE api_keys SET revoked_at = NULL');
      await expect(ring.authenticate(text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    });
  });

  test('of a command beside the service is let in, and needs the data key to be made', async () => {
    await open();
    const store = await SqliteKeyStore.beside(house!.file, folder);
    try {
      const made = await timbre(['keys', 'create', '--name', 'x', '--scope', 'read', '--data-dir', folder]);
      expect(made.status).toBe(0);
      expect((await new KeyRing(store, new MemorySessions()).authenticate(made.stdout.trim())).scopes).toEqual([
        'read',
      ]);
      const env = { TIMBRE_DATA_KEY: Buffer.alloc(32, 5).toString('base64') };
      const other = await timbre(['keys', 'create', '--name', 'y', '--scope', 'admin', '--data-dir', folder], { env });
      expect(other.stderr).toContain('STORAGE_INVALID');
      expect(await store.all()).toHaveLength(1);
    } finally {
      await store.close();
    }
    await close();
    expect(await examine()).toMatchObject({ sound: true });
  });
});

describe('the audit trail', () => {
  const unguarded = [
    'audit_is_never_changed',
    'audit_is_never_deleted',
    'audit_is_sealed_once',
    'audit_is_never_replaced',
  ].map((name) => `DROP TRIGGER ${name}`);

  test.each([
    [
      'an entry in the middle that was changed',
      `UPDATE audit SET "by" = 'nobody' WHERE id = 4`,
      { what: 'changed', first: 4, last: 4 },
    ],
    [
      'an entry whose seal was taken',
      'UPDATE audit SET mac = NULL WHERE id = 4',
      { what: 'changed', first: 4, last: 4 },
    ],
    [
      'entries in the middle that were deleted',
      'DELETE FROM audit WHERE id IN (4, 5)',
      { what: 'missing', first: 4, last: 5 },
    ],
    ['the first that was deleted', 'DELETE FROM audit WHERE id = 1', { what: 'missing', first: 1, last: 1 }],
    ['the end that was deleted', 'DELETE FROM audit WHERE id > 6', { what: 'missing', first: 7, last: 12 }],
    [
      'an entry that was added',
      `INSERT INTO audit (at, "by", action, outcome, mac) SELECT at, "by", action, outcome, mac FROM audit WHERE id = 3`,
      { what: 'added', first: 13, last: 13 },
    ],
  ])('tells %s', async (_, sql, finding) => {
    await three();
    const [{ last }] = (await attack('SELECT MAX(id) AS last FROM audit')) as [{ last: number }];
    expect(last).toBe(12);
    await attack(...unguarded, sql);
    expect((await examine()).trail).toMatchObject({ findings: [finding], findingsCount: 1 });
    // What is recorded from then on is bound to it all the same.
    await open();
    await house!.consent.withdraw('bob');
    await close();
    expect((await examine()).trail.findings).toEqual([finding]);
  });

  test('tells entries that changed places', async () => {
    await three();
    await attack(
      ...unguarded,
      'UPDATE audit SET id = 99 WHERE id = 4',
      'UPDATE audit SET id = 4 WHERE id = 5',
      'UPDATE audit SET id = 5 WHERE id = 99',
    );
    expect((await examine()).trail.findings.map(({ first }) => first)).toEqual(expect.arrayContaining([4, 5]));
  });

  test('holds after entries went by age, in whatever order they were recorded', async () => {
    await open();
    const at = (
      ms: number,
    ): {
      at: Date;
      by: string;
      action: 'speaker.created';
      subject: null;
      object: null;
      outcome: string;
      requestId: null;
    } => {
      return {
        at: new Date(ms),
        by: 'x',
        action: 'speaker.created',
        subject: null,
        object: null,
        outcome: 'OK',
        requestId: null,
      };
    };
    const { store } = house!;
    await store.transaction(({ audit }) => audit.append([10, 20, 500, 30, 600, 40, 50, 700].map(at)));
    for (const limit of [2, 1, 10]) {
      await store.transaction(({ audit }) => audit.trim(new Date(100), limit));
      expect(await examine()).toMatchObject({ sound: true });
    }
    const left = await store.read(({ audit }) => audit.page({}, null, 10));
    expect(left.map(({ id }) => id)).toEqual([3, 5, 8]);
    await store.transaction(({ audit }) => audit.trim(new Date(1000), 10));
    expect(await examine()).toMatchObject({ sound: true, trail: { entries: 0 } });
    await store.transaction(({ audit }) => audit.append([at(2000)]));
    expect(await examine()).toMatchObject({ sound: true, trail: { entries: 1 } });
    // One that was put back is no entry.
    await attack(`INSERT INTO audit (id, at, "by", action, outcome) VALUES (2, 20, 'x', 'speaker.created', 'OK')`);
    expect((await examine()).trail.findings).toEqual([{ what: 'added', first: 2, last: 2 }]);
  });
});

describe('a database that was put back', () => {
  const copy = (): string => join(folder, 'copy.sqlite');
  const file = (): string => join(folder, DATABASE_FILE);
  const epochFile = (): string => join(folder, 'data.key.epoch');

  async function rolledBack(): Promise<void> {
    await three();
    await copyFile(file(), copy());
    await open();
    await house!.consent.withdraw('ada');
    await close();
    await copyFile(copy(), file());
  }

  test('is refused, and stays as it is', async () => {
    await rolledBack();
    const before = await readFile(file());
    for (let start = 0; start < 2; start++) {
      await expect(open()).rejects.toMatchObject({
        code: 'STORAGE_ROLLED_BACK',
        message: expect.stringContaining('timbre data acknowledge-restore'),
      });
    }
    expect((await readFile(file())).equals(before)).toBe(true);
    expect(await examine()).toMatchObject({ sound: false, epoch: { state: 'rolled back' } });
  });

  test('is gone on with once somebody has said so, which the trail tells', async () => {
    await rolledBack();
    const words = ['data', 'acknowledge-restore', '--data-dir', folder, '--json'];
    expect(JSON.parse((await timbre(words)).stdout)).toEqual({ acknowledged: true });
    await open();
    await found('ada', 'bob', 'eve');
    const trail = await house!.store.read(({ audit }) => audit.page({}, null, 100));
    expect(trail.map(({ action }) => action)).toContain('data.restore-acknowledged');
    expect(await examine()).toMatchObject({ sound: true });
    await close();
    // The one that was acknowledged is the newest from then on.
    await copyFile(copy(), file());
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
  });

  test.each([
    ['deleted', () => rm(join(folder, DATABASE_FILE))],
    ['of a time before the register', () => attack('DELETE FROM register')],
  ])('is told where it is %s', async (_, change) => {
    await three();
    await change();
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
  });

  test('is told where the mark is missing, forged, or of another database', async () => {
    await three();
    const mark = await readFile(epochFile());
    await rm(epochFile());
    await expect(open()).rejects.toMatchObject({
      code: 'STORAGE_ROLLED_BACK',
      message: expect.stringContaining('missing'),
    });
    await writeFile(epochFile(), '{"counter":1}', { mode: 0o600 });
    await expect(open()).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
    expect(await examine()).toMatchObject({ epoch: { state: 'unreadable' } });
    await writeFile(epochFile(), mark);
    await open();
  });

  test('is no other than one whose mark lags behind: a crash comes between a commit and its mark', async () => {
    await three();
    const mark = await readFile(epochFile());
    await open();
    await house!.consent.withdraw('ada');
    await close();
    await writeFile(epochFile(), mark);
    await open();
    expect(await house!.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'OPTED_OUT' });
  });

  test('is no first start that was cut off, wherever that was', async () => {
    await (await Database.open({ folder })).close();
    const whole = await readFile(epochFile());
    // After the first commit, before the mark; the head does not say yet that there is one.
    const fresh = await temporaryFolder();
    try {
      const epochFolder = join(fresh.folder, 'no such folder', 'epoch');
      await expect(Database.open({ folder: fresh.folder, epochFile: epochFolder })).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
        message: expect.stringContaining('TIMBRE_EPOCH_FILE'),
      });
      await (await Database.open({ folder: fresh.folder })).close();
      await (await Database.open({ folder: fresh.folder })).close();
    } finally {
      await fresh.remove();
    }
    expect(whole.length).toBeGreaterThan(0);
  });

  test('is told to at most what was committed a moment before it was copied', async () => {
    await open();
    await house!.speakers.create({ id: 'ada' });
    const before = await readFile(epochFile());
    await house!.speakers.create({ id: 'bob' });
    // Without a stop: the mark moves on by itself.
    for (;;) if (!(await readFile(epochFile())).equals(before)) break;
  });
});

test('a data folder of the version before is vouched for once, as it is', async () => {
  await copyFixture(fileURLToPath(new URL('../fixtures/data-before', import.meta.url)), folder);
  await expect(examine()).rejects.toMatchObject({
    code: 'STORAGE_INVALID',
    message: expect.stringContaining('older version'),
  });
  await open();
  const report = await examine();
  expect(report).toMatchObject({ sound: true });
  expect(report.records.speaker).toBeGreaterThan(0);
  expect(report.trail.entries).toBeGreaterThan(0);
});

test('a stop in the middle of vouching loses nothing', async () => {
  await three();
  await attack(
    `DELETE FROM register`,
    'DROP TRIGGER audit_is_sealed_once',
    'UPDATE audit SET mac = NULL',
    `CREATE TRIGGER audit_is_sealed_once BEFORE UPDATE OF mac ON audit WHEN OLD.mac IS NOT NULL BEGIN SELECT RAISE(ABORT, 'no'); END`,
    `CREATE TRIGGER stop BEFORE UPDATE OF mac ON audit BEGIN SELECT RAISE(ABORT, 'stopped'); END`,
  );
  await rm(join(folder, 'data.key.epoch'));
  await expect(open()).rejects.toThrow('stopped');
  await attack('DROP TRIGGER stop');
  await open();
  expect(await examine()).toMatchObject({ sound: true });
  await found('ada', 'bob', 'eve');
});

describe('a long reading of the past', () => {
  type Look = (id: string) => Promise<unknown>;

  /** Behind each look that `manager` has at buckets of the register the other looks too, before it is made use of. */
  async function disturbed(manager: EntityManager, other: Look, work: () => Promise<unknown>): Promise<void> {
    const query = manager.query.bind(manager);
    let disturbances = 0;
    const spy = jest.spyOn(manager, 'query').mockImplementation(async (sql: string, values?: unknown[]) => {
      const rows: unknown = await query(sql, values);
      if (/FROM register/.test(sql) && JSON.stringify(values).includes('bucket')) {
        await other('bob');
        disturbances++;
      }
      return rows;
    });
    try {
      await work();
    } finally {
      spy.mockRestore();
    }
    expect(disturbances).toBeGreaterThan(0);
  }

  test('and the present take nothing of each other for their own', async () => {
    await three();
    const { database, speakers } = await open();
    const { register } = database;
    const past = await database.snapshot();
    for (const id of ['ada', 'bob', 'eve']) await speakers.update(id, { name: 'now' });
    const look = (manager: EntityManager, id: string): Promise<unknown> =>
      new TypeOrmSpeakerRepository(manager, register, null).find(id);
    const before: Look = (id) => past.read((manager) => look(manager, id));
    const now: Look = (id) => database.query((manager) => look(manager, id));

    await before('bob');
    await past.read((manager) => disturbed(manager, now, () => look(manager, 'ada')));
    expect([...register.altered]).toEqual([]);
    await now('bob');
    const manager = await database.query((own) => Promise.resolve(own));
    await disturbed(manager, before, () => speakers.update('ada', { name: 'later' }));
    expect([...register.altered]).toEqual([]);

    await past.close();
    await close();
    expect(await examine()).toMatchObject({ sound: true });
    await open();
    await found('ada', 'bob', 'eve');
  });
});

test('a webhook whose address does not open is told, though the register does not vouch for it', async () => {
  const { store } = await open();
  await store.transaction(async ({ webhooks }) => {
    for (const id of ['one', 'two']) {
      const made = { id, events: ['job.finished' as const], createdAt: new Date(), goneAt: null };
      await webhooks.insert({ ...made, url: `https://${id}.example/`, secret: Buffer.alloc(32, 1) });
    }
  });
  await close();
  expect(await examine()).toMatchObject({ sound: true, records: { webhook: 2 } });
  await attack(`UPDATE webhooks SET sealed = (SELECT w.sealed FROM webhooks w WHERE w.id = 'one') WHERE id = 'two'`);
  const finding = { kind: 'webhook', speakerId: null, id: 'two', what: 'unreadable' };
  expect(await examine()).toMatchObject({ sound: false, findings: [finding], findingsCount: 1 });
});

describe('a calibration', () => {
  /** The first is in use, and so is none that was made of it. */
  async function two(): Promise<void> {
    const { store } = await open();
    await store.transaction(async ({ calibrations }) => {
      const first = await calibrations.insert(newCalibration('a'));
      await calibrations.insert(newCalibration('a', { note: 'lax' }));
      await calibrations.use(first, new Date(2000));
    });
    await close();
    expect(await examine()).toMatchObject({ sound: true, records: { calibration: 2 } });
  }

  const inUse = (): Promise<SavedCalibration | null> =>
    house!.store.read(({ calibrations }) => calibrations.inUse('a'));

  const finding = { kind: 'calibration', speakerId: null, id: '2', what: 'changed' };

  test.each([
    [
      'another one that was put to use',
      `UPDATE calibrations SET in_use = version = 2`,
      [{ ...finding, id: '1' }, finding],
    ],
    [
      'the content of another',
      `UPDATE calibrations SET sealed = (SELECT c.sealed FROM calibrations c WHERE c.version = 2) WHERE version = 1`,
      [
        { ...finding, id: '1' },
        { ...finding, id: '1', what: 'unreadable' },
      ],
    ],
    [
      'a model of its own',
      `UPDATE calibrations SET in_use = 0 WHERE version = 1; UPDATE calibrations SET in_use = 1, model = 'b' WHERE version = 2`,
      [{ ...finding, id: '1' }, finding],
    ],
  ])('that another program gave %s is not believed, and is told', async (_, statements, findings) => {
    await two();
    await attack(...statements.split('; '));
    expect(await examine()).toMatchObject({ sound: false, findings });
    await open();
    const found = await house!.store.read(async ({ calibrations }) => [
      await calibrations.inUse('a'),
      await calibrations.inUse('b'),
    ]);
    for (const one of found) expect(one?.file ?? null).toBeNull();
  });

  test('that was taken out is missed; the model of one that is not as it was written can go without it', async () => {
    await two();
    await attack(`UPDATE calibrations SET note = 'strict' WHERE version = 1`);
    await open();
    const lax = (await house!.store.read(({ calibrations }) => calibrations.find(2)))!;
    const changed = (await inUse())!;
    expect(changed.file).toBeNull();
    await expect(
      house!.store.transaction(({ calibrations }) => calibrations.use(changed, new Date())),
    ).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
    });
    await house!.store.transaction(({ calibrations }) => calibrations.use(lax, new Date()));
    expect(await inUse()).toMatchObject({ version: 2, note: 'lax', file: lax.file });
    await house!.store.transaction(({ calibrations }) => calibrations.delete(1));
    await close();
    expect(await examine()).toMatchObject({ sound: true });
    await attack('DELETE FROM calibrations');
    expect(await examine()).toMatchObject({
      sound: false,
      missing: [{ speakerId: null, records: 1 }],
      missingSpeakers: 0,
    });
  });

  test('goes under another data key with everything else, and leaves nothing in the register when the last is removed', async () => {
    await two();
    const { database, store } = await open();
    const before = await inUse();
    await rotateDataKey(database);
    expect(await inUse()).toEqual(before);
    for (const version of [1, 2]) await store.transaction(({ calibrations }) => calibrations.delete(version));
    expect(await examine()).toMatchObject({ sound: true, records: { calibration: 0 } });
  });
});

describe('timbre doctor --data-dir', () => {
  const doctor = (...words: string[]): ReturnType<typeof timbre> => timbre(['doctor', '--data-dir', folder, ...words]);

  test('says that everything is as it was written', async () => {
    await three();
    const { status, stdout } = await doctor();
    expect(status).toBe(0);
    expect(stdout).toMatch(/ok +speaker records +3\n/);
    expect(stdout).toMatch(/ok +epoch +as new as it was/);
  });

  test('says what is not, by ids, and ends with a status that says so', async () => {
    await three();
    await attack(`UPDATE speakers SET name = 'Somebody' WHERE id = 'bob'`);
    const { status, stdout } = await doctor();
    expect(status).toBe(1);
    expect(stdout).toContain('changed speaker of bob');
    expect(stdout).not.toContain('Somebody');
    const json = await doctor('--json');
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ sound: false, findings: [{ kind: 'speaker', speakerId: 'bob' }] });
  });

  test('says what is wrong with kept audio, which is opened where that is asked for', async () => {
    house = await House.open(folder, undefined, { keepRecordings: true });
    await house.enrolled('ada', 1);
    const kept = await house.store.read(({ recordings }) => recordings.page('ada', null, 10));
    const files = join(folder, 'recordings', house.file.id);
    await close();
    const sound = await doctor();
    expect(sound.status).toBe(0);
    expect(sound.stdout).toMatch(/ok +audio of recordings +there, of the right length\n/);
    expect((await doctor('--audio')).stdout).toMatch(/ok +audio of recordings +opened: 3\n/);
    await rm(join(files, kept[0]!.id));
    await writeFile(join(files, kept[1]!.id), Buffer.alloc((await stat(join(files, kept[1]!.id))).size));
    const nobodys = join(files, randomUUID());
    await writeFile(nobodys, 'sealed');
    await utimes(nobodys, 0, 0);
    const found = await doctor('--audio');
    expect(found.status).toBe(1);
    expect(found.stdout).toMatch(/ok +recording records +3\n/);
    expect(found.stdout).toMatch(/WRONG +audio of recordings +wrong: 2\n/);
    expect(found.stdout).toMatch(/- +audio that no record names +1; the service removes it while it runs\n/);
    expect(found.stdout).toContain(`audio missing: recording of ada ${kept[0]!.id}`);
    expect(found.stdout).toContain(`audio unreadable: recording of ada ${kept[1]!.id}`);
    expect(await timbre(['doctor', '--audio'])).toMatchObject({ status: 2 });
  });

  test('says that there is no database, or that the key is another one', async () => {
    expect((await doctor()).stderr).toContain('data.key is missing');
    await three();
    const env = { TIMBRE_DATA_KEY: Buffer.alloc(32, 5).toString('base64') };
    expect((await timbre(['doctor', '--data-dir', folder], { env })).stderr).toContain('another data key');
  });
});

describe('files that others have access to', () => {
  test('are those of another user too', async () => {
    await (await Database.open({ folder })).close();
    const own = process.geteuid!();
    jest.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(own + 1);
    try {
      await expect(Database.open({ folder })).rejects.toMatchObject({
        code: 'STORAGE_EXPOSED',
        message: expect.stringContaining(`run: chown ${own + 1} ${folder}`),
      });
    } finally {
      jest.restoreAllMocks();
    }
  });

  test.each([
    ['the data folder', '.', 0o701],
    ['the data folder', '.', 0o770],
    ['the data key', 'data.key', 0o640],
    ['the epoch file', 'data.key.epoch', 0o604],
  ])('%s (%s, %o) is refused, with the command that mends it', async (what, name, mode) => {
    await (await Database.open({ folder })).close();
    const path = join(folder, name);
    const own = (await stat(path)).mode & 0o777;
    await chmod(path, mode);
    await expect(Database.open({ folder })).rejects.toMatchObject({
      code: 'STORAGE_EXPOSED',
      message: expect.stringContaining(`others have access to ${what}`),
    });
    await chmod(path, own);
    await (await Database.open({ folder })).close();
  });
});
