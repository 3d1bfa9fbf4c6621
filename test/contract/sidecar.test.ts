import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpeakerEncoder } from '../../src/addon/index.js';
import { LONGEST, TestService, until, wav, Workshop } from '../e2e/support.js';

/** The eight calls of the Python sidecar as its clients make them: fetch, JSON in, JSON out. */

let workshop: Workshop;
let service: TestService;
let client: Client;
let alice: string;
let bob: string;
let expected: number[];

beforeAll(async () => {
  workshop = await Workshop.open();
  const model = await workshop.bundle();
  await mkdir(workshop.path('recordings'));
  alice = workshop.path('recordings', 'alice.wav');
  bob = workshop.path('recordings', 'bob.wav');
  await writeFile(alice, wav(2));
  await writeFile(bob, wav(3, { seed: 2 }));
  await writeFile(workshop.path('recordings', 'broken.wav'), 'no recording');
  await writeFile(workshop.path('secret.wav'), wav(2));
  await symlink(workshop.path('secret.wav'), workshop.path('recordings', 'link.wav'));

  const encoder = await SpeakerEncoder.load({ model, workers: 1 });
  expected = Array.from((await encoder.embed(alice, { pauses: 'keep' })).embedding);
  await encoder.close();

  service = await TestService.start(workshop, { model, audioRoots: [workshop.path('recordings')] });
  client = new Client(service);
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('GET /health', () => {
  test('healthy once the model is loaded', async () => {
    expect(await client.get('/health')).toEqual({
      status: 200,
      body: {
        status: 'healthy',
        model_loaded: true,
        model_cached: true,
        device: 'cpu',
        model_name: expect.stringMatching(/^small@/),
        offline_mode: true,
        cache_dir: workshop.path('models'),
      },
    });
  });
});

describe('POST /extract-embedding', () => {
  test('the embedding as the model gives it, not length-normalised', async () => {
    const { status, body } = await client.post('/extract-embedding', { audio_path: alice, apply_preprocessing: true });
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      embedding: expected,
      dimension: expected.length,
      model: expect.stringMatching(/^small@/),
      preprocessing_applied: false,
    });
    expect(Math.abs(Math.hypot(...expected) - 1)).toBeGreaterThan(0.1);
  });

  test.each([[{}], [{ audio_path: null }], [{ audio_path: '' }], [[]], ['text']])(
    '400 without audio_path: %j',
    async (body) => {
      expect(await client.post('/extract-embedding', body)).toEqual({
        status: 400,
        body: { error: 'Missing required field: audio_path' },
      });
    },
  );

  test('400 without a body', async () => {
    const response = await fetch(client.url('/extract-embedding'), { method: 'POST' });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: 'Missing required field: audio_path' });
  });

  test.each([
    ['missing', 'nowhere.wav'],
    ['a folder', ''],
    ['a folder by a detour', '../recordings'],
    ['with a NUL', 'a\0b'],
    ['too long a name', 'x'.repeat(5000)],
  ])('404 for what is no file: %s', async (_name, name) => {
    const { status, body } = await client.post('/extract-embedding', {
      audio_path: workshop.path('recordings') + '/' + name,
    });
    expect(status).toBe(404);
    expect(body).toEqual({ error: expect.any(String) });
  });

  test('404 outside of AUDIO_ROOTS, links resolved, and the log names the variable', async () => {
    const refused = (): typeof service.log => service.log.filter(({ room }) => room === 'AudioRoots');
    const before = refused().length;
    for (const path of [
      workshop.path('secret.wav'),
      workshop.path('recordings/link.wav'),
      `${workshop.path('recordings')}/../secret.wav`,
    ]) {
      const { status, body } = await client.post('/extract-embedding', { audio_path: path });
      expect({ status, body }).toEqual({ status: 404, body: { error: expect.any(String) } });
    }
    const refusals = refused().slice(before);
    expect(refusals).toHaveLength(3);
    for (const { msg } of refusals) expect(msg).toContain('AUDIO_ROOTS');
  });

  test('500 for a file that is no recording, with the reason', async () => {
    const { status, body } = await client.post('/extract-embedding', {
      audio_path: workshop.path('recordings/broken.wav'),
    });
    expect(status).toBe(500);
    expect(body).toEqual({ error: expect.stringMatching(/\w/) });
  });
});

describe('POST /batch-extract-embeddings', () => {
  test('a bad file is an entry in errors, never a failed call', async () => {
    const broken = workshop.path('recordings/broken.wav');
    const { status, body } = await client.post('/batch-extract-embeddings', {
      audio_paths: [broken, alice, 7, workshop.path('secret.wav'), bob],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      total: 5,
      processed: 2,
      errors_count: 3,
      embeddings: [
        { index: 1, audio_path: alice, embedding: expected, success: true },
        { index: 4, audio_path: bob, embedding: expect.any(Array), success: true },
      ],
      errors: [
        { index: 0, audio_path: broken, error: expect.any(String) },
        { index: 2, audio_path: 7, error: expect.any(String) },
        { index: 3, audio_path: workshop.path('secret.wav'), error: expect.any(String) },
      ],
      model: expect.stringMatching(/^small@/),
      preprocessing_applied: false,
    });
  });

  test('success is false where nothing worked', async () => {
    const { status, body } = await client.post('/batch-extract-embeddings', { audio_paths: ['nowhere.wav'] });
    expect(status).toBe(200);
    expect(body).toMatchObject({ success: false, total: 1, processed: 0, errors_count: 1, embeddings: [] });
  });

  test('more paths than the queue holds', async () => {
    const { body } = await client.post('/batch-extract-embeddings', {
      audio_paths: Array.from({ length: 300 }, () => alice),
    });
    expect(body).toMatchObject({ total: 300, processed: 300, errors_count: 0 });
  });

  test.each([
    [{}, 'Missing required field: audio_paths'],
    [{ audio_paths: 'a.wav' }, 'audio_paths must be a list'],
  ])('400 for %j', async (body, error) => {
    expect(await client.post('/batch-extract-embeddings', body)).toEqual({ status: 400, body: { error } });
  });
});

describe('POST /compute-similarity', () => {
  test.each([
    [[1, 0], [1, 0], 1],
    [[1, 0], [0, 2], 0],
    [[1, 2, 3], [-2, -4, -6], -1],
    [[0, 0], [1, 2], 0],
    [[1e300, 1e300], [1e300, 1e300], 1],
    [[1e-300], [1e-300], 1],
    [[3, 4], [4, 3], 0.96],
  ])('cosine of %j and %j is %d', async (embedding1, embedding2, cosine) => {
    const { status, body } = await client.post('/compute-similarity', { embedding1, embedding2 });
    expect(status).toBe(200);
    expect(body).toEqual({ success: true, similarity: expect.closeTo(cosine, 12) });
  });

  test.each([
    [{ embedding1: [1] }, 'Missing required fields: embedding1, embedding2'],
    [{ embedding2: [1] }, 'Missing required fields: embedding1, embedding2'],
    [{ embedding1: [1, 2], embedding2: [1] }, 'embeddings must have the same length, not 2 and 1'],
    [{ embedding1: 'x', embedding2: [1] }, 'embedding1 must be a list of finite numbers'],
    [{ embedding1: [1, null], embedding2: [1, 2] }, 'embedding1 must be a list of finite numbers'],
    [{ embedding1: [], embedding2: [] }, 'embedding1 must not be empty'],
  ])('400 for %j', async (body, error) => {
    expect(await client.post('/compute-similarity', body)).toEqual({ status: 400, body: { error } });
  });

  test('400 for a number that JSON can write and no double can hold', async () => {
    const body = '{"embedding1":[1e999],"embedding2":[1]}';
    const response = await fetch(client.url('/compute-similarity'), { method: 'POST', headers: JSON_TYPE, body });
    expect(response.status).toBe(400);
  });
});

describe('POST /compute-centroid', () => {
  test('the plain mean', async () => {
    expect(
      await client.post('/compute-centroid', {
        embeddings: [
          [1, 2],
          [3, 6],
        ],
      }),
    ).toEqual({
      status: 200,
      body: { success: true, centroid: [2, 4], dimension: 2, embedding_count: 2 },
    });
  });

  test.each([
    [{}, 'Missing required field: embeddings'],
    [{ embeddings: [] }, 'embeddings must not be empty'],
    [{ embeddings: [1, 2] }, 'each of embeddings must be a list of finite numbers'],
    [{ embeddings: [[1], [1, 2]] }, 'embeddings must all have the same length'],
  ])('400 for %j', async (body, error) => {
    expect(await client.post('/compute-centroid', body)).toEqual({ status: 400, body: { error } });
  });
});

describe('POST /extract-embedding-buffer', () => {
  const shape = (): object => ({
    success: true,
    embedding: expected,
    dimension: expected.length,
    model: expect.stringMatching(/^small@/),
    preprocessing_applied: false,
    audio_duration_s: 2,
    processing_time_ms: expect.any(Number),
  });

  test('raw PCM in base64, 16 kHz unless said otherwise', async () => {
    const audio_base64 = wav(2).subarray(44).toString('base64');
    expect(await client.post('/extract-embedding-buffer', { audio_base64 })).toEqual({ status: 200, body: shape() });
    const { body } = await client.post('/extract-embedding-buffer', { audio_base64, sample_rate: 8000 });
    expect(body).toMatchObject({ audio_duration_s: 4 });
  });

  test.each([
    ['wav', []],
    ['aiff', []],
    ['au', []],
    ['caf', []],
    ['w64', []],
    ['flac', []],
    ['ogg', ['-c:a', 'libvorbis']],
    ['opus', ['-c:a', 'libopus']],
    ['mp3', []],
    ['mp3', ['-write_xing', '0', '-id3v2_version', '0']],
    ['m4a', ['-c:a', 'aac']],
    ['mp4', ['-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov+default_base_moof']],
    ['mov', ['-c:a', 'pcm_s16le']],
    ['aac', []],
    ['webm', ['-c:a', 'libopus']],
    ['mka', ['-c:a', 'flac']],
    ['wma', []],
    ['ac3', []],
    ['ts', ['-c:a', 'aac']],
    ['mpg', ['-c:a', 'mp2']],
    ['wv', []],
    ['tta', []],
    ['flv', ['-c:a', 'mp3', '-ar', '44100']],
    ['voc', []],
    ['avi', ['-c:a', 'mp3']],
  ] as const)('a whole recording in base64 is read as that, not as PCM: %s %j', async (extension, coding) => {
    const path = workshop.path(`whole.${extension}`);
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', alice, ...coding, path]);
    const base64 = (await readFile(path)).toString('base64');
    const { status, body } = await client.form('/extract-embedding-buffer', { audio: await readFile(path) });
    expect({ status, body }).toMatchObject({ status: 200 });
    const { embedding, audio_duration_s } = body as { embedding: number[]; audio_duration_s: number };
    // Coders pad what they code to whole frames.
    expect(Math.abs(audio_duration_s - 2)).toBeLessThan(0.2);
    const same = { status: 200, body: { embedding, audio_duration_s } };
    for (const audio_base64 of [base64, `data:application/octet-stream;base64,${base64}`]) {
      const request = { audio_base64, sample_rate: 8000 };
      expect(await client.post('/extract-embedding-buffer', request)).toMatchObject(same);
      const compared = { ...request, centroid_embedding: embedding };
      expect(await client.post('/extract-embedding-and-compare', compared)).toMatchObject({
        body: { similarity: expect.closeTo(1, 6) },
      });
    }
  });

  test('a data: URL of raw PCM is raw PCM, of a media type of recordings a recording', async () => {
    const base64 = wav(2).subarray(44).toString('base64');
    for (const type of ['', 'application/octet-stream', 'audio/pcm', 'audio/L16;rate=16000']) {
      const audio_base64 = `data:${type};base64,${base64}`;
      expect(await client.post('/extract-embedding-buffer', { audio_base64 })).toEqual({ status: 200, body: shape() });
    }
    for (const audio_base64 of [`data:audio/webm;codecs=opus;base64,${base64}`, `data:audio/webm,${base64}`]) {
      const { status, body } = await client.post('/extract-embedding-buffer', { audio_base64 });
      expect(status).toBe(400);
      expect(JSON.stringify(body)).not.toContain(base64.slice(0, 16));
    }
  });

  test('a piece of WebM is no raw PCM, in base64 and in a form with a sample rate', async () => {
    const head = Buffer.from('1f43b67501ffffffffffffffe78100a3', 'hex');
    const piece = Buffer.concat([head, wav(2).subarray(44)]);
    const wrong = { status: 400, body: { error: expect.stringContaining('joined from the first') } };
    const audio_base64 = piece.toString('base64');
    expect(await client.post('/extract-embedding-buffer', { audio_base64 })).toEqual(wrong);
    const fields = { audio: piece, sample_rate: '16000' };
    expect(await client.form('/extract-embedding-buffer', fields)).toEqual(wrong);
  });

  test('a recording in a form', async () => {
    expect(await client.form('/extract-embedding-buffer', { audio: wav(2) })).toEqual({ status: 200, body: shape() });
  });

  test('raw PCM in a form that says its sample rate', async () => {
    const audio = wav(2).subarray(44);
    const fields = { audio, sample_rate: '16000', apply_preprocessing: 'true' };
    expect(await client.form('/extract-embedding-buffer', fields)).toEqual({ status: 200, body: shape() });
  });

  test.each([
    [{}, /^Missing required field: audio_base64$/],
    [{ audio_base64: 'not base64!' }, /no base64/],
    [{ audio_base64: 'AAAA' }, /whole 16-bit samples/],
    [{ audio_base64: 'AAA=' }, /needs at least/],
    [{ audio_base64: 'AAAA', sample_rate: 'fast' }, /sample_rate/],
    [{ audio_base64: 'AAAA', sample_rate: -1 }, /sample_rate/],
  ])('400 for %j', async (body, error) => {
    expect(await client.post('/extract-embedding-buffer', body)).toEqual({
      status: 400,
      body: { error: expect.stringMatching(error) },
    });
  });

  test('400 for a form without a recording, and for one that is none', async () => {
    expect(await client.form('/extract-embedding-buffer', { sample_rate: '16000' })).toMatchObject({ status: 400 });
    const answer = await client.form('/extract-embedding-buffer', { audio: Buffer.from('no recording') });
    expect(answer).toEqual({ status: 400, body: { error: expect.any(String) } });
  });
});

describe('POST /extract-embedding-and-compare', () => {
  const audio_base64 = wav(2).subarray(44).toString('base64');

  test('the same plus similarity', async () => {
    const request = { audio_base64, centroid_embedding: expected.map((value) => 2 * value) };
    const { status, body } = await client.post('/extract-embedding-and-compare', request);
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      embedding: expected,
      dimension: expected.length,
      model: expect.stringMatching(/^small@/),
      preprocessing_applied: false,
      audio_duration_s: 2,
      processing_time_ms: expect.any(Number),
      similarity: expect.closeTo(1, 6),
    });
  });

  test('as a form', async () => {
    const fields = { audio: wav(2), centroid_embedding: JSON.stringify(expected) };
    const { body } = await client.form('/extract-embedding-and-compare', fields);
    expect(body).toMatchObject({ success: true, similarity: expect.closeTo(1, 6) });
  });

  test.each([
    ['no centroid', { audio_base64 }, 'Missing required field: centroid_embedding'],
    [
      'a centroid of another length',
      { audio_base64, centroid_embedding: [1, 2] },
      'centroid_embedding has 2 numbers, embeddings of this model have 32',
    ],
    ['no recording', { centroid_embedding: [1] }, 'Missing required field: audio_base64'],
  ])('400 for %s', async (_name, body, error) => {
    expect(await client.post('/extract-embedding-and-compare', body)).toEqual({ status: 400, body: { error } });
  });
});

describe('anything else', () => {
  test.each(['/', '/extract', '/v1/info', '/docs', '/metrics', '/health/ready'])('404 for GET %s', async (path) => {
    expect(await client.get(path)).toEqual({ status: 404, body: { error: 'Endpoint not found' } });
  });

  test('404 for another method', async () => {
    expect(await client.get('/extract-embedding')).toEqual({ status: 404, body: { error: 'Endpoint not found' } });
  });

  test('JSON that is none is 400', async () => {
    const response = await fetch(client.url('/compute-centroid'), {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"embeddings":',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringContaining('JSON') });
  });
});

describe('overload', () => {
  test('429 with Retry-After when the queue is full; what was admitted completes', async () => {
    const long = workshop.path('recordings', 'long.wav');
    await writeFile(long, wav(LONGEST));
    const small = await TestService.start(workshop, {
      model: workshop.path('small.pt'),
      audioRoots: [workshop.path('recordings')],
      workers: 1,
      queueLimit: 1,
    });
    try {
      await small.service.ready();
      const calls = new Client(small);
      const extract = (): Promise<Answer> => calls.post('/extract-embedding', { audio_path: long });
      const first = extract();
      await until(() => small.engineStats().running === 1);
      const second = extract();
      await until(() => small.engineStats().queued === 1);
      const refused = await fetch(calls.url('/extract-embedding'), {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify({ audio_path: alice }),
      });
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await refused.json()).toEqual({ error: expect.any(String) });
      expect([(await first).status, (await second).status]).toEqual([200, 200]);
    } finally {
      await small.close();
    }
  });
});

describe('while the model is being fetched', () => {
  let hub: Server;
  let early: TestService;
  const mirror = process.env['TIMBRE_MODEL_MIRROR'];

  beforeAll(async () => {
    // A hub that accepts and never answers.
    hub = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => hub.once('listening', resolve));
    process.env['TIMBRE_MODEL_MIRROR'] = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    early = await TestService.start(workshop, { model: 'speechbrain-ecapa-voxceleb' });
  });

  afterAll(async () => {
    await early.close();
    hub.closeAllConnections();
    hub.close();
    if (mirror === undefined) delete process.env['TIMBRE_MODEL_MIRROR'];
    else process.env['TIMBRE_MODEL_MIRROR'] = mirror;
  });

  test('health is 503 and initializing', async () => {
    const { status, body } = await new Client(early).get('/health');
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: 'initializing', model_loaded: false, offline_mode: false });
  });

  test('calls that need the model are 503 with Retry-After; those that do not, work', async () => {
    const premature = new Client(early);
    const response = await fetch(premature.url('/extract-embedding'), {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ audio_path: alice }),
    });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).not.toBeNull();
    expect(await premature.post('/batch-extract-embeddings', { audio_paths: [alice] })).toMatchObject({ status: 503 });
    expect(await premature.post('/extract-embedding-buffer', { audio_base64: 'AAAA' })).toMatchObject({ status: 503 });
    expect(await premature.form('/extract-embedding-buffer', { audio: wav(1) })).toMatchObject({ status: 503 });
    expect(await premature.post('/compute-centroid', { embeddings: [[1]] })).toMatchObject({ status: 200 });
  });
});

const JSON_TYPE = { 'content-type': 'application/json' };

/** A client of the sidecar. */
class Client {
  constructor(private readonly of: TestService) {}

  url(path: string): URL {
    return new URL(path, this.of.service.sidecarUrl);
  }

  get(path: string): Promise<Answer> {
    return this.answer(fetch(this.url(path)));
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.answer(fetch(this.url(path), { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) }));
  }

  form(path: string, fields: Record<string, string | Buffer>): Promise<Answer> {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === 'string') body.append(name, value);
      else body.append(name, new Blob([new Uint8Array(value)]), 'audio');
    }
    return this.answer(fetch(this.url(path), { method: 'POST', body }));
  }

  private async answer(response: Promise<Response>): Promise<Answer> {
    const { status } = await response;
    return { status, body: await (await response).json() };
  }
}

interface Answer {
  status: number;
  body: unknown;
}
