import { createReadStream } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint, SpeakerEncoder, type ConversationOptions } from '../../src/addon/index.js';
import { speakerLabel } from '../../src/addon/conversation.js';
import { Scorer } from '../../src/scoring/scorer.js';
import { nameVoices } from '../../src/scoring/voice-names.js';
import { writeSegmentationCheckpoint } from '../segmentation-weights.js';
import { failure, RATE, stereo, voice, wav, Workshop } from './support.js';

let workshop: Workshop;
let bundle: string;
let segmentation: string;
let encoder: SpeakerEncoder;
const short = { samples: voice(12), sampleRate: RATE };
/** Of several batches of windows. */
const several = { samples: voice(80), sampleRate: RATE };
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
    const result = await encoder.conversation(several);
    expect(result).toMatchObject({ seconds: 80, audio: { seconds: 80, complete: true } });
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
      expect(end).toBeLessThanOrEqual(80);
      expect(overlap).toBeLessThanOrEqual(end - start + 1e-9);
      before = start;
    }
    for (const { label, speechSeconds, ownSeconds, turns, embedding } of result.speakers) {
      const own = result.turns.filter(({ speaker }) => speaker === label);
      expect(turns).toBe(own.length);
      expect(ownSeconds).toBeCloseTo(speechSeconds - own.reduce((sum, { overlap }) => sum + overlap, 0), 9);
      expect(embedding).toBeInstanceOf(Float32Array);
      expect(embedding).toHaveLength(encoder.info().embeddingDim);
      expect(encoder.cosine(embedding, embedding)).toBeCloseTo(1, 6);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 4);
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
    await encoder.conversation(several, {
      onProgress: ({ seconds, totalSeconds }) => {
        expect(totalSeconds).toBe(80);
        seen.push(seconds);
      },
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThanOrEqual(80);
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

describe('the voices of a conversation', () => {
  test('are compared with recordings that the same weights embedded', async () => {
    const { speakers } = await encoder.conversation(several, { speakers: 1 });
    const same = await encoder.embed({ samples: voice(20), sampleRate: RATE }, { pauses: 'keep' });
    const scorer = Scorer.of({}, { threshold: -1 });
    const { names } = nameVoices(speakers, [{ id: 'ada', embedding: same.embedding }], scorer);
    expect(names).toHaveLength(speakers.length);
    expect(names[0]!.nearest!.cosine).toBeCloseTo(encoder.cosine(speakers[0]!.embedding, same.embedding), 5);
    expect(names[0]).toMatchObject({ label: 'A', speakerId: 'ada', reason: null });
  }, 120_000);
});

describe('a conversation on channels', () => {
  const left = voice(20);
  const both = stereo(
    left,
    Float32Array.from(voice(23).subarray(3 * RATE), (sample) => -sample),
  );

  test('has what each channel has, whatever the recording comes as', async () => {
    const seen: number[] = [];
    const joined = await encoder.conversation(both, {
      channel: 'each',
      maxSpeakers: 2,
      onProgress: ({ seconds, totalSeconds }) => {
        expect([null, 40]).toContain(totalSeconds);
        seen.push(seconds);
      },
    });
    expect(joined).toMatchObject({ seconds: 20, audio: { channel: 'each', channels: 2 } });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    const alone = await Promise.all([0, 1].map((channel) => encoder.conversation(both, { channel, maxSpeakers: 2 })));
    const first = Math.min(...alone.flatMap(({ turns }) => turns.map(({ start }) => start)));
    expect(joined.turns[0]!.start).toBe(first);
    for (const { speaker, overlap, start, end } of joined.turns) {
      expect(joined.speakers.map(({ label }) => label)).toContain(speaker);
      expect(overlap).toBeLessThanOrEqual(end - start + 1e-9);
    }
    for (const { channels } of joined.speakers)
      expect(channels!.every((channel) => [0, 1].includes(channel))).toBe(true);
    const file = await workshop.write('both.wav', both);
    for (const input of [file, createReadStream(file)]) {
      expect((await encoder.conversation(input, { channel: 'each', maxSpeakers: 2 })).turns).toEqual(joined.turns);
    }
  }, 120_000);

  test('is of one person a channel at most, of two copies of one', async () => {
    for (const options of [{ kind: 'call' }, { speakers: 1 }] as const) {
      const { speakers } = await encoder.conversation(both, { channel: 'each', ...options });
      expect(speakers.length).toBeLessThanOrEqual(2);
    }
    const copies = await encoder.conversation(stereo(left, left), { channel: 'each', kind: 'call' });
    const one = await encoder.conversation(wav(left), { kind: 'call' });
    expect(copies.speakers.length).toBeLessThanOrEqual(Math.max(one.speakers.length, 1));
  }, 120_000);

  test('of a recording with one channel is that channel’s', async () => {
    const alone = await encoder.conversation(wav(left), { maxSpeakers: 2 });
    const each = await encoder.conversation(wav(left), { channel: 'each', maxSpeakers: 2 });
    expect(each.speakers.map(({ label }) => label)).toEqual(alone.speakers.map(({ label }) => label));
    expect(each.turns).toHaveLength(alone.turns.length);
    expect(each.audio.channel).toBe('each');
  }, 120_000);
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
    ['another channel', { channel: 'left' }, /channel is 'mix', 'each' or a number/],
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
