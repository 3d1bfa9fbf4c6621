import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdir,
  open as openFile,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../src/errors/timbre-error.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { AUDIO_AT_ONCE, UNNAMED_MS, type SealedPieces } from '../../src/service/persistence/common/sealed-audio.js';
import { AudioRows } from '../../src/service/persistence/postgres/audio-rows.js';
import { AudioFiles, RECORDINGS_FOLDER } from '../../src/service/persistence/sqlite/audio-files.js';
import { readAll, type StoredAudio } from '../../src/service/records/kept-audio.js';
import { ExportService } from '../../src/service/privacy/export.service.js';
import { Retention } from '../../src/service/privacy/retention.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { Config } from '../../src/service/config/config.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { HandClock } from './hand-clock.js';
import { House } from './house.js';
import { outside } from './outside.js';
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

/** What is done after a start has been done. */
async function started(): Promise<void> {
  house.recordings.onApplicationBootstrap();
  await house.recordings.settled();
}

/** Makes audio older than it may be without a name. */
async function age(ids: readonly string[]): Promise<void> {
  const then = new Date(Date.now() - UNNAMED_MS - 60_000);
  if (ON_FILES) for (const id of ids) await utimes(await fileOf(id), then, then);
  else {
    await house.database.query((manager) =>
      manager.query('UPDATE kept_audio SET stored_at = $1 WHERE recording_id = ANY (CAST($2 AS text[]))', [
        then.getTime(),
        ids,
      ]),
    );
  }
}

/** So much audio that nobody names, and that is old enough to go. */
async function nameless(count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => randomUUID());
  if (ON_FILES) {
    const own = join(folder, RECORDINGS_FOLDER, house.file.id);
    await mkdir(own, { recursive: true });
    for (const id of ids) await writeFile(join(own, id), 'sealed');
  } else {
    await house.database.query((manager) =>
      manager.query(
        `INSERT INTO kept_audio (recording_id, piece, sealed) SELECT unnest(CAST($1 AS text[])), 0, '\\x00'::bytea`,
        [ids],
      ),
    );
  }
  await age(ids);
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
    await failsWith('CONFLICT', house.enrollments.enrol('ada', [recording], {}, { alongWith: fails }));
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

  it('of a process that was killed is swept after a start, once it is an hour old', async () => {
    await house.speakers.create({ id: 'ada' });
    await enrol('ada', one);
    const left = await house.audio.store(Buffer.from('left'), sha256('left'));
    await started();
    // Somebody may be about to name it.
    expect(await lies()).toContain(left.id);
    await openAgain();
    await age(await lies());
    const another = await house.audio.store(Buffer.from('another'), sha256('another'));
    await started();
    expect(await lies()).not.toContain(left.id);
    expect(await lies()).toContain(another.id);
    expect(await audioOf('ada', text(one))).toBe(text(one));
  });

  it('is swept in pieces, and no further than a piece when the service stops', async () => {
    await nameless(AUDIO_AT_ONCE + 30);
    const stop = new AbortController();
    const discard = house.audio.discard.bind(house.audio);
    jest.spyOn(house.audio, 'discard').mockImplementation(async (ids) => {
      await discard(ids);
      stop.abort();
    });
    expect(await house.audio.sweep(stop.signal)).toBe(AUDIO_AT_ONCE);
    expect(await lies()).toHaveLength(30);
    jest.restoreAllMocks();
    expect(await house.audio.sweep(new AbortController().signal)).toBe(30);
    expect(await lies()).toEqual([]);
  });

  it('holds up neither the start nor an enrolment while it is swept, and ends with the service', async () => {
    let ended = false;
    jest.spyOn(house.audio, 'sweep').mockImplementation(async (signal) => {
      await once(signal, 'abort');
      ended = true;
      return 0;
    });
    house.recordings.onApplicationBootstrap();
    await house.speakers.create({ id: 'ada' });
    expect(await enrol('ada', one)).toEqual([null]);
    expect(ended).toBe(false);
    await house.recordings.onModuleDestroy();
    expect(ended).toBe(true);
  });

  onFiles('keeps nothing else from being swept where it cannot be removed', async () => {
    await nameless(3);
    const [stuck] = await lies();
    await house.audio.store(Buffer.from('young'), sha256('young'));
    const remove_ = Reflect.get(AudioFiles.prototype, 'remove');
    jest.spyOn(AudioFiles.prototype, 'remove').mockImplementation(async function (this: AudioFiles, id) {
      if (id === stuck) throw new TimbreError('STORAGE_UNAVAILABLE', 'a disk that fails');
      await remove_.call(this, id);
    });
    await failsWith('STORAGE_UNAVAILABLE', house.audio.sweep(new AbortController().signal));
    jest.restoreAllMocks();
    expect(await lies()).toHaveLength(2);
    expect(await house.audio.sweep(new AbortController().signal)).toBe(1);
  });
});

describe('an examination of the data', () => {
  /** What is found of the audio of recordings, by speaker. */
  async function found(openAudio: boolean): Promise<string[]> {
    const { findings } = await examineStore(folder, { openAudio });
    return findings.map(({ kind, speakerId, what }) => `${what}: ${kind} of ${speakerId}`).sort();
  }

  const idOf = async (id: string, script: Script): Promise<string> =>
    (await house.store.read((records) => records.recordings.find(id, sha256(text(script)))))!.id;

  /** Changes the sealed audio of a recording: null takes it away. */
  async function disturb(id: string, change: ((sealed: Buffer) => Buffer) | null): Promise<void> {
    if (ON_FILES) {
      const path = await fileOf(id);
      if (change) await writeFile(path, change(await readFile(path)));
      else await rm(path);
      return;
    }
    await house.database.query(async (manager) => {
      if (!change) {
        await manager.query('DELETE FROM kept_audio WHERE recording_id = $1', [id]);
        return;
      }
      const [row] = await manager.query<{ sealed: Buffer }[]>('SELECT sealed FROM kept_audio WHERE recording_id = $1', [
        id,
      ]);
      await manager.query('UPDATE kept_audio SET sealed = $2 WHERE recording_id = $1', [id, change(row!.sealed)]);
    });
  }

  const turned = (sealed: Buffer): Buffer => {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    return changed;
  };

  beforeEach(async () => {
    for (const [voice, id] of ['ada', 'bob', 'cleo', 'dora'].entries()) {
      await house.speakers.create({ id });
      expect(await enrol(id, { voice, seed: 1 }, { voice, seed: 2 })).toEqual([null, null]);
    }
  });

  it('finds all audio as it was written, and opens it where it is asked to', async () => {
    expect(await examineStore(folder)).toMatchObject({
      sound: true,
      records: { recording: 8 },
      audio: { opened: null, unnamed: [], unnamedCount: 0 },
    });
    expect(await examineStore(folder, { openAudio: true })).toMatchObject({ sound: true, audio: { opened: 8 } });
  });

  it('tells what is missing, too short, too long or does not open, and is stopped by none of it', async () => {
    const ids = await Promise.all(['ada', 'bob', 'cleo', 'dora'].map((id, voice) => idOf(id, { voice, seed: 1 })));
    await disturb(ids[0]!, null);
    await disturb(ids[1]!, (sealed) => sealed.subarray(0, -1));
    await disturb(ids[2]!, (sealed) => Buffer.concat([sealed, Buffer.alloc(1)]));
    await disturb(ids[3]!, turned);
    const lengths = [
      'audio missing: recording of ada',
      'audio of another length: recording of bob',
      'audio of another length: recording of cleo',
    ];
    expect(await found(false)).toEqual(lengths);
    expect(await found(true)).toEqual([...lengths, 'audio unreadable: recording of dora']);
    const report = await examineStore(folder, { openAudio: true });
    expect(report).toMatchObject({ sound: false, findingsCount: 4, audio: { opened: 4 }, records: { recording: 8 } });
    expect(report.findings.find(({ speakerId }) => speakerId === 'ada')!.id).toBe(ids[0]);
  });

  it('opens every piece of audio of several', async () => {
    const audio = randomBytes(2.5 * 2 ** 20);
    const stored = await house.audio.store(audio, sha256(audio));
    await house.store.transaction(async ({ recordings }) => {
      const { id, key, bytes } = stored;
      await recordings.insert(
        { id, speakerId: 'ada', contentSha256: sha256(audio), createdAt: new Date(), bytes },
        key,
      );
    });
    expect(await found(true)).toEqual([]);
    // The last piece alone.
    if (ON_FILES) await disturb(stored.id, turned);
    else {
      await house.database.query((manager) =>
        manager.query(
          `UPDATE kept_audio SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)
           WHERE recording_id = $1 AND piece = 2`,
          [stored.id],
        ),
      );
    }
    expect(await found(false)).toEqual([]);
    expect(await found(true)).toEqual(['audio unreadable: recording of ada']);
  });

  it('tells no audio of a record whose key does not open as damaged, but the record', async () => {
    await house.database.query((manager) =>
      manager.query(
        `UPDATE kept_recordings SET sealed_key = (SELECT k.sealed_key FROM kept_recordings k WHERE k.speaker_id = 'bob' LIMIT 1)
         WHERE speaker_id = 'ada'`,
      ),
    );
    expect(await found(true)).toEqual([
      'changed: recording of ada',
      'changed: recording of ada',
      'unreadable: recording of ada',
      'unreadable: recording of ada',
    ]);
  });

  it('tells audio that nobody names once it is old enough to be nobody’s, which is no fault of the data', async () => {
    await nameless(2);
    await house.audio.store(Buffer.from('young'), sha256('young'));
    const { sound, audio } = await examineStore(folder);
    expect(sound).toBe(true);
    expect(audio).toMatchObject({ unnamedCount: 2 });
    expect(audio.unnamed).toHaveLength(2);
    const named = await idOf('ada', { voice: 0, seed: 1 });
    await age([named]);
    expect((await examineStore(folder)).audio).toEqual(audio);
  });

  it('finds nothing wrong where recordings are removed while it looks', async () => {
    const pieces = (ON_FILES ? AudioFiles : AudioRows).prototype as SealedPieces;
    const lengths = Reflect.get(pieces, 'lengths');
    let removed: Promise<unknown> | undefined;
    // Behind the moment that is examined.
    jest.spyOn(pieces, 'lengths').mockImplementation(async function (this: SealedPieces, ids) {
      await (removed ??= house.recordings.remove('ada').then(() => house.speakers.erase('bob')));
      return lengths.call(this, ids);
    });
    expect(await examineStore(folder, { openAudio: true })).toMatchObject({
      findings: [],
      missing: [],
      records: { recording: 8 },
      audio: { opened: 4, unnamedCount: 0 },
    });
    expect(removed).toBeDefined();
    expect(await lies()).toHaveLength(4);
  });

  it('stops where it is told to', async () => {
    await failsWith('ABORTED', examineStore(folder, { openAudio: true, signal: AbortSignal.abort() }));
  });

  onFiles('does not look at data of an older version', async () => {
    await outside(
      folder,
      `CREATE TABLE aside AS SELECT * FROM migrations WHERE name LIKE 'Recordings%'`,
      'DELETE FROM migrations WHERE name IN (SELECT name FROM aside)',
    );
    const { message } = await failsWith('STORAGE_INVALID', examineStore(folder));
    expect(message).toContain('start the service once');
    await outside(folder, 'INSERT INTO migrations SELECT * FROM aside', 'DROP TABLE aside');
    expect(await examineStore(folder)).toMatchObject({ findings: [] });
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
    await started();
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

  it('goes by its age where that is set, a few recordings at a time; enrolments and profiles stay', async () => {
    await house.enrol('ada', ...[3, 4, 5, 6, 7, 8, 9, 10, 11].map((seed) => ({ voice: 1, seed })));
    const before = (await house.speakers.get('ada')).profile;
    const clock = new HandClock();
    const config = Config.of({ recordingDays: 2.5 });
    const { speakers, recordings, store, trail } = house;
    const sweeps = new Retention(speakers, recordings, store, trail, config, clock, new FolderLeader());
    for (let day = 0; day < 3; day++) {
      expect(await sweeps.sweep()).toMatchObject({ recordings: 0 });
      clock.pass(day < 2 ? 1 : 0.4);
    }
    expect(await lies()).toHaveLength(13);
    clock.pass(0.2);
    expect(await sweeps.sweep()).toMatchObject({ speakers: 0, recordings: 13 });
    expect(await lies()).toEqual([]);
    expect(await totals()).toEqual({ recordings: 0, bytes: 0 });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(11);
    expect((await house.speakers.get('ada')).profile).toEqual(before);
    const entries = await house.store.read(({ audit }) => audit.page({}, null, 500));
    const gone = entries.filter(({ action }) => action === 'recordings.removed');
    const { subject } = (await house.speakers.get('ada')).speaker;
    // Ten at a time, and each time an entry for each of those whose audio it was.
    expect(gone.map(({ by, outcome }) => [by, outcome])).toEqual(gone.map(() => ['retention', 'OK']));
    expect(gone.filter((entry) => entry.subject === subject)).toHaveLength(2);
    expect(gone).toHaveLength(3);
    expect((await house.reEmbedding.left(10, undefined)).rows).toEqual([]);
    expect((await examineStore(folder)).findings).toEqual([]);
    // What is enrolled once more is kept anew.
    expect(await enrol('ada', { voice: 1, seed: 1 })).toEqual([null]);
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
