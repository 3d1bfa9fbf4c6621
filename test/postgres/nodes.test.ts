import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import {
  acknowledgeRestore,
  backUp,
  createKey,
  examineData,
  listKeys,
  revokeKey,
  rotateHere,
} from '../../src/service/app/command-line.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { ReEmbeddingService } from '../../src/service/re-embedding/re-embedding.service.js';
import { openPostgres } from '../../src/service/persistence/postgres/open.js';
import { newJob } from '../../src/service/records/job.js';
import { KeptAudio, readAll } from '../../src/service/records/kept-audio.js';
import { newReEmbedding, type ReEmbedding } from '../../src/service/records/re-embedding.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { CurrentModel } from '../../src/service/voices/current-model.js';
import { spoken, TestService, until, wav, Workshop, type Part } from '../e2e/support.js';
import { calibrationFile } from '../integration/saved-calibrations.js';
import { Postgres } from './postgres.js';

let postgres: Postgres;
let workshop: Workshop;
let bundle: string;

beforeAll(async () => {
  postgres = await Postgres.start({ password: 'ö p@ss:w/%rd?' });
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
});

afterAll(async () => {
  await workshop.remove();
  await postgres.stop();
});

const settingsOf = (databaseSchema: string, dataKey: string): ConfigInput => ({
  model: bundle,
  databaseUrl: postgres.cluster.url(),
  databaseSchema,
  dataKey,
  enrollmentSeconds: 8,
  minSpeechSeconds: 1,
});

describe('two services on one database', () => {
  let nodes: TestService[];
  let settings: ConfigInput;

  beforeAll(async () => {
    settings = { ...settingsOf(postgres.newSchema(), randomBytes(32).toString('base64')), keepRecordings: true };
    nodes = [await TestService.start(workshop, settings), await TestService.start(workshop, settings)];
    await Promise.all(nodes.map(({ service }) => service.ready()));
  });

  afterAll(() => Promise.all(nodes.map((node) => node.close())));

  const call = (node: number, method: string, path: string, body?: FormData): ReturnType<TestService['call']> =>
    nodes[node]!.call(path, { method, body: body ?? null });
  const audio = (voice: string, sentence: 0 | 1 | 2): FormData => {
    const form = new FormData();
    form.append('audio', new Blob([new Uint8Array(spoken(voice, sentence))]), 'recording.wav');
    return form;
  };
  const identified = async (node: number): Promise<(string | undefined)[]> => {
    const { status, body } = await call(node, 'POST', '/v1/identify', audio('m1', 2));
    expect(status).toBe(200);
    return (body as { ranking: { speakerId: string }[] }).ranking.map(({ speakerId }) => speakerId);
  };

  it('find at once whom the other has enrolled, and nobody who has opted out or was erased', async () => {
    for (const [node, id, voice] of [
      [0, 'ada', 'm1'],
      [1, 'bob', 'f2'],
    ] as const) {
      expect((await nodes[node]!.postJson('/v1/speakers', { id })).status).toBe(201);
      for (const sentence of [0, 1] as const) {
        const { status } = await call(node, 'POST', `/v1/speakers/${id}/enrollments`, audio(voice, sentence));
        expect(status).toBe(201);
      }
    }
    for (const node of [0, 1]) expect((await identified(node)).sort()).toEqual(['ada', 'bob']);
    expect((await call(0, 'DELETE', '/v1/speakers/bob/consent')).status).toBeLessThan(300);
    for (const node of [0, 1]) expect(await identified(node)).toEqual(['ada']);
    const { status, body } = await call(1, 'DELETE', '/v1/speakers/ada');
    expect([status, body]).toMatchObject([200, { traces: 'DATABASE', wipedAt: null }]);
    for (const node of [0, 1]) expect(await identified(node)).toEqual([]);
    const { receipt } = body as { receipt: string };
    expect(await call(0, 'GET', `/v1/receipts/${receipt}`)).toMatchObject({ body: { remains: 0, traces: 'DATABASE' } });
  });

  it('decide by the calibration that either puts to use, without a restart', async () => {
    type Decisions = { calibration: { from: string; version: number | null }; thresholds: { cosine: number }[] };
    const info = async (node: number): Promise<{ model: { name: string }; decisions: Decisions }> =>
      (await call(node, 'GET', '/v1/info')).body as never;
    const answers = async (node: number, from: string, version: number | null, cosine: number): Promise<boolean> => {
      const { calibration, thresholds } = (await info(node)).decisions;
      return calibration.from === from && calibration.version === version && thresholds[0]!.cosine === cosine;
    };
    const own = (await info(0)).decisions.thresholds[0]!.cosine;
    const calibration = calibrationFile((await info(0)).model.name, 0.75);
    const saved = await nodes[0]!.postJson('/v1/calibrations', { calibration, use: true });
    const { version } = saved.body as { version: number };
    expect(await answers(0, 'saved', version, 0.75)).toBe(true);
    await until(() => answers(1, 'saved', version, 0.75), 30);
    const other = await nodes[1]!.postJson('/v1/calibrations', {
      calibration: calibrationFile(calibration.model, 0.25),
    });
    const { version: second } = other.body as { version: number };
    expect(second).toBe(version + 1);
    expect((await call(1, 'POST', `/v1/calibrations/${second}/use`)).status).toBe(200);
    expect(await answers(1, 'saved', second, 0.25)).toBe(true);
    await until(() => answers(0, 'saved', second, 0.25), 30);
    expect((await call(0, 'POST', '/v1/calibrations/model/use')).status).toBe(200);
    expect(await answers(0, 'model', null, own)).toBe(true);
    await until(() => answers(1, 'model', null, own), 30);
  });

  it('share the audio that is kept, and the work of embedding it, and lose it together', async () => {
    expect((await nodes[0]!.postJson('/v1/speakers', { id: 'eve' })).status).toBe(201);
    expect((await call(0, 'POST', '/v1/speakers/eve/enrollments', audio('m3', 0))).body).toMatchObject({
      results: [{ audioNotKept: null }],
    });
    const content = createHash('sha256').update(spoken('m3', 0)).digest('hex');
    const { app } = nodes[1]!.service;
    const kept = await app.get(UnitOfWork, { strict: false }).read(({ recordings }) => recordings.find('eve', content));
    const given = await readAll(app.get(KeptAudio, { strict: false }), kept!);
    expect(given.equals(spoken('m3', 0))).toBe(true);
    const started = await call(0, 'POST', '/v1/models/current/re-embed');
    const { id } = (started.body as { run: { id: string } }).run;
    await until(async () => {
      const { run } = (await call(1, 'GET', '/v1/models/current/re-embed')).body as {
        run: { id: string; state: string };
      };
      return run.id === id && run.state === 'completed';
    }, 30);
    expect(await call(1, 'DELETE', '/v1/speakers/eve')).toMatchObject({ body: { erased: { recordings: 1 } } });
    const left = app.get(KeptAudio, { strict: false }).read(kept!);
    await expect(left.next()).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
  });

  it('go on with an embedding that was begun, whichever of them has no model or another one', async () => {
    const { app } = nodes[0]!.service;
    const store = app.get(UnitOfWork, { strict: false });
    const run = async (): Promise<ReEmbedding> => (await store.read(({ reEmbeddings }) => reEmbeddings.last()))!;
    const nobody = { people: 0, withoutAudio: 0 };
    const origin = app.get(CurrentModel, { strict: false }).origin();
    // As a node that has ended since has begun it: the others come to look.
    const begun = newReEmbedding(randomUUID(), origin, 'test', 0, nobody, new Date());
    await store.transaction(({ reEmbeddings }) => reEmbeddings.insert(begun));
    const without = await TestService.start(workshop, { ...settings, model: 'nowhere' });
    await without.service.app.get(ReEmbeddingService, { strict: false }).settled();
    await until(async () => (await run()).state !== 'running', 30);
    expect(await run()).toMatchObject({ id: begun.id, state: 'completed', error: null });
    await without.close();
    const other = await TestService.start(workshop, {
      ...settings,
      model: await workshop.bundle('other', 'wespeaker'),
    });
    await other.service.ready();
    const another = { model: 'nobody@000000000000', frontEnd: origin.frontEnd };
    const foreign = newReEmbedding(randomUUID(), another, 'test', 0, nobody, new Date());
    await store.transaction(({ reEmbeddings }) => reEmbeddings.insert(foreign));
    const path = '/v1/models/current/re-embed';
    expect(await other.call(path, { method: 'POST' })).toMatchObject({ status: 409, body: { code: 'CONFLICT' } });
    expect((await other.call(path)).body).toMatchObject({ run: { id: foreign.id, state: 'running' } });
    expect((await other.call(`${path}/cancel`, { method: 'POST' })).body).toMatchObject({
      run: { state: 'cancelled' },
    });
    await other.close();
  });

  it('keep no upload of a job that was cancelled, or of who was erased, through the other', async () => {
    // Without a model, jobs wait.
    const waiting = await TestService.start(workshop, { ...settings, model: 'nowhere' });
    const spooled = async (): Promise<string[]> =>
      (await readdir(`${waiting.dataDir}/spool`, { recursive: true })).filter((name) => name.includes('/'));
    const upload = async (...speakers: string[]): Promise<string> => {
      const items = JSON.stringify(speakers.map((speakerId) => ({ speakerId })));
      const { status, body } = await waiting.postForm('/v1/training-sessions', [
        ['items', items],
        ['createSpeakers', 'true'],
        ...speakers.map((name, i): Part => ['audio', wav(1, { seed: i + 1 }), `${name}.wav`]),
      ]);
      expect(status).toBe(202);
      return (body as { id: string }).id;
    };
    try {
      const id = await upload('cas', 'dan');
      expect(await spooled()).toHaveLength(2);
      expect(await call(0, 'DELETE', '/v1/speakers/cas')).toMatchObject({ status: 200 });
      await until(async () => (await spooled()).length === 1, 30);
      const job = await call(1, 'GET', `/v1/jobs/${id}`);
      expect(job.body).toMatchObject({ counts: { failed: 1 }, items: [{ speakerId: null }, { speakerId: 'dan' }] });
      expect((await call(0, 'POST', `/v1/jobs/${id}/cancel`)).status).toBeLessThan(300);
      await until(async () => (await spooled()).length === 0, 30);
    } finally {
      await waiting.close();
    }
  });

  it('let nobody in whose key the other has heard to be revoked', async () => {
    const config = Config.of({ ...settings, dataDir: nodes[0]!.dataDir });
    const { key, text } = await createKey(config, { name: 'a kiosk', scopes: ['read'], days: undefined });
    const status = async (node: number): Promise<number> =>
      (await nodes[node]!.call('/v1/speakers', { headers: { authorization: `Bearer ${text}` } })).status;
    for (const node of [0, 1]) expect(await status(node)).toBe(200);
    expect(await revokeKey(config, text)).toEqual({ id: key.id, revoked: true });
    for (const node of [0, 1]) await until(async () => (await status(node)) === 401);
  });

  it('sign somebody in by a link of either, once, until the session is ended on one', async () => {
    const link = (await nodes[0]!.postJson('/v1/sign-in/links', {})).body as { path: string };
    const exchange = (node: number): ReturnType<TestService['call']> => {
      const headers = { 'x-sign-in-code': link.path.replace('/#sign-in=', '') };
      return nodes[node]!.anonymously('/v1/sign-in', { method: 'POST', headers });
    };
    const answers = await Promise.all([exchange(1), exchange(0), exchange(1)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401]);
    const { key } = answers.find(({ status }) => status === 201)!.body as { key: string };
    const own = { headers: { authorization: `Bearer ${key}` } };
    const status = async (node: number): Promise<number> => (await nodes[node]!.call('/v1/speakers', own)).status;
    for (const node of [0, 1]) expect(await status(node)).toBe(200);
    expect((await nodes[1]!.call('/v1/sign-in', { method: 'DELETE', ...own })).status).toBe(204);
    expect(await status(1)).toBe(401);
    await until(async () => (await status(0)) === 401);
  });

  it('say what they are, and are ready', async () => {
    for (const node of nodes) {
      expect(await node.anonymously('/health/ready')).toMatchObject({ status: 200 });
      expect(node.log.some((line) => JSON.stringify(line).includes('p@ss'))).toBe(false);
    }
  });
});

describe('a node whose clock is an hour ahead', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('has its recordings in hand by the clock that all nodes share, from the first on', async () => {
    const { folder } = await postgres.node('');
    const { dataKey: _, ...settings } = settingsOf(postgres.newSchema(), '');
    const right = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => right() + 3_600_000);
    const storage = await openPostgres(Config.of({ ...settings, dataDir: folder }));
    try {
      const job = newJob('a job', 1, new Date(right()));
      const item = { speakerId: 'ada', fileName: null, path: '/a' };
      await storage.unitOfWork.transaction(({ jobs }) => jobs.insert(job, [item]));
      expect(await storage.jobQueue.claim()).toMatchObject({ item: { jobId: 'a job' } });
      const [lease] = await storage.store.read((manager) =>
        manager.query<{ until: number }[]>('SELECT lease_until AS until FROM job_items'),
      );
      // A lease lasts for a minute; half an hour is far from both clocks.
      expect(Math.abs(lease!.until - right())).toBeLessThan(1_800_000);
    } finally {
      await storage.close();
    }
  });
});

describe('commands on a database of PostgreSQL', () => {
  it('make the schema, list and revoke keys, examine, rotate and say what is another’s', async () => {
    const { folder } = await postgres.node('');
    const { dataKey: _, ...settings } = settingsOf(postgres.newSchema(), '');
    const config = Config.of({ ...settings, dataDir: folder });
    expect(await listKeys(config)).toEqual([]);
    const { key } = await createKey(config, { name: 'backend', scopes: ['admin'], days: undefined });
    expect((await listKeys(config)).map(({ id, status }) => [id, status])).toEqual([[key.id, 'active']]);
    expect(await revokeKey(config, key.id)).toEqual({ id: key.id, revoked: true });
    expect(await examineData(config, {})).toMatchObject({ sound: true, records: { 'api-key': 1 } });
    const nothing = (): void => undefined;
    const progress = { signal: new AbortController().signal, begun: nothing, done: nothing };
    expect(await rotateHere(config, progress)).toBe(0);
    expect(await examineData(config, {})).toMatchObject({ sound: true, trail: { findingsCount: 0 } });
    await acknowledgeRestore(config);
    await expect(backUp(config, `${folder}/copy`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('pg_dump'),
    });
  });

  it('take the password from a file', async () => {
    const { folder } = await postgres.node('');
    const { databaseUrl, ...settings } = settingsOf(postgres.newSchema(), '');
    const url = new URL(String(databaseUrl));
    const databasePasswordFile = `${folder}/password`;
    await writeFile(databasePasswordFile, `${decodeURIComponent(url.password)}\n`);
    url.password = '';
    const given = { ...settings, dataKey: undefined, dataDir: folder, databaseUrl: url.href };
    expect(await listKeys(Config.of({ ...given, databasePasswordFile }))).toEqual([]);
    await expect(listKeys(Config.of(given))).rejects.toMatchObject({ code: 'STORAGE_REFUSED' });
    await writeFile(databasePasswordFile, 'another\n');
    const refused = listKeys(Config.of({ ...given, databasePasswordFile }));
    await expect(refused).rejects.toMatchObject({ code: 'STORAGE_REFUSED' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('another') });
  });

  it.each([
    ['mysql://db/voices', /postgres:\/\//],
    ['postgres://timbre:p@ss:w/rd@host/voices', /is no address|%40|database/],
    ['postgres://host', /database/],
    ['postgres://host/voices?options=-c%20search_path%3Dx', /options/],
  ])('are told what is wrong with an address, without it', (databaseUrl, why) => {
    const wrong = (): Config => Config.of({ databaseUrl });
    expect(wrong).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(why) }));
    expect(wrong).not.toThrow(expect.objectContaining({ message: expect.stringContaining('p@ss') }));
  });
});
