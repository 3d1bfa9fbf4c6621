import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { Config } from '../../src/service/config/config.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import { WaitingBytes } from '../../src/service/http/waiting-bytes.js';
import { UploadSlots } from '../../src/service/uploads/upload-slots.js';
import { FORM_END, FORM_START, RawClient } from '../e2e/raw-client.js';
import { LONGEST, TestService, until, wav, Workshop } from '../e2e/support.js';

/**
 * Requests that are made to keep the event loop busy, by kind, each with what it was measured to do before it was bounded.
 * bench/reliability/request-loop.mjs measures how long the loop is held for every call at its largest body.
 */

const MIB = 1 << 20;
const SIDECAR_ERROR = { error: expect.any(String) };

let workshop: Workshop;
let service: TestService;
let long: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  await mkdir(workshop.path('recordings'), { recursive: true });
  long = workshop.path('recordings', 'long.wav');
  await writeFile(long, wav(LONGEST));
  service = await TestService.start(workshop, {
    requireKeys: 'never',
    model: await workshop.bundle(),
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

interface Answer {
  status: number;
  body: unknown;
  seconds: number;
}

async function send(url: string, type: string, body: string | Buffer): Promise<Answer> {
  const began = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(Buffer.from(body as string)),
  });
  return { status: answer.status, body: await answer.json(), seconds: (performance.now() - began) / 1000 };
}

const toSidecar = (path: string, body: string): Promise<Answer> =>
  send(`${service.service.sidecarUrl}${path}`, 'application/json', body);
const toApi = (path: string, type: string, body: string | Buffer): Promise<Answer> =>
  send(service.url + path, type, body);

/** A list of so many entries in about so many bytes. */
const list = (entry: string, count: number): string => `[${`${entry},`.repeat(count - 1)}${entry}]`;

describe('a list is bounded in its entries', () => {
  test("16 MB of 1,1,1 to the sidecar's batch call, which held the loop for 57 s", async () => {
    const { status, body } = await toSidecar('/batch-extract-embeddings', `{"audio_paths":${list('1', 8 * MIB - 20)}}`);
    expect([status, body]).toEqual([413, { error: expect.stringContaining('more than 2000 values') }]);
  });

  test('one path more than a batch may name', async () => {
    const { status, body } = await toSidecar('/batch-extract-embeddings', `{"audio_paths":${list('"x"', 1001)}}`);
    expect([status, body]).toEqual([413, { error: expect.stringContaining('1000 at most') }]);
    expect((await toSidecar('/batch-extract-embeddings', `{"audio_paths":${list('"x"', 1000)}}`)).body).toMatchObject({
      total: 1000,
      errors_count: 1000,
    });
  });

  test('a vector longer than any model makes, and more numbers than a mean takes', async () => {
    const pair = `{"embedding1":${list('1', 8193)},"embedding2":[1]}`;
    expect((await toSidecar('/compute-similarity', pair)).status).toBe(400);
    for (const [path, body] of [
      ['/compute-similarity', `{"embedding1":${list('1', 20_000)}}`],
      ['/compute-centroid', `{"embeddings":${list(list('1', 192), 1400)}}`],
      ['/compute-centroid', `{"embeddings":${list('[]', 300_000)}}`],
      ['/extract-embedding-and-compare', `{"centroid_embedding":${list('1', 20_000)}}`],
    ] as const) {
      expect([path, await toSidecar(path, body)]).toMatchObject([path, { status: 413, body: SIDECAR_ERROR }]);
    }
  });

  test('one recording more than a session may have', async () => {
    const items = list('{"speakerId":"a","path":"/a.wav"}', 10_001);
    const { status, body } = await toApi('/v1/training-sessions', 'application/json', `{"items":${items}}`);
    expect([status, errorBody.parse(body)]).toMatchObject([413, { message: expect.stringContaining('10000 at most') }]);
  });

  test('a list of which every entry is wrong names the first', async () => {
    const { status, body } = await toApi('/v1/training-sessions', 'application/json', `{"items":${list('{}', 9000)}}`);
    expect([status, errorBody.parse(body).message.length < 2000]).toEqual([400, true]);
    expect(errorBody.parse(body).message).toMatch(/^items\.0\.speakerId: /);
    // It is not looked for more.
    expect(errorBody.parse(body).message).toMatch(/; and \d more$/);
  });
});

describe('an object is bounded in its fields', () => {
  const fields = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":1`).join(',')}}`;

  test('a million unknown ones, which held the loop for 3 s', async () => {
    const { status, body } = await toApi('/v1/training-sessions', 'application/json', fields(1_000_000));
    expect([status, errorBody.parse(body)]).toMatchObject([413, { message: expect.stringContaining('values') }]);
    expect((await toSidecar('/extract-embedding-buffer', fields(1_000_000))).status).toBe(413);
  });

  test('a call about one speaker takes what one speaker needs', async () => {
    for (const body of [fields(600), `{"name":"${'x'.repeat(70_000)}"}`, `{"name":${list('1', 1001)}}`]) {
      const answer = await toApi('/v1/speakers', 'application/json', body);
      expect([answer.status, errorBody.parse(answer.body).code]).toEqual([413, 'BODY_TOO_LARGE']);
    }
  });
});

describe('a form is bounded in its parts', () => {
  test('8 MB of empty ones, which held the loop for 12 s', async () => {
    for (const path of ['/v1/embeddings', '/v1/training-sessions']) {
      const { status, body } = await toApi(path, 'multipart/form-data; boundary=x', '--x\r\n'.repeat((8 * MIB) / 5));
      expect([status, errorBody.parse(body).message]).toEqual([413, expect.stringMatching(/more than \d+ parts/)]);
    }
  });

  test('a field of JSON in its values, while it comes', async () => {
    const form = Buffer.concat([
      Buffer.from(`--x\r\ncontent-disposition: form-data; name="items"\r\n\r\n${list('1', 4 * MIB)}\r\n`),
      Buffer.from(FORM_START),
      wav(1),
      Buffer.from(FORM_END),
    ]);
    const { status, body } = await toApi('/v1/training-sessions', 'multipart/form-data; boundary=x', form);
    expect([status, errorBody.parse(body).message]).toEqual([413, expect.stringContaining('the field "items"')]);
    expect(await service.uploads()).toEqual([]);
  });
});

test('raw samples longer than any recording are refused before there is memory for them', async () => {
  const form = Buffer.concat([
    Buffer.from('--x\r\ncontent-disposition: form-data; name="sample_rate"\r\n\r\n8000\r\n'),
    Buffer.from(FORM_START),
    Buffer.alloc(2 * 8000 * (LONGEST + 1)),
    Buffer.from(FORM_END),
  ]);
  const answer = await send(
    `${service.service.sidecarUrl}/extract-embedding-buffer`,
    'multipart/form-data; boundary=x',
    form,
  );
  expect([answer.status, answer.body]).toEqual([400, { error: expect.stringContaining('samples; allowed are') }]);
});

describe('work over a list', () => {
  const batch = (paths: readonly string[]): string => JSON.stringify({ audio_paths: paths });

  test('ends when its client goes away', async () => {
    const body = batch(Array.from({ length: 500 }, () => long));
    const client = await RawClient.post({ url: service.service.sidecarUrl! }, '/batch-extract-embeddings', {
      'content-type': 'application/json',
      'content-length': String(body.length),
    });
    client.write(body);
    await until(() => service.inEngine() > 0);
    client.destroy();
    await until(() => service.inEngine() === 0);
  });

  test('ends at its deadline, and gives what was done until then', async () => {
    const hasty = await TestService.start(workshop, {
      requireKeys: 'never',
      model: workshop.path('small.pt'),
      workers: 1,
      batchSeconds: 5,
    });
    try {
      await hasty.service.ready();
      const short = workshop.path('recordings', 'short.wav');
      await writeFile(short, wav(1));
      const paths = [short, ...Array.from({ length: 900 }, () => long)];
      const { status, body } = await send(
        `${hasty.service.sidecarUrl}/batch-extract-embeddings`,
        'application/json',
        batch(paths),
      );
      const { processed, errors_count, errors } = body as {
        processed: number;
        errors_count: number;
        errors: { error: string }[];
      };
      expect([status, processed + errors_count, processed > 0, errors_count > 0]).toEqual([200, 901, true, true]);
      expect(errors.at(-1)!.error).toMatch(/not finished within|deadline passed/);
    } finally {
      await hasty.close();
    }
  });
});

/** A client from another address of this machine. */
async function uploadFrom(address: string, url: string, head: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), localAddress: address });
  await new Promise((resolve) => socket.once('connect', resolve));
  const client = RawClient.over(socket);
  client.write(head);
  return client;
}

describe('places for uploads', () => {
  const recording = wav(1);
  const length = FORM_START.length + recording.length + FORM_END.length;
  const headOf = (path: string, more: Record<string, string> = {}): string => {
    const headers = { host: 'localhost', 'content-type': 'multipart/form-data; boundary=x', ...more };
    const lines = Object.entries({ ...headers, 'content-length': length }).map((header) => `${header.join(': ')}\r\n`);
    return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  };

  test('are not all had by one address', async () => {
    const fair = await TestService.start(workshop, {
      requireKeys: 'never',
      model: workshop.path('small.pt'),
      maxConcurrentRequests: 8,
    });
    const clients: RawClient[] = [];
    try {
      await fair.service.ready();
      const slots = fair.service.app.get(UploadSlots, { strict: false });
      for (let i = 0; i < 8; i++)
        clients.push(await uploadFrom('127.0.0.2', fair.url, headOf('/v1/embeddings') + FORM_START));
      await until(() => slots.inUse === 8);
      const ninth = await uploadFrom('127.0.0.2', fair.url, headOf('/v1/embeddings'));
      clients.push(ninth);
      expect(await ninth.reply()).toMatchObject({ status: 429, body: { code: 'OVERLOADED' } });
      expect(await fair.postForm('/v1/embeddings', [['audio', recording]])).toMatchObject({ status: 200 });
    } finally {
      for (const client of clients) client.destroy();
      await fair.close();
    }
  });

  test('are not all had by one key, though others come from the same address', async () => {
    const fair = await TestService.start(workshop, { model: workshop.path('small.pt'), maxConcurrentRequests: 8 });
    const clients: RawClient[] = [];
    // What a request says of its address makes it nobody else's.
    const upload = (i: number): Promise<RawClient> => {
      const own = { 'x-api-key': fair.key, 'x-forwarded-for': `203.0.113.${i}` };
      return uploadFrom('127.0.0.1', fair.url, headOf('/v1/embeddings', own) + FORM_START);
    };
    try {
      await fair.service.ready();
      const slots = fair.service.app.get(UploadSlots, { strict: false });
      for (let i = 0; i < 8; i++) clients.push(await upload(i));
      await until(() => slots.inUse === 8);
      const ninth = await upload(8);
      clients.push(ninth);
      expect(await ninth.reply()).toMatchObject({ status: 429, body: { code: 'OVERLOADED' } });
      const headers = { 'x-api-key': fair.service.grant('another') };
      expect(await fair.postForm('/v1/embeddings', [['audio', recording]], { headers })).toMatchObject({ status: 200 });
    } finally {
      for (const client of clients) client.destroy();
      await fair.close();
    }
  });

  test('leave bytes for another key where one has taken all it may', async () => {
    const settings = { model: workshop.path('small.pt'), maxWaitingBytes: 80_000, minUploadBytesPerSecond: 0 };
    const fair = await TestService.start(workshop, settings);
    const clients: RawClient[] = [];
    try {
      await fair.service.ready();
      const bytes = WaitingBytes.of(fair.service.app.get(Config, { strict: false }));
      for (let i = 1; i <= 2; i++) {
        const client = await uploadFrom('127.0.0.1', fair.url, headOf('/v1/embeddings', { 'x-api-key': fair.key }));
        clients.push(client);
        client.write(FORM_START);
        client.write(recording.subarray(0, 32_000));
        await until(() => bytes.inUse >= 32_000 * i);
      }
      // Of what is left one key may take a part, and others the rest.
      const body = `{"id":"ada"}${' '.repeat(1900)}`;
      const ask = async (key: string): Promise<number> => {
        const headers = { 'x-api-key': key, 'content-type': 'application/json' };
        return (await fair.call('/v1/speakers', { method: 'POST', headers, body })).status;
      };
      expect([await ask(fair.key), await ask(fair.service.grant('another'))]).toEqual([429, 201]);
    } finally {
      for (const client of clients) client.destroy();
      await fair.close();
    }
  });

  test('are not held by who sends a byte now and then', async () => {
    const strict = await TestService.start(workshop, {
      requireKeys: 'never',
      model: workshop.path('small.pt'),
      minUploadBytesPerSecond: 4096,
    });
    let trickle: NodeJS.Timeout | undefined;
    try {
      await strict.service.ready();
      const client = await uploadFrom('127.0.0.1', strict.url, headOf('/v1/embeddings') + FORM_START);
      trickle = setInterval(() => client.write('x'), 100);
      expect(await client.reply()).toMatchObject({ status: 504, body: { code: 'DEADLINE_EXCEEDED' } });
      client.destroy();
      const json = await RawClient.post(strict, '/v1/speakers', {
        'content-type': 'application/json',
        'content-length': '1000',
      });
      json.write('{"id":');
      expect(await json.reply()).toMatchObject({
        status: 504,
        body: { message: expect.stringContaining('4096 bytes a second') },
      });
      json.destroy();
      expect(await strict.uploads()).toEqual([]);
    } finally {
      clearInterval(trickle);
      await strict.close();
    }
  });
});

test('every list and every text of the API says how long it may be', async () => {
  const { body } = await service.call('/docs/openapi.json');
  const { paths } = body as {
    paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  };
  const unbounded: string[] = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      for (const [type, { schema }] of Object.entries(requestBody?.content ?? {})) {
        unbounded.push(...unboundedIn(schema, `${method} ${path} ${type}`));
      }
    }
  }
  expect(unbounded).toEqual([]);
});

interface Schema {
  type?: string;
  format?: string;
  enum?: unknown[];
  maxLength?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: boolean | Schema;
  maxProperties?: number;
}

function unboundedIn(schema: Schema, where: string): string[] {
  const { type, format, maxLength, maxItems, items, properties = {}, additionalProperties } = schema;
  const found = Object.entries(properties).flatMap(([name, one]) => unboundedIn(one, `${where}.${name}`));
  if (items) found.push(...unboundedIn(items, `${where}[]`));
  if (type === 'array' && maxItems === undefined) found.push(`${where}: a list without maxItems`);
  if (typeof additionalProperties === 'object' && schema.maxProperties !== undefined) {
    found.push(...unboundedIn(additionalProperties, `${where}{}`));
  } else if (type === 'object' && additionalProperties !== false) {
    found.push(`${where}: takes any field`);
  }
  if (type === 'string' && maxLength === undefined && format === undefined && !schema.enum) {
    found.push(`${where}: a text without maxLength`);
  }
  return found;
}
