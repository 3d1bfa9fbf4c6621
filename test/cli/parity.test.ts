import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import { readNpz } from '../addon/npz.js';
import { floatWav, timbre } from './support.js';

const SHARED = process.env['TIMBRE_SHARED'] ?? join(PACKAGE_FOLDER, '..', 'shared');
const GOLDEN = join(SHARED, 'golden');
const PYTHON = join(PACKAGE_FOLDER, '.venv', 'bin', 'python');

interface GoldenCase {
  name: string;
  file?: string;
  start?: number;
  samples: number;
  synthetic?: string;
}

describe('files to vectors through the command line', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timbre-parity-'));
    env = { MODEL_CACHE_DIR: folder };
  });

  afterAll(() => rm(folder, { recursive: true }));

  test('gives what SpeechBrain gives', async () => {
    const golden = join(GOLDEN, 'speechbrain');
    const cases = JSON.parse(readFileSync(join(golden, 'cases.json'), 'utf8')) as GoldenCase[];
    const [vectors, synthetic] = [readNpz(join(golden, 'vectors.npz')), readNpz(join(golden, 'synthetic.npz'))];
    const checkpoint = join(folder, 'c64.ckpt');
    const maker = join(GOLDEN, 'make_checkpoint.py');
    execFileSync(PYTHON, [maker, '--variant', 'speechbrain/c64', '--seed', '0', '--out', checkpoint]);
    expect(
      (await timbre(['models', 'add', checkpoint, '--family', 'speechbrain', '--id', 'c64'], { env })).status,
    ).toBe(0);

    const paths = await Promise.all(
      cases.map(async ({ name, file, start = 0, samples, synthetic: key }) => {
        const path = join(folder, `${name}.wav`);
        await writeFile(path, floatWav(key === undefined ? slice(file!, start, samples) : synthetic.get(key)!, 16000));
        return path;
      }),
    );
    const { status, stdout } = await timbre(
      ['embed', ...paths, '--model', 'c64', '--allow-silence', '--pauses', 'keep', '--json'],
      {
        env,
      },
    );
    expect(status).toBe(0);
    const found = JSON.parse(stdout) as { path: string; embedding: number[] }[];
    expect(found).toHaveLength(cases.length);
    const distances = found.map(({ embedding }, i) =>
      distance(embedding, vectors.get(`embedding/c64/${cases[i]!.name}`)!),
    );
    expect(Math.max(...distances.map(({ relative }) => relative))).toBeLessThanOrEqual(1e-4);
    expect(Math.max(...distances.map(({ cosine }) => cosine))).toBeLessThanOrEqual(1e-6);
  }, 300_000);

  function slice(file: string, start: number, count: number): Float32Array {
    const path = join(SHARED, 'speech', file);
    const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-'], { maxBuffer: 1e8 });
    return Float32Array.from({ length: count }, (_, i) => pcm.readInt16LE(2 * (start + i)) / 32768);
  }
});

function distance(found: readonly number[], reference: Float32Array): { relative: number; cosine: number } {
  let [error, norm, own, dot] = [0, 0, 0, 0];
  reference.forEach((y, i) => {
    const x = found[i]!;
    error += (x - y) ** 2;
    norm += y * y;
    own += x * x;
    dot += x * y;
  });
  return { relative: Math.sqrt(error / norm), cosine: 1 - dot / Math.sqrt(norm * own) };
}
