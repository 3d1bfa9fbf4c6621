import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { enrollmentsView } from '../../src/service/enrollments/enrollments.dto.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { peopleView, reEmbeddingView, type ReEmbeddingView } from '../../src/service/re-embedding/re-embedding.dto.js';
import { KeptAudio, readAll } from '../../src/service/records/kept-audio.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { timbre } from '../cli/support.js';
import { onFiles } from '../integration/stores.js';
import { spoken, startBuilt, TestService, wav, Workshop, type Part } from './support.js';

let workshop: Workshop;
let service: TestService;
let bundles: { old: string; other: string };

const RE_EMBED = '/v1/models/current/re-embed';
const SETTINGS = {
  enrollmentSeconds: 2,
  minSpeechSeconds: 0,
  minSnrDb: -100,
  minBandwidthHz: 100,
  keepRecordings: true,
};

/** At the rate of the model and at others, which are resampled. */
const RATES = [16_000, 8_000, 44_100].map((rate, i) => wav(4 + i, { seed: 1, rate }));

const VOICES = ['m1', 'm2', 'm3', 'f1', 'f2', 'f3'];

async function start(model: string, dataDir?: string, settings = {}): Promise<void> {
  service = await TestService.start(workshop, { model, ...SETTINGS, ...(dataDir && { dataDir }), ...settings });
  await service.service.ready();
}

beforeAll(async () => {
  workshop = await Workshop.open();
  bundles = { old: await workshop.bundle('old'), other: await workshop.bundle('other', 'wespeaker') };
  await start(bundles.old);
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

async function enrol(id: string, ...recordings: Buffer[]): Promise<void> {
  await service.postJson('/v1/speakers', { id });
  const parts = recordings.map((bytes, i): Part => ['audio', bytes, `${i}.wav`]);
  expect((await service.postForm(`/v1/speakers/${id}/enrollments`, parts)).status).toBe(201);
}

async function status(): Promise<ReEmbeddingView> {
  return reEmbeddingView.strict().parse((await service.call(RE_EMBED)).body);
}

async function ended(): Promise<NonNullable<ReEmbeddingView['run']>> {
  for (;;) {
    const { run } = await status();
    if (run && run.state !== 'running') return run;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const vectorsOf = (id: string): Promise<Map<string, Float32Array>> =>
  service.service.app.get(UnitOfWork, { strict: false }).read(async ({ enrollments }) => {
    const all = await enrollments.withEmbeddings(id, null, 100);
    return new Map(all.map(({ contentSha256, embedding }) => [contentSha256, embedding]));
  });

describe('embedding kept recordings over HTTP', () => {
  test('a kept recording gives the same model exactly the vector that enrolment gave', async () => {
    await enrol('rates', ...RATES);
    await enrol('ada', spoken('m1', 0), spoken('m1', 1));
    await enrol('bob', spoken('f2', 0), spoken('f2', 1));
    const { app } = service.service;
    const stored = await vectorsOf('rates');
    expect(stored.size).toBe(3);
    for (const [content, vector] of stored) {
      const kept = await app
        .get(UnitOfWork, { strict: false })
        .read((records) => records.recordings.find('rates', content));
      const bytes = await readAll(app.get(KeptAudio, { strict: false }), kept!);
      const { embedding } = await app.get(EmbeddingEngine, { strict: false }).embedAdmitted(bytes);
      expect(Buffer.from(embedding.buffer).equals(Buffer.from(vector.buffer))).toBe(true);
    }
  });

  test('does nothing where everybody is of the model already', async () => {
    expect((await status()).run).toBeNull();
    expect((await service.call(RE_EMBED, { method: 'POST' })).status).toBe(202);
    expect(await ended()).toMatchObject({ state: 'completed', people: 3, done: 3, recordings: 0, removed: 0 });
  });

  test('moves everybody to another model, as if they had enrolled with it, and lists who has no audio', async () => {
    const { dataDir } = service;
    const before = enrollmentsView.parse((await service.call('/v1/speakers/ada/enrollments')).body);
    await service.close();
    await start(bundles.old, dataDir, { keepRecordings: false });
    await enrol('cleo', spoken('m3', 0), spoken('m3', 1));
    await service.close();
    await start(bundles.other, dataDir);
    const verify = (id: string, voice: string): ReturnType<TestService['call']> =>
      service.postForm(`/v1/speakers/${id}/verify`, [['audio', spoken(voice, 2)]]);
    expect(await verify('ada', 'm1')).toMatchObject({ status: 409, body: { code: 'MODEL_MISMATCH' } });
    expect((await status()).left).toMatchObject({ people: 4, withoutAudio: 1 });
    const [first, second] = await Promise.all([
      service.call(RE_EMBED, { method: 'POST' }),
      service.call(RE_EMBED, { method: 'POST' }),
    ]);
    expect(reEmbeddingView.parse(second.body).run!.id).toBe(reEmbeddingView.parse(first.body).run!.id);
    expect(await ended()).toMatchObject({
      state: 'completed',
      people: 3,
      done: 3,
      failed: 0,
      recordings: 7,
      removed: 7,
    });
    expect(await verify('ada', 'm1')).toMatchObject({ status: 200, body: { decision: 'ACCEPT' } });
    expect(await verify('cleo', 'm3')).toMatchObject({ status: 409, body: { code: 'MODEL_MISMATCH' } });
    const people = peopleView.strict().parse((await service.call(`${RE_EMBED}/people`)).body);
    expect(people.people).toEqual([
      { speakerId: 'cleo', recordings: 2, audioKept: 0, enrolled: false, reason: 'NO_AUDIO' },
    ]);
    const after = enrollmentsView.parse((await service.call('/v1/speakers/ada/enrollments')).body);
    expect(after.enrollments.map(({ id }) => id)).toEqual(before.enrollments.map(({ id }) => id));
    await enrol('again', ...RATES);
    const [moved, enrolled] = [await vectorsOf('rates'), await vectorsOf('again')];
    for (const [content, vector] of enrolled) {
      expect(Buffer.from(moved.get(content)!.buffer).equals(Buffer.from(vector.buffer))).toBe(true);
    }
    const identified = await service.postForm('/v1/identify', [['audio', spoken('f2', 2)]]);
    expect(identified.body).toMatchObject({ speakerId: 'bob' });
  });

  test('is followed, shown and cancelled on the command line', async () => {
    const options = ['--url', service.url];
    const env = { ...service.env, TIMBRE_API_KEY: service.key };
    const run = await timbre(['re-embed', ...options, '--json'], { env });
    expect(run).toMatchObject({ status: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({ run: { state: 'completed' }, left: { people: 1 } });
    expect((await timbre(['re-embed', ...options, '--status'], { env })).stdout).toContain('completed');
    expect((await timbre(['re-embed', ...options, '--left'], { env })).stdout).toMatch(/cleo +NO_AUDIO/);
    expect(await timbre(['re-embed', ...options, '--cancel', '--json'], { env })).toMatchObject({ status: 0 });
    expect(await timbre(['re-embed', ...options, '--cancel', '--left'], { env })).toMatchObject({ status: 2 });
  });

  test.each([
    ['a cursor of nobody', `${RE_EMBED}/people?cursor=nonsense`, 'GET', 400, 'INVALID_ARGUMENT'],
    ['no number', `${RE_EMBED}/people?limit=many`, 'GET', 400, 'INVALID_ARGUMENT'],
    ['another model than the one in use', '/v1/models/old/re-embed', 'POST', 404, 'ROUTE_NOT_FOUND'],
  ])('refuses %s', async (_, path, method, expected, code) => {
    expect(await service.call(path, { method })).toMatchObject({ status: expected, body: { code } });
  });

  test('needs admin, and a model', async () => {
    const made = await service.postJson('/v1/keys', { name: 'enrols', scopes: ['read', 'enrol'] });
    const headers = { authorization: `Bearer ${(made.body as { key: string }).key}` };
    for (const method of ['GET', 'POST']) {
      expect(await service.call(RE_EMBED, { method, headers })).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN_SCOPE' },
      });
    }
    const without = await TestService.start(workshop, { model: 'nowhere' });
    await without.service.ready().catch(() => undefined);
    expect((await without.call(RE_EMBED, { method: 'POST' })).body).toMatchObject({ code: 'MODEL_NOT_READY' });
    await without.close();
  });
});

onFiles(
  'goes on after kill -9, at any moment, and nobody is lost',
  async () => {
    const dataDir = workshop.path('killed');
    const people = VOICES.map((voice) => `person-${voice}`);
    await service.close();
    await start(bundles.old, dataDir);
    for (const [i, id] of people.entries()) await enrol(id, spoken(VOICES[i]!, 0), spoken(VOICES[i]!, 1));
    await service.close();
    const words = [
      '--model',
      bundles.other,
      '--keep-recordings',
      'on',
      '--enrollment-seconds',
      '2',
      '--min-speech-seconds',
      '0',
      '--min-snr-db',
      '-100',
      '--min-bandwidth-hz',
      '100',
      '--consent',
      'optional',
    ];
    let begun = false;
    let run: ReEmbeddingView['run'] = null;
    let kills = 0;
    while (run?.state !== 'completed') {
      const { url, key, child } = await startBuilt(dataDir, words);
      const headers = { authorization: `Bearer ${key}` };
      const ask = async (method: string): Promise<ReEmbeddingView['run']> =>
        reEmbeddingView.parse(await (await fetch(url + RE_EMBED, { method, headers })).json()).run;
      run = await ask(begun ? 'GET' : 'POST');
      begun = true;
      const passed = run?.done ?? 0;
      // Killed twice when more has become durable, then left alone.
      while (run?.state === 'running' && (kills >= 2 || run.done <= passed)) run = await ask('GET');
      if (run?.state === 'running') kills++;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(run).toMatchObject({ people: 6, done: 6, failed: 0, recordings: 12, removed: 12 });
    await start(bundles.other, dataDir);
    expect((await status()).left).toMatchObject({ people: 0, withoutAudio: 0 });
    for (const [i, id] of people.entries()) {
      const verified = await service.postForm(`/v1/speakers/${id}/verify`, [['audio', spoken(VOICES[i]!, 2)]]);
      expect(verified).toMatchObject({ status: 200, body: { decision: 'ACCEPT' } });
    }
  },
  180_000,
);
