import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import type { Scope } from '../../src/support/scopes.js';
import {
  calibrationDetails,
  calibrationStanding,
  calibrationsView,
} from '../../src/service/calibrations/calibrations.dto.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { MOST_CALIBRATION_BYTES, MOST_CALIBRATIONS } from '../../src/service/records/calibration.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { encodeVectors } from '../../src/scoring/vectors.js';
import { calibrationFile, newCalibration } from '../integration/saved-calibrations.js';
import { spoken, TestService, Workshop } from './support.js';

type Answer = Awaited<ReturnType<TestService['call']>>;

const ROOMS = { enrollmentSeconds: 8, minSpeechSeconds: 1 };
/** No recording but the same one reaches it. */
const STRICT = 1;

let workshop: Workshop;
let bundle: string;
let service: TestService;
let model: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  await start();
  const form = [0, 1].map((i) => ['audio', spoken('m1', i as 0 | 1), `${i}.wav`] as const);
  expect(await service.postJson('/v1/speakers', { id: 'ada' })).toMatchObject({ status: 201 });
  expect(await service.postForm('/v1/speakers/ada/enrollments', form)).toMatchObject({ status: 201 });
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

/** Once more on the same data, where there is some. */
async function start(settings: object = {}): Promise<void> {
  const dataDir = workshop.path('data');
  service = await TestService.start(workshop, { model: bundle, dataDir, ...ROOMS, ...settings });
  await service.service.ready();
  const { body } = await service.call('/v1/info');
  model = (body as { model: { name: string } }).model.name;
}

async function restart(settings: object = {}): Promise<void> {
  await service.close();
  await start(settings);
}

const post = (path: string): Promise<Answer> => service.call(`/v1/calibrations/${path}`, { method: 'POST' });
const remove = (version: number): Promise<Answer> => service.call(`/v1/calibrations/${version}`, { method: 'DELETE' });

async function save(cosine: number, more: object = {}): Promise<number> {
  const answer = await service.postJson('/v1/calibrations', { calibration: calibrationFile(model, cosine), ...more });
  expect(answer).toMatchObject({ status: 201 });
  return calibrationDetails.strict().parse(answer.body).version;
}

/** Decision, threshold and what info says of what decides. */
async function decided(): Promise<unknown> {
  const { body } = await service.postForm('/v1/speakers/ada/verify', [['audio', spoken('m1', 2)]]);
  const { decision, score } = body as { decision: string; score: { threshold: number } };
  const info = (await service.call('/v1/info')).body as {
    decisions: { calibration: { from: string; version: number | null }; thresholds: { cosine: number }[] };
  };
  const { calibration, thresholds } = info.decisions;
  expect(thresholds[0]!.cosine).toBe(score.threshold);
  const voices = service.service.app.get(EmbeddingEngine, { strict: false }).voiceScorer(undefined);
  expect(voices.rules.thresholds).toEqual(thresholds);
  return { decision, threshold: score.threshold, ...calibration };
}

const OWN = { decision: 'ACCEPT', threshold: 0.5, from: 'model', version: null };

/** Actions of the trail that concern calibrations, with the versions, oldest first. */
async function trail(): Promise<string[]> {
  const { body } = await service.call('/v1/audit?limit=1000');
  const { entries } = body as { entries: { action: string; object: string | null }[] };
  return entries.flatMap(({ action, object }) => {
    return action.startsWith('calibration.') ? [`${action.slice('calibration.'.length)} ${object}`] : [];
  });
}

async function keyOf(...scopes: Scope[]): Promise<{ headers: { authorization: string } }> {
  const { key, text } = newApiKey({ name: 'other', scopes }, new Date());
  await service.service.app.get(KeyStore, { strict: false }).insert(key);
  return { headers: { authorization: `Bearer ${text}` } };
}

describe('a calibration', () => {
  test('is saved as a version, decides from the moment that it is used, and no more when another is, or the model’s own', async () => {
    expect(await decided()).toEqual(OWN);
    const first = await save(STRICT, { note: 'nobody', from: 'people' });
    expect(await decided()).toEqual(OWN);
    const used = await post(`${first}/use`);
    expect(used.status).toBe(200);
    expect(calibrationDetails.strict().parse(used.body)).toMatchObject({
      version: first,
      model,
      from: 'people',
      note: 'nobody',
      inUse: true,
      readable: true,
      thresholds: [{ falseAcceptRate: 0.01, cosine: STRICT }, { falseAcceptRate: 0.001 }],
      learnedOn: { targets: 120, impostors: 2400, speakers: 24 },
      calibration: { format: 1, model, calibration: { offset: -4, scale: 10, quality: {}, norm: 'none' } },
    });
    expect(await decided()).toEqual({ decision: 'REJECT', threshold: STRICT, from: 'saved', version: first });
    const second = await save(0.1, { use: true });
    expect(second).toBe(first + 1);
    const lax = { decision: 'ACCEPT', threshold: 0.1, from: 'saved', version: second };
    expect(await decided()).toEqual(lax);
    // Again, nothing happens.
    await post(`${second}/use`);
    const list = await service.call('/v1/calibrations?limit=1');
    const page = calibrationsView.strict().parse(list.body);
    expect(page).toMatchObject({
      answers: { from: 'saved', version: second },
      fixedBy: null,
      setAside: null,
      calibrations: [{ version: second, inUse: true }],
    });
    const rest = await service.call(`/v1/calibrations?limit=50&cursor=${page.nextCursor!}`);
    expect(rest.body).toMatchObject({ calibrations: [{ version: first, inUse: false }], nextCursor: null });
    // A start reads it before anybody is answered.
    await restart();
    expect(await decided()).toEqual(lax);
    const back = await post('model/use');
    expect([back.status, calibrationStanding.strict().parse(back.body)]).toEqual([
      200,
      { answers: { from: 'model', version: null }, fixedBy: null, setAside: null },
    ]);
    expect(await decided()).toEqual(OWN);
    expect((await post('model/use')).status).toBe(200);
    await restart();
    expect(await decided()).toEqual(OWN);
    expect(await remove(first)).toMatchObject({ status: 204 });
    expect(await service.call(`/v1/calibrations/${first}`)).toMatchObject({
      status: 404,
      body: { code: 'CALIBRATION_NOT_FOUND' },
    });
    const third = await save(0.2);
    expect(third).toBe(second + 1);
    expect(await trail()).toEqual([
      `saved ${first}`,
      `used ${first}`,
      `saved ${second}`,
      `used ${second}`,
      `ended ${second}`,
      `removed ${first}`,
      `saved ${third}`,
    ]);
    for (const version of [second, third]) expect(await remove(version)).toMatchObject({ status: 204 });
  }, 120_000);

  test('decides whom an identification names', async () => {
    const identify = async (): Promise<unknown> =>
      ((await service.postForm('/v1/identify', [['audio', spoken('m1', 2)]])).body as { decision: string }).decision;
    expect(await identify()).toBe('ACCEPT');
    const version = await save(STRICT, { use: true });
    expect(await identify()).toBe('REJECT');
    await post('model/use');
    expect(await identify()).toBe('ACCEPT');
    await remove(version);
  });

  test('that is none, of another model, of no use here, or too large is not saved', async () => {
    const before = (await service.call('/v1/calibrations')).body;
    const good = calibrationFile(model);
    for (const calibration of [
      {},
      { ...good, format: 2 },
      { ...good, calibration: { ...good.calibration, scale: 0 } },
      { ...good, calibration: { ...good.calibration, quality: { louder: 1 } } },
      { ...good, calibration: { ...good.calibration, quality: null } },
      { ...good, calibration: null },
      { ...good, thresholds: 'high' },
      { ...good, thresholds: [{ falseAcceptRate: 2 }] },
      // The service decides at 1 %.
      { ...good, thresholds: good.thresholds.slice(1) },
      { ...good, impostorTail: { start: 1 } },
      { ...good, cohort: { speakers: 1, dim: 2, encoding: 'float16-base64', data: '' } },
      { ...good, cohort: encodeVectors({ embeddings: new Float32Array(6).fill(0.5), dim: 3 }) },
      // Normalised by a cohort that neither it nor the bundle has.
      { ...good, calibration: { ...good.calibration, norm: 'as' } },
    ]) {
      const answer = await service.postJson('/v1/calibrations', { calibration });
      expect({ calibration, ...answer }).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    }
    for (const body of [
      {},
      { calibration: good, note: 'two\nlines' },
      { calibration: good, from: 'nowhere' },
      { calibration: [] },
    ]) {
      expect(await service.postJson('/v1/calibrations', body)).toMatchObject({ body: { code: 'INVALID_ARGUMENT' } });
    }
    expect(
      await service.postJson('/v1/calibrations', { calibration: calibrationFile('other@0123456789ab') }),
    ).toMatchObject({ status: 409, body: { code: 'MODEL_MISMATCH' } });
    expect(
      await service.postJson('/v1/calibrations', {
        calibration: { ...good, learned: 'x'.repeat(MOST_CALIBRATION_BYTES) },
      }),
    ).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
    expect((await service.call('/v1/calibrations')).body).toEqual(before);
    for (const version of ['0', '-1', 'x', '1e3', '99999', '9'.repeat(40)]) {
      expect(await service.call(`/v1/calibrations/${version}`)).toMatchObject({ status: 404 });
      expect(await post(`${version}/use`)).toMatchObject({ status: 404, body: { code: 'CALIBRATION_NOT_FOUND' } });
    }
  });

  test('shows no voices of its cohort', async () => {
    const { body: info } = await service.call('/v1/info');
    const dim = (info as { model: { embeddingDim: number } }).model.embeddingDim;
    const cohort = encodeVectors({ embeddings: new Float32Array(3 * dim).fill(0.5), dim });
    const { calibration } = calibrationFile(model);
    const file = calibrationFile(model, 0.5, { calibration: { ...calibration, norm: 's' }, cohort });
    const made = await service.postJson('/v1/calibrations', { calibration: file });
    const { version } = calibrationDetails.parse(made.body);
    const shown = await service.call(`/v1/calibrations/${version}`);
    expect(shown.body).toMatchObject({ calibration: { cohort: { speakers: 3, dim, encoding: 'float16-base64' } } });
    for (const answer of [made, shown]) expect(JSON.stringify(answer.body)).not.toContain(cohort.data);
    await remove(version);
  });

  test('is changed by admin alone, and read with read', async () => {
    const version = await save(STRICT);
    const reader = await keyOf('read');
    const enroller = await keyOf('enrol', 'vectors');
    const path = `/v1/calibrations/${version}`;
    expect(await service.call('/v1/calibrations', reader)).toMatchObject({ status: 200 });
    expect(await service.call(path, reader)).toMatchObject({ status: 200 });
    expect(await service.call('/v1/calibrations', enroller)).toMatchObject({ status: 403 });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ calibration: calibrationFile(model) });
    for (const { headers: key } of [reader, enroller]) {
      for (const [method, of] of [
        ['POST', `${path}/use`],
        ['POST', '/v1/calibrations/model/use'],
        ['DELETE', path],
      ] as const) {
        expect(await service.call(of, { method, headers: key })).toMatchObject({
          status: 403,
          body: { code: 'FORBIDDEN_SCOPE' },
        });
      }
      const answer = await service.call('/v1/calibrations', { method: 'POST', body, headers: { ...key, ...headers } });
      expect(answer).toMatchObject({ status: 403 });
    }
    expect(await decided()).toEqual(OWN);
    await remove(version);
  });

  test('is not removed while it is in use', async () => {
    const version = await save(STRICT, { use: true });
    expect(await remove(version)).toMatchObject({ status: 409, body: { code: 'CALIBRATION_IN_USE' } });
    expect(await decided()).toMatchObject({ version });
    await post('model/use');
    expect(await remove(version)).toMatchObject({ status: 204 });
  });

  test('that cannot decide at the rate of a watch list is not put to use', async () => {
    const both = await save(STRICT, { use: true });
    expect(await service.postJson('/v1/groups', { id: 'list' })).toMatchObject({ status: 201 });
    const watch = (method: string, body?: string): Promise<Answer> => {
      const headers = { 'content-type': 'application/json' };
      return service.call('/v1/groups/list/watch', { method, ...(body !== undefined && { body, headers }) });
    };
    expect((await watch('PUT', JSON.stringify({ falseAcceptRate: 0.001 }))).status).toBeLessThan(300);
    const calibration = calibrationFile(model);
    const one = await service.postJson('/v1/calibrations', {
      calibration: { ...calibration, thresholds: calibration.thresholds.slice(0, 1) },
    });
    const { version } = one.body as { version: number };
    const refused = { status: 400, body: { code: 'INVALID_ARGUMENT', message: expect.stringContaining('"list"') } };
    expect(await post(`${version}/use`)).toMatchObject(refused);
    expect(await decided()).toMatchObject({ version: both });
    expect((await watch('DELETE')).status).toBeLessThan(300);
    expect(await post(`${version}/use`)).toMatchObject({ status: 200 });
    await post('model/use');
    for (const each of [both, version]) await remove(each);
  });

  test('of another model is neither used nor in the way, and is ended by the name of its model', async () => {
    const store = service.service.app.get(UnitOfWork, { strict: false });
    const other = 'other@0123456789ab';
    const { version } = await store.transaction(async ({ calibrations }) => {
      const saved = await calibrations.insert(newCalibration(other));
      await calibrations.use(saved, new Date());
      return saved;
    });
    expect(await decided()).toEqual(OWN);
    expect(await post(`${version}/use`)).toMatchObject({ status: 409, body: { code: 'MODEL_MISMATCH' } });
    expect(await remove(version)).toMatchObject({ status: 409, body: { code: 'CALIBRATION_IN_USE' } });
    expect((await post(`model/use?model=${other}`)).status).toBe(200);
    expect(await remove(version)).toMatchObject({ status: 204 });
  });

  test('that is in use and cannot be used is set aside at the start: the model’s own decides, and health and log say so', async () => {
    const store = service.service.app.get(UnitOfWork, { strict: false });
    // As a service with another rate of false accepts saved it.
    const file = calibrationFile(model);
    const { version } = await store.transaction(async ({ calibrations }) => {
      const useless = { ...file, thresholds: file.thresholds.slice(1) };
      const saved = await calibrations.insert(newCalibration(model, { file: useless }));
      await calibrations.use(saved, new Date());
      return saved;
    });
    await restart();
    expect(await decided()).toEqual(OWN);
    expect(await service.call('/health/ready')).toMatchObject({
      status: 200,
      body: { details: { calibration: { status: 'up', setAside: version } } },
    });
    expect((await service.call('/v1/calibrations')).body).toMatchObject({
      setAside: version,
      answers: { from: 'model' },
    });
    expect(service.log.filter(({ msg }) => String(msg).includes('is set aside'))).toHaveLength(1);
    expect(await post(`${version}/use`)).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    await post('model/use');
    expect(await service.call('/health/ready')).toMatchObject({
      body: { details: { calibration: { setAside: null } } },
    });
    await remove(version);
  });

  test('is not put to use where TIMBRE_CALIBRATION names a file, which decides whatever was in use', async () => {
    const version = await save(STRICT, { use: true });
    const calibrationPath = workshop.path('operators.json');
    await writeFile(calibrationPath, JSON.stringify(calibrationFile(model, 0.3)));
    await restart({ calibrationFile: calibrationPath });
    const theirs = { decision: 'ACCEPT', threshold: 0.3, from: 'file', version: null };
    expect(await decided()).toEqual(theirs);
    const fixed = {
      status: 409,
      body: { code: 'CALIBRATION_FIXED', message: expect.stringContaining('TIMBRE_CALIBRATION') },
    };
    expect(await post(`${version}/use`)).toMatchObject(fixed);
    expect(await post('model/use')).toMatchObject(fixed);
    const using = { calibration: calibrationFile(model), use: true };
    expect(await service.postJson('/v1/calibrations', using)).toMatchObject(fixed);
    expect((await service.call('/v1/calibrations')).body).toMatchObject({
      answers: { from: 'file', version: null },
      fixedBy: 'TIMBRE_CALIBRATION',
      calibrations: [{ version, inUse: true }],
    });
    // Saving changes nothing of what decides.
    const more = await save(0.1);
    expect(await decided()).toEqual(theirs);
    await restart();
    expect(await decided()).toMatchObject({ version });
    await post('model/use');
    for (const one of [version, more]) await remove(one);
  });

  test('is one too many beyond a hundred, and the answer names one that can go', async () => {
    const store = service.service.app.get(UnitOfWork, { strict: false });
    const first = await save(STRICT, { use: true });
    const second = await save(STRICT, { use: true });
    await store.transaction(async ({ calibrations }) => {
      while ((await calibrations.count()) < MOST_CALIBRATIONS)
        await calibrations.insert(newCalibration('other@0123456789ab'));
    });
    const { calibrations } = calibrationsView.parse((await service.call('/v1/calibrations?limit=50')).body);
    expect(calibrations).toHaveLength(50);
    const answer = await service.postJson('/v1/calibrations', { calibration: calibrationFile(model) });
    const { code, message } = answer.body as { code: string; message: string };
    expect([answer.status, code]).toEqual([400, 'INVALID_ARGUMENT']);
    const named = Number(/version (\d+)/.exec(message)?.[1]);
    expect([first, second]).not.toContain(named);
    expect(await remove(named)).toMatchObject({ status: 204 });
    await save(STRICT);
  });
});

test('While the model is not loaded, calibrations are listed and none is saved or used.', async () => {
  const idle = await TestService.start(workshop, { model: 'nowhere' });
  expect(await idle.call('/v1/calibrations')).toMatchObject({ status: 200, body: { answers: null, calibrations: [] } });
  const saved = await idle.postJson('/v1/calibrations', { calibration: calibrationFile('a@0123456789ab') });
  expect(saved).toMatchObject({ status: 503, body: { code: 'MODEL_NOT_READY' } });
  await idle.close();
});
