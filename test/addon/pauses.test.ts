// Silence in a recording says nothing of who speaks: what is embedded is the speech, with pauses of natural length.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  convertCheckpoint,
  readManifest,
  SpeakerEncoder,
  updateManifest,
  type EmbedOptions,
  type EmbedResult,
} from '../../src/addon/index.js';
import { failure, RATE, ROOT, voice, wav, Workshop } from './support.js';

/** What added silence may move a cosine by. */
const MOST = 0.05;
const STARTER = join(ROOT, 'models', 'starter.pt');

let workshop: Workshop;
let encoder: SpeakerEncoder;
/** The same network without a rule. */
let keeping: SpeakerEncoder;

beforeAll(async () => {
  workshop = await Workshop.open();
  const [cut, keep] = [workshop.path('cutting.pt'), workshop.path('keeping.pt')];
  await convertCheckpoint({ checkpoint: STARTER, id: 'network', out: cut, pauses: 'cut' });
  await convertCheckpoint({ checkpoint: STARTER, id: 'network', out: keep, pauses: 'keep' });
  encoder = await SpeakerEncoder.load({ model: cut, workers: 2 });
  keeping = await SpeakerEncoder.load({ model: keep, workers: 2 });
}, 120_000);

afterAll(async () => {
  await encoder.close();
  await keeping.close();
  await workshop.remove();
});

/** espeak-ng's speech, mono at `rate`. */
async function say(voiceName: string, words: string, rate = RATE): Promise<Float32Array> {
  const file = workshop.path(`${voiceName.replace(/\W/g, '')}-${rate}-${words.length}.wav`);
  execFileSync('espeak-ng', ['-v', voiceName, '-w', file, words]);
  const bytes = execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-f', 'f32le', '-ac', '1', '-ar', `${rate}`, '-'], {
    maxBuffer: 1 << 28,
  });
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice();
}

/** White noise of a level in dB relative to full scale, by formula; -Infinity: zeros. */
function noise(seconds: number, db: number, rate = RATE): Float32Array {
  const samples = new Float32Array(Math.round(seconds * rate));
  if (db === -Infinity) return samples;
  const peak = Math.sqrt(3) * 10 ** (db / 20);
  let state = 12_345;
  for (let i = 0; i < samples.length; i++) {
    state = (state * 16_807) % 2_147_483_647;
    samples[i] = peak * ((2 * state) / 2_147_483_647 - 1);
  }
  return samples;
}

function joined(...parts: Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const embed = (samples: Float32Array, options: EmbedOptions = {}, sampleRate = RATE): Promise<EmbedResult> =>
  encoder.embed({ samples, sampleRate }, options);

const bytesOf = ({ embedding }: EmbedResult): Buffer =>
  Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength);

const SENTENCE = 'She had your dark suit in greasy wash water all year, and nobody asked her why.';

describe('with silence added to two voices', () => {
  test.each([
    ['digital silence', -Infinity],
    ['noise of -70 dBFS', -70],
    ['noise of -50 dBFS', -50],
  ])(
    '%s before, behind and between them moves their cosine by less than 0.05',
    async (_name, db) => {
      const [a, b] = [await say('en-us+m1', SENTENCE), await say('en-gb+f3', SENTENCE)];
      const [plainA, plainB] = [await embed(a), await embed(b)];
      const without = encoder.cosine(plainA, plainB);
      for (const seconds of [10, 30, 60]) {
        const silence = noise(seconds, db);
        for (const pad of [
          (x: Float32Array) => joined(x, silence),
          (x: Float32Array) => joined(silence, x),
          (x: Float32Array) => joined(silence, x, silence),
        ]) {
          const [padA, padB] = [await embed(pad(a)), await embed(pad(b))];
          expect(encoder.cosine(plainA, padA)).toBeGreaterThan(1 - MOST);
          expect(encoder.cosine(plainB, padB)).toBeGreaterThan(1 - MOST);
          expect(Math.abs(encoder.cosine(padA, padB) - without)).toBeLessThan(MOST);
          expect(padA.audio.seconds).toBeGreaterThan(seconds);
          expect(padA.embedded.seconds).toBeLessThan(a.length / RATE + 1);
        }
      }
    },
    300_000,
  );

  test('where every pause is kept, the silence is embedded as well, and strangers stay apart', async () => {
    const [a, b] = [await say('en-us+m1', SENTENCE), await say('en-gb+f3', SENTENCE)];
    const keep = { pauses: 'keep' } as const;
    const without = encoder.cosine(await embed(a, keep), await embed(b, keep));
    const silence = noise(30, -70);
    const [padA, padB] = [await embed(joined(a, silence), keep), await embed(joined(b, silence), keep)];
    expect(padA.embedded.seconds).toBeCloseTo(a.length / RATE + 30, 1);
    expect(encoder.cosine(padA, padB) - without).toBeLessThan(MOST);
  }, 60_000);

  test.each([8000, 48_000])(
    'and recordings of %i Hz are embedded alike',
    async (rate) => {
      const speech = await say('en-us+m1', SENTENCE, rate);
      const plain = await embed(speech, {}, rate);
      const padded = await embed(joined(noise(20, -70, rate), speech, noise(20, -70, rate)), {}, rate);
      expect(encoder.cosine(plain, padded)).toBeGreaterThan(1 - MOST);
    },
    60_000,
  );

  test('a short word is embedded the same however much of it there is', async () => {
    const word = await say('en-us+m1', 'yes');
    // Its margins are as long as the word: with a second beside it, all of them are there.
    const little = await embed(joined(noise(1, -70), word, noise(1, -70)));
    const much = await embed(joined(noise(20, -70), word, noise(20, -70)));
    expect(encoder.cosine(little, much)).toBeGreaterThan(1 - MOST);
    expect(much.embedded.seconds).toBeLessThan(3);
  }, 60_000);
});

describe('what is told', () => {
  test('speech and quality are of the whole recording, beside the seconds that were embedded', async () => {
    const speech = await say('en-us+m1', SENTENCE);
    const samples = joined(speech, noise(30, -70));
    const [cut, keep] = [await embed(samples), await embed(samples, { pauses: 'keep' })];
    expect(keep.speech).toEqual(cut.speech);
    expect(keep.quality).toEqual(cut.quality);
    expect(keep.audio).toEqual(cut.audio);
    expect(cut.embedded.pauses).toBe('cut');
    expect(cut.embedded.seconds).toBeLessThan(speech.length / RATE + 1);
    expect(keep.embedded).toEqual({ seconds: keep.audio.seconds, pauses: 'keep' });
  }, 60_000);

  test('a recording in which no speech is heard is embedded whole, and reports none', async () => {
    const result = await embed(noise(4, -50));
    expect(result.speech.seconds).toBe(0);
    expect(result.embedded).toEqual({ seconds: 4, pauses: 'cut' });
    expect(bytesOf(result)).toEqual(bytesOf(await embed(noise(4, -50), { pauses: 'keep' })));
    expect((await failure(embed(new Float32Array(RATE)))).code).toBe('NO_SPEECH');
  });
});

describe("pauses: 'keep'", () => {
  test('gives the vectors of the network without a rule, bit for bit', async () => {
    for (const samples of [voice(1), voice(3), joined(noise(6, -70), voice(2), noise(6, -70))]) {
      const kept = await embed(samples, { pauses: 'keep' });
      const without = await keeping.embed({ samples, sampleRate: RATE });
      expect(bytesOf(kept)).toEqual(bytesOf(without));
      expect(kept.model).toBe(without.model);
    }
  });

  test('does not compare with what is cut', async () => {
    const [cut, keep] = [await embed(voice(2)), await embed(voice(2), { pauses: 'keep' })];
    expect(cut.model).toBe(encoder.info().model);
    expect(keep.model).toBe(encoder.info().modelWithPauses);
    expect(cut.model).not.toBe(keep.model);
    await expect(async () => encoder.cosine(cut, keep)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
  });

  test('is what a bundle without a rule does, which cannot cut', async () => {
    const info = keeping.info();
    expect(info).toMatchObject({ pauses: 'keep', model: info.modelWithPauses });
    const error = await failure(keeping.embed(wav(voice(2)), { pauses: 'cut' }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('--pauses cut');
  });
});

describe('the rule of a bundle', () => {
  test('is written with the bundle, and is its own', async () => {
    const out = workshop.path('again.pt');
    const cut = await readManifest(workshop.path('cutting.pt'));
    expect(cut).toMatchObject({ format: 2, pauses: { detector: 'silero-6.2.3' } });
    expect(await readManifest(workshop.path('keeping.pt'))).not.toHaveProperty('pauses');
    const again = await convertCheckpoint({ checkpoint: workshop.path('cutting.pt'), id: 'again', out });
    expect(again['pauses']).toEqual(cut['pauses']);
    const fact = updateManifest(out, { pauses: null }, out);
    expect((await failure(fact)).code).toBe('INVALID_ARGUMENT');
  });

  test('of a checkpoint is cut unless it shall keep them', async () => {
    const out = workshop.path('checkpoint.pt');
    const checkpoint = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');
    const request = { checkpoint, family: 'speechbrain', id: 'small', out } as const;
    expect(await convertCheckpoint(request)).toHaveProperty('pauses');
    expect(await convertCheckpoint({ ...request, pauses: 'keep' })).not.toHaveProperty('pauses');
    const wrong = convertCheckpoint({ ...request, pauses: 'both' as never });
    expect((await failure(wrong)).message).toContain("'cut' or 'keep'");
    expect((await readFile(out)).length).toBeGreaterThan(0);
  });
});
