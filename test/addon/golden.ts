import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import { readNpz } from './npz.js';

/** Vectors computed by SpeechBrain's own code; the folder's README says how. */
const GOLDEN = join(PACKAGE_FOLDER, 'test', 'fixtures', 'golden');
/** Not committed; without it the slices of recorded speech are left out, which the native tests say. */
const SPEECH = join(PACKAGE_FOLDER, '..', 'shared', 'speech');
const PYTHON = join(PACKAGE_FOLDER, '.venv', 'bin', 'python');

export const MOST_RELATIVE_ERROR = 1e-4;
export const MOST_COSINE_DISTANCE = 1e-6;

interface CaseRow {
  name: string;
  file?: string;
  start?: number;
  samples: number;
  synthetic?: string;
}

export interface GoldenCase {
  readonly name: string;
  /** float32 at 16 kHz. */
  readonly samples: Float32Array;
  /** The embedding that the network of this size gives, not of unit length. */
  embedding(size: 'c64' | 'c1024'): Float32Array;
}

/** Synthetic signals, and slices of recorded speech where it lies beside the project. */
export function goldenCases(): GoldenCase[] {
  const folder = join(GOLDEN, 'speechbrain');
  const rows = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as CaseRow[];
  const [vectors, synthetic] = [readNpz(join(folder, 'vectors.npz')), readNpz(join(folder, 'synthetic.npz'))];
  return rows
    .filter(({ file }) => file === undefined || existsSync(SPEECH))
    .map(({ name, file, start = 0, samples, synthetic: key }) => ({
      name,
      samples: key === undefined ? slice(file!, start, samples) : synthetic.get(key)!,
      embedding: (size) => vectors.get(`embedding/${size}/${name}`)!,
    }));
}

/** Writes the checkpoint that the vectors were computed with. */
export function writeCheckpoint(size: 'c64' | 'c1024', out: string): void {
  const maker = join(GOLDEN, 'make_checkpoint.py');
  execFileSync(PYTHON, [maker, '--variant', `speechbrain/${size}`, '--seed', '0', '--out', out]);
}

export function distance(found: ArrayLike<number>, reference: ArrayLike<number>): { relative: number; cosine: number } {
  let [error, norm, own, dot] = [0, 0, 0, 0];
  for (let i = 0; i < reference.length; i++) {
    const [x, y] = [found[i]!, reference[i]!];
    error += (x - y) ** 2;
    norm += y * y;
    own += x * x;
    dot += x * y;
  }
  return { relative: Math.sqrt(error / norm), cosine: 1 - dot / Math.sqrt(norm * own) };
}

/** As the addon decodes a file of the model's rate: 16-bit samples / 32768. */
function slice(file: string, start: number, count: number): Float32Array {
  const path = join(SPEECH, file);
  const pcm = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's16le', '-ac', '1', '-'], { maxBuffer: 1e8 });
  return Float32Array.from({ length: count }, (_, i) => pcm.readInt16LE(2 * (start + i)) / 32768);
}
