import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import { convertCheckpoint } from '../../src/addon/bundles.js';
import { exportOnnx } from '../../src/models/onnx.js';

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-onnx-'));
  bundle = join(folder, 'tiny.pt');
  const checkpoint = join(PACKAGE_FOLDER, 'test', 'fixtures', 'checkpoints', 'wespeaker-glob-c16.ckpt');
  await convertCheckpoint({ checkpoint, family: 'wespeaker', id: 'tiny', out: bundle });
});

afterAll(() => rm(folder, { recursive: true }));

describe('export to ONNX', () => {
  test('gives the bundle’s embeddings in onnxruntime, alone and in mixed batches', async () => {
    const out = join(folder, 'tiny.onnx');
    const report = await exportOnnx({ bundle, out });
    expect(report).toMatchObject({ opset: 20, checked: true });
    expect(report.maxRelativeError).toBeLessThan(1e-5);
    expect(await readdir(folder)).toEqual(['tiny.onnx', 'tiny.pt']);
  }, 300_000);
});

describe('an export that fails', () => {
  test('of a file that is no bundle says so', async () => {
    const junk = join(folder, 'junk.pt');
    await writeFile(junk, 'no bundle');
    await expect(exportOnnx({ bundle: junk, out: join(folder, 'junk.onnx') })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('is no bundle') as unknown,
    });
    await rm(junk);
  }, 120_000);

  test('of CAM++ says that only ECAPA-TDNN is exported', async () => {
    const campplus = join(folder, 'campplus.pt');
    const checkpoint = join(PACKAGE_FOLDER, 'test', 'fixtures', 'checkpoints', 'campplus-w2.safetensors');
    await convertCheckpoint({ checkpoint, family: 'campplus', id: 'campplus', out: campplus });
    await expect(exportOnnx({ bundle: campplus, out: join(folder, 'campplus.onnx') })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('only ECAPA-TDNN is exported') as unknown,
    });
    await rm(campplus);
  }, 120_000);

  test('is cancelled by its signal', async () => {
    const controller = new AbortController();
    controller.abort();
    const out = join(folder, 'never.onnx');
    await expect(exportOnnx({ bundle, out, signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
