import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  convertCheckpoint,
  SpeakerEncoder,
  type AudioInput,
  type ConversationOptions,
  type ConversationResult,
  type EmbedResult,
} from '../../src/addon/index.js';
import { corpus } from '../fuzz/mutated-recordings.mjs';
import { writeSegmentationCheckpoint } from '../segmentation-weights.js';
import { failure, RATE, runNode, voice, wav, Workshop } from './support.js';

/** `isolation: 'process'` gives what `'none'` gives. What the processes may do is in test/security/decoders.test.ts. */

let workshop: Workshop;
let here: SpeakerEncoder;
let beside: SpeakerEncoder;

beforeAll(async () => {
  workshop = await Workshop.open();
  const model = await workshop.bundle();
  const checkpoint = workshop.path('listens.safetensors');
  const segmentation = workshop.path('listens.pt');
  await writeSegmentationCheckpoint(checkpoint);
  await convertCheckpoint({ checkpoint, id: 'listens', out: segmentation, facts: { trained: false } });
  here = await SpeakerEncoder.load({ model, segmentation, workers: 1 });
  beside = await SpeakerEncoder.load({ model, segmentation, workers: 1, isolation: 'process' });
}, 120_000);

afterAll(async () => {
  await Promise.all([here.close(), beside.close()]);
  await workshop.remove();
});

type Outcome = Omit<EmbedResult, 'timings'> | { code: string; message: string };

async function outcome(encoder: SpeakerEncoder, input: AudioInput): Promise<Outcome> {
  try {
    const { timings, ...rest } = await encoder.embed(input, { allowSilence: true });
    expect(timings.decode).toBeGreaterThanOrEqual(0);
    return rest;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

describe('a process that decodes', () => {
  test('is told of by info(), and none is there unless it is asked for', () => {
    expect(beside.info().isolation).toBe('process');
    expect(here.info().isolation).toBe('none');
  });

  test('gives the same embeddings, reports and errors for every format', async () => {
    let embedded = 0;
    let refused = 0;
    for (const { name, bytes } of corpus()) {
      const expected = await outcome(here, bytes);
      expect({ name, ...(await outcome(beside, bytes)) }).toEqual({ name, ...expected });
      if ('embedding' in expected) embedded++;
      else refused++;
    }
    expect(embedded).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(3);
  });

  test('gives the same by path, stream and descriptor, and the path in errors', async () => {
    const path = await workshop.write('voice.wav', wav(voice(2)));
    const expected = await outcome(here, path);
    expect(expected).toHaveProperty('embedding');
    const handle = await open(path);
    try {
      for (const input of [path, createReadStream(path), { descriptor: handle.fd }]) {
        expect(await outcome(beside, input)).toEqual(expected);
      }
    } finally {
      await handle.close();
    }
    const junk = await workshop.write('junk.wav', 'nothing that is a recording');
    const error = await failure(beside.embed(junk));
    expect(error).toMatchObject({ code: 'AUDIO_UNSUPPORTED', message: (await failure(here.embed(junk))).message });
    expect(error.message).toContain(junk);
  });

  test('gives the same of what ffmpeg reads', async () => {
    const path = await workshop.write('source.wav', wav(voice(3)));
    for (const [file, ...options] of [
      ['a.webm', '-c:a', 'libopus'],
      ['a.m4a', '-c:a', 'aac'],
      ['a.mka', '-c:a', 'flac'],
    ]) {
      const made = workshop.path(file!);
      execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', path, ...options, made]);
      const bytes = await readFile(made);
      expect(await outcome(beside, bytes)).toEqual(await outcome(here, bytes));
      const half = bytes.subarray(0, bytes.length / 2);
      expect(await outcome(beside, half)).toEqual(await outcome(here, half));
    }
  });

  test('leaves samples in the process', async () => {
    const samples = { samples: voice(2), sampleRate: RATE };
    expect(await outcome(beside, samples)).toEqual(await outcome(here, samples));
  });

  test('stops with an abort, and the next recording is decoded', async () => {
    const long = wav(voice(250));
    const controller = new AbortController();
    const call = failure(beside.embed(long, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe('ABORTED');
    expect((await failure(beside.embed(long, { timeoutMs: 1 }))).code).toBe('DEADLINE_EXCEEDED');
    expect(await outcome(beside, wav(voice(1)))).toHaveProperty('embedding');
  });
});

/** What is heard in a recording, and what it was; or its error. */
async function heard(
  encoder: SpeakerEncoder,
  input: AudioInput,
  options: ConversationOptions = {},
): Promise<Omit<ConversationResult, 'timings'> | { code: string; message: string }> {
  try {
    const { timings, ...rest } = await encoder.conversation(input, options);
    expect(timings.decode).toBeGreaterThanOrEqual(0);
    return rest;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

/** Two channels, the second in opposite phase. */
function opposite(samples: Float32Array): Float32Array {
  return Float32Array.from({ length: 2 * samples.length }, (_, i) => (i % 2 === 0 ? 1 : -1) * samples[i >> 1]!);
}

describe('a conversation that a process decodes', () => {
  /** Long enough to be told of before its end. */
  let long: Buffer;

  beforeAll(() => {
    long = wav(voice(100));
  });

  test('is the same as in the process, by bytes, path, stream, descriptor and samples', async () => {
    const path = await workshop.write('talk.wav', wav(voice(15)));
    const expected = await heard(here, path);
    expect(expected).toHaveProperty('turns');
    const handle = await open(path);
    try {
      const inputs: AudioInput[] = [path, await readFile(path), createReadStream(path), { descriptor: handle.fd }];
      for (const input of inputs) expect(await heard(beside, input)).toEqual(expected);
    } finally {
      await handle.close();
    }
    const samples = { samples: voice(12), sampleRate: RATE };
    expect(await heard(beside, samples)).toEqual(await heard(here, samples));
  }, 120_000);

  test('is the same of every format, and has the same errors', async () => {
    for (const { name, bytes } of corpus()) {
      expect({ name, ...(await heard(beside, bytes)) }).toEqual({ name, ...(await heard(here, bytes)) });
    }
  }, 300_000);

  test('is the same where channels cancel each other, and of one channel', async () => {
    const bytes = wav(opposite(voice(14)), RATE, 2);
    const expected = await heard(here, bytes);
    expect(expected).toMatchObject({ audio: { channelsCancel: true } });
    expect(await heard(beside, bytes)).toEqual(expected);
    expect(await heard(beside, bytes, { channel: 1 })).toEqual(await heard(here, bytes, { channel: 1 }));
  }, 60_000);

  test('may be longer than what is embedded, up to its own limit', async () => {
    const strict = { maxSeconds: 10 };
    const bytes = wav(voice(11));
    const refused = await failure(beside.conversation(bytes, strict));
    expect(refused).toMatchObject({ code: 'AUDIO_TOO_LONG' });
    expect(refused.message).toBe((await failure(here.conversation(bytes, strict))).message);
  }, 60_000);

  test('is ended by an abort and a deadline, and the next one is decoded', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const call = failure(
      beside.conversation(long, {
        signal: controller.signal,
        onProgress: ({ seconds, totalSeconds }) => {
          expect(totalSeconds).toBe(100);
          seen.push(seconds);
          controller.abort();
        },
      }),
    );
    expect((await call).code).toBe('ABORTED');
    expect(seen.length).toBeGreaterThan(0);
    expect((await failure(beside.conversation(long, { timeoutMs: 30 }))).code).toBe('DEADLINE_EXCEEDED');
    expect(await heard(beside, wav(voice(2)))).toHaveProperty('turns');
    expect(await outcome(beside, wav(voice(1)))).toHaveProperty('embedding');
  }, 120_000);

  test('that ends with its process costs itself, and nobody else', async () => {
    const killed = new Set<number>();
    const lost = await failure(
      beside.conversation(long, {
        onProgress: () => {
          for (const decoder of decoders()) {
            if (killed.has(decoder)) continue;
            killed.add(decoder);
            process.kill(decoder, 'SIGKILL');
          }
        },
      }),
    );
    expect(lost).toMatchObject({ code: 'DECODER_FAILED' });
    expect(killed.size).toBe(1);
    expect(await heard(beside, wav(voice(2)))).toHaveProperty('turns');
  }, 120_000);
});

/** Processes that decode for this one. */
function decoders(): number[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '),
  );
  return children
    .filter((id) => id !== '' && readFileSync(`/proc/${id}/comm`, 'utf8').trim() === 'timbre-decoder')
    .map(Number);
}

test('an isolation that there is not is refused', async () => {
  const error = await failure(SpeakerEncoder.load({ model: workshop.path('small.pt'), isolation: 'vm' as 'none' }));
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(error.message).toContain("'none' or 'process'");
});

test("works under Node's permission model, and no process is left at the end", async () => {
  const folder = await workshop.package();
  const bundle = await workshop.bundle('other');
  const file = await workshop.write('permitted.wav', wav(voice(1)));
  const script = `
    import { SpeakerEncoder } from '#timbre';
    const encoder = await SpeakerEncoder.load({ model: ${JSON.stringify(bundle)}, workers: 1, isolation: 'process' });
    const { audio } = await encoder.embed(${JSON.stringify(file)});
    console.log(audio.format);
  `;
  const [major] = process.versions.node.split('.').map(Number) as [number];
  const model = major < 23 ? '--experimental-permission' : '--permission';
  const flags = [model, '--allow-fs-read=*', '--allow-addons'];
  const end = await runNode(folder, script, flags);
  expect({ code: end.code, stdout: end.stdout.trim() }).toEqual({ code: 0, stdout: 'WAV/PCM_16' });
});
