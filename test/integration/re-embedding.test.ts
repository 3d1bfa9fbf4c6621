import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TimbreError } from '../../src/errors/timbre-error.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import type { Profile } from '../../src/service/records/profile.js';
import type { ReEmbedding } from '../../src/service/records/re-embedding.js';
import { TypeOrmKeptRecordingRepository } from '../../src/service/persistence/common/repositories/typeorm-kept-recording.repository.js';
import { TypeOrmReEmbeddingRepository } from '../../src/service/persistence/common/repositories/typeorm-re-embedding.repository.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { House } from './house.js';
import { unbounded, watch } from './statements.js';
import { closeStore, examineStore, POSTGRES_URL } from './stores.js';
import { embeddingOf, ScriptedEngine, type Script } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

const OLD = 'scripted@aaaaaaaaaaaa';
const NEW = 'scripted@bbbbbbbbbbbb';

let house: House;
let folder: string;
let remove: () => Promise<void>;

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  await open(OLD);
  for (const [id, voice] of [
    ['ada', 1],
    ['bob', 2],
    ['cleo', 3],
  ] as const) {
    await house.enrolled(id, voice);
  }
});

afterEach(async () => {
  jest.restoreAllMocks();
  await house.close();
  await remove();
});

async function open(model: string, settings: ConfigInput = { keepRecordings: true }): Promise<void> {
  house = await House.open(folder, new ScriptedEngine(model), settings);
}

/** The service stops, whatever it does, and starts with a model. */
async function restart(model: string, settings?: ConfigInput): Promise<void> {
  await house.close();
  await open(model, settings);
}

async function ended(): Promise<ReEmbedding> {
  for (let left = 500; left > 0; left--) {
    const { run } = await house.reEmbedding.status();
    if (run && run.state !== 'running') return run;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it never ended');
}

/** Begins, works, and waits for the end. */
async function reEmbed(): Promise<ReEmbedding> {
  await house.reEmbedding.start();
  house.reEmbedding.onApplicationBootstrap();
  return ended();
}

const profiles = (id: string): Promise<Profile[]> => house.store.read((records) => records.profiles.ofSpeaker(id));
const modelsOf = async (id: string): Promise<string[]> => (await profiles(id)).map(({ origin }) => origin.model);
const left = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await house.reEmbedding.left(100, undefined)).rows.map((one) => [one.speakerId, one.reason]));
const actions = async (): Promise<string[]> =>
  (await house.store.read(({ audit }) => audit.page({}, null, 500))).map(({ action }) => action);

/** Before a recording is embedded: somebody cancels once one person has switched. */
async function cancelAfterTheFirst(): Promise<void> {
  const { run } = await house.reEmbedding.status();
  if (run?.state === 'running' && run.done > 0) await house.reEmbedding.cancel();
}

async function failsWith(code: string, work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TimbreError);
  expect((error as TimbreError).code).toBe(code);
}

describe('embedding kept recordings by another model', () => {
  it('switches everybody, keeps ids, removes the vectors of before, and tells it', async () => {
    const before = await house.enrollments.list('ada');
    const active = (await house.speakers.get('ada')).speaker.activeAt;
    await restart(NEW);
    await failsWith('MODEL_MISMATCH', house.verify('ada', { voice: 1, seed: 9 }));
    expect(await left()).toEqual({ ada: 'WAITING', bob: 'WAITING', cleo: 'WAITING' });
    const run = await reEmbed();
    expect(run).toMatchObject({
      state: 'completed',
      origin: { model: NEW },
      people: 3,
      done: 3,
      failed: 0,
      recordings: 9,
      removed: 9,
      error: null,
    });
    // Nobody is kept for longer because the service has done some work.
    expect((await house.speakers.get('ada')).speaker.activeAt).toEqual(active);
    expect(await left()).toEqual({});
    expect(await house.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    expect(await house.verify('ada', { voice: 2, seed: 9 })).toMatchObject({ decision: 'REJECT' });
    expect(await modelsOf('ada')).toEqual([NEW]);
    const after = await house.enrollments.list('ada');
    expect(after.enrollments.map(({ id }) => id)).toEqual(before.enrollments.map(({ id }) => id));
    for (const [i, { origin, createdAt, fileName, kind }] of after.enrollments.entries()) {
      const same = before.enrollments[i]!;
      expect({ createdAt, fileName, kind }).toEqual({
        createdAt: same.createdAt,
        fileName: same.fileName,
        kind: same.kind,
      });
      expect(origin.model).toBe(NEW);
    }
    const [entry] = (await house.ledger.page('ada', 10, undefined)).rows;
    expect(entry!.entry).toMatchObject({ action: 're-embedded', by: 're-embedding' });
    await failsWith('LEDGER_ENTRY_FINAL', house.ledger.undo('ada', entry!.entry.id));
    expect(await actions()).toEqual(
      expect.arrayContaining(['re-embedding.started', 'profile.re-embedded', 're-embedding.finished']),
    );
    expect(house.counted.filter((name) => name === 'timbre_re_embedded_people_total done')).toHaveLength(3);
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  it('gives what enrolling with the model would have given', async () => {
    await restart(NEW);
    await reEmbed();
    const made = (await profiles('ada'))[0]!;
    await house.speakers.create({ id: 'again' });
    await house.enrol('again', ...[0, 1, 2].map((seed) => ({ voice: 1, seed })));
    const enrolled = (await profiles('again'))[0]!;
    expect(made.centroid).toEqual(enrolled.centroid);
    expect(made.speechSeconds).toBe(enrolled.speechSeconds);
    const vectors = await house.store.read((records) => records.enrollments.withEmbeddings('ada', null, 10));
    expect(vectors.map(({ embedding }) => embedding)).toEqual([0, 1, 2].map((seed) => embeddingOf({ voice: 1, seed })));
  });

  it('keeps the vectors of before until everybody is done: the old model still knows all when it comes back', async () => {
    const before = await profiles('ada');
    await restart(NEW);
    house.engine.before = cancelAfterTheFirst;
    const run = await reEmbed();
    expect(run.state).toBe('cancelled');
    expect(run.done).toBe(1);
    expect(await modelsOf('ada')).toEqual([OLD, NEW]);
    expect(await modelsOf('bob')).toEqual([OLD]);
    expect(await actions()).toContain('re-embedding.cancelled');
    await restart(OLD);
    for (const [id, voice] of [
      ['ada', 1],
      ['bob', 2],
      ['cleo', 3],
    ] as const) {
      expect(await house.verify(id, { voice, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    }
    const [old] = await profiles('ada');
    expect({ ...old, members: [], updatedAt: null }).toEqual({ ...before[0], members: [], updatedAt: null });
    // And it goes on from there, another time.
    await restart(NEW);
    expect(await reEmbed()).toMatchObject({ state: 'completed', done: 3, recordings: 6, removed: 9 });
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  it('goes on after a restart where the last person became durable, and does nothing twice', async () => {
    await restart(NEW);
    let embedded = 0;
    let release: () => void = () => undefined;
    const hangs = new Promise<void>((resolve) => (release = resolve));
    house.engine.before = async () => {
      embedded++;
      // As a process that hangs and is killed.
      if (embedded > 4) await hangs;
    };
    await house.reEmbedding.start();
    house.reEmbedding.onApplicationBootstrap();
    for (let done = 0; done < 1;) done = (await house.reEmbedding.status()).run!.done;
    const killed = house;
    await closeStore(house.database);
    await open(NEW);
    expect((await house.reEmbedding.status()).run).toMatchObject({ state: 'running', done: 1, place: 'ada' });
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ state: 'completed', done: 3, recordings: 9, removed: 9 });
    expect(house.engine.embedded).toHaveLength(6);
    release();
    await killed.reEmbedding.onModuleDestroy();
    await killed.trail.beforeApplicationShutdown().catch(() => undefined);
  });

  it('is begun once: whoever asks while one runs has that one', async () => {
    await restart(NEW);
    const first = await house.reEmbedding.start();
    const second = await house.reEmbedding.start();
    expect(second.id).toBe(first.id);
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ id: first.id, state: 'completed' });
    expect((await actions()).filter((action) => action === 're-embedding.started')).toHaveLength(1);
    expect((await reEmbed()).id).not.toBe(first.id);
  });

  it('ends with MODEL_MISMATCH where another model was loaded meanwhile, and loses nothing', async () => {
    await restart(NEW);
    await house.reEmbedding.start();
    await restart(OLD);
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ state: 'failed', done: 0, error: { code: 'MODEL_MISMATCH' } });
    expect(await house.verify('ada', { voice: 1, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    expect(await actions()).toContain('re-embedding.finished');
  });

  it('waits where the model cannot be loaded, and goes on where it is there again', async () => {
    await restart(NEW);
    const { id } = await house.reEmbedding.start();
    await restart(NEW);
    house.engine.ready = () => Promise.reject(new TimbreError('MODEL_NOT_FOUND', 'the bundle is gone'));
    house.reEmbedding.onApplicationBootstrap();
    await house.reEmbedding.settled();
    expect((await house.reEmbedding.status()).run).toMatchObject({ id, state: 'running', done: 0, error: null });
    expect(await actions()).not.toContain('re-embedding.finished');
    await restart(NEW);
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ id, state: 'completed', done: 3, recordings: 9 });
  });

  it('waits while the model is loading, and begins when it is there', async () => {
    await restart(NEW);
    const { id } = await house.reEmbedding.start();
    await restart(NEW);
    let load: () => void = () => undefined;
    const loaded = new Promise<void>((resolve) => (load = resolve));
    const info = house.engine.info.bind(house.engine);
    house.engine.ready = () => loaded;
    house.engine.info = () => {
      throw new TimbreError('MODEL_NOT_READY', 'the model is loading');
    };
    house.reEmbedding.onApplicationBootstrap();
    expect((await house.store.read(({ reEmbeddings }) => reEmbeddings.last()))!.state).toBe('running');
    house.engine.info = info;
    load();
    expect(await ended()).toMatchObject({ id, state: 'completed', done: 3 });
  });

  it('is left to others by a node of another model, which begins none beside it and may cancel it', async () => {
    await restart(NEW);
    const { id } = await house.reEmbedding.start();
    await restart(OLD);
    Object.defineProperty(house.feed, 'shared', { value: true });
    const { results } = jest.spyOn(FolderLeader.prototype, 'lead').mock;
    house.reEmbedding.onApplicationBootstrap();
    while (results.length === 0) await new Promise(setImmediate);
    await results[0]!.value;
    expect((await house.reEmbedding.status()).run).toMatchObject({ id, state: 'running', error: null });
    await failsWith('CONFLICT', house.reEmbedding.start());
    await house.reEmbedding.cancel();
    expect((await house.reEmbedding.status()).run).toMatchObject({ id, state: 'cancelled' });
    expect(await reEmbed()).toMatchObject({ state: 'completed', recordings: 0 });
  });

  it('is cancelled again and again, and without one that runs', async () => {
    await house.reEmbedding.cancel();
    expect((await house.reEmbedding.status()).run).toBeNull();
    await restart(NEW);
    await house.reEmbedding.start();
    await house.reEmbedding.cancel();
    await house.reEmbedding.cancel();
    expect((await house.reEmbedding.status()).run).toMatchObject({ state: 'cancelled' });
  });
});

describe('how far it is', () => {
  /** How often everybody was counted, in enrolments and in kept recordings. */
  function counted(): () => number[] {
    const spies = [
      jest.spyOn(TypeOrmReEmbeddingRepository.prototype, 'countLeft'),
      jest.spyOn(TypeOrmKeptRecordingRepository.prototype, 'countSpeakers'),
    ];
    return () => spies.map((spy) => spy.mock.calls.length);
  }

  it('is told without a statement over all enrolments while it runs, however often somebody asks', async () => {
    await restart(NEW);
    const counts = counted();
    await house.reEmbedding.start();
    expect(counts()).toEqual([1, 1]);
    const { statements, stop } = await watch(house.database);
    for (let poll = 0; poll < 3; poll++) {
      expect(await house.reEmbedding.status()).toMatchObject({
        run: { state: 'running', people: 3 },
        left: { people: 3, withoutAudio: 0 },
        kept: { recordings: 9, people: 3 },
      });
    }
    expect(await house.reEmbedding.start()).toMatchObject({ state: 'running' });
    stop();
    expect(counts()).toEqual([1, 1]);
    const asked = statements.filter(({ sql }) => /^\s*(SELECT|WITH)\b/i.test(sql));
    expect(asked.length).toBeGreaterThanOrEqual(3 * 3);
    for (const statement of asked) {
      expect(statement.sql).not.toMatch(
        /\b(FROM|JOIN)\s+"?(\w+"?\.")?(enrollments|kept_recordings|speakers|profiles)\b/i,
      );
      if (POSTGRES_URL === '') {
        expect({ sql: statement.sql, steps: await unbounded(house.database, statement) }).toEqual({
          sql: statement.sql,
          steps: [],
        });
      }
    }
  });

  it('follows who is switched, who keeps recordings without audio too', async () => {
    await restart(OLD, {});
    await house.enrol('ada', { voice: 1, seed: 7 });
    await restart(NEW);
    house.engine.before = cancelAfterTheFirst;
    expect(await reEmbed()).toMatchObject({ state: 'cancelled', done: 1, left: { people: 3, withoutAudio: 1 } });
    house.engine.before = () => Promise.resolve();
    expect((await house.reEmbedding.status()).left).toMatchObject({ people: 3, withoutAudio: 1 });
    expect(await reEmbed()).toMatchObject({ state: 'completed', left: { people: 1, withoutAudio: 1 } });
    expect((await house.reEmbedding.status()).left).toMatchObject({ people: 1, withoutAudio: 1 });
  });

  it('is counted by itself where none runs: once for all who ask, again later, and when one has ended', async () => {
    await restart(NEW);
    const counts = counted();
    const ask = (): ReturnType<typeof house.reEmbedding.status> => house.reEmbedding.status();
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second.left.countedAt).toEqual(first.left.countedAt);
    await ask();
    expect(counts()).toEqual([1, 1]);
    house.clock.pass(1 / 24);
    expect((await ask()).left).toMatchObject({ people: 3 });
    expect(counts()).toEqual([2, 2]);
    expect(await reEmbed()).toMatchObject({ state: 'completed' });
    expect(await ask()).toMatchObject({ left: { people: 0 }, kept: { people: 3 } });
    await ask();
    // When it began, and after it had ended.
    expect(counts()).toEqual([4, 4]);
  });

  it('is counted as before for a run that an older version has begun', async () => {
    await restart(NEW);
    await house.reEmbedding.start();
    await house.database.query((manager) =>
      manager.query('UPDATE re_embeddings SET left_people = NULL, left_without_audio = NULL'),
    );
    expect((await house.reEmbedding.status()).left).toMatchObject({ people: 3, withoutAudio: 0 });
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ state: 'completed', done: 3, left: null });
  });
});

describe('who is left', () => {
  it('has no audio any more where it went by its age', async () => {
    await house.recordings.removeOlder(new Date(Date.now() + 1000), 3);
    await restart(NEW);
    expect(await left()).toEqual({ ada: 'NO_AUDIO', bob: 'WAITING', cleo: 'WAITING' });
    expect(await reEmbed()).toMatchObject({ state: 'completed', people: 2, done: 2, recordings: 6 });
    expect(await left()).toEqual({ ada: 'NO_AUDIO' });
  });

  it('has no audio, or a recording that cannot be embedded, and keeps the vectors of before', async () => {
    await restart(OLD, {});
    await house.enrolled('dora', 4);
    await house.enrol('ada', { voice: 1, seed: 7 });
    await restart(NEW);
    const embed = house.engine.embed.bind(house.engine);
    house.engine.embed = (input, options) =>
      (input as Buffer).toString() === JSON.stringify({ voice: 2, seed: 1 } satisfies Script)
        ? Promise.reject(new TimbreError('AUDIO_TOO_SHORT', 'the model takes no less than a second'))
        : embed(input, options);
    expect(await reEmbed()).toMatchObject({ state: 'completed', people: 3, done: 2, failed: 1, recordings: 8 });
    expect(await left()).toEqual({ ada: 'NO_AUDIO', bob: 'AUDIO_TOO_SHORT', dora: 'NO_AUDIO' });
    expect((await house.reEmbedding.status()).left).toMatchObject({ people: 3, withoutAudio: 2 });
    const { rows } = await house.reEmbedding.left(100, undefined);
    expect(rows).toMatchObject([
      { speakerId: 'ada', recordings: 1, audioKept: 0, enrolled: true },
      { speakerId: 'bob', recordings: 1, audioKept: 1, enrolled: true },
      { speakerId: 'dora', recordings: 3, audioKept: 0, enrolled: false },
    ]);
    const first = await house.reEmbedding.left(1, undefined);
    expect((await house.reEmbedding.left(1, first.nextCursor!)).rows.map(({ speakerId }) => speakerId)).toEqual([
      'bob',
    ]);
    await failsWith('INVALID_ARGUMENT', house.reEmbedding.left(1, 'nonsense'));
    expect(await modelsOf('dora')).toEqual([OLD]);
    expect(await modelsOf('bob')).toEqual([OLD, NEW]);
    await failsWith('MODEL_MISMATCH', house.verify('dora', { voice: 4, seed: 9 }));
    // Once it can be, it is.
    house.engine.embed = embed;
    expect(await reEmbed()).toMatchObject({ state: 'completed', failed: 0, recordings: 1 });
    expect(await left()).toEqual({ ada: 'NO_AUDIO', dora: 'NO_AUDIO' });
  });

  it('has opted out, or no consent where it is required: their audio is not embedded', async () => {
    await house.consent.withdraw('bob');
    await restart(NEW, { keepRecordings: true, consent: 'required' });
    await house.consent.give('ada', { method: 'form', textVersion: '1' });
    // Erased while the run is on.
    await house.speakers.erase('cleo');
    await house.reEmbedding.start();
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ state: 'completed', done: 1, failed: 0 });
    expect(await left()).toEqual({ bob: 'NO_AUDIO' });
    expect(await modelsOf('bob')).toEqual([OLD]);
  });

  it('opts out, or is erased, while the recordings are embedded', async () => {
    await restart(NEW);
    house.engine.before = async () => {
      house.engine.before = () => Promise.resolve();
      await house.consent.withdraw('ada');
      await house.speakers.erase('bob');
    };
    expect(await reEmbed()).toMatchObject({ state: 'completed', done: 1, failed: 1, recordings: 3 });
    expect(await modelsOf('ada')).toEqual([OLD]);
    expect(await left()).toEqual({ ada: 'OPTED_OUT' });
  });

  it('whose records another program has changed costs nobody else anything', async () => {
    await restart(NEW);
    await house.database.query((manager) =>
      manager.query(`UPDATE enrollments SET quality = 'GOOD', level_db = level_db + 1 WHERE speaker_id = 'ada'`),
    );
    expect(await reEmbed()).toMatchObject({ state: 'completed', done: 2, failed: 1, recordings: 6 });
    expect(await left()).toEqual({ ada: 'STORAGE_INVALID' });
  });

  it('deletes a recording while the run is on, and does not find it again', async () => {
    await restart(NEW);
    house.engine.before = async () => {
      house.engine.before = () => Promise.resolve();
      const [first] = (await house.enrollments.list('ada')).enrollments;
      await house.enrollments.delete('ada', first!.id);
    };
    expect(await reEmbed()).toMatchObject({ state: 'completed', done: 3, recordings: 8 });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(2);
    expect(await left()).toEqual({});
  });
});

describe('people who were switched', () => {
  it('are as they were for merging and for undoing what was done before', async () => {
    const { entry } = await house.merging.merge('ada', 'bob');
    await restart(NEW);
    expect(await reEmbed()).toMatchObject({ state: 'completed', recordings: 9, removed: 9 });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(6);
    await house.ledger.undo('ada', entry.id);
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(3);
    expect((await house.enrollments.list('bob')).enrollments).toHaveLength(3);
    expect(await house.verify('bob', { voice: 2, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    expect((await examineStore(folder)).findings).toEqual([]);
  });

  it('may have as many recordings as before, also while the vectors of both models are there', async () => {
    await restart(NEW, { keepRecordings: true, maxEnrollments: 4 });
    await house.reEmbedding.start();
    house.engine.before = cancelAfterTheFirst;
    house.reEmbedding.onApplicationBootstrap();
    expect(await ended()).toMatchObject({ state: 'cancelled', done: 1 });
    house.engine.before = () => Promise.resolve();
    await house.enrol('ada', { voice: 1, seed: 8 });
    await failsWith('INVALID_ARGUMENT', house.enrol('ada', { voice: 1, seed: 9 }));
  });
});
