import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { enrolledView } from '../../src/service/enrollments/enrollments.dto.js';
import { embeddingsView } from '../../src/service/embeddings/embeddings.dto.js';
import { errorBody } from '../../src/service/http/api-errors.js';
import { RawClient } from './raw-client.js';
import { TestService, until, wav, Workshop } from './support.js';

/** Requests as clients of many kinds really send them. */

let workshop: Workshop;
let service: TestService;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    maxUploadBytes: 200_000,
    maxRequestBytes: 400_000,
    minSpeechSeconds: 0,
    minSnrDb: -100,
    enrollmentSeconds: 0,
    requireKeys: 'never',
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const VOICE = wav(2);

interface Answer {
  status: number;
  body: unknown;
}

/** A form whose parts have just these heads. */
function formWith(...parts: (readonly [head: string, content: Buffer | string])[]): Buffer {
  const pieces = parts.flatMap(([head, content]) => [
    Buffer.from(`--x\r\n${head}\r\n\r\n`, 'latin1'),
    Buffer.from(content as string),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from('--x--\r\n')]);
}

function post(
  path: string,
  type: string,
  body: Buffer | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return service.call(path, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: new Uint8Array(Buffer.from(body as string)),
  });
}

const FORM = 'multipart/form-data; boundary=x';
const disposition = (name: string, more = ''): string => `content-disposition: form-data; name="${name}"${more}`;

function expectRefusal({ status, body }: Answer, code: string, text: string): void {
  const error = errorBody.parse(body);
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)]);
  expect(status).toBeLessThan(500);
}

async function addSpeaker(id: string): Promise<void> {
  expect(await service.postJson('/v1/speakers', { id })).toMatchObject({ status: 201 });
}

describe('a recording in a form', () => {
  test.each([
    ['with its type and no file name', `${disposition('audio')}\r\ncontent-type: audio/wav`],
    ['with neither type nor file name', disposition('audio')],
    [
      'with a file name and a type of text',
      `${disposition('audio', '; filename="a.txt"')}\r\ncontent-type: text/plain`,
    ],
  ])('%s is taken', async (_name, head) => {
    const { status, body } = await post('/v1/embeddings', FORM, formWith([head, VOICE]));
    expect([status, embeddingsView.parse(body).results.length]).toEqual([200, 1]);
  });

  test("that is the file's name instead of the file is said to be text", async () => {
    for (const text of ['recordings/ada-1.wav', '', 'Zoë.wav']) {
      const answer = await post('/v1/embeddings', FORM, formWith([disposition('audio'), text]));
      expectRefusal(answer, 'INVALID_ARGUMENT', '-F audio=@FILE');
    }
    expect(await service.uploads()).toEqual([]);
  });

  test.each(['audio[]', 'file', 'recording'])('is taken under the name %j where it is the only one', async (name) => {
    const file = `; filename="a.wav"`;
    expect(await post('/v1/embeddings', FORM, formWith([disposition(name, file), VOICE]))).toMatchObject({
      status: 200,
    });
    const two = formWith([disposition(name, file), VOICE], [disposition(name, file), VOICE]);
    expectRefusal(
      await post('/v1/embeddings', FORM, two),
      'INVALID_ARGUMENT',
      `into the form field "audio", not into "${name}"`,
    );
    const mixed = formWith([disposition('audio', file), VOICE], [disposition(name, file), VOICE]);
    expectRefusal(await post('/v1/embeddings', FORM, mixed), 'INVALID_ARGUMENT', `not into "${name}"`);
  });

  test('under another name is pointed to the right ones where there are two', async () => {
    const form = formWith([disposition('file', '; filename="a.wav"'), VOICE]);
    expectRefusal(await post('/v1/compare', FORM, form), 'INVALID_ARGUMENT', 'the form fields "a" and "b"');
  });

  test('has no name rather than one with characters lost', async () => {
    await addSpeaker('latin');
    const form = formWith([disposition('audio', '; filename="Zo\u00eb.wav"'), VOICE]);
    const { status, body } = await post('/v1/speakers/latin/enrollments', FORM, form);
    expect(status).toBe(201);
    expect(enrolledView.parse(body).results[0]).toMatchObject({ filename: '', enrollment: { filename: null } });
  });
});

describe('a recording that is the body', () => {
  test.each([
    'audio/wav',
    'audio/x-wav',
    'audio/webm; codecs=opus',
    'video/webm',
    'application/octet-stream',
    'application/ogg',
  ])('is taken as %s, whatever it is', async (type) => {
    const { status, body } = await post('/v1/embeddings', type, VOICE);
    expect([status, embeddingsView.parse(body).results[0]]).toMatchObject([200, { audio: { seconds: 2 } }]);
    expect(await service.uploads()).toEqual([]);
  });

  test('enrols, is verified and identified, with what a form would have beside it in the address', async () => {
    await addSpeaker('raw');
    expect(await post('/v1/speakers/raw/enrollments', 'audio/wav', VOICE)).toMatchObject({
      status: 201,
      body: { results: [{ duplicate: false, enrollment: { filename: null } }] },
    });
    expect(await post('/v1/speakers/raw/verify', 'audio/wav', VOICE)).toMatchObject({ status: 200 });
    expect(await post('/v1/identify?top=1&candidates=raw', 'audio/wav', VOICE)).toMatchObject({
      status: 200,
      body: { ranking: [{ speakerId: 'raw' }], gallerySize: 1 },
    });
    expectRefusal(await post('/v1/identify?top=many', 'audio/wav', VOICE), 'INVALID_ARGUMENT', 'top');
    expectRefusal(await post('/v1/identify?nonsense=1', 'audio/wav', VOICE), 'INVALID_ARGUMENT', 'nonsense');
  });

  test('keeps to the limits of a recording', async () => {
    expectRefusal(await post('/v1/embeddings', 'audio/wav', wav(7)), 'AUDIO_TOO_LARGE', '200000 bytes');
    expectRefusal(await post('/v1/embeddings', 'audio/wav', ''), 'AUDIO_CORRUPT', '');
    expect(await service.uploads()).toEqual([]);
  });

  test.each(['/v1/compare', '/v1/training-sessions'])('is refused by a call that needs more: %s', async (path) => {
    expect(errorBody.parse((await post(path, 'audio/wav', VOICE)).body).code).toBe('CONTENT_TYPE_UNSUPPORTED');
  });

  test("is taken by the sidecar's calls", async () => {
    const answer = await fetch(`${service.service.sidecarUrl}/extract-embedding-buffer`, {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: new Uint8Array(VOICE),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { success: true, audio_duration_s: 2 }]);
  });
});

describe('a body in gzip', () => {
  const gzip = { 'content-encoding': 'gzip' };

  test('is read as what it holds: JSON, a form, a recording', async () => {
    const json = gzipSync('{"id":"zipped"}');
    expect(await post('/v1/speakers', 'application/json', json, gzip)).toMatchObject({ status: 201 });
    const form = gzipSync(formWith([disposition('audio', '; filename="a.wav"'), VOICE]));
    expect(await post('/v1/embeddings', FORM, form, gzip)).toMatchObject({ status: 200 });
    expect(await post('/v1/embeddings', 'audio/wav', gzipSync(VOICE), { 'content-encoding': 'x-gzip' })).toMatchObject({
      status: 200,
    });
  });

  test('is bounded by what comes out of it', async () => {
    const json = gzipSync(`{"id":"${'x'.repeat(1 << 20)}"}`);
    expect(json.length).toBeLessThan(4096);
    expectRefusal(await post('/v1/speakers', 'application/json', json, gzip), 'BODY_TOO_LARGE', '65536 bytes');
    const silent = gzipSync(Buffer.alloc(1 << 20));
    expectRefusal(await post('/v1/embeddings', 'audio/wav', silent, gzip), 'AUDIO_TOO_LARGE', '200000 bytes');
    expect(await service.uploads()).toEqual([]);
  });

  test('is said to be cut off, or to be no gzip', async () => {
    const json = gzipSync(JSON.stringify({ id: 'x', name: 'y'.repeat(100) }));
    expectRefusal(
      await post('/v1/speakers', 'application/json', json.subarray(0, -12), gzip),
      'INVALID_ARGUMENT',
      'cut off',
    );
    expectRefusal(
      await post('/v1/speakers', 'application/json', '{"id":"x"}', gzip),
      'INVALID_ARGUMENT',
      'not in gzip',
    );
  });

  test('is the only encoding', async () => {
    for (const encoding of ['br', 'deflate', 'gzip, gzip', 'nonsense']) {
      const answer = await post('/v1/speakers', 'application/json', '{}', { 'content-encoding': encoding });
      expectRefusal(answer, 'CONTENT_TYPE_UNSUPPORTED', 'gzip');
    }
    expect(await post('/v1/speakers', 'application/json', '{}', { 'content-encoding': 'identity' })).toMatchObject({
      status: 201,
    });
  });
});

describe('text', () => {
  test('of JSON may begin with a byte-order mark', async () => {
    const answer = await post('/v1/speakers', 'application/json; charset=utf-8', '\ufeff{"id":"marked"}');
    expect(answer).toMatchObject({ status: 201, body: { id: 'marked' } });
  });

  test('of JSON in another encoding is refused, said or unsaid', async () => {
    const latin = Buffer.from('{"id":"zoe","name":"Zoë"}', 'latin1');
    expectRefusal(await post('/v1/speakers', 'application/json', latin), 'INVALID_ARGUMENT', 'UTF-8');
    expectRefusal(
      await post('/v1/speakers', 'application/json; charset=iso-8859-1', latin),
      'CONTENT_TYPE_UNSUPPORTED',
      'UTF-8',
    );
    expect(await service.call('/v1/speakers/zoe')).toMatchObject({ status: 404 });
  });

  test('of a form in another encoding is refused', async () => {
    const audio = [disposition('audio', '; filename="a.wav"'), VOICE] as const;
    const candidates = [disposition('candidates'), Buffer.from('Zoë', 'latin1')] as const;
    expectRefusal(await post('/v1/identify', FORM, formWith(candidates, audio)), 'INVALID_ARGUMENT', 'UTF-8');
    const items = [disposition('items'), Buffer.from('[{"speakerId":"Zoë"}]', 'latin1')] as const;
    expectRefusal(await post('/v1/training-sessions', FORM, formWith(items, audio)), 'INVALID_ARGUMENT', 'UTF-8');
  });

  test('of a form may say its own encoding', async () => {
    const head = `${disposition('candidates')}\r\ncontent-type: text/plain; charset=iso-8859-1`;
    const form = formWith([head, Buffer.from('Zoë', 'latin1')], [disposition('audio', '; filename="a.wav"'), VOICE]);
    expectRefusal(await post('/v1/identify', FORM, form), 'SPEAKER_NOT_FOUND', 'Zoë');
  });
});

describe('a call that takes no body', () => {
  test.each([
    ['an empty body of JSON', 'application/json', undefined],
    ['an empty object', 'application/json', '{}'],
    ['an empty body of another type', 'text/plain', undefined],
  ])('is not disturbed by %s', async (_name, type, body) => {
    await addSpeaker('gone');
    const headers = { 'content-type': type, ...(body === undefined ? { 'content-length': '0' } : {}) };
    const init = { method: 'DELETE', headers, ...(body === undefined ? {} : { body }) };
    expect((await service.fetch('/v1/speakers/gone', init)).status).toBe(200);
  });

  test('and one that takes JSON says that it is missing', async () => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      expectRefusal(await service.call('/v1/speakers', { method: 'POST', headers }), 'INVALID_ARGUMENT', 'send JSON');
    }
  });
});

describe('a client that waits to be told to go on', () => {
  test('is told, and answered', async () => {
    const form = formWith([disposition('audio', '; filename="a.wav"'), VOICE]);
    const client = await RawClient.post(service, '/v1/embeddings', {
      'content-length': String(form.length),
      expect: '100-continue',
    });
    await until(() => client.said.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.write(form);
    expect(await client.answer()).toContain('HTTP/1.1 200 OK');
    client.destroy();
  });

  test.each([
    ['too large', '/v1/embeddings', { 'content-length': '9999999' }, 413],
    ['of a type that the call does not take', '/v1/compare', { 'content-type': 'audio/wav' }, 415],
    [
      'of JSON that is too large',
      '/v1/speakers',
      { 'content-type': 'application/json', 'content-length': '9999999' },
      413,
    ],
    ['for a call that is not there', '/v1/nothing', {}, 404],
  ])('is refused before it sends a body %s', async (_name, path, headers, status) => {
    const client = await RawClient.post(service, path, {
      'content-length': '1000',
      ...headers,
      expect: '100-continue',
    });
    expect(await client.answer()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    await client.end();
  });
});

describe('an upload that is cut off', () => {
  test('by whoever passed it on is said to be', async () => {
    const form = formWith([disposition('audio', '; filename="a.wav"'), VOICE]);
    for (const length of [form.length - 10, 30_000, 40]) {
      expectRefusal(await post('/v1/embeddings', FORM, form.subarray(0, length)), 'INVALID_ARGUMENT', 'cut off');
    }
    expectRefusal(await post('/v1/speakers', 'application/json', '{"id":"ad'), 'INVALID_ARGUMENT', 'cut off');
    expect(await service.uploads()).toEqual([]);
  });

  test('by a client that ends its side of the connection is said to be', async () => {
    const { hostname, port } = new URL(service.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
    const head = `POST /v1/embeddings HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: audio/wav\r\nx-api-key: ${service.key}\r\ncontent-length: 90000\r\n\r\n`;
    socket.end(Buffer.concat([Buffer.from(head), VOICE.subarray(0, 20_000)]));
    await until(() => said.endsWith('}'));
    expect(said).toMatch(/^HTTP\/1.1 400 /);
    expect(said).toContain('cut off');
    socket.destroy();
    await until(async () => (await service.uploads()).length === 0);
  });
});

describe('below a prefix', () => {
  let below: TestService;

  beforeAll(async () => {
    below = await TestService.start(workshop, {
      model: workshop.path('small.pt'),
      basePath: '/voices/v2/',
      requireKeys: 'never',
    });
    await below.service.ready();
  });

  afterAll(() => below.close());

  const at = (path: string): URL => new URL(path, new URL(below.url).origin);
  const ask = (url: URL): Promise<Response> => fetch(url, { headers: { 'x-api-key': below.key } });

  test('every call, the documentation and its files are there, and nowhere else', async () => {
    expect(below.url).toMatch(/\/voices\/v2$/);
    const page = await fetch(at('/voices/v2/docs'));
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, path]) => new URL(path!, at('/voices/v2/docs')),
    );
    expect(assets.length).toBeGreaterThanOrEqual(4);
    for (const path of [...assets, at('/voices/v2/health/ready'), at('/voices/v2/metrics'), at('/voices/v2/v1/info')]) {
      expect([path.pathname, (await ask(path)).status]).toEqual([path.pathname, 200]);
    }
    for (const path of ['/v1/info', '/health/ready', '/docs', '/voices/v1/info']) {
      expect([path, (await fetch(at(path))).status]).toEqual([path, 404]);
    }
    const document = (await (await fetch(at('/voices/v2/docs/openapi.json'))).json()) as { paths: object };
    for (const path of Object.keys(document.paths)) expect(path).toMatch(/^\/voices\/v2\//);
  });

  test('a job says its address with the prefix', async () => {
    const body = JSON.stringify({ createSpeakers: true, items: [{ speakerId: 'ada', path: '/nowhere.wav' }] });
    const headers = { 'content-type': 'application/json', 'x-api-key': below.key };
    const created = await fetch(at('/voices/v2/v1/training-sessions'), { method: 'POST', headers, body });
    expect(created.status).toBe(202);
    expect((await ask(at(created.headers.get('location')!))).status).toBe(200);
  });

  test('the path must be one', async () => {
    for (const basePath of ['voices', '/a//b', '/a?b', '/../x', '/%2e']) {
      await expect(TestService.start(workshop, { basePath })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('TIMBRE_BASE_PATH'),
      });
    }
  });
});
