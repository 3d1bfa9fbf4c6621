import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { SpeakerEncoder, type EmbedResult } from '../../src/addon/index.js';
import { failure, resultOf, runNode, stereo, voice, wav, Workshop } from './support.js';

/** Which part of a recording is embedded, and which file it was. */

let workshop: Workshop;
let encoder: SpeakerEncoder;
let left: EmbedResult;
let right: EmbedResult;
/** The first on the left, the second on the right. */
let both: Buffer;

const LEFT = voice(2, 110);
const RIGHT = voice(2, 210);

beforeAll(async () => {
  workshop = await Workshop.open();
  encoder = await SpeakerEncoder.load({ model: await workshop.bundle(), workers: 1 });
  left = await encoder.embed(wav(LEFT));
  right = await encoder.embed(wav(RIGHT));
  both = stereo(LEFT, RIGHT);
  await workshop.write('both.wav', both);
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

describe('channels', () => {
  test('a number takes one, as bytes, file, descriptor and stream', async () => {
    const file = await open(workshop.path('both.wav'));
    const inputs = [
      both,
      workshop.path('both.wav'),
      { descriptor: file.fd },
      createReadStream(workshop.path('both.wav')),
    ];
    for (const input of inputs) {
      const result = await encoder.embed(input, { channel: 1 });
      expect(result.embedding).toEqual(right.embedding);
      expect(result.audio).toMatchObject({ channels: 2, channel: 1 });
    }
    await file.close();
    expect((await encoder.embed(both)).audio).toMatchObject({ channel: 'mix', channelsAlike: false });
  });

  test('each gives all of them, in a batch behind each other', async () => {
    const alone = await encoder.embed(workshop.path('both.wav'), { channel: 'each' });
    const batch = await encoder.embedBatch([both, wav(LEFT)], { channel: 'each' });
    expect(batch.map(({ index, channel }) => [index, channel])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
    ]);
    const wanted = [left, right, left].map(({ embedding }) => embedding);
    expect(batch.map((item) => resultOf(item).embedding)).toEqual(wanted);
    expect(alone.map((item) => resultOf({ index: 0, ...item }).embedding)).toEqual(wanted.slice(0, 2));
  });

  test('in opposite phase they are noticed, and the stronger one is taken', async () => {
    const weaker = RIGHT.map((x) => -0.5 * x);
    const result = await encoder.embed(stereo(RIGHT, weaker));
    expect(result.audio).toMatchObject({ channelsCancel: true, channel: 0 });
    expect(result.embedding).toEqual(right.embedding);
    const alike = await encoder.embed(stereo(RIGHT, RIGHT));
    expect(alike.audio).toMatchObject({ channelsCancel: false, channel: 'mix', channelsAlike: true });
    expect((await encoder.embed(both)).audio.channelsCancel).toBe(false);
  });

  test('a channel that is silent costs the others nothing', async () => {
    const items = await encoder.embed(stereo(new Float32Array(LEFT.length), RIGHT), { channel: 'each' });
    expect(items[0]).toMatchObject({ channel: 0, error: { code: 'NO_SPEECH' } });
    expect(resultOf({ index: 0, ...items[1]! }).embedding).toEqual(right.embedding);
  });

  test.each([-1, 1.5, 'left', 256, null])('%p is none', async (channel) => {
    const { code } = await failure(encoder.embed(both, { channel } as never));
    expect(code).toBe('INVALID_ARGUMENT');
  });

  test('one that is not there is said to be so', async () => {
    const { code, message } = await failure(encoder.embed(both, { channel: 2 }));
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain('channel 2');
  });

  test.each([
    ['replaced', () => rename(workshop.path('next.wav'), workshop.path('now.wav'))],
    ['cut', () => truncate(workshop.path('now.wav'), 44 + 32_000)],
  ])('a file that is %s between its channels is an error, not a mixture', async (_name, change) => {
    await workshop.write('now.wav', both);
    await workshop.write('next.wav', stereo(RIGHT, LEFT));
    // The one worker is busy until the file has changed: its second channel is read after that.
    const long = wav(voice(60));
    const call = encoder.embed(workshop.path('now.wav'), { channel: 'each' });
    const settled = call.then(
      (items) => items.map((item) => resultOf({ index: 0, ...item }).embedding),
      (error: unknown) => error,
    );
    const blocker = encoder.embed(long);
    await change();
    await blocker;
    const outcome = await settled;
    if (Array.isArray(outcome)) {
      // All of it was read before, or after, the change.
      const [one, other] = outcome as Float32Array[];
      expect([
        [left.embedding, right.embedding],
        [right.embedding, left.embedding],
      ]).toContainEqual([one, other]);
    } else {
      expect(outcome).toMatchObject({ code: 'AUDIO_CORRUPT' });
    }
  });
});

describe('tracks', () => {
  beforeAll(async () => {
    await workshop.write('left.wav', wav(LEFT));
    await workshop.write('right.wav', wav(RIGHT));
    const inputs = ['-i', workshop.path('left.wav'), '-i', workshop.path('right.wav'), '-map', '0:a', '-map', '1:a'];
    const out = ['-c:a', 'flac', '-disposition:a:0', '0', '-disposition:a:1', 'default', workshop.path('two.mka')];
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, ...out]);
  });

  test('the default one is taken, any other on request, and the number is told', async () => {
    const taken = await encoder.embed(workshop.path('two.mka'));
    expect(taken.audio).toMatchObject({ tracks: 2, track: 1 });
    expect(encoder.cosine(taken, right)).toBeCloseTo(1, 5);
    const first = await encoder.embed(await readFile(workshop.path('two.mka')), { track: 0 });
    expect(first.audio).toMatchObject({ tracks: 2, track: 0 });
    expect(encoder.cosine(first, left)).toBeCloseTo(1, 5);
  });

  test('one that is not there is said to be so', async () => {
    for (const input of [workshop.path('two.mka'), both]) {
      const { code, message } = await failure(encoder.embed(input, { track: 2 }));
      expect(code).toBe('INVALID_ARGUMENT');
      expect(message).toContain('track');
    }
  });
});

describe('paths', () => {
  test('a relative one counts from where the process was when it was given', async () => {
    const folder = await workshop.package();
    await writeFile(workshop.path('here.wav'), wav(LEFT));
    const { code, stdout, stderr } = await runNode(
      folder,
      `
      import { SpeakerEncoder } from '#timbre';
      import { mkdirSync } from 'node:fs';
      process.chdir(${JSON.stringify(workshop.folder)});
      mkdirSync('elsewhere');
      const encoder = SpeakerEncoder.load({ model: './small.pt', workers: 1 });
      process.chdir('elsewhere');
      const e = await encoder;
      const seconds = [];
      for (const call of [
        () => e.embed('here.wav'),
        async () => (await e.embed('both.wav', { channel: 'each' }))[1].result,
        async () => (await e.embedBatch(['gone.wav', 'here.wav']))[1].result,
        async () => {
          const each = e.embedEach(['gone.wav', 'here.wav']);
          process.chdir('elsewhere');
          const items = [];
          for await (const item of each) items.push(item);
          return items[1].result;
        },
      ]) {
        process.chdir('..');
        const result = call();
        if (process.cwd() === ${JSON.stringify(workshop.folder)}) process.chdir('elsewhere');
        seconds.push((await result).audio.seconds);
      }
      await e.close();
      console.log(JSON.stringify(seconds));
    `,
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '[2,2,2,2]\n', stderr: '' });
  });

  test('a data: URL is none, as text and as URL, and is repeated by no error', async () => {
    const url = `data:audio/wav;base64,${both.toString('base64')}`;
    const inputs = [url, ` ${url}`, url.replace('data', 'DATA'), new URL(url)];
    const errors = await Promise.all(inputs.map((input) => failure(encoder.embed(input))));
    const inBatch = (await encoder.embedBatch(inputs)).map((item) => ('error' in item ? item.error : undefined));
    for (const error of [...errors, ...inBatch]) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('data: URL') });
      expect(`${error?.stack} ${JSON.stringify(error?.details)}`).not.toContain(both.toString('base64', 0, 12));
    }
    const asBytes = await failure(encoder.embed(Buffer.from(url)));
    expect(asBytes).toMatchObject({ code: 'AUDIO_UNSUPPORTED', message: expect.stringContaining('data: URL') });
  });

  test('a file: URL whose name is no UTF-8 is an error that names its bytes', async () => {
    const { code, message } = await failure(encoder.embed(new URL(`file://${workshop.folder}/caf%E9.wav`)));
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain('caf%E9.wav');
  });
});
