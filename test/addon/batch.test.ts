import { setImmediate as nextTurn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder, type AudioInput, type BatchItem, type BatchProgress } from '../../src/addon/index.js';
import { errorOf, failure, RATE, resultOf, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let bundle: string;
let encoder: SpeakerEncoder;
/** Of different lengths and pitches. */
const voices = Array.from({ length: 12 }, (_, i) => wav(voice(0.3 + 0.37 * i, 90 + 12 * i)));

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  encoder = await SpeakerEncoder.load({ model: bundle, workers: 2 });
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

test('each item is what its recording gives alone, in the order of the inputs', async () => {
  const items = await encoder.embedBatch(voices);
  expect(items.map(({ index }) => index)).toEqual(voices.map((_, i) => i));
  for (const [i, bytes] of voices.entries()) {
    const alone = await encoder.embed(bytes);
    expect(Array.from(resultOf(items[i]).embedding)).toEqual(Array.from(alone.embedding));
  }
});

test('paths, bytes, samples and streams may be mixed', async () => {
  const [bytes] = voices as [Buffer];
  const items = await encoder.embedBatch([
    await workshop.write('a.wav', bytes),
    bytes,
    { samples: voice(0.3, 90).map((x) => Math.round(x * 32768) / 32768), sampleRate: RATE },
    Readable.from([bytes]),
  ]);
  const [first, ...others] = items.map((item) => Array.from(resultOf(item).embedding));
  for (const other of others) expect(other).toEqual(first);
});

test('nothing gives nothing', async () => {
  expect(await encoder.embedBatch([])).toEqual([]);
});

test('progress tells of every input once, failed ones too', async () => {
  const seen: BatchProgress[] = [];
  await encoder.embedBatch(['nobody.wav', ...voices, Buffer.from('x')], { onProgress: (each) => seen.push(each) });
  expect(seen.map(({ done }) => done)).toEqual(Array.from({ length: 14 }, (_, i) => i + 1));
  expect(seen.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 14 }, (_, i) => i));
  expect(seen.at(-1)).toMatchObject({ done: 14, failed: 2, total: 14 });
});

test('what onProgress throws ends the batch', async () => {
  let calls = 0;
  const batch = encoder.embedBatch([...voices, ...voices], {
    onProgress() {
      calls++;
      throw new RangeError('no more');
    },
  });
  await expect(batch).rejects.toThrow('no more');
  const after = calls;
  await encoder.embed(voices[0]!);
  expect(calls).toBe(after);
  expect(after).toBeLessThan(voices.length);
});

describe('a full queue', () => {
  let narrow: SpeakerEncoder;
  beforeAll(async () => {
    narrow = await SpeakerEncoder.load({ model: bundle, workers: 1, queueLimit: 2 });
  });
  afterAll(() => narrow.close());

  test('refuses one more at once, and the others are embedded', async () => {
    // Long: none is done before all were asked for, however busy the machine is.
    const long = wav(voice(60, 120));
    const calls = Array.from({ length: 6 }, () => narrow.embed(long));
    const ends = await Promise.allSettled(calls);
    const refused = ends.filter((end) => end.status === 'rejected');
    // One may have begun while the others were asked for.
    expect([3, 4]).toContain(refused.length);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ name: 'TimbreError', code: 'OVERLOADED', httpStatus: 429 });
    }
    expect(narrow.stats()).toMatchObject({ rejected: refused.length, completed: 6 - refused.length });
  });

  test('does not refuse a batch, however long, nor two at once', async () => {
    const { rejected } = narrow.stats();
    const list = Array.from({ length: 60 }, (_, i) => voices[i % 3]!);
    const batches = await Promise.all([narrow.embedBatch(list), narrow.embedBatch(list)]);
    for (const item of batches.flat()) resultOf(item);
    expect(narrow.stats().rejected).toBe(rejected);
  });

  test('makes a batch wait for calls of others', async () => {
    const others = [narrow.embed(voices[11]!), narrow.embed(voices[11]!)];
    const items = await narrow.embedBatch(voices.slice(0, 3));
    items.forEach(resultOf);
    await Promise.allSettled(others);
  });
});

describe('a batch that is stopped', () => {
  test('in the middle keeps what was finished', async () => {
    const controller = new AbortController();
    const list = Array.from({ length: 400 }, () => voices[5]!);
    const items = await encoder.embedBatch(list, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done === 5) controller.abort(new Error('enough'));
      },
    });
    expect(items).toHaveLength(400);
    const finished = items.filter((item) => 'result' in item);
    expect(finished.length).toBeGreaterThanOrEqual(5);
    expect(finished.length).toBeLessThan(400);
    for (const item of items) {
      if ('error' in item)
        expect(item.error).toMatchObject({ name: 'AbortError', code: 'ABORTED', cause: { message: 'enough' } });
    }
  });

  test('before it begins embeds nothing and destroys its streams', async () => {
    const { submitted } = encoder.stats();
    const stream = Readable.from([voices[0]!]);
    const items = await encoder.embedBatch([voices[0]!, stream], { signal: AbortSignal.abort() });
    expect(items.map((item) => errorOf(item).code)).toEqual(['ABORTED', 'ABORTED']);
    expect(stream.destroyed).toBe(true);
    expect(encoder.stats().submitted).toBe(submitted);
  });

  test('by its deadline keeps what was finished', async () => {
    const list = Array.from({ length: 2000 }, () => voices[11]!);
    const items = await encoder.embedBatch(list, { timeoutMs: 150 });
    const errors = items.filter((item) => 'error' in item);
    expect(errors.length).toBeGreaterThan(0);
    for (const { error } of errors) expect(error).toMatchObject({ name: 'TimbreError', code: 'DEADLINE_EXCEEDED' });
  });

  test('by close keeps what was finished', async () => {
    const own = await SpeakerEncoder.load({ model: bundle, workers: 1 });
    let closed: Promise<void> | undefined;
    const items = await own.embedBatch(
      Array.from({ length: 50 }, () => voices[3]!),
      {
        onProgress: ({ done }) => {
          if (done === 4) closed = own.close();
        },
      },
    );
    await closed;
    items.slice(0, 4).forEach(resultOf);
    expect(errorOf(items.at(-1)).code).toBe('ENGINE_CLOSED');
  });
});

test('one signal may stop a hundred calls, without a warning', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error): number => warnings.push(warning);
  process.on('warning', warn);
  const controller = new AbortController();
  const calls = Array.from({ length: 100 }, () => failure(encoder.embed(voices[11]!, { signal: controller.signal })));
  controller.abort();
  for (const call of calls) expect((await call).code).toBe('ABORTED');
  await nextTurn();
  process.off('warning', warn);
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
});

test('the event loop turns while a batch runs', async () => {
  let [turns, running] = [0, true];
  const turn = (): void => {
    turns++;
    if (running) setTimeout(turn, 1);
  };
  setTimeout(turn, 1);
  const turnsAt: number[] = [];
  await encoder.embedBatch([...voices, ...voices, ...voices], { onProgress: () => turnsAt.push(turns) });
  running = false;
  // Not all at the end: between the first item and the last, timers went off again and again. How often is the machine's affair.
  expect(new Set(turnsAt).size).toBeGreaterThan(2);
});

describe('embedEach', () => {
  test('takes inputs as they come and gives items in their order', async () => {
    async function* inputs(): AsyncGenerator<AudioInput> {
      for (const bytes of voices) {
        await nextTurn();
        yield bytes;
      }
      yield 'nobody.wav';
    }
    const items: BatchItem[] = [];
    for await (const item of encoder.embedEach(inputs())) items.push(item);
    const batch = await encoder.embedBatch(voices);
    expect(items.map(({ index }) => index)).toEqual(Array.from({ length: 13 }, (_, i) => i));
    batch.forEach((item, i) => {
      expect(Array.from(resultOf(items[i]).embedding)).toEqual(Array.from(resultOf(item).embedding));
    });
    expect(errorOf(items[12]).code).toBe('AUDIO_NOT_FOUND');
  });

  test('gives an item before the next input is there', async () => {
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    async function* inputs(): AsyncGenerator<AudioInput> {
      yield voices[0]!;
      await answered;
      yield voices[1]!;
    }
    const indices: number[] = [];
    for await (const { index } of encoder.embedEach(inputs())) {
      indices.push(index);
      answer();
    }
    expect(indices).toEqual([0, 1]);
  });

  test('takes few inputs ahead of who takes the items', async () => {
    let given = 0;
    function* inputs(): Generator<AudioInput> {
      for (; given < 1000; given++) yield voices[0]!;
    }
    let taken = 0;
    for await (const item of encoder.embedEach(inputs())) {
      resultOf(item);
      if (++taken === 20) break;
    }
    expect(given).toBeLessThan(40);
    await encoder.embed(voices[0]!);
  });

  test('ends with its signal, item by item', async () => {
    const controller = new AbortController();
    const items = [];
    for await (const item of encoder.embedEach(voices, { signal: controller.signal })) {
      items.push(item);
      controller.abort();
    }
    expect(items).toHaveLength(voices.length);
    expect(errorOf(items.at(-1))).toMatchObject({ name: 'AbortError', code: 'ABORTED' });
  });

  test('throws what its inputs throw, and closes them when it is left', async () => {
    let closed = false;
    function* inputs(): Generator<AudioInput> {
      try {
        yield voices[0]!;
        throw new RangeError('out of tapes');
      } finally {
        closed = true;
      }
    }
    const all = async (): Promise<void> => {
      for await (const item of encoder.embedEach(inputs())) resultOf(item);
    };
    await expect(all()).rejects.toThrow('out of tapes');
    expect(closed).toBe(true);
  });
});
