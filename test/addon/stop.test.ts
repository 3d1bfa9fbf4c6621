import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder } from '../../src/addon/index.js';
import { failure, RATE, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let bundle: string;
let encoder: SpeakerEncoder;
const short = wav(voice(0.5));
/** Keeps the one worker busy for a while. */
const long = { samples: voice(120), sampleRate: RATE };

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  encoder = await SpeakerEncoder.load({ model: bundle, workers: 1 });
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

describe('an AbortSignal', () => {
  test('that is aborted already: nothing is queued, a stream is destroyed', async () => {
    const { submitted } = encoder.stats();
    const reason = new Error('changed my mind');
    const error = await failure(encoder.embed(short, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORTED' });
    expect(error.cause).toBe(reason);
    const stream = new PassThrough();
    expect((await failure(encoder.embed(stream, { signal: AbortSignal.abort() }))).code).toBe('ABORTED');
    expect(stream.destroyed).toBe(true);
    expect(encoder.stats().submitted).toBe(submitted);
  });

  test('ends a call that waits in the queue, and not the others', async () => {
    const before = encoder.stats();
    const controller = new AbortController();
    const running = encoder.embed(long);
    const waiting = failure(encoder.embed(short, { signal: controller.signal }));
    const other = encoder.embed(short);
    controller.abort();
    expect(await waiting).toMatchObject({ name: 'AbortError', code: 'ABORTED' });
    await Promise.all([running, other]);
    const after = encoder.stats();
    expect(after.aborted - before.aborted).toBe(1);
    expect(after.completed - before.completed).toBe(2);
  });

  test('ends a running call at once', async () => {
    const controller = new AbortController();
    const running = failure(encoder.embed(long, { signal: controller.signal }));
    while (encoder.stats().running === 0) await new Promise(setImmediate);
    controller.abort();
    expect((await running).code).toBe('ABORTED');
    await encoder.embed(short);
  });

  test('ends a running call in the engine too, whose result is not waited for', async () => {
    const before = encoder.stats();
    const controller = new AbortController();
    const running = failure(encoder.embed(long, { signal: controller.signal }));
    while (encoder.stats().running === 0) await new Promise(setImmediate);
    controller.abort();
    await running;
    while (encoder.stats().running > 0) await new Promise(setImmediate);
    const after = encoder.stats();
    expect(after.aborted - before.aborted).toBe(1);
    expect(after.completed).toBe(before.completed);
    expect(after.workingBytes).toBe(0);
  });

  test('ends the reading of a stream', async () => {
    const stream = new PassThrough();
    stream.write(short.subarray(0, 100));
    const controller = new AbortController();
    const call = failure(encoder.embed(stream, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe('ABORTED');
    expect(stream.destroyed).toBe(true);
  });

  test('that is aborted afterwards changes nothing', async () => {
    const controller = new AbortController();
    const result = await encoder.embed(short, { signal: controller.signal });
    controller.abort();
    expect(result.embedding.every(Number.isFinite)).toBe(true);
  });
});

describe('a deadline', () => {
  test('ends a call that waits in the queue', async () => {
    const running = [encoder.embed(long), encoder.embed(long)];
    const error = await failure(encoder.embed(short, { timeoutMs: 5 }));
    expect(error).toMatchObject({ name: 'TimbreError', code: 'DEADLINE_EXCEEDED', httpStatus: 504 });
    await Promise.all(running);
  });

  test('holds while the JS thread is busy', async () => {
    const running = encoder.embed(long);
    const call = failure(encoder.embed(short, { timeoutMs: 1 }));
    const until = performance.now() + 20;
    while (performance.now() < until);
    expect((await call).code).toBe('DEADLINE_EXCEEDED');
    await running;
  });

  test('ends the reading of a stream', async () => {
    const stream = new PassThrough();
    const call = failure(encoder.embed(stream, { timeoutMs: 5 }));
    expect((await call).code).toBe('DEADLINE_EXCEEDED');
    expect(stream.destroyed).toBe(true);
  });

  test('that is met changes nothing', async () => {
    await encoder.embed(short, { timeoutMs: 60_000 });
  });
});

describe('close', () => {
  test('embeds nothing more, ends what waits and what runs', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const running = failure(own.embed(long));
    while (own.stats().running === 0) await new Promise(setImmediate);
    const waiting = [own.embed(short), own.embed(short)].map(failure);
    const closed = own.close();
    expect((await failure(own.embed(short))).code).toBe('ENGINE_CLOSED');
    for (const call of waiting) expect((await call).code).toBe('ENGINE_CLOSED');
    expect((await running).code).toBe('ENGINE_CLOSED');
    await closed;
    expect(own.stats()).toMatchObject({ completed: 0, aborted: 3, queued: 0, running: 0 });
  });

  test('with time to drain finishes what waits and what runs', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const calls = Array.from({ length: 5 }, () => own.embed(short));
    await own.close({ drainMs: 60_000 });
    await Promise.all(calls);
    expect(own.stats().completed).toBe(5);
  });

  test('with too little time ends what is not finished by then', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const calls = Array.from({ length: 100 }, () =>
      own.embed({ samples: long.samples.subarray(0, 5 * RATE), sampleRate: RATE }),
    );
    const settled = Promise.allSettled(calls);
    await own.close({ drainMs: 1 });
    const last = (await settled).at(-1);
    expect(last).toMatchObject({ status: 'rejected', reason: { code: 'ENGINE_CLOSED' } });
  });

  test('while it drains, a waiting call may still be aborted', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const controller = new AbortController();
    const running = own.embed(long);
    const waiting = failure(own.embed(long, { signal: controller.signal }));
    const closed = own.close({ drainMs: 60_000 });
    controller.abort();
    expect((await waiting).code).toBe('ABORTED');
    await running;
    await closed;
  });

  test('again waits for the same end; every later call says that it is closed', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const result = await own.embed(short);
    await Promise.all([own.close(), own.close({ drainMs: 5 })]);
    await own.close();
    expect((await failure(own.embed(short))).code).toBe('ENGINE_CLOSED');
    const [item] = await own.embedBatch([short]);
    expect(item).toMatchObject({ index: 0, error: { code: 'ENGINE_CLOSED' } });
    expect(own.info().id).toBe('small');
    expect(own.stats().completed).toBe(1);
    expect(own.cosine(result, result)).toBeCloseTo(1, 12);
  });

  test('a stream that is being read meets a closed encoder', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    const stream = new PassThrough();
    const call = failure(own.embed(stream));
    await own.close();
    stream.end(short);
    expect((await call).code).toBe('ENGINE_CLOSED');
  });

  test('is what `await using` calls', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    await own[Symbol.asyncDispose]();
    expect((await failure(own.embed(short))).code).toBe('ENGINE_CLOSED');
  });
});
