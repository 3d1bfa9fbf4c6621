import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { errorBody } from '../../src/service/http/api-errors.js';
import { WaitingBytes } from '../../src/service/http/waiting-bytes.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { FORM_END, FORM_START, RawClient } from './raw-client.js';
import { formOf, LONGEST, TestService, until, wav, Workshop } from './support.js';

let workshop: Workshop;
let model: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterAll(() => workshop.remove());

/** Runs `work` with a service of these limits. */
async function withService(settings: ConfigInput, work: (service: TestService) => Promise<void>): Promise<void> {
  const service = await TestService.start(workshop, { model, workers: 1, sidecarPort: 'off', ...settings });
  try {
    await service.service.ready();
    await work(service);
  } finally {
    await service.close();
  }
}

function waiting(service: TestService): number {
  return WaitingBytes.of(service.service.app.get(Config, { strict: false })).inUse;
}

/** Nothing is left of any request. */
async function idle(service: TestService): Promise<void> {
  await until(async () => service.inEngine() === 0 && waiting(service) === 0 && (await service.uploads()).length === 0);
}

/** A form with one recording, in the two calls that a slow client makes of it. */
const RECORDING = wav(1);
const FORM_LENGTH = String(FORM_START.length + RECORDING.length + FORM_END.length);

async function startUpload(service: TestService, path: string): Promise<RawClient> {
  const client = await RawClient.post(service, path, { 'content-length': FORM_LENGTH });
  client.write(FORM_START);
  client.write(RECORDING.subarray(0, 1000));
  return client;
}

function finishUpload(client: RawClient): void {
  client.write(RECORDING.subarray(1000));
  client.write(FORM_END);
}

/** Sends the rest of all, and expects all to be embedded. */
async function finish(service: TestService, clients: readonly RawClient[]): Promise<void> {
  clients.forEach(finishUpload);
  for (const client of clients) {
    expect(await client.reply()).toMatchObject({ status: 200 });
    client.destroy();
  }
  await idle(service);
}

describe('ten times more requests than there is room for', () => {
  test('are told when to come back, and leave those that were let in their results', async () => {
    await withService({ maxConcurrentRequests: 4, uploadMemoryBytes: 0 }, async (service) => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => startUpload(service, '/v1/embeddings')));
      await until(async () => (await service.uploads()).length === 4);
      const refused = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          i % 4 === 0
            ? service.postForm('/v1/compare', [
                ['a', RECORDING],
                ['b', RECORDING],
              ])
            : service.postForm('/v1/embeddings', [['audio', RECORDING]]),
        ),
      );
      for (const { status, headers, body } of refused) {
        expect([status, errorBody.parse(body).code]).toEqual([429, 'OVERLOADED']);
        expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      }
      await finish(service, clients);
      expect(await service.postForm('/v1/embeddings', [['audio', RECORDING]])).toMatchObject({ status: 200 });
    });
  });

  test('that were let in while the queue was empty are all embedded, though it holds one', async () => {
    await withService({ queueLimit: 1, maxConcurrentRequests: 8, uploadMemoryBytes: 0 }, async (service) => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => startUpload(service, '/v1/embeddings')));
      await until(async () => (await service.uploads()).length === 8);
      const refused = await service.postForm('/v1/embeddings', [['audio', RECORDING]]);
      expect([refused.status, errorBody.parse(refused.body).code]).toEqual([429, 'OVERLOADED']);
      await finish(service, clients);
    });
  });
});

describe('bytes that are worked on', () => {
  test('are bounded over all uploads', async () => {
    await withService({ maxWaitingBytes: 60_000 }, async (service) => {
      const client = await startUpload(service, '/v1/embeddings');
      client.write(RECORDING.subarray(1000, 30_000));
      await until(() => waiting(service) >= 30_000);
      const refused = await service.postForm('/v1/embeddings', [['audio', wav(1.5)]]);
      expect([refused.status, errorBody.parse(refused.body).code]).toEqual([429, 'OVERLOADED']);
      expect(refused.headers.get('retry-after')).toBe('1');
      client.destroy();
      await idle(service);
      expect(await service.postForm('/v1/embeddings', [['audio', wav(1.5)]])).toMatchObject({ status: 200 });
      await idle(service);
    });
  });

  test('are bounded over JSON, which counts for the memory that it takes', async () => {
    await withService({ maxWaitingBytes: 60_000 }, async (service) => {
      const text = JSON.stringify({ id: 'ada', name: 'x'.repeat(14_000) });
      const half = { 'content-type': 'application/json', 'content-length': String(text.length) };
      const client = await RawClient.post(service, '/v1/speakers', half);
      client.write(text.slice(0, 10_000));
      await until(() => waiting(service) >= 40_000);
      const refused = await service.postJson('/v1/speakers', { id: 'bob', name: 'x'.repeat(10_000) });
      expect([refused.status, errorBody.parse(refused.body).code]).toEqual([429, 'OVERLOADED']);
      // Whoever is small still gets through.
      expect(await service.postJson('/v1/speakers', { id: 'bob' })).toMatchObject({ status: 201 });
      client.destroy();
      await idle(service);
    });
  });

  test('of one JSON body are bounded, declared or not', async () => {
    await withService({ maxJsonBytes: 2000 }, async (service) => {
      const large = await service.postJson('/v1/speakers', { id: 'x'.repeat(3000) });
      expect([large.status, errorBody.parse(large.body).code]).toEqual([413, 'BODY_TOO_LARGE']);
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      const client = await RawClient.post(service, '/v1/speakers', headers);
      client.write(`fa0\r\n${'['.repeat(4000)}\r\n`);
      expect(await client.reply()).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
      client.destroy();
      await idle(service);
    });
  });
});

describe('a client that takes its time', () => {
  test("with a request's head is answered and cut off", async () => {
    await withService({ headerSeconds: 0.2 }, async (service) => {
      const client = await RawClient.connect(service.url);
      client.write('GET /v1/info HTTP/1.1\r\nHost: 127.0');
      expect(await client.reply()).toMatchObject({ status: 504, body: { code: 'DEADLINE_EXCEEDED' } });
      await client.end();
    });
  });

  test('with a JSON body is given up at its deadline', async () => {
    await withService({ requestSeconds: 0.3 }, async (service) => {
      const headers = { 'content-type': 'application/json', 'content-length': '1000' };
      const client = await RawClient.post(service, '/v1/speakers', headers);
      client.write('{"id":');
      expect(await client.reply()).toMatchObject({ status: 504, body: { code: 'DEADLINE_EXCEEDED' } });
      client.destroy();
      await idle(service);
    });
  });

  test('is one of a bounded number', async () => {
    await withService({ maxConnections: 3 }, async (service) => {
      const silent = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(service.url)));
      const oneTooMany = await RawClient.connect(service.url);
      await oneTooMany.end();
      silent[0]!.destroy();
      await silent[0]!.end();
      await until(() =>
        service.fetch('/health/live').then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      silent.forEach((client) => client.destroy());
    });
  });
});

test('what is no HTTP is told so', async () => {
  await withService({}, async (service) => {
    const client = await RawClient.connect(service.url);
    client.write('EHLO mail.example\r\n\r\n');
    expect(await client.reply()).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    await client.end();
  });
});

test('an expectation that nobody meets is refused in the form of every error', async () => {
  await withService({}, async (service) => {
    const client = await RawClient.connect(service.url);
    client.head('GET', '/v1/info', { 'x-api-key': service.key, host: new URL(service.url).host, expect: 'a miracle' });
    expect(await client.reply()).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    await client.end();
  });
});

test('a request that names no host is refused in the form of every error; HTTP/1.0 has none to name', async () => {
  await withService({}, async (service) => {
    const client = await RawClient.connect(service.url);
    client.head('POST', '/v1/speakers', { 'content-type': 'application/json', 'content-length': '1000' });
    expect(await client.reply()).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    client.destroy();
    const old = await RawClient.connect(service.url);
    old.write(`GET /v1/info HTTP/1.0\r\nx-api-key: ${service.key}\r\n\r\n`);
    expect(await old.reply()).toMatchObject({ status: 200 });
    old.destroy();
    await idle(service);
  });
});

describe('a client that goes away', () => {
  test('while its recording is embedded frees its place', async () => {
    await withService({ maxConcurrentRequests: 1 }, async (service) => {
      const leaving = new AbortController();
      const body = formOf([['audio', wav(LONGEST)]]);
      const sent = service.fetch('/v1/embeddings', { method: 'POST', body, signal: leaving.signal });
      await until(() => service.inEngine() === 1);
      leaving.abort();
      await expect(sent).rejects.toThrow();
      await idle(service);
      expect(await service.postForm('/v1/embeddings', [['audio', RECORDING]])).toMatchObject({ status: 200 });
    });
  });

  test('while its recording waits takes no time of the engine', async () => {
    await withService({}, async (service) => {
      const first = service.postForm('/v1/embeddings', [['audio', wav(LONGEST)]]);
      await until(() => service.inEngine() === 1);
      const leaving = new AbortController();
      const body = formOf([['audio', RECORDING]]);
      const sent = service.fetch('/v1/embeddings', { method: 'POST', body, signal: leaving.signal });
      await until(() => service.inEngine() === 2);
      leaving.abort();
      await expect(sent).rejects.toThrow();
      await until(() => service.inEngine() === 1);
      expect(await first).toMatchObject({ status: 200 });
      await idle(service);
    });
  });
});
