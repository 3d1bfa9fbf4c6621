import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SpeakerEncoder, type AudioInput, type EmbedResult } from '../../src/addon/index.js';
import { corpus } from '../fuzz/mutated-recordings.mjs';
import { failure, RATE, runNode, voice, wav, Workshop } from './support.js';

/** `isolation: 'process'` gives what `'none'` gives. What the processes may do is in test/security/decoders.test.ts. */

let workshop: Workshop;
let here: SpeakerEncoder;
let beside: SpeakerEncoder;

beforeAll(async () => {
  workshop = await Workshop.open();
  const model = await workshop.bundle();
  here = await SpeakerEncoder.load({ model, workers: 1 });
  beside = await SpeakerEncoder.load({ model, workers: 1, isolation: 'process' });
});

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
