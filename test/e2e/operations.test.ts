import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describeApi } from '../../src/service/app/openapi.js';
import { serve } from '../../src/service/app/serve.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import { packageVersion } from '../../src/support/package.js';
import { Config } from '../../src/service/config/config.js';
import { LONGEST, TestService, until, wav, Workshop } from './support.js';

let workshop: Workshop;
let model: string;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  service = await TestService.start(workshop, { model, maxFiles: 7 });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('a service that is ready', () => {
  test('says so, and what runs', async () => {
    expect(await service.call('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await service.call('/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ok', details: { engine: { status: 'up', model: expect.stringMatching(/^small@/) } } },
    });
    expect(await service.call('/v1/info')).toMatchObject({
      status: 200,
      body: {
        version: packageVersion(),
        state: 'ready',
        model: { id: 'small', embeddingDim: 32, workers: 2, device: 'cpu', calibrated: true, better: null },
        limits: { workers: 2, maxFiles: 7, maxAudioSeconds: 300, queueLimit: 256, requestSeconds: 60 },
      },
    });
  });

  test('measures every stage', async () => {
    await service.postForm('/v1/embeddings', [['audio', wav(2)]]);
    await service.postForm('/v1/embeddings', [['audio', Buffer.from('nothing')]]);
    const response = await service.fetch('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
    const text = await response.text();
    const value = (metric: string): number => {
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${metric} `));
      return Number(line?.slice(metric.length + 1));
    };
    expect(value('timbre_ready')).toBe(1);
    expect(value('timbre_queue_limit')).toBe(256);
    expect(value('timbre_queue_length')).toBe(0);
    expect(value('timbre_audio_seconds_total')).toBeGreaterThanOrEqual(2);
    for (const stage of ['queue', 'decode', 'resample', 'speech', 'features', 'model', 'total']) {
      expect(value(`timbre_stage_seconds_count{stage="${stage}"}`)).toBeGreaterThanOrEqual(1);
    }
    expect(value('timbre_failures_total{code="AUDIO_UNSUPPORTED"}')).toBe(1);
    expect(value('timbre_http_request_seconds_count{method="POST",route="/v1/embeddings",status="200"}')).toBe(1);
    expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
  });

  test('has a page of documentation that works from its own files', async () => {
    const page = await service.fetch('/docs');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) expect([file, (await service.fetch(`/${file}`)).status]).toEqual([file, 200]);
    expect(await service.call('/docs/openapi.json')).toMatchObject({
      status: 200,
      body: { info: { title: 'Timbre' } },
    });
    expect(await service.call('/docs/..%2fpackage.json')).toMatchObject({ status: 404 });
  });

  test('takes over a request id that a log can carry, and no other', async () => {
    const withId = (id: string): RequestInit => ({ headers: { 'x-request-id': id } });
    const taken = await service.call('/nowhere', withId('trace-1.2:3'));
    expect(taken.headers.get('x-request-id')).toBe('trace-1.2:3');
    expect(errorBody.parse(taken.body)).toMatchObject({ code: 'ROUTE_NOT_FOUND', requestId: 'trace-1.2:3' });
    const refused = await service.call('/v1/info', withId('a b'));
    expect(refused.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    await until(() => service.log.some(({ requestId, status }) => requestId === 'trace-1.2:3' && status === 404));
  });
});

test('an address that is no address is 400 on either port, each in its form', async () => {
  expect(await refusal(`${service.url}/v1/speakers/%ff`)).toMatchObject({
    status: 400,
    body: { code: 'INVALID_ARGUMENT' },
  });
  expect(await refusal(`${service.service.sidecarUrl}/%ff`)).toEqual({
    status: 400,
    body: { error: expect.any(String) },
  });
  const long = await refusal(`${service.url}/v1/speakers/${'x'.repeat(5000)}`);
  expect(long.status).toBeLessThan(500);
  expect(errorBody.parse(long.body).requestId).toMatch(/./);
});

async function refusal(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { headers: { 'x-api-key': service.key } });
  return { status: response.status, body: await response.json() };
}

describe('a service whose model cannot be loaded', () => {
  test('stays up, is not ready and says why', async () => {
    const broken = await TestService.start(workshop, { model: 'no-such-model' });
    try {
      await expect(broken.service.ready()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
      const message = expect.stringContaining('no-such-model');
      expect(await broken.call('/health/ready')).toMatchObject({
        status: 503,
        body: { status: 'error', error: { engine: { status: 'down', state: 'failed', message } } },
      });
      expect(await broken.call('/health/live')).toMatchObject({ status: 200 });
      expect(await broken.call('/v1/info')).toMatchObject({
        status: 200,
        body: { state: 'failed', message, model: null },
      });
      const answer = await broken.postForm('/v1/embeddings', [['audio', wav(1)]]);
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'MODEL_NOT_READY', message, details: { code: 'MODEL_NOT_FOUND' } },
      });
    } finally {
      await broken.close();
    }
  });

  test('is the end of `timbre serve`', async () => {
    const config = Config.of({ port: 0, sidecarPort: 'off', model: 'no-such-model', dataDir: workshop.path('serve') });
    const log = { write: (): void => undefined };
    const serving = serve(config, { signal: new AbortController().signal, log });
    await expect(serving).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('a calibration of another model is such a case', async () => {
    const strange = await TestService.start(workshop, { model, calibrationFile: workshop.path('nowhere.json') });
    try {
      await expect(strange.service.ready()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await strange.call('/health/ready')).toMatchObject({ status: 503 });
    } finally {
      await strange.close();
    }
  });
});

describe('stopping', () => {
  test('lets requests under way finish, and takes no more', async () => {
    const stopping = await TestService.start(workshop, { model, workers: 1, drainSeconds: 60 });
    await stopping.service.ready();
    const requests = Array.from({ length: 2 }, () => stopping.postForm('/v1/embeddings', [['audio', wav(LONGEST)]]));
    await until(() => stopping.inEngine() === 2);
    const closing = stopping.close();
    for (const request of requests) {
      const { status, headers } = await request;
      expect([status, headers.get('connection')]).toEqual([200, 'close']);
    }
    await closing;
    await expect(stopping.fetch('/health/live')).rejects.toThrow();
    expect(await stopping.uploads()).toEqual([]);
  });

  test('says for a while that it is not ready, and goes on with what comes', async () => {
    const stopping = await TestService.start(workshop, { model, leaveSeconds: 3 });
    await stopping.service.ready();
    let closed = false;
    const closing = stopping.close().then(() => (closed = true));
    await until(async () => (await stopping.anonymously('/health/ready')).status === 503);
    const { status, body } = await stopping.postForm('/v1/embeddings', [['audio', wav(3)]]);
    expect([closed, status, body]).toEqual([false, 200, expect.anything()]);
    await closing;
    await expect(stopping.fetch('/health/live')).rejects.toThrow();
  });

  test('fails with ENGINE_CLOSED what the deadline finds', async () => {
    const stopping = await TestService.start(workshop, { model, workers: 1, drainSeconds: 0 });
    await stopping.service.ready();
    const requests = Array.from({ length: 2 }, () => stopping.postForm('/v1/embeddings', [['audio', wav(LONGEST)]]));
    await until(() => stopping.inEngine() === 2);
    await stopping.close();
    const answers = await Promise.all(requests);
    const codes = answers.map(({ status, body }) => (status === 200 ? 'OK' : errorBody.parse(body).code));
    expect(codes).toContain('ENGINE_CLOSED');
    expect(codes.filter((code) => code !== 'OK' && code !== 'ENGINE_CLOSED')).toEqual([]);
    expect(await stopping.uploads()).toEqual([]);
  });

  test('does not wait for a connection that asks nothing', async () => {
    const stopping = await TestService.start(workshop, { model });
    await stopping.service.ready();
    const { hostname, port } = new URL(stopping.url);
    const silent = connect(Number(port), hostname);
    await new Promise((resolve) => silent.once('connect', resolve));
    const gone = new Promise((resolve) => silent.once('close', resolve));
    silent.resume();
    await stopping.close();
    await gone;
  });

  test('while the model is loading', async () => {
    const early = await TestService.start(workshop, { model });
    await early.close();
    await expect(early.fetch('/health/live')).rejects.toThrow();
  });
});

describe('starting', () => {
  test.each([
    ['PORT', 'port'],
    ['EMBEDDING_SERVICE_PORT', 'sidecarPort'],
  ] as const)('on a taken %s is refused by name', async (variable, setting) => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    try {
      const taken = { [setting]: (other.address() as AddressInfo).port };
      await expect(TestService.start(workshop, { model, ...taken })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(variable),
      });
    } finally {
      other.close();
    }
  });
});

test('the OpenAPI document in docs is what the controllers say, and is served', async () => {
  const file: unknown = JSON.parse(await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
  expect(JSON.parse(JSON.stringify(describeApi(service.service.app)))).toEqual(file);
  const { status, headers, body } = await service.call('/docs/openapi.json');
  expect({ status, type: headers.get('content-type') }).toEqual({
    status: 200,
    type: 'application/json; charset=utf-8',
  });
  expect(body).toEqual(file);
});
