import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { open as openFile, readdir, readFile, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../src/errors/timbre-error.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { RECORDINGS_FOLDER } from '../../src/service/persistence/sqlite/audio-files.js';
import { readAll, type StoredAudio } from '../../src/service/records/kept-audio.js';
import { ExportService } from '../../src/service/privacy/export.service.js';
import { Config } from '../../src/service/config/config.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { House } from './house.js';
import { examineStore, isStored, onFiles, POSTGRES_URL } from './stores.js';
import { ScriptedEngine, type Script } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

const ON_FILES = POSTGRES_URL === '';

let house: House;
let folder: string;
let remove: () => Promise<void>;

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  await open({ keepRecordings: true });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await house.close();
  await remove();
});

async function open(settings: ConfigInput): Promise<void> {
  house = await House.open(folder, new ScriptedEngine(), settings);
}

async function openAgain(settings: ConfigInput = { keepRecordings: true }): Promise<void> {
  await house.close();
  await open(settings);
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const text = (script: Script): string => JSON.stringify(script);

/** What came of each recording's audio. */
async function enrol(id: string, ...scripts: (Script | string)[]): Promise<(string | null)[]> {
  const { results } = await house.enrol(id, ...scripts);
  return results.map((result) => ('enrollment' in result ? result.notKept : result.error.code));
}

/** Audio of one of the speaker's recordings; null where it is not kept. */
async function audioOf(id: string, content: string): Promise<string | null> {
  const stored = await house.store.read((records) => records.recordings.find(id, sha256(content)));
  return stored && (await readAll(house.audio, stored)).toString();
}

const keptOf = async (id: string): Promise<number> => (await house.recordings.page(id, 100, undefined)).rows.length;

const totals = (): Promise<{ recordings: number; bytes: number }> =>
  house.store.read((records) => records.recordings.totals());

/** Sealed audio that lies in the storage, whether anything names it or not. */
async function lies(): Promise<string[]> {
  if (!ON_FILES) {
    const rows = await house.database.read((manager) =>
      manager.query<{ id: string }[]>('SELECT DISTINCT recording_id AS id FROM kept_audio'),
    );
    return rows.map(({ id }) => id);
  }
  const names = await readdir(join(folder, RECORDINGS_FOLDER), { recursive: true }).catch(() => []);
  return names.flatMap((name) => name.split('/')[1] ?? []);
}

async function fileOf(id: string): Promise<string> {
  const [database] = await readdir(join(folder, RECORDINGS_FOLDER));
  return join(folder, RECORDINGS_FOLDER, database!, id);
}

async function failsWith(code: string, work: Promise<unknown>): Promise<TimbreError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TimbreError);
  expect((error as TimbreError).code).toBe(code);
  return error as TimbreError;
}

const actions = async (): Promise<string[]> =>
  (await house.store.read(({ audit }) => audit.page({}, null, 200))).map(({ action }) => action);

const one: Script = { voice: 1, seed: 1 };
const other: Script = { voice: 1, seed: 2 };

describe('the audio of an enrolment', () => {
  it('is not kept unless that is switched on', async () => {
    await openAgain({});
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', one)).toEqual(['OFF']);
    expect(await lies()).toEqual([]);
    expect((await house.speakers.get('ada')).keptRecordings).toBe(0);
  });

  it('is kept byte for byte where it is, and told', async () => {
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', one, other)).toEqual([null, null]);
    expect(await audioOf('ada', text(one))).toBe(text(one));
    expect(await audioOf('ada', text(other))).toBe(text(other));
    expect(await totals()).toEqual({ recordings: 2, bytes: text(one).length + text(other).length });
    expect((await house.speakers.get('ada')).keptRecordings).toBe(2);
    expect((await house.speakers.page(10, undefined)).voices[0]!.keptRecordings).toBe(2);
    const { enrollments, kept } = await house.enrollments.list('ada');
    expect(enrollments.map(({ contentSha256 }) => kept.has(contentSha256))).toEqual([true, true]);
    expect((await house.enrollments.get('ada', enrollments[0]!.id)).audioKept).toBe(true);
    expect((await actions()).filter((action) => action === 'recording.kept')).toHaveLength(2);
    expect(house.counted.filter((name) => name === 'timbre_recordings_kept_total KEPT')).toHaveLength(2);
    expect((await examineStore(folder)).records.recording).toBe(2);
  });

  it('is kept where a group says so, and not where another one forbids it', async () => {
    await openAgain({});
    for (const id of ['home', 'work']) await house.groups.create({ id });
    await house.speakers.create({ id: 'ada', groups: ['home', 'work'] });
    await house.recordings.setKeepingOfGroup('home', 'on');
    expect(await enrol('ada', one)).toEqual([null]);
    expect(await house.recordings.page('ada', 10, undefined)).toMatchObject({ keeps: true, from: 'group' });
    await house.recordings.setKeepingOfGroup('work', 'off');
    expect(await enrol('ada', other)).toEqual(['OFF']);
    // What is kept already stays until it is removed.
    expect(await keptOf('ada')).toBe(1);
    expect((await actions()).filter((action) => action === 'keeping.set')).toHaveLength(2);
    await failsWith('GROUP_NOT_FOUND', house.recordings.setKeepingOfGroup('nobody', 'on'));
  });

  it('is not kept where a group forbids it, whatever the service does', async () => {
    await house.groups.create({ id: 'clinic' });
    await house.recordings.setKeepingOfGroup('clinic', 'off');
    await house.speakers.create({ id: 'ada', groups: ['clinic'] });
    expect(await enrol('ada', one)).toEqual(['OFF']);
    expect(await lies()).toEqual([]);
  });

  it('is not kept of a part, because the rest may be somebody else', async () => {
    await house.speakers.create({ id: 'ada' });
    const { results } = await house.enrolPart('ada', { channel: 0 }, one);
    expect(results).toMatchObject([{ notKept: 'PART' }]);
    expect(await lies()).toEqual([]);
    expect(house.counted).toContain('timbre_recordings_kept_total PART');
  });

  it('is not kept where it is too large, or where there is no room for all', async () => {
    const bytes = 2048;
    const padded = (seed: number): string => text({ voice: 1, seed }).padEnd(bytes);
    await openAgain({ keepRecordings: true, keptRecordingBytes: bytes, keptBytes: 2 * bytes });
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', `${padded(1)} `, padded(2), padded(3), padded(4))).toEqual([
      'TOO_LARGE',
      null,
      null,
      'NO_ROOM',
    ]);
    expect(await totals()).toEqual({ recordings: 2, bytes: 2 * bytes });
    expect(await lies()).toHaveLength(2);
    expect(await enrol('ada', padded(5))).toEqual(['NO_ROOM']);
  });

  it('comes later for a file that was enrolled before it was switched on, and is there once', async () => {
    await openAgain({});
    await house.speakers.create({ id: 'ada' });
    await enrol('ada', one);
    await openAgain();
    const { results } = await house.enrol('ada', one);
    expect(results).toMatchObject([{ duplicate: true, notKept: null }]);
    expect(await enrol('ada', one)).toEqual([null]);
    expect(await lies()).toHaveLength(1);
    expect(await audioOf('ada', text(one))).toBe(text(one));
  });

  it('is not kept of a recording that cannot be embedded', async () => {
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', one, 'noise')).toEqual([null, 'AUDIO_CORRUPT']);
    expect(await lies()).toHaveLength(1);
  });

  it('lies nowhere in the clear', async () => {
    const marked = `${text(one).slice(0, -1)},"audio":{"format":"${'marked'.repeat(20)}"}}`;
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', marked)).toEqual([null]);
    expect(await isStored(folder, 'markedmarked')).toBe(false);
    if (ON_FILES)
      for (const id of await lies()) expect((await readFile(await fileOf(id))).includes('marked')).toBe(false);
  });

  it('has pieces that are bound to it: no two can be exchanged, cut off or changed', async () => {
    const [a, b] = [randomBytes(2.5 * 2 ** 20), randomBytes(2.5 * 2 ** 20)];
    const [first, second] = [await house.audio.store(a, sha256(a)), await house.audio.store(b, sha256(b))];
    expect((await readAll(house.audio, first)).equals(a)).toBe(true);
    const swapped: StoredAudio = { ...first, id: second.id };
    await failsWith('STORAGE_INVALID', readAll(house.audio, swapped));
    await failsWith('STORAGE_INVALID', readAll(house.audio, { ...first, bytes: 2 ** 20 }));
    await failsWith('STORAGE_INVALID', readAll(house.audio, { ...first, bytes: a.length + 2 ** 20 }));
    if (!ON_FILES) return;
    const path = await fileOf(first.id);
    const whole = await readFile(path);
    await truncate(path, whole.length - 1);
    await failsWith('STORAGE_INVALID', readAll(house.audio, first));
    whole.writeUInt8(whole.readUInt8(whole.length - 100) ^ 1, whole.length - 100);
    await writeFile(path, whole);
    await failsWith('STORAGE_INVALID', readAll(house.audio, first));
  });

  it('is bound to its row: a key that was put into another row does not open it', async () => {
    for (const [id, script] of [
      ['ada', one],
      ['bob', other],
    ] as const) {
      await house.speakers.create({ id });
      await enrol(id, script);
    }
    await house.database.query((manager) =>
      manager.query(
        `UPDATE kept_recordings SET sealed_key = (SELECT k.sealed_key FROM kept_recordings k WHERE k.speaker_id = 'bob')
         WHERE speaker_id = 'ada'`,
      ),
    );
    await failsWith('STORAGE_INVALID', audioOf('ada', text(one)));
    expect(await audioOf('bob', text(other))).toBe(text(other));
    expect((await examineStore(folder)).findings).toContainEqual(
      expect.objectContaining({ kind: 'recording', speakerId: 'ada', what: 'changed' }),
    );
  });

  it('is not that of a file that was written to meanwhile', async () => {
    await house.speakers.create({ id: 'ada' });
    const recording = await house.recording(one);
    house.engine.before = () => writeFile(recording.audio, text(other));
    await failsWith('AUDIO_CORRUPT', house.enrollments.enrol('ada', [recording], {}));
    expect(await lies()).toEqual([]);
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
  });
});

describe('an enrolment that is not stored', () => {
  it('leaves nothing of its audio', async () => {
    await house.speakers.create({ id: 'ada' });
    const fails = (): Promise<never> => Promise.reject(new TimbreError('CONFLICT', 'not this one'));
    const recording = await house.recording(one);
    await failsWith('CONFLICT', house.enrollments.enrol('ada', [recording], {}, fails));
    expect(await lies()).toEqual([]);
    expect(await totals()).toEqual({ recordings: 0, bytes: 0 });
  });

  it('keeps nothing of who opts out, or is switched off, while the recording is heard', async () => {
    await house.groups.create({ id: 'home' });
    await house.speakers.create({ id: 'ada', groups: ['home'] });
    house.engine.before = async () => {
      await house.recordings.setKeepingOfGroup('home', 'off');
    };
    expect(await enrol('ada', one)).toEqual(['OFF']);
    expect(await lies()).toEqual([]);
    house.engine.before = async () => {
      await house.consent.withdraw('ada');
    };
    await failsWith('OPTED_OUT', house.enrol('ada', other));
    expect(await lies()).toEqual([]);
  });

  it('is refused with STORAGE_FULL where the disk has no room for the audio, with nothing half done', async () => {
    await house.speakers.create({ id: 'ada' });
    let end: () => Promise<unknown>;
    if (ON_FILES) {
      const file = await openFile(join(folder, 'probe'), 'w');
      const handles = Object.getPrototypeOf(file) as FileHandle;
      await file.close();
      const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      jest.spyOn(handles, 'writeFile').mockRejectedValue(full);
      end = () => Promise.resolve(jest.restoreAllMocks());
    } else {
      const run = (sql: string): Promise<unknown> => house.database.query((manager) => manager.query(sql));
      await run(`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$`);
      await run('CREATE TRIGGER no_room BEFORE INSERT ON kept_audio FOR EACH ROW EXECUTE FUNCTION no_room()');
      end = () => run('DROP TRIGGER no_room ON kept_audio');
    }
    const recording = await house.recording(one);
    await failsWith('STORAGE_FULL', house.enrollments.enrol('ada', [recording], {}));
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
    expect(await lies()).toEqual([]);
    await end();
    expect(await enrol('ada', one)).toEqual([null]);
  });

  onFiles('is refused with STORAGE_UNAVAILABLE where the folder cannot be written', async () => {
    await writeFile(join(folder, RECORDINGS_FOLDER), 'in the way');
    await house.speakers.create({ id: 'ada' });
    await failsWith('STORAGE_UNAVAILABLE', house.enrol('ada', one));
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
  });

  it('of a process that was killed is swept at the next start', async () => {
    await house.speakers.create({ id: 'ada' });
    await enrol('ada', one);
    const left = await house.audio.store(Buffer.from('left'), sha256('left'));
    expect(await house.audio.sweep(false)).toBe(0);
    await openAgain();
    if (!ON_FILES) {
      // Another node may be about to name it, so it goes an hour later.
      await house.recordings.onModuleInit();
      expect(await lies()).toContain(left.id);
      await house.database.query((manager) => manager.query('UPDATE kept_audio SET stored_at = stored_at - 3700000'));
    }
    await house.recordings.onModuleInit();
    expect(await lies()).not.toContain(left.id);
    expect(await audioOf('ada', text(one))).toBe(text(one));
  });
});

describe('audio that is kept', () => {
  beforeEach(async () => {
    for (const [id, voice] of [
      ['ada', 1],
      ['bob', 2],
    ] as const) {
      await house.speakers.create({ id });
      await enrol(id, { voice, seed: 1 }, { voice, seed: 2 });
    }
  });

  it('goes with its speaker, and the receipt says so', async () => {
    const before = await lies();
    const receipt = await house.speakers.erase('ada');
    expect(receipt.recordings).toBe(2);
    expect(await totals()).toMatchObject({ recordings: 2 });
    expect(await lies()).toHaveLength(before.length - 2);
    if (ON_FILES) {
      await house.file.rewrite();
      expect((await house.speakers.receipt(receipt.id)).receipt.wipedAt).not.toBeNull();
    }
    expect(await audioOf('bob', text({ voice: 2, seed: 1 }))).not.toBeNull();
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  onFiles('counts as wiped only when its file is gone', async () => {
    const remove_ = jest.spyOn(house.audio, 'removeDeleted');
    house.file.removeFilesWith(() => Promise.reject(new Error('a disk that fails')));
    const receipt = await house.speakers.erase('ada');
    await failsWith(
      'STORAGE_UNAVAILABLE',
      house.file.rewrite().catch(() => Promise.reject(new TimbreError('STORAGE_UNAVAILABLE', ''))),
    );
    expect((await house.speakers.receipt(receipt.id)).receipt.wipedAt).toBeNull();
    expect(await lies()).toHaveLength(4);
    remove_.mockRestore();
    // The next start finds what is left to do.
    await openAgain();
    await house.recordings.onModuleInit();
    expect(await lies()).toHaveLength(2);
    await house.file.rewrite();
    expect((await house.speakers.receipt(receipt.id)).receipt.wipedAt).not.toBeNull();
  });

  it('goes with its enrolment', async () => {
    const [first] = (await house.enrollments.list('ada')).enrollments;
    await house.enrollments.delete('ada', first!.id);
    expect(await keptOf('ada')).toBe(1);
    expect(await lies()).toHaveLength(3);
    await failsWith('ENROLLMENT_NOT_FOUND', house.recordings.open('ada', first!.id));
  });

  it('goes when the speaker opts out, and when it is removed; vectors stay', async () => {
    await house.consent.withdraw('ada');
    expect(await keptOf('ada')).toBe(0);
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(2);
    expect(await house.recordings.remove('bob')).toBe(2);
    expect(await house.recordings.remove('bob')).toBe(0);
    expect(await lies()).toEqual([]);
    expect((await actions()).filter((action) => action === 'recordings.removed')).toHaveLength(2);
    expect((await house.speakers.get('bob')).profile?.status).toBeDefined();
    await failsWith('SPEAKER_NOT_FOUND', house.recordings.remove('nobody'));
  });

  it('moves with its recording when speakers are merged, back when that is undone, and to who is split off', async () => {
    const { entry } = await house.merging.merge('bob', 'ada');
    expect([await keptOf('ada'), await keptOf('bob')]).toEqual([0, 4]);
    expect(await audioOf('bob', text({ voice: 1, seed: 1 }))).toBe(text({ voice: 1, seed: 1 }));
    await house.ledger.undo('bob', entry.id);
    expect([await keptOf('ada'), await keptOf('bob')]).toEqual([2, 2]);
    expect(await audioOf('ada', text({ voice: 1, seed: 1 }))).toBe(text({ voice: 1, seed: 1 }));
    const [first] = (await house.enrollments.list('ada')).enrollments;
    await house.merging.split('ada', [first!.id], { id: 'eve' });
    expect([await keptOf('ada'), await keptOf('eve')]).toEqual([1, 1]);
    expect(await audioOf('eve', text({ voice: 1, seed: 1 }))).toBe(text({ voice: 1, seed: 1 }));
    expect(await lies()).toHaveLength(4);
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  it('is once of two speakers with the same file who are merged', async () => {
    await enrol('bob', { voice: 1, seed: 1 });
    expect(await lies()).toHaveLength(5);
    await house.merging.merge('bob', 'ada');
    expect([await keptOf('ada'), await keptOf('bob')]).toEqual([1, 4]);
    await house.speakers.erase('ada');
    expect(await audioOf('bob', text({ voice: 1, seed: 1 }))).toBe(text({ voice: 1, seed: 1 }));
  });

  it('is given as it was uploaded, with an entry of the trail, and is named in the export', async () => {
    const [first] = (await house.enrollments.list('ada')).enrollments;
    const { bytes, pieces } = await house.recordings.open('ada', first!.id);
    const given: Buffer[] = [];
    for await (const piece of pieces) given.push(piece);
    expect(Buffer.concat(given).toString()).toBe(text({ voice: 1, seed: 1 }));
    expect(bytes).toBe(text({ voice: 1, seed: 1 }).length);
    expect(await actions()).toContain('recording.exported');
    const config = Config.of({ dataDir: folder });
    let exported = '';
    const service = new ExportService(house.store, house.trail, new ConsentPolicy(config), config);
    for await (const piece of service.export('ada', false)) exported += piece;
    const document = JSON.parse(exported) as { audio: { kept: boolean }; recordings: { path: string }[] };
    expect(document.audio.kept).toBe(true);
    expect(document.recordings).toHaveLength(2);
    expect(document.recordings[0]!.path).toBe(`/v1/speakers/ada/enrollments/${first!.id}/audio`);
    await house.recordings.remove('ada');
    await failsWith('RECORDING_NOT_KEPT', house.recordings.open('ada', first!.id));
  });

  it('opens after the data key was rotated, and what it was sealed with is under the new key', async () => {
    const { cipher } = house.database;
    const before = cipher.currentId.toString('hex');
    await rotateDataKey(house.database);
    expect(cipher.keys).toHaveLength(1);
    const rows = await house.database.read((manager) =>
      manager.query<{ key: Buffer }[]>('SELECT sealed_key AS key FROM kept_recordings'),
    );
    expect(rows).toHaveLength(4);
    for (const { key } of rows) expect(key.subarray(1, 5).toString('hex')).not.toBe(before);
    expect(await audioOf('ada', text({ voice: 1, seed: 1 }))).toBe(text({ voice: 1, seed: 1 }));
    await openAgain();
    expect(await audioOf('bob', text({ voice: 2, seed: 2 }))).toBe(text({ voice: 2, seed: 2 }));
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  it('is told as missing where its file is gone, and stops nobody else', async () => {
    const stored = await house.store.read((records) => records.recordings.find('ada', sha256(text(one))));
    if (ON_FILES) await truncate(await fileOf(stored!.id), 0);
    else
      await house.database.query((manager) =>
        manager.query(`DELETE FROM kept_audio WHERE recording_id = '${stored!.id}'`),
      );
    await failsWith('STORAGE_INVALID', audioOf('ada', text(one)));
    expect(await audioOf('ada', text(other))).toBe(text(other));
  });
});
