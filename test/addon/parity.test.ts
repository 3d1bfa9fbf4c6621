import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint, SpeakerEncoder, type PcmInput } from '../../src/addon/index.js';
import { readNpz } from './npz.js';
import { RATE, resultOf, ROOT, Workshop } from './support.js';

/** Vectors computed by SpeechBrain's own code; the file's README says how. */
const SHARED = process.env['TIMBRE_SHARED'] ?? join(ROOT, '..', 'shared');
const GOLDEN = join(SHARED, 'golden', 'speechbrain');
const PYTHON = join(ROOT, '.venv', 'bin', 'python');

interface GoldenCase {
  name: string;
  file?: string;
  start?: number;
  samples: number;
  synthetic?: string;
}

const MOST_RELATIVE_ERROR = 1e-4;
const MOST_COSINE_DISTANCE = 1e-6;

describe('the embeddings of SpeechBrain, waveform to vector', () => {
  let workshop: Workshop;
  let inputs: PcmInput[];
  const cases = JSON.parse(readFileSync(join(GOLDEN, 'cases.json'), 'utf8')) as GoldenCase[];
  const golden = readNpz(join(GOLDEN, 'vectors.npz'));

  beforeAll(async () => {
    workshop = await Workshop.open();
    const synthetic = readNpz(join(GOLDEN, 'synthetic.npz'));
    inputs = cases.map(({ file, start = 0, samples, synthetic: key }) => ({
      samples: key === undefined ? slice(file!, start, samples) : synthetic.get(key)!,
      sampleRate: RATE,
    }));
  });

  afterAll(() => workshop.remove());

  /** As the addon decodes a file of the model's rate: 16-bit samples / 32768. */
  function slice(file: string, start: number, count: number): Float32Array {
    const path = join(SHARED, 'speech', file);
    const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-'], { maxBuffer: 1e8 });
    return Float32Array.from({ length: count }, (_, i) => pcm.readInt16LE(2 * (start + i)) / 32768);
  }

  function expectClose(embedding: Float32Array, reference: Float32Array, name: string): void {
    expect(embedding).toHaveLength(reference.length);
    let [error, norm, dot, own] = [0, 0, 0, 0];
    reference.forEach((y, i) => {
      const x = embedding[i]!;
      error += (x - y) ** 2;
      norm += y * y;
      own += x * x;
      dot += x * y;
    });
    const distances = { relative: Math.sqrt(error / norm), cosine: 1 - dot / Math.sqrt(norm * own) };
    if (distances.relative > MOST_RELATIVE_ERROR || distances.cosine > MOST_COSINE_DISTANCE) {
      throw new Error(`${name}: ${JSON.stringify(distances)}`);
    }
  }

  test.each(['c64', 'c1024'])(
    'of the network %s, alone and in a mixed batch',
    async (size) => {
      const [checkpoint, out] = [workshop.path(`${size}.ckpt`), workshop.path(`${size}.pt`)];
      const maker = join(SHARED, 'golden', 'make_checkpoint.py');
      execFileSync(PYTHON, [maker, '--variant', `speechbrain/${size}`, '--seed', '0', '--out', checkpoint]);
      await convertCheckpoint({ checkpoint, family: 'speechbrain', id: size, out });
      const encoder = await SpeakerEncoder.load({ model: out });
      const order = cases.map((_, i) => (7 * i + 3) % cases.length);
      const items = await encoder.embedBatch(
        order.map((i) => inputs[i]!),
        { allowSilence: true, pauses: 'keep' },
      );
      for (const [place, i] of order.entries()) {
        expectClose(
          resultOf(items[place]).embedding,
          golden.get(`embedding/${size}/${cases[i]!.name}`)!,
          cases[i]!.name,
        );
      }
      for (const [i, { name }] of cases.entries()) {
        const { embedding } = await encoder.embed(inputs[i]!, { allowSilence: true, pauses: 'keep' });
        expectClose(embedding, golden.get(`embedding/${size}/${name}`)!, name);
      }
      await encoder.close();
    },
    300_000,
  );
});
