import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { convertCheckpoint, SpeakerEncoder, verifyBundle } from '../../src/addon/index.js';
import { digestFile } from '../../src/support/files.js';
import { failure } from '../addon/support.js';
import { timbre } from '../cli/support.js';
import { TestService, Workshop } from '../e2e/support.js';

/** A bundle is data: what it brings as code does not run. */

let workshop: Workshop;
/** A bundle with a program that no network of the package has. */
let foreign: string;
let sha256: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  const bytes = await readFile(await workshop.bundle());
  // A member of the archive becomes one more file of code: the names are of one length.
  for (let at = bytes.indexOf('/byteorder'); at >= 0; at = bytes.indexOf('/byteorder', at)) {
    bytes.write('/code/a.py', at);
  }
  foreign = workshop.path('foreign.pt');
  await writeFile(foreign, bytes);
  ({ sha256 } = await digestFile(foreign));
});

afterAll(() => workshop.remove());

describe('a bundle with code of its own', () => {
  test('is refused wherever a bundle is loaded', async () => {
    const out = workshop.path('again.pt');
    for (const call of [
      () => SpeakerEncoder.load({ model: foreign }),
      () => verifyBundle(foreign),
      () => convertCheckpoint({ checkpoint: foreign, id: 'again', precision: 'int8', out }),
    ]) {
      const error = await failure(call());
      expect(error.code).toBe('MODEL_UNTRUSTED');
      expect(error.message).toContain('timbre models add');
    }
    for (const words of [
      ['models', 'verify', foreign],
      ['models', 'add', foreign, '--id', 'again'],
      ['models', 'export', foreign, '--onnx', workshop.path('x.onnx')],
    ]) {
      const { status, stderr } = await timbre(words, { env: { MODEL_CACHE_DIR: workshop.path('cache') } });
      expect(stderr).toContain('MODEL_UNTRUSTED');
      expect(status).toBe(90);
    }
  });

  test('is loaded where the sha256 of its file is allowed, and no other file is', async () => {
    const encoder = await SpeakerEncoder.load({ model: foreign, allowCode: sha256.toUpperCase() });
    await encoder.close();
    expect((await verifyBundle(foreign, { allowCode: sha256 })).passed).toBe(true);
    const other = await failure(SpeakerEncoder.load({ model: foreign, allowCode: 'a'.repeat(64) }));
    expect(other.code).toBe('MODEL_UNTRUSTED');
    expect(other.message).toContain(sha256);
    for (const allowCode of ['yes', 'a'.repeat(63), '']) {
      expect((await failure(SpeakerEncoder.load({ model: foreign, allowCode }))).code).toBe('INVALID_ARGUMENT');
    }
    const { status } = await timbre(['models', 'verify', foreign, '--allow-code', sha256]);
    expect(status).toBe(0);
  });

  test('leaves the service without a model, with the reason, unless it is allowed', async () => {
    const refused = await TestService.start(workshop, { model: foreign });
    await expect(refused.service.ready()).rejects.toMatchObject({ code: 'MODEL_UNTRUSTED' });
    expect((await refused.call('/v1/speakers')).status).toBe(200);
    await refused.close();
    const allowed = await TestService.start(workshop, { model: foreign, allowCode: sha256 });
    await allowed.service.ready();
    await allowed.close();
  });
});

test('a bundle in the model folder does not stand for the packaged one of its name', async () => {
  const cache = workshop.path('models');
  await mkdir(cache);
  await copyFile(await workshop.bundle(), join(cache, 'starter.pt'));
  const encoder = await SpeakerEncoder.load({ model: 'starter', cacheDir: cache });
  expect(encoder.info()).toMatchObject({ manifest: { embedding: { dim: 192 } } });
  await encoder.close();
  const env = { MODEL_CACHE_DIR: cache };
  const { stdout } = await timbre(['models', 'list', '--json'], { env });
  expect(
    (JSON.parse(stdout) as { bundles: { id: string }[] }).bundles.filter(({ id }) => id === 'starter'),
  ).toMatchObject([{ id: 'starter', place: 'package' }]);
  const added = await timbre(['models', 'add', foreign, '--id', 'starter', '--force'], { env });
  expect(added.stderr).toContain('MODEL_EXISTS');
});
