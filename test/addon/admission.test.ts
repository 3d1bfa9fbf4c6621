import { setImmediate as turn } from 'node:timers/promises';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder } from '../../src/addon/index.js';
import { errorOf, failure, RATE, resultOf, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let bundle: string;
const short = wav(voice(0.5));
const long = { samples: voice(120), sampleRate: RATE };

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
});

afterAll(() => workshop.remove());

/** An encoder of one worker that has room for so many bytes of inputs, used and closed. */
async function withRoom(maxInputBytes: number, use: (encoder: SpeakerEncoder) => Promise<void>): Promise<void> {
  const encoder = await SpeakerEncoder.load({ model: bundle, workers: 1, limits: { maxInputBytes } });
  try {
    await use(encoder);
    expect(encoder.stats()).toMatchObject({ inputBytes: 0, workingBytes: 0 });
  } finally {
    await encoder.close();
  }
}

/** Keeps the worker busy; resolves to a function that ends it. */
async function occupy(encoder: SpeakerEncoder): Promise<() => Promise<void>> {
  const file = await workshop.write('long.wav', wav(long.samples));
  const controller = new AbortController();
  const call = failure(encoder.embed(file, { signal: controller.signal }));
  while (encoder.stats().running === 0) await turn();
  return async () => {
    controller.abort();
    await call;
    while (encoder.stats().running > 0) await turn();
  };
}

describe('bytes of inputs', () => {
  test('are what the memory allows by default, and shown', async () => {
    const encoder = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const { maxInputBytes, maxWorkingBytes } = encoder.info().limits;
    expect(maxInputBytes).toBeGreaterThanOrEqual(64 * 2 ** 20);
    expect(maxWorkingBytes).toBeGreaterThanOrEqual(256 * 2 ** 20);
    await encoder.close();
  });

  test('are refused at once when there is no room, and never held beyond it', async () => {
    await withRoom(3 * short.length, async (encoder) => {
      const free = await occupy(encoder);
      const calls = Array.from({ length: 20 }, () => encoder.embed(short));
      expect(encoder.stats().inputBytes).toBe(3 * short.length);
      const settled = Promise.allSettled(calls);
      await free();
      const codes = (await settled).flatMap((each) =>
        each.status === 'rejected' ? [(each.reason as { code: string }).code] : [],
      );
      expect(codes).toEqual(Array(17).fill('OVERLOADED'));
      await encoder.embed(short);
    });
  });

  test('of a path are none', async () => {
    const file = await workshop.write('short.wav', short);
    await withRoom(1, async (encoder) => {
      const free = await occupy(encoder);
      const call = encoder.embed(file);
      expect(encoder.stats().inputBytes).toBe(0);
      await free();
      await call;
    });
  });

  test('that would never fit are too large, however they come', async () => {
    await withRoom(short.length - 1, async (encoder) => {
      const codes = await Promise.all(
        [short, Readable.from([short], { objectMode: false })].map(
          async (input) => (await failure(encoder.embed(input))).code,
        ),
      );
      expect(codes).toEqual(['AUDIO_TOO_LARGE', 'AUDIO_TOO_LARGE']);
      expect(errorOf((await encoder.embedBatch([short]))[0]).code).toBe('AUDIO_TOO_LARGE');
    });
  });

  test('and seconds above the limits are refused before anything is queued', async () => {
    const encoder = await SpeakerEncoder.load({ model: bundle, limits: { maxBytes: 100, maxSeconds: 1 } });
    expect((await failure(encoder.embed(short))).code).toBe('AUDIO_TOO_LARGE');
    expect((await failure(encoder.embed(long))).code).toBe('AUDIO_TOO_LONG');
    expect(encoder.stats().submitted).toBe(0);
    await encoder.close();
  });

  test('make a batch wait instead, of buffers and of streams', async () => {
    await withRoom(2 * short.length, async (encoder) => {
      const inputs = Array.from({ length: 9 }, (_, i) => (i % 2 === 0 ? short : Readable.from([short])));
      const items = await encoder.embedBatch(inputs);
      const [first] = items;
      for (const item of items) expect(resultOf(item).embedding).toEqual(resultOf(first).embedding);
      expect(encoder.stats().rejected).toBe(0);
    });
  });
});

describe('a stream', () => {
  test('is read as far as there is room, then destroyed', async () => {
    await withRoom(1000, async (encoder) => {
      const reading = new PassThrough();
      const first = failure(encoder.embed(reading));
      reading.write(Buffer.alloc(900));
      while (encoder.stats().inputBytes < 900) await turn();
      expect((await failure(encoder.embed(Buffer.alloc(200)))).code).toBe('OVERLOADED');
      const second = new PassThrough();
      const refused = failure(encoder.embed(second));
      second.write(Buffer.alloc(200));
      expect((await refused).code).toBe('OVERLOADED');
      expect(second.destroyed).toBe(true);
      reading.destroy();
      expect((await first).code).toBe('AUDIO_CORRUPT');
    });
  });

  test('of many that come together: those are read for which there is room, however they take turns', async () => {
    const pieces = Array.from({ length: 16 }, (_, i) =>
      short.subarray((i * short.length) >> 4, ((i + 1) * short.length) >> 4),
    );
    await withRoom(3 * short.length, async (encoder) => {
      const calls = Array.from({ length: 40 }, () => encoder.embed(Readable.from(pieces, { objectMode: false })));
      const settled = await Promise.allSettled(calls);
      const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as { code: string }] : []));
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['OVERLOADED']));
      // One that is refused makes room for the others before they ask.
      expect(settled.length - refused.length).toBeGreaterThanOrEqual(2);
    });
  });

  test('that is aborted gives its room back', async () => {
    await withRoom(1000, async (encoder) => {
      const stream = new PassThrough();
      const controller = new AbortController();
      const call = failure(encoder.embed(stream, { signal: controller.signal }));
      stream.write(Buffer.alloc(900));
      while (encoder.stats().inputBytes < 900) await turn();
      controller.abort();
      expect((await call).code).toBe('ABORTED');
      expect(encoder.stats().inputBytes).toBe(0);
    });
  });
});

describe('working memory', () => {
  test('that a recording alone does not find is too long; shorter ones embed', async () => {
    const encoder = await SpeakerEncoder.load({ model: bundle, workers: 2, limits: { maxWorkingBytes: 2 ** 20 } });
    const error = await failure(encoder.embed(long));
    expect(error).toMatchObject({ code: 'AUDIO_TOO_LONG', message: expect.stringContaining('maxWorkingBytes') });
    await encoder.embed(short);
    expect(encoder.stats().workingBytes).toBe(0);
    await encoder.close();
  });

  test('is waited for, and every recording has its embedding', async () => {
    const alone = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const { embedding } = await alone.embed({ samples: voice(20), sampleRate: RATE });
    await alone.close();
    // Room for one recording of 20 s at a time, not for two.
    const encoder = await SpeakerEncoder.load({ model: bundle, workers: 4, limits: { maxWorkingBytes: 5 * 2 ** 20 } });
    const results = await Promise.all(
      Array.from({ length: 12 }, () => encoder.embed({ samples: voice(20), sampleRate: RATE })),
    );
    for (const result of results) expect(result.embedding).toEqual(embedding);
    await encoder.close();
  });
});
