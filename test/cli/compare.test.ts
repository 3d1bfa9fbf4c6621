import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { updateManifest } from '../../src/addon/bundles.js';
import { cosine, SpeakerEncoder } from '../../src/addon/index.js';
import { CHECKPOINT, timbre, writeVoice } from './support.js';

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-compare-'));
  env = { MODEL_CACHE_DIR: at('models'), TIMBRE_MODEL: 'tiny' };
  const added = await timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', 'tiny'], { env });
  expect(added.status).toBe(0);
  await writeVoice(at('a.wav'), { pitch: 110, seconds: 1.5 });
  await writeVoice(at('b.wav'), { pitch: 210, seconds: 2 });
});

afterAll(() => rm(folder, { recursive: true }));

interface Comparison {
  cosine: number;
  llr: number | null;
  probability: number | null;
  threshold: number | null;
  thresholdFrom: string | null;
  decision: string | null;
  model: string;
}

async function compare(...more: string[]): Promise<Comparison> {
  const { status, stdout, stderr } = await timbre(['compare', at('a.wav'), at('b.wav'), '--json', ...more], { env });
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return JSON.parse(stdout) as Comparison;
}

describe('compare', () => {
  test('without a calibration: the cosine, and no decision', async () => {
    const encoder = await SpeakerEncoder.load({ model: at('models', 'tiny.pt') });
    const [a, b] = await Promise.all([encoder.embed(at('a.wav')), encoder.embed(at('b.wav'))]);
    await encoder.close();
    const found = await compare();
    expect(found.cosine).toBeCloseTo(cosine(a.embedding, b.embedding), 5);
    expect(found).toMatchObject({ llr: null, probability: null, threshold: null, thresholdFrom: null, decision: null });
    expect(found.model).toBe(a.model);
  });

  test('an untrained model warns', async () => {
    const { stdout, stderr } = await timbre(['compare', at('a.wav'), at('a.wav')], { env });
    expect(stdout).toMatch(/^cosine +1\.0000\n/);
    expect(stderr).toMatch(/^warning: the model tiny is untrained/);
  });

  test('--threshold decides', async () => {
    const { cosine: found } = await compare();
    const above = Math.min(1, found + 0.001);
    expect(await compare('--threshold', String(found - 0.001))).toMatchObject({
      thresholdFrom: 'option',
      decision: 'ACCEPT',
    });
    expect(await compare('--threshold', String(above))).toMatchObject({ threshold: above, decision: 'REJECT' });
  });

  test('the threshold of the publisher decides where nothing was learned', async () => {
    await updateManifest(
      at('models', 'tiny.pt'),
      { publishedThreshold: { cosine: 0.25 } },
      at('models', 'published.pt'),
    );
    const found = await compare('--model', 'published');
    expect(found).toMatchObject({ threshold: 0.25, thresholdFrom: 'published', llr: null });
    expect(found.decision).toBe(found.cosine >= 0.25 ? 'ACCEPT' : 'REJECT');
  });

  test('the calibration of a bundle gives llr, probability and threshold', async () => {
    const facts = {
      publishedThreshold: { cosine: 0.25 },
      calibration: { offset: -2, scale: 8, quality: {}, norm: 'none' },
      thresholds: [{ falseAcceptRate: 0.01, cosine: 0.5, llr: 2 }],
    };
    await updateManifest(at('models', 'tiny.pt'), facts, at('models', 'calibrated.pt'));
    const found = await compare('--model', 'calibrated');
    expect(found).toMatchObject({ threshold: 0.5, thresholdFrom: 'calibration' });
    expect(found.llr).toBeCloseTo(8 * found.cosine - 2, 5);
    expect(found.probability).toBeCloseTo(1 / (1 + Math.exp(-found.llr!)), 5);
    const text = (await timbre(['compare', at('a.wav'), at('b.wav'), '--model', 'calibrated'], { env })).stdout;
    expect(text).toMatch(/threshold +0\.5000 \(accepts 1 % of impostors\)/);
  });

  test('a calibration of another model is refused', async () => {
    await writeFile(at('other.json'), JSON.stringify({ format: 1, model: 'other@000000000000' }));
    const { status, stderr } = await timbre(['compare', at('a.wav'), at('b.wav'), '--calibration', at('other.json')], {
      env,
    });
    expect(status).toBe(16);
    expect(stderr).toContain('other@000000000000');
  });

  test('a recording that fails gives its status and no result', async () => {
    const { status, stdout } = await timbre(['compare', at('a.wav'), at('gone.wav'), '--json'], { env });
    expect(status).toBe(25);
    expect(stdout).toBe('');
  });
});
