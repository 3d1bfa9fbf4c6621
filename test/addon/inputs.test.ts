import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder, type EmbedResult } from '../../src/addon/index.js';
import { asPcm16, failure, RATE, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let encoder: SpeakerEncoder;
let file: string;
let bytes: Buffer;
let expected: EmbedResult;
const samples = asPcm16(voice(1.5));

beforeAll(async () => {
  workshop = await Workshop.open();
  bytes = wav(samples);
  file = await workshop.write('voice.wav', bytes);
  encoder = await SpeakerEncoder.load({ model: await workshop.bundle() });
  expected = await encoder.embed(file);
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

/** Bit for bit. */
function expectSame(result: EmbedResult): void {
  expect(Buffer.from(result.embedding.buffer)).toEqual(Buffer.from(expected.embedding.buffer));
}

describe('one recording in every form gives one embedding', () => {
  test('a path tells what was embedded, by what, and how long it took', () => {
    const { embedding, model, audio, timings } = expected;
    expect(types.isFloat32Array(embedding)).toBe(true);
    // Of the globals that this file has, which are not those of the addon.
    expect(embedding).toBeInstanceOf(Float32Array);
    expect(embedding).toHaveLength(encoder.info().embeddingDim);
    expect(embedding.every(Number.isFinite)).toBe(true);
    expect(model).toMatch(/^small@[0-9a-f]{12}$/);
    expect(model).toBe(encoder.info().model);
    expect(audio).toMatchObject({ seconds: 1.5, sampleRate: RATE, channels: 1 });
    expect(audio.format).toContain('WAV');
    expect(Object.keys(timings).sort()).toEqual([
      'decode',
      'features',
      'model',
      'queue',
      'resample',
      'speech',
      'total',
    ]);
    expect(Object.values(timings).every((ms) => ms >= 0)).toBe(true);
    expect(timings.total).toBeGreaterThan(0);
    expect(timings.total).toBeGreaterThanOrEqual(timings.decode + timings.features + timings.model);
  });

  test('its speech and quality are measured', async () => {
    const { speech, quality } = expected;
    expect(speech.seconds).toBeGreaterThanOrEqual(0);
    expect(speech.seconds).toBeLessThanOrEqual(1.5);
    expect(Object.keys(quality).sort()).toEqual(['bandwidthHz', 'clippedShare', 'levelDb', 'snrDb']);
    expect(quality.clippedShare).toBe(0);
    expect(quality.bandwidthHz).toBeGreaterThan(1000);
    expect(quality.bandwidthHz).toBeLessThanOrEqual(RATE / 2);
    expect(quality.levelDb).toBeLessThan(0);
    const loud = await encoder.embed({
      samples: samples.map((x) => Math.max(-1, Math.min(1, 20 * x))),
      sampleRate: RATE,
    });
    expect(loud.quality.clippedShare).toBeGreaterThan(0.05);
    expect(loud.quality.levelDb).toBeGreaterThan(quality.levelDb);
    const silence = await encoder.embed({ samples: new Float32Array(RATE), sampleRate: RATE }, { allowSilence: true });
    expect(silence.speech.seconds).toBe(0);
    expect(silence.quality.snrDb).toBeNull();
  });

  test('a file: URL', async () => {
    expectSame(await encoder.embed(pathToFileURL(file)));
  });

  test('a path with blanks, quotes and letters of other scripts', async () => {
    expectSame(await encoder.embed(await workshop.write(`a 'b" ünï 声.wav`, bytes)));
  });

  test('a Buffer, and a Uint8Array that is a part of a larger one', async () => {
    expectSame(await encoder.embed(bytes));
    const larger = new Uint8Array(bytes.length + 100).fill(255);
    larger.set(bytes, 51);
    expectSame(await encoder.embed(larger.subarray(51, 51 + bytes.length)));
  });

  test('samples, and samples that are a part of a larger array', async () => {
    const result = await encoder.embed({ samples, sampleRate: RATE });
    expectSame(result);
    expect(result.audio).toMatchObject({ seconds: 1.5, sampleRate: RATE, channels: 1 });
    const larger = new Float32Array(samples.length + 9).fill(1);
    larger.set(samples, 4);
    expectSame(await encoder.embed({ samples: larger.subarray(4, 4 + samples.length), sampleRate: RATE }));
  });

  test('streams: of a file, of small pieces, of one byte at a time', async () => {
    expectSame(await encoder.embed(createReadStream(file)));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 777) }, (_, i) =>
      bytes.subarray(777 * i, 777 * i + 777),
    );
    expectSame(await encoder.embed(Readable.from(pieces)));
    const short = wav(asPcm16(voice(0.2)));
    const one = await encoder.embed(Readable.from(Array.from(short, (_, i) => short.subarray(i, i + 1))));
    expect(one.embedding).toEqual((await encoder.embed(short)).embedding);
  });

  test('a stream of the web, by Readable.fromWeb', async () => {
    expectSame(await encoder.embed(Readable.fromWeb(new Response(await readFile(file)).body as never)));
  });

  test('bytes and samples in a SharedArrayBuffer', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expectSame(await encoder.embed(shared));
    const sharedSamples = new Float32Array(new SharedArrayBuffer(samples.byteLength));
    sharedSamples.set(samples);
    expectSame(await encoder.embed({ samples: sharedSamples, sampleRate: RATE }));
  });
});

describe('what the caller does with its memory afterwards', () => {
  test('a Buffer overwritten right after the call changes nothing', async () => {
    const mine = Buffer.from(bytes);
    const pending = encoder.embed(mine);
    mine.fill(0);
    expectSame(await pending);
  });

  test('samples overwritten right after the call change nothing', async () => {
    const mine = samples.slice();
    const pending = encoder.embed({ samples: mine, sampleRate: RATE });
    mine.fill(1);
    expectSame(await pending);
  });

  test('memory detached right after the call changes nothing', async () => {
    const mine = new Uint8Array(bytes);
    const mySamples = samples.slice();
    const pending = [encoder.embed(mine), encoder.embed({ samples: mySamples, sampleRate: RATE })];
    structuredClone(null, { transfer: [mine.buffer, mySamples.buffer] });
    expect([mine.length, mySamples.length]).toEqual([0, 0]);
    for (const result of await Promise.all(pending)) expectSame(result);
  });

  test('memory detached before the call is a recording without bytes', async () => {
    const mine = new Uint8Array(bytes);
    structuredClone(null, { transfer: [mine.buffer] });
    expect((await failure(encoder.embed(mine))).code).toBe('AUDIO_CORRUPT');
  });

  test('every result is memory of its own', async () => {
    const [first, second] = await Promise.all([encoder.embed(bytes), encoder.embed(bytes)]);
    first.embedding.fill(0);
    expectSame(second);
    const moved = structuredClone(second.embedding, { transfer: [second.embedding.buffer as ArrayBuffer] });
    expect(Float32Array.from(moved)).toEqual(Float32Array.from(expected.embedding));
  });
});

test('cutSeconds embeds the middle of a longer recording, and all of a shorter one', async () => {
  expectSame(await encoder.embed(bytes, { cutSeconds: 5 }));
  const cut = await encoder.embed(bytes, { cutSeconds: 1 });
  const middle = samples.slice(RATE / 4, RATE / 4 + RATE);
  expect(encoder.cosine(cut, await encoder.embed({ samples: middle, sampleRate: RATE }))).toBeGreaterThan(0.999);
});

test('intervals embed these parts alone, joined', async () => {
  const from = RATE / 2;
  const part = samples.slice(from, from + RATE / 2);
  const cut = await encoder.embed(bytes, { intervals: [{ start: 0.5, end: 1 }] });
  expect(cut.audio.seconds).toBeCloseTo(expected.audio.seconds, 6);
  expect(cut.embedded.seconds).toBeCloseTo(0.5, 6);
  expect(encoder.cosine(cut, await encoder.embed({ samples: part, sampleRate: RATE }))).toBeGreaterThan(0.999);
  const two = await encoder.embed(bytes, { intervals: [{ start: 0, end: 0.4 }, { start: 0.8, end: 1.2 }] }); // prettier-ignore
  expect(two.embedded.seconds).toBeCloseTo(0.795, 3);
  const behind = encoder.embed(bytes, { intervals: [{ start: 100, end: 101 }] });
  await expect(behind).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('begins at'),
  });
});

test('a recording at another rate, and in stereo, comes close to the same embedding', async () => {
  const stereo = new Float32Array(2 * samples.length).map((_, i) => samples[i >> 1]!);
  const result = await encoder.embed(wav(stereo, RATE, 2));
  expect(result.audio.channels).toBe(2);
  expect(encoder.cosine(result, expected)).toBeGreaterThan(0.9999);
  const wide = await encoder.embed({ samples: voice(1.5, 120, 44_100), sampleRate: 44_100 });
  const narrow = await encoder.embed({ samples: voice(1.5), sampleRate: RATE });
  expect(wide.audio.sampleRate).toBe(44_100);
  expect(encoder.cosine(wide, narrow)).toBeGreaterThan(0.9);
});

test('info says what was loaded', () => {
  const info = encoder.info();
  expect(info).toMatchObject({
    id: 'small',
    family: 'speechbrain',
    trained: false,
    embeddingDim: 32,
    sampleRate: RATE,
    device: 'cpu',
    queueLimit: 256,
    limits: { maxBytes: 256 * 2 ** 20, maxSeconds: 300 },
  });
  expect(info.workers).toBeGreaterThan(0);
  expect(info.shortestSeconds).toBeCloseTo(0.04, 3);
  expect(info.manifest.id).toBe('small');
  expect(info.manifest['frontEnd']).toHaveProperty('melBins', 80);
});

test('stats count what was asked and what became of it', async () => {
  const before = encoder.stats();
  await encoder.embed(bytes);
  await failure(encoder.embed(Buffer.from('no recording')));
  const after = encoder.stats();
  expect(after.submitted - before.submitted).toBe(2);
  expect(after.completed - before.completed).toBe(1);
  expect(after.failed - before.failed).toBe(1);
  expect(after.audioSeconds - before.audioSeconds).toBeCloseTo(1.5, 6);
  expect(after.timings.total).toBeGreaterThan(before.timings.total);
  expect(after).toMatchObject({ queued: 0, running: 0, rejected: 0 });
});
