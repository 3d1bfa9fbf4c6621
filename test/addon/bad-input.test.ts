import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder, type AudioInput, type ErrorCode } from '../../src/addon/index.js';
import { errorOf, failure, RATE, resultOf, voice, wav, wavOf, Workshop } from './support.js';
import { asNobody } from '../hardware.js';

let workshop: Workshop;
let encoder: SpeakerEncoder;
const good = wav(voice(1));

beforeAll(async () => {
  workshop = await Workshop.open();
  encoder = await SpeakerEncoder.load({ model: await workshop.bundle(), workers: 2, limits: { maxSeconds: 60 } });
});

afterAll(async () => {
  await encoder.close();
  await workshop.remove();
});

const float32 = (values: readonly number[]): Buffer =>
  wavOf(Buffer.from(Float32Array.from(values).buffer), { rate: RATE, channels: 1, format: 3, bits: 32 });

interface Case {
  name: string;
  bytes: () => Uint8Array;
  code: ErrorCode;
  says: RegExp;
}

const RECORDINGS: Case[] = [
  { name: 'an empty file', bytes: () => Buffer.alloc(0), code: 'AUDIO_CORRUPT', says: /empty/ },
  {
    name: 'a text renamed .wav',
    bytes: () => Buffer.from('this is no recording at all\n'.repeat(40)),
    code: 'AUDIO_UNSUPPORTED',
    says: /./,
  },
  { name: 'a header cut short', bytes: () => good.subarray(0, 30), code: 'AUDIO_CORRUPT', says: /./ },
  { name: 'no frames', bytes: () => wav(new Float32Array(0)), code: 'AUDIO_CORRUPT', says: /./ },
  {
    name: 'four samples',
    bytes: () => wav(Float32Array.of(0.1, -0.2, 0.3, 0.1)),
    code: 'AUDIO_TOO_SHORT',
    says: /0\.04 s/,
  },
  {
    name: 'a gigabyte declared in a kilobyte',
    bytes: () => wavOf(Buffer.alloc(1000, 3), { rate: RATE, channels: 1, format: 1, bits: 16, declaredBytes: 2 ** 30 }),
    code: 'AUDIO_TOO_SHORT',
    says: /./,
  },
  { name: 'a rate of 1 Hz', bytes: () => wav(voice(1), 1), code: 'AUDIO_UNSUPPORTED', says: /1 Hz/ },
  { name: 'a rate of 768 kHz', bytes: () => wav(voice(1), 768_000), code: 'AUDIO_UNSUPPORTED', says: /768000 Hz/ },
  { name: '64 channels', bytes: () => wav(voice(4), RATE, 64), code: 'AUDIO_UNSUPPORTED', says: /64 channels/ },
  {
    name: 'NaN among the samples',
    bytes: () => float32([...voice(1), NaN, ...voice(1)]),
    code: 'AUDIO_CORRUPT',
    says: /finite|NaN/,
  },
  {
    name: 'infinity among the samples',
    bytes: () => float32([...voice(1), Infinity]),
    code: 'AUDIO_CORRUPT',
    says: /finite|NaN|infinit/,
  },
  { name: 'silence', bytes: () => wav(new Float32Array(RATE)), code: 'NO_SPEECH', says: /silen/ },
  {
    name: 'more audio than the limit',
    bytes: () => wav(new Float32Array(61 * 8000).fill(0.1), 8000),
    code: 'AUDIO_TOO_LONG',
    says: /60 s/,
  },
];

describe('recordings that cannot be embedded', () => {
  test.each(RECORDINGS)('$name: $code, as bytes, file and stream', async ({ name, bytes: make, code, says }) => {
    const bytes = make();
    const file = await workshop.write(`${name}.wav`, bytes);
    for (const input of [bytes, file, createReadStream(file)]) {
      const error = await failure(encoder.embed(input));
      expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.stringMatching(says) });
    }
  });

  test('data cut short is embedded as far as it goes, and said to be incomplete, as bytes, file and stream', async () => {
    const bytes = good.subarray(0, good.length / 2);
    const file = await workshop.write('cut.wav', bytes);
    for (const input of [bytes, file, createReadStream(file)]) {
      const { audio } = await encoder.embed(input);
      expect(audio).toMatchObject({ complete: false, incomplete: { reason: 'TRUNCATED' } });
      expect(audio.seconds).toBeLessThan(0.5);
    }
  });

  test('all of them in one batch cost the good ones nothing', async () => {
    const alone = await encoder.embed(good);
    const inputs = RECORDINGS.flatMap(({ bytes }) => [bytes(), good]);
    const items = await encoder.embedBatch(inputs);
    expect(items).toHaveLength(inputs.length);
    RECORDINGS.forEach(({ code }, i) => {
      expect(errorOf(items[2 * i]).code).toBe(code);
      expect(Array.from(resultOf(items[2 * i + 1]).embedding)).toEqual(Array.from(alone.embedding));
    });
  });

  test('an hour of samples against the limit', async () => {
    const hour = new Float32Array(3600 * 8000).fill(0.1);
    const error = await failure(encoder.embed({ samples: hour, sampleRate: 8000 }));
    expect(error.code).toBe('AUDIO_TOO_LONG');
    expect(error.message).toMatch(/3600 s.*60 s/);
  });

  test('more bytes than the limit, as bytes, file and stream', async () => {
    const small = await SpeakerEncoder.load({ model: workshop.path('small.pt'), limits: { maxBytes: 1000 } });
    const file = await workshop.write('large.wav', good);
    for (const input of [good, file, createReadStream(file)]) {
      const error = await failure(small.embed(input));
      expect({ code: error.code, message: error.message }).toEqual({
        code: 'AUDIO_TOO_LARGE',
        message: expect.stringContaining('1000'),
      });
    }
    await small.close();
  });

  test('silence may be embedded where it is asked for', async () => {
    const result = await encoder.embed(wav(new Float32Array(RATE)), { allowSilence: true });
    expect(result.embedding.every(Number.isFinite)).toBe(true);
  });
});

describe('samples of the caller', () => {
  test.each([
    ['NaN', NaN],
    ['infinity', -Infinity],
  ])('%s among them is an INVALID_ARGUMENT', async (_name, value) => {
    const samples = voice(1);
    samples[777] = value;
    expect((await failure(encoder.embed({ samples, sampleRate: RATE }))).code).toBe('INVALID_ARGUMENT');
  });

  test('none, and too few', async () => {
    const none = await failure(encoder.embed({ samples: new Float32Array(0), sampleRate: RATE }));
    expect(['AUDIO_CORRUPT', 'AUDIO_TOO_SHORT', 'INVALID_ARGUMENT']).toContain(none.code);
    const few = await failure(encoder.embed({ samples: new Float32Array(4).fill(0.1), sampleRate: RATE }));
    expect(few.code).toBe('AUDIO_TOO_SHORT');
  });

  test.each([1, 768_000, 2 ** 31 - 1])('a rate of %d Hz is refused', async (sampleRate) => {
    const { code } = await failure(encoder.embed({ samples: voice(1), sampleRate }));
    // At 1 Hz they are hours of audio, which is seen first.
    if (sampleRate === 1) expect(code).toBe('AUDIO_TOO_LONG');
    else expect(['AUDIO_UNSUPPORTED', 'INVALID_ARGUMENT']).toContain(code);
  });
});

describe('paths', () => {
  test.each([
    ['that are not there', (w: Workshop) => w.path('nobody.wav'), 'AUDIO_NOT_FOUND'],
    ['below a file', (w: Workshop) => `${w.path('small.pt')}/a.wav`, 'AUDIO_NOT_FOUND'],
    ['longer than any', (w: Workshop) => `${w.path('a'.repeat(5000))}.wav`, 'AUDIO_NOT_FOUND'],
  ])('%s', async (_name, path, code) => {
    expect((await failure(encoder.embed(path(workshop)))).code).toBe(code);
  });

  test('of a directory', async () => {
    await mkdir(workshop.path('folder.wav'));
    const { code, message } = await failure(encoder.embed(workshop.path('folder.wav')));
    expect(['AUDIO_UNSUPPORTED', 'AUDIO_NOT_FOUND', 'INVALID_ARGUMENT']).toContain(code);
    expect(message).toMatch(/directory|folder/);
  });

  test('of a FIFO that nobody writes to: answered, not waited for', async () => {
    execFileSync('mkfifo', [workshop.path('fifo.wav')]);
    const { code, message } = await failure(encoder.embed(workshop.path('fifo.wav')));
    expect(['AUDIO_UNSUPPORTED', 'AUDIO_NOT_FOUND', 'INVALID_ARGUMENT']).toContain(code);
    expect(message).toMatch(/FIFO|pipe|regular file/i);
  });

  test('of a device without end', async () => {
    const { code } = await failure(encoder.embed('/dev/zero'));
    expect(['AUDIO_UNSUPPORTED', 'AUDIO_NOT_FOUND', 'INVALID_ARGUMENT']).toContain(code);
  });

  test('of a file that may not be read', async () => {
    const file = await workshop.write('secret.wav', good);
    await chmod(workshop.folder, 0o711);
    await chmod(file, 0);
    expect(await asNobody(async () => (await failure(encoder.embed(file))).code)).toBe('AUDIO_NOT_FOUND');
  });

  test('with a NUL, empty, and URLs that are no files', async () => {
    for (const input of ['a\0.wav', '', new URL('https://example.org/a.wav'), new URL('file://host/a.wav')]) {
      expect((await failure(encoder.embed(input))).code).toBe('INVALID_ARGUMENT');
    }
  });

  test('of URLs as texts are paths like others: nothing is fetched', async () => {
    for (const input of ['http://127.0.0.1:1/a.wav', 'concat:/etc/passwd', '-i', 'file:///etc/passwd']) {
      expect((await failure(encoder.embed(input))).code).toBe('AUDIO_NOT_FOUND');
    }
  });
});

describe('values that are no inputs', () => {
  const WRONG: [string, unknown, RegExp][] = [
    ['nothing', undefined, /undefined/],
    ['null', null, /null/],
    ['a number', 7, /7/],
    ['an array', [1, 2], /Array/],
    ['an empty object', {}, /Object/],
    ['an ArrayBuffer', new ArrayBuffer(8), /new Uint8Array/],
    ['a SharedArrayBuffer', new SharedArrayBuffer(8), /new Uint8Array/],
    ['a DataView', new DataView(new ArrayBuffer(8)), /DataView/],
    ['samples without their rate', new Float32Array(8), /sampleRate/],
    ['samples in double precision', { samples: new Float64Array(8), sampleRate: RATE }, /Float32Array\.from/],
    ['samples in an array', { samples: [0.1, 0.2], sampleRate: RATE }, /Float32Array\.from/],
    ['samples that are missing', { sampleRate: RATE }, /samples.*undefined/],
    ['a rate that is missing', { samples: voice(1) }, /sampleRate.*undefined/],
    ['a rate in a text', { samples: voice(1), sampleRate: '16000' }, /sampleRate.*"16000"/],
    ['a rate of NaN', { samples: voice(1), sampleRate: NaN }, /sampleRate.*NaN/],
    ['a rate of 0', { samples: voice(1), sampleRate: 0 }, /sampleRate.*0/],
    ['a negative rate', { samples: voice(1), sampleRate: -16_000 }, /sampleRate.*-16000/],
    ['a broken rate', { samples: voice(1), sampleRate: 16_000.5 }, /sampleRate.*16000\.5/],
    ['a rate beyond all integers', { samples: voice(1), sampleRate: 1e30 }, /sampleRate.*1e\+30/],
    ['a big rate', { samples: voice(1), sampleRate: 16_000n }, /sampleRate.*16000n/],
    ['a stream of the web', new Response('x').body, /Readable\.fromWeb/],
    ['a promise', Promise.resolve('a.wav'), /Promise/],
  ];

  test.each(WRONG)('%s', async (_name, value, says) => {
    const error = await failure(encoder.embed(value as AudioInput));
    expect({ code: error.code, message: error.message }).toEqual({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(says),
    });
  });

  test('in a batch they are items like others', async () => {
    const items = await encoder.embedBatch([...WRONG.map(([, value]) => value as AudioInput), good]);
    expect(items.slice(0, -1).map((item) => errorOf(item).code)).toEqual(WRONG.map(() => 'INVALID_ARGUMENT'));
    resultOf(items.at(-1));
  });

  test.each([
    ['options', () => encoder.embed(good, 5 as never)],
    ['timeoutMs', () => encoder.embed(good, { timeoutMs: 'soon' as never })],
    ['timeoutMs', () => encoder.embed(good, { timeoutMs: -1 })],
    ['timeoutMs', () => encoder.embed(good, { timeoutMs: NaN })],
    ['signal', () => encoder.embed(good, { signal: {} as never })],
    ['allowSilence', () => encoder.embed(good, { allowSilence: 'yes' as never })],
    ['cutSeconds', () => encoder.embed(good, { cutSeconds: 0 })],
    ['intervals', () => encoder.embed(good, { intervals: [] })],
    ['intervals', () => encoder.embed(good, { intervals: 5 as never })],
    ['intervals', () => encoder.embed(good, { intervals: [{ start: 1, end: 1.05 }] })],
    ['intervals', () => encoder.embed(good, { intervals: [{ start: -1, end: 1 }] })],
    ['intervals', () => encoder.embed(good, { intervals: [{ start: NaN, end: 1 }] })],
    ['intervals', () => encoder.embed(good, { intervals: [null as never] })],
    ['interval ends', () => encoder.embed(good, { intervals: [{ start: 0, end: Infinity }] })],
    ['in order', () => encoder.embed(good, { intervals: [{ start: 1, end: 2 }, { start: 0, end: 1 }] })], // prettier-ignore
    ['array', () => encoder.embedBatch('a.wav' as never)],
    ['onProgress', () => encoder.embedBatch([good], { onProgress: 1 as never })],
    ['iterable', () => encoder.embedEach(7 as never).next()],
    ['drainMs', () => encoder.close({ drainMs: Infinity })],
  ])('a wrong %s is named', async (name, call) => {
    const { code, message } = await failure(call());
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain(name);
  });
});

describe('streams', () => {
  test('of a file that is not there', async () => {
    const error = await failure(encoder.embed(createReadStream(workshop.path('nobody.wav'))));
    expect(error.code).toBe('AUDIO_NOT_FOUND');
    expect(error.cause).toHaveProperty('code', 'ENOENT');
  });

  test('that fail in the middle', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield good.subarray(0, 1000);
      throw new Error('the line is dead');
    }
    const stream = Readable.from(broken());
    const error = await failure(encoder.embed(stream));
    expect(error.code).toBe('AUDIO_CORRUPT');
    expect(error.message).toMatch(/1000 bytes.*the line is dead/);
    expect(stream.destroyed).toBe(true);
  });

  test('that were destroyed, before and meanwhile', async () => {
    const before = new PassThrough();
    before.destroy();
    expect((await failure(encoder.embed(before))).code).toBe('INVALID_ARGUMENT');
    const meanwhile = new PassThrough();
    meanwhile.write(good.subarray(0, 1000));
    const pending = failure(encoder.embed(meanwhile));
    meanwhile.destroy();
    expect((await pending).code).toBe('AUDIO_CORRUPT');
  });

  test('that give texts or objects', async () => {
    for (const stream of [
      Readable.from(['one', 'two']),
      Readable.from([{ a: 1 }]),
      createReadStream(workshop.path('small.pt'), 'latin1'),
    ]) {
      expect((await failure(encoder.embed(stream))).code).toBe('INVALID_ARGUMENT');
      expect(stream.destroyed).toBe(true);
    }
  });

  test('without end are read no further than the limit', async () => {
    const small = await SpeakerEncoder.load({ model: workshop.path('small.pt'), limits: { maxBytes: 100_000 } });
    let given = 0;
    const endless = new Readable({
      highWaterMark: 1000,
      read() {
        given += 1000;
        this.push(Buffer.alloc(1000));
      },
    });
    expect((await failure(small.embed(endless))).code).toBe('AUDIO_TOO_LARGE');
    expect(endless.destroyed).toBe(true);
    expect(given).toBeLessThan(110_000);
    await small.close();
  });

  test('of a request whose client goes away', async () => {
    const server = createServer((incoming, response) => {
      encoder.embed(incoming).then(
        () => response.end(),
        (error: unknown) => server.emit('refused', error),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const refused = new Promise<unknown>((resolve) => server.once('refused', resolve));
    const client = request({ port: (server.address() as AddressInfo).port, method: 'POST' });
    client.on('error', () => {});
    server.once('request', () => client.destroy());
    client.write(good.subarray(0, 1000));
    expect(await refused).toHaveProperty('code', 'AUDIO_CORRUPT');
    await new Promise((resolve) => server.close(resolve));
  });
});
