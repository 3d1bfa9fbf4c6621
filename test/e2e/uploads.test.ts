import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { errorBody } from '../../src/service/http/api-errors.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { embeddingsView } from '../../src/service/embeddings/embeddings.dto.js';
import { UploadMemory } from '../../src/service/uploads/upload-memory.js';
import { RawClient } from './raw-client.js';
import { silence, TestService, until, wav, Workshop } from './support.js';

let workshop: Workshop;
let model: string;

const LIMITS: ConfigInput = { maxFiles: 4, maxUploadBytes: 200_000, maxRequestBytes: 400_000, maxAudioSeconds: 5 };

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
});

afterAll(() => workshop.remove());

/** What is held in memory of requests under way. */
function held(service: TestService): number {
  return service.service.app.get(UploadMemory, { strict: false }).inUse;
}

/** Status and code of an error's answer. */
async function refusal(answer: ReturnType<TestService['call']>): Promise<[number, string]> {
  const { status, body } = await answer;
  return [status, errorBody.parse(body).code];
}

describe.each<[string, ConfigInput]>([
  ['held in memory', {}],
  ['held in files', { uploadMemoryBytes: 0 }],
  ['of which the second finds no room in memory', { uploadMemoryBytes: 150_000 }],
])('recordings %s', (_where, settings) => {
  let service: TestService;

  beforeAll(async () => {
    service = await TestService.start(workshop, { model, ...LIMITS, ...settings });
    await service.service.ready();
  });

  afterAll(() => service.close());

  describe('a form that is not as declared', () => {
    test.each<[string, Parameters<TestService['postForm']>[1], number, string]>([
      ['without a recording', [], 400, 'INVALID_ARGUMENT'],
      [
        'with two recordings in a field of another name',
        [
          ['file', wav(1)],
          ['file', wav(1)],
        ],
        400,
        'INVALID_ARGUMENT',
      ],
      ['with the recording as text', [['audio', 'RIFF']], 400, 'INVALID_ARGUMENT'],
      [
        'with a field too many',
        [
          ['audio', wav(1)],
          ['name', 'x'],
        ],
        400,
        'INVALID_ARGUMENT',
      ],
      [
        'with a field named __proto__',
        [
          ['audio', wav(1)],
          ['__proto__', 'x'],
        ],
        400,
        'INVALID_ARGUMENT',
      ],
      [
        'with a field of 20 kB',
        [
          ['audio', wav(1)],
          ['name', 'x'.repeat(20_000)],
        ],
        413,
        'BODY_TOO_LARGE',
      ],
      [
        'with five recordings, where four are allowed',
        Array.from({ length: 5 }, () => ['audio', wav(1)] as const),
        413,
        'BODY_TOO_LARGE',
      ],
      ['with a recording that is too large', [['audio', wav(7)]], 413, 'AUDIO_TOO_LARGE'],
      ['with an empty recording', [['audio', Buffer.alloc(0)]], 422, 'AUDIO_CORRUPT'],
      ['with something else than a recording', [['audio', Buffer.from('hello')]], 415, 'AUDIO_UNSUPPORTED'],
      ['with a recording that is too short', [['audio', wav(0.02)]], 422, 'AUDIO_TOO_SHORT'],
      ['with a recording that is too long', [['audio', wav(6)]], 422, 'AUDIO_TOO_LONG'],
      ['with silence', [['audio', silence(2)]], 422, 'NO_SPEECH'],
    ])('%s', async (_name, parts, status, code) => {
      expect(await refusal(service.postForm('/v1/embeddings', parts))).toEqual([status, code]);
      expect([await service.uploads(), held(service)]).toEqual([[], 0]);
    });

    test('half a recording is embedded as far as it goes, and said to be incomplete', async () => {
      const { status, body } = await service.postForm('/v1/embeddings', [['audio', wav(2).subarray(0, 30_000)]]);
      expect(status).toBe(200);
      expect(body).toMatchObject({ results: [{ audio: { complete: false, incomplete: { reason: 'TRUNCATED' } } }] });
    });

    test('comparing needs a recording in each of the two fields, and no more than one', async () => {
      expect(await refusal(service.postForm('/v1/compare', [['a', wav(1)]]))).toEqual([400, 'INVALID_ARGUMENT']);
      const three = ['a', 'a', 'b'].map((name) => [name, wav(1)] as const);
      expect(await refusal(service.postForm('/v1/compare', three))).toEqual([400, 'INVALID_ARGUMENT']);
    });

    test.each([
      ['application/json', '{}'],
      ['text/plain', 'hello'],
      ['application/x-www-form-urlencoded', 'audio=1'],
      ['audio', 'RIFF'],
      ['', ''],
    ])('the content type %j is 415', async (type, body) => {
      const headers = type === '' ? {} : { 'content-type': type };
      const init = { method: 'POST', headers, ...(body === '' ? {} : { body: Buffer.from(body) }) };
      expect(await refusal(service.call('/v1/embeddings', init))).toEqual([415, 'CONTENT_TYPE_UNSUPPORTED']);
    });

    test.each([
      ['no boundary', 'multipart/form-data', 'x'],
      ['no part', 'multipart/form-data; boundary=x', ''],
      [
        'no last boundary',
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; name="audio"; filename="a"\r\n\r\nRIFF',
      ],
      ['no header', 'multipart/form-data; boundary=x', '--x\r\n\r\nRIFF\r\n--x--\r\n'],
      [
        'no name',
        'multipart/form-data; boundary=x',
        '--x\r\ncontent-disposition: form-data; filename="a"\r\n\r\nRIFF\r\n--x--\r\n',
      ],
      ['nothing like it', 'multipart/form-data; boundary=x', '\0'.repeat(1000)],
      [
        'one large part that is no field',
        'multipart/form-data; boundary=x',
        `--x\r\ncontent-disposition: attachment; name="audio"\r\n\r\n${'y'.repeat(20_000)}\r\n--x--\r\n`,
      ],
    ])('a form with %s is 400', async (_name, type, body) => {
      const init = { method: 'POST', headers: { 'content-type': type }, body: Buffer.from(body) };
      expect(await refusal(service.call('/v1/embeddings', init))).toEqual([400, 'INVALID_ARGUMENT']);
      expect([await service.uploads(), held(service)]).toEqual([[], 0]);
    });
  });

  describe('several recordings', () => {
    test('one that fails leaves the others', async () => {
      const { status, body } = await service.postForm('/v1/embeddings', [
        ['audio', Buffer.from('hello'), 'hello.txt'],
        ['audio', wav(1)],
      ]);
      expect(status).toBe(200);
      const { results } = embeddingsView.parse(body);
      expect(results[0]).toMatchObject({ index: 0, filename: 'hello.txt', error: { code: 'AUDIO_UNSUPPORTED' } });
      expect(results[1]).toHaveProperty('embedding');
      expect(JSON.stringify(body)).not.toContain(service.uploadDir);
    });

    test('where all fail, the first error is the answer and all are in its details', async () => {
      const { status, body } = await service.postForm('/v1/embeddings', [
        ['audio', silence(1), 'silence.wav'],
        ['audio', Buffer.from('hello'), 'hello.txt'],
      ]);
      expect(status).toBe(422);
      const error = { code: expect.any(String), message: expect.any(String) };
      expect(body).toMatchObject({
        code: 'NO_SPEECH',
        details: {
          results: [
            { index: 0, filename: 'silence.wav', error },
            { index: 1, filename: 'hello.txt', error },
          ],
        },
      });
      expect(JSON.stringify(body)).not.toContain(service.uploadDir);
    });
  });
});

describe('an upload that never comes to its end', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await TestService.start(workshop, { model, ...LIMITS });
    await service.service.ready();
  });

  afterAll(() => service.close());

  const part = '--x\r\ncontent-disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n';

  test('5 GB declared are refused at once', async () => {
    const client = await RawClient.post(service, '/v1/embeddings', { 'content-length': String(5 * 2 ** 30) });
    client.write(part);
    const answer = await client.answer();
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('BODY_TOO_LARGE');
    client.destroy();
  });

  test('more bytes than a request may have are refused while they come', async () => {
    const client = await RawClient.post(service, '/v1/embeddings', { 'transfer-encoding': 'chunked' });
    const chunk = (text: string): void => client.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    for (let i = 0; i < 5; i++) chunk(`${part}${'y'.repeat(100_000)}\r\n`);
    expect(await client.answer()).toContain('BODY_TOO_LARGE');
    client.destroy();
    await until(async () => (await service.uploads()).length === 0);
  });

  test.each<[string, ConfigInput, (service: TestService) => Promise<boolean>]>([
    ['no file', { uploadMemoryBytes: 0 }, async (small) => (await small.uploads()).length === 1],
    ['no memory', {}, (small) => Promise.resolve(held(small) > 0)],
  ])('a client that goes away leaves %s and no slot taken', async (_what, settings, holds) => {
    const small = await TestService.start(workshop, { model, maxConcurrentRequests: 1, ...settings });
    try {
      await small.service.ready();
      const client = await RawClient.post(small, '/v1/embeddings', { 'content-length': '100000' });
      client.write(part + 'RIFF');
      await until(() => holds(small));

      const refused = await small.postForm('/v1/embeddings', [['audio', wav(1)]]);
      expect(refused).toMatchObject({ status: 429, body: { code: 'OVERLOADED' } });
      expect(refused.headers.get('retry-after')).toBe('1');

      client.destroy();
      await until(async () => !(await holds(small)));
      expect(await small.postForm('/v1/embeddings', [['audio', wav(1)]])).toMatchObject({ status: 200 });
    } finally {
      await small.close();
    }
  });

  test("the sidecar's port takes from the same memory, and gives it back", async () => {
    const url = service.service.sidecarUrl!;
    const headers = { 'content-length': '100000' };
    const client = await RawClient.post({ url }, '/extract-embedding-buffer', headers);
    client.write(part + 'RIFF');
    await until(() => held(service) > 0);
    client.destroy();
    await until(() => held(service) === 0);
  });

  test('one that stalls is given up at its deadline', async () => {
    const impatient = await TestService.start(workshop, { model, requestSeconds: 0.3, uploadMemoryBytes: 0 });
    try {
      await impatient.service.ready();
      const client = await RawClient.post(impatient, '/v1/embeddings', { 'content-length': '100000' });
      client.write(part + 'RIFF');
      const answer = await client.answer();
      expect(answer).toMatch(/^HTTP\/1.1 504 /);
      expect(answer).toContain('DEADLINE_EXCEEDED');
      client.destroy();
      await until(async () => (await impatient.uploads()).length === 0);
    } finally {
      await impatient.close();
    }
  });
});

test('a folder of uploads that cannot be written is 507 for what memory has no room for, and names its variable', async () => {
  const file = workshop.path('no-folder');
  await writeFile(file, '');
  const broken = await TestService.start(workshop, { model, uploadDir: file, uploadMemoryBytes: 150_000 });
  try {
    await broken.service.ready();
    expect(await broken.postForm('/v1/embeddings', [['audio', wav(1)]])).toMatchObject({ status: 200 });
    const { status, body } = await broken.postForm('/v1/embeddings', [['audio', wav(5)]]);
    expect({ status, body }).toMatchObject({ status: 507, body: { code: 'WRITE_FAILED' } });
    expect(errorBody.parse(body).message).toContain('TIMBRE_UPLOAD_DIR');
  } finally {
    await broken.close();
  }
});
