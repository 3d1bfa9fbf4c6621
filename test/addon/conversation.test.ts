import { createReadStream } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint, SpeakerEncoder, type ConversationOptions } from '../../src/addon/index.js';
import { speakerLabel } from '../../src/addon/conversation.js';
import { writeSegmentationCheckpoint } from '../segmentation-weights.js';
import { failure, RATE, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let bundle: string;
let segmentation: string;
let encoder: SpeakerEncoder;
const short = { samples: voice(12), sampleRate: RATE };
/** Keeps the workers busy for a while. */
const long = { samples: voice(280), sampleRate: RATE };

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  segmentation = workshop.path('listens.pt');
  await writeSegmentationCheckpoint(workshop.path('listens.safetensors'));
  await convertCheckpoint({
    checkpoint: workshop.path('listens.safetensors'),
    id: 'listens',
    out: segmentation,
    facts: { trained: false },
  });
  encoder = await SpeakerEncoder.load({ model: bundle, segmentation, workers: 2 });
}, 120_000);

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

describe('a conversation', () => {
  test('has turns by time, speakers in the order in which they first speak, and sums that agree', async () => {
    const result = await encoder.conversation(long);
    expect(result).toMatchObject({ seconds: 280, audio: { seconds: 280, complete: true } });
    expect(result.model).toBe(encoder.info().modelWithPauses);
    expect(result.segmentation).toMatch(/^listens@[0-9a-f]{12}$/);
    expect(result.turns.length).toBeGreaterThan(0);
    const first = [...new Set(result.turns.map(({ speaker }) => speaker))];
    expect(result.speakers.map(({ label }) => label)).toEqual(first);
    expect(first).toEqual(first.map((_, index) => speakerLabel(index)));
    let before = 0;
    for (const { start, end, overlap } of result.turns) {
      expect(start).toBeGreaterThanOrEqual(before);
      expect(end - start).toBeGreaterThan(0.09);
      expect(end).toBeLessThanOrEqual(280);
      expect(overlap).toBeLessThanOrEqual(end - start + 1e-9);
      before = start;
    }
    for (const { label, speechSeconds, turns } of result.speakers) {
      const own = result.turns.filter(({ speaker }) => speaker === label);
      expect(turns).toBe(own.length);
      expect(speechSeconds).toBeCloseTo(
        own.reduce((sum, { start, end }) => sum + end - start, 0),
        9,
      );
    }
  }, 120_000);

  test('is the same however it comes, and on one worker', async () => {
    const file = await workshop.write('short.wav', wav(short.samples));
    const expected = (await encoder.conversation(file)).turns;
    expect((await encoder.conversation(wav(short.samples))).turns).toEqual(expected);
    expect((await encoder.conversation(createReadStream(file))).turns).toEqual(expected);
    const alone = await SpeakerEncoder.load({ model: bundle, segmentation, workers: 1 });
    try {
      expect((await alone.conversation(file)).turns).toEqual(expected);
    } finally {
      await alone.close();
    }
  }, 120_000);

  test('tells how far it is, up to the end and never back', async () => {
    const seen: number[] = [];
    await encoder.conversation(long, {
      onProgress: ({ seconds, totalSeconds }) => {
        expect(totalSeconds).toBe(280);
        seen.push(seconds);
      },
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThanOrEqual(280);
  }, 120_000);

  test('of silence has nobody in it, or whom the network hears, and is no error', async () => {
    const { turns, speakers } = await encoder.conversation({ samples: new Float32Array(RATE), sampleRate: RATE });
    expect(turns.length === 0).toBe(speakers.length === 0);
  });

  test('has at most as many speakers as are asked for', async () => {
    for (const options of [{ speakers: 1 }, { maxSpeakers: 1 }, { minSpeakers: 1, maxSpeakers: 1 }]) {
      expect((await encoder.conversation(short, options)).speakers.length).toBeLessThanOrEqual(1);
    }
    expect((await encoder.conversation(short, { kind: 'call' })).speakers.length).toBeLessThanOrEqual(2);
  });
});

describe('a conversation that cannot be', () => {
  test.each<[string, unknown, RegExp]>([
    ['no speakers', { speakers: 0 }, /speakers is a whole number from 1 to 64, not 0/],
    ['a thousand', { maxSpeakers: 1000 }, /maxSpeakers is a whole number from 1 to 64/],
    ['half a speaker', { minSpeakers: 1.5 }, /minSpeakers is a whole number/],
    ['more at least than at most', { minSpeakers: 3, maxSpeakers: 2 }, /minSpeakers is 3 and maxSpeakers 2/],
    ['three on a call', { minSpeakers: 3, kind: 'call' }, /minSpeakers is 3 and a call has at most 2/],
    ['an exact number and bounds', { speakers: 2, maxSpeakers: 3 }, /leave out minSpeakers and maxSpeakers/],
    ['another kind', { kind: 'podcast' }, /kind is 'call', 'meeting' or 'auto', not "podcast"/],
    ['each channel', { channel: 'each' }, /channel is 'mix' or a number/],
    ['no function', { onProgress: 1 }, /onProgress is a function/],
    ['a channel that there is not', { channel: 1 }, /one channel/],
  ])('%s is refused', async (_, options, message) => {
    const error = await failure(encoder.conversation(short, options as ConversationOptions));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toMatch(message);
  });

  test('without a segmentation network names the command that fetches it, and takes it once it is there', async () => {
    const cacheDir = workshop.path('cache');
    const without = await SpeakerEncoder.load({ model: bundle, cacheDir });
    try {
      const error = await failure(without.conversation(short));
      expect(error.code).toBe('MODEL_NOT_FOUND');
      expect(error.message).toContain('`timbre models pull segmentation` fetches it');
    } finally {
      await without.close();
    }
  });

  test('with an embedding model in its place says so, and the other way round', async () => {
    const wrong = await SpeakerEncoder.load({ model: bundle, segmentation: bundle });
    try {
      const error = await failure(wrong.conversation(short));
      expect(error.code).toBe('MODEL_INVALID');
      expect(error.message).toContain('is an embedding network');
    } finally {
      await wrong.close();
    }
    const error = await failure(SpeakerEncoder.load({ model: segmentation }));
    expect(error.code).toBe('MODEL_INVALID');
    expect(error.message).toContain('is a segmentation network');
  });

  test('longer than allowed is refused', async () => {
    const error = await failure(encoder.conversation(short, { maxSeconds: 11 }));
    expect(error.code).toBe('AUDIO_TOO_LONG');
    // The limit of embeddings does not hold.
    const strict = await SpeakerEncoder.load({ model: bundle, segmentation, limits: { maxSeconds: 5 } });
    try {
      expect((await strict.conversation(short)).seconds).toBe(12);
    } finally {
      await strict.close();
    }
  });

  test('of no recording has the recording’s error', async () => {
    expect((await failure(encoder.conversation(workshop.path('none.wav')))).code).toBe('AUDIO_NOT_FOUND');
    expect((await failure(encoder.conversation(Buffer.from('no recording at all')))).code).toBe('AUDIO_UNSUPPORTED');
  });

  test('is ended by its signal, its deadline, what onProgress throws, and close', async () => {
    const before = encoder.stats();
    const controller = new AbortController();
    const aborted = failure(
      encoder.conversation(long, { signal: controller.signal, onProgress: () => controller.abort() }),
    );
    expect((await aborted).code).toBe('ABORTED');
    expect((await failure(encoder.conversation(long, { timeoutMs: 30 }))).code).toBe('DEADLINE_EXCEEDED');
    const thrown = new Error('mine');
    await expect(
      encoder.conversation(long, {
        onProgress: () => {
          throw thrown;
        },
      }),
    ).rejects.toBe(thrown);
    const closing = await SpeakerEncoder.load({ model: bundle, segmentation, workers: 2 });
    let close: Promise<void> | undefined;
    const closed = failure(
      closing.conversation(long, {
        onProgress: () => {
          close ??= closing.close();
        },
      }),
    );
    expect((await closed).code).toBe('ENGINE_CLOSED');
    await close;
    expect((await encoder.embed(short)).embedded.seconds).toBeGreaterThan(0);
    expect(encoder.stats().completed).toBe(before.completed + 1);
  }, 120_000);

  test('holds up nobody: embeddings are made meanwhile', async () => {
    const order: string[] = [];
    const conversation = encoder.conversation(long).then(() => order.push('conversation'));
    for (const name of ['first', 'second']) await encoder.embed(short).then(() => order.push(name));
    await conversation;
    expect(order).toEqual(['first', 'second', 'conversation']);
  }, 120_000);
});

test('labels go on after Z', () => {
  expect([0, 25, 26, 51, 52, 63].map(speakerLabel)).toEqual(['A', 'Z', 'AA', 'AZ', 'BA', 'BL']);
});
