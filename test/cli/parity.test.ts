import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distance, goldenCases, MOST_COSINE_DISTANCE, MOST_RELATIVE_ERROR, writeCheckpoint } from '../addon/golden.js';
import { floatWav, timbre } from './support.js';

describe('files to vectors through the command line', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timbre-parity-'));
    env = { MODEL_CACHE_DIR: folder };
  });

  afterAll(() => rm(folder, { recursive: true }));

  test('gives what SpeechBrain gives', async () => {
    const cases = goldenCases();
    expect(cases.length).toBeGreaterThanOrEqual(5);
    const checkpoint = join(folder, 'c64.ckpt');
    writeCheckpoint('c64', checkpoint);
    expect(
      (await timbre(['models', 'add', checkpoint, '--family', 'speechbrain', '--id', 'c64'], { env })).status,
    ).toBe(0);

    const paths = await Promise.all(
      cases.map(async ({ name, samples }) => {
        const path = join(folder, `${name}.wav`);
        await writeFile(path, floatWav(samples, 16000));
        return path;
      }),
    );
    const { status, stdout } = await timbre(
      ['embed', ...paths, '--model', 'c64', '--allow-silence', '--pauses', 'keep', '--precision', 'fp32', '--json'],
      { env },
    );
    expect(status).toBe(0);
    const found = JSON.parse(stdout) as { path: string; embedding: number[] }[];
    expect(found).toHaveLength(cases.length);
    const distances = found.map(({ embedding }, i) => distance(embedding, cases[i]!.embedding('c64')));
    expect(Math.max(...distances.map(({ relative }) => relative))).toBeLessThanOrEqual(MOST_RELATIVE_ERROR);
    expect(Math.max(...distances.map(({ cosine }) => cosine))).toBeLessThanOrEqual(MOST_COSINE_DISTANCE);
  }, 300_000);
});
