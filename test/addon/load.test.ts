import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  convertCheckpoint,
  cosine,
  readManifest,
  runtimeInfo,
  SpeakerEncoder,
  updateManifest,
  verifyBundle,
  type EmbedResult,
  type LoadOptions,
} from '../../src/addon/index.js';
import { failure, ROOT, voice, wav, Workshop } from './support.js';
import { onHardware } from '../hardware.js';

const CHECKPOINT = join(ROOT, 'test', 'fixtures', 'checkpoints', 'speechbrain-c16.ckpt');

let workshop: Workshop;
let bundle: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
});

afterAll(() => workshop.remove());

describe('a bundle that cannot be loaded', () => {
  /** A bundle with bytes changed somewhere. */
  async function damaged(name: string, change: (bytes: Buffer) => Buffer): Promise<string> {
    return workshop.write(name, change(await readFile(bundle)));
  }

  test('is not there', async () => {
    const error = await failure(SpeakerEncoder.load({ model: workshop.path('none.pt') }));
    expect(error.code).toBe('MODEL_NOT_FOUND');
    expect(error.message).toContain(workshop.path('none.pt'));
  });

  test.each([
    ['is empty', () => Buffer.alloc(0)],
    ['is a text', () => Buffer.from('not a bundle\n'.repeat(100))],
    ['is a recording', () => wav(voice(1))],
    ['is cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['has lost its beginning', (bytes: Buffer) => bytes.subarray(100)],
  ])('%s', async (name, change) => {
    const file = await damaged(`${name}.pt`, change);
    expect((await failure(SpeakerEncoder.load({ model: file }))).code).toBe('MODEL_INVALID');
    expect((await failure(readManifest(file))).code).toBe('MODEL_INVALID');
    expect((await failure(verifyBundle(file))).code).toBe('MODEL_INVALID');
  });

  test('has weights that were changed', async () => {
    const file = await damaged('flipped.pt', (bytes) => {
      // A byte in the middle of the archive lies in some tensor; its digest is in the manifest.
      bytes[bytes.length >> 1]! ^= 0x40;
      return bytes;
    });
    expect((await failure(SpeakerEncoder.load({ model: file }))).code).toBe('MODEL_INVALID');
  });

  test('has a manifest that was changed without its checksum', async () => {
    const file = await damaged('manifest.pt', (bytes) => {
      const at = bytes.indexOf('"melBins": 80');
      expect(at).toBeGreaterThan(0);
      bytes.write('"melBins": 40', at);
      return bytes;
    });
    expect((await failure(SpeakerEncoder.load({ model: file }))).code).toBe('MODEL_INVALID');
  });

  test('is a checkpoint that was not converted', async () => {
    const error = await failure(SpeakerEncoder.load({ model: await copy(CHECKPOINT, 'checkpoint.pt') }));
    expect(error.code).toBe('MODEL_INVALID');
  });

  test('is a folder', async () => {
    await mkdir(workshop.path('folder.pt'));
    const { code } = await failure(SpeakerEncoder.load({ model: workshop.path('folder.pt') }));
    expect(['MODEL_INVALID', 'MODEL_NOT_FOUND']).toContain(code);
  });

  async function copy(from: string, name: string): Promise<string> {
    await copyFile(from, workshop.path(name));
    return workshop.path(name);
  }
});

describe('a model named by its id', () => {
  const { MODEL_CACHE_DIR } = process.env;
  afterEach(() => {
    if (MODEL_CACHE_DIR === undefined) delete process.env['MODEL_CACHE_DIR'];
    else process.env['MODEL_CACHE_DIR'] = MODEL_CACHE_DIR;
  });

  test('is looked up in cacheDir, else in MODEL_CACHE_DIR', async () => {
    const encoder = await SpeakerEncoder.load({ model: 'small', cacheDir: workshop.folder });
    expect(encoder.info().id).toBe('small');
    await encoder.close();
    process.env['MODEL_CACHE_DIR'] = workshop.folder;
    await (await SpeakerEncoder.load({ model: 'small' })).close();
  });

  test('that nobody knows says where it was looked for', async () => {
    const error = await failure(SpeakerEncoder.load({ model: 'nobody', cacheDir: workshop.folder }));
    expect(error.code).toBe('MODEL_NOT_FOUND');
    expect(error.message).toContain(workshop.path('nobody.pt'));
    expect(error.message).toContain('timbre models list');
  });

  test('reaches no other folder', async () => {
    for (const model of ['..', '.', '-x', 'a b', 'a\\b']) {
      expect((await failure(SpeakerEncoder.load({ model, cacheDir: workshop.folder }))).code).toBe('INVALID_ARGUMENT');
    }
  });

  test('may be a link to a bundle elsewhere', async () => {
    const cacheDir = workshop.path('links');
    await mkdir(cacheDir);
    await symlink(bundle, join(cacheDir, 'linked.pt'));
    await (await SpeakerEncoder.load({ model: 'linked', cacheDir })).close();
  });
});

describe('load options', () => {
  test.each<[string, object | undefined]>([
    ['model', undefined],
    ['model', {}],
    ['model', { model: 7 }],
    ['model', { model: '' }],
    ['model', { model: 'a\0.pt' }],
    ['device', { device: 'gpu' }],
    ['device', { device: 'cuda:' }],
    ['device', { device: 3 }],
    ['precision', { precision: 'fp16' }],
    ['precision', { precision: 8 }],
    ['precision', { precision: 'int8' }],
    ['workers', { workers: 0 }],
    ['workers', { workers: 1.5 }],
    ['workers', { workers: '2' }],
    ['workers', { workers: 10_000 }],
    ['queueLimit', { queueLimit: 0 }],
    ['queueLimit', { queueLimit: NaN }],
    ['maxBatch', { maxBatch: -1 }],
    ['limits', { limits: 5 }],
    ['limits.maxBytes', { limits: { maxBytes: 0 } }],
    ['limits.maxSeconds', { limits: { maxSeconds: Infinity } }],
    ['cacheDir', { model: 'small', cacheDir: 4 }],
  ])('that are wrong are named: %s', async (name, options) => {
    const all = options === undefined || name === 'model' ? options : { model: bundle, ...options };
    const error = await failure(SpeakerEncoder.load(all as LoadOptions));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain(name);
  });

  test('are in info()', async () => {
    const limits = { maxBytes: 5000, maxSeconds: 7 };
    const encoder = await SpeakerEncoder.load({ model: bundle, workers: 3, queueLimit: 4, maxBatch: 5, limits });
    expect(encoder.info()).toMatchObject({ workers: 3, queueLimit: 4, maxBatch: 5, device: 'cpu' });
    expect(encoder.info().limits).toMatchObject(limits);
    await encoder.close();
  });

  test('choose what the network multiplies in', async () => {
    const { bf16 } = runtimeInfo().torch;
    const precisionOf = async (precision?: LoadOptions['precision']): Promise<string> => {
      const encoder = await SpeakerEncoder.load({ model: bundle, device: 'cpu', ...(precision && { precision }) });
      await encoder.close();
      return encoder.info().precision;
    };
    const where = bf16 === '' ? 'fp32' : 'bf16';
    expect(await precisionOf()).toBe(where);
    expect(await precisionOf('auto')).toBe(where);
    expect(await precisionOf('fp32')).toBe('fp32');
    expect(await precisionOf('bf16')).toBe(where);
  });

  onHardware('a machine without CUDA', runtimeInfo().torch.cudaDevices === 0, () => {
    test('CUDA where there is none', async () => {
      for (const device of ['cuda', 'cuda:1'] as const) {
        const error = await failure(SpeakerEncoder.load({ model: bundle, device }));
        expect(error.code).toBe('DEVICE_UNAVAILABLE');
        expect(error.message).toMatch(/CUDA/);
      }
      const encoder = await SpeakerEncoder.load({ model: bundle, device: 'auto' });
      expect(encoder.info()).toMatchObject({ device: 'cpu', deviceNote: expect.stringMatching(/CUDA/) });
      await encoder.close();
    });
  });
});

describe('embeddings of two models', () => {
  test('live side by side and are not compared', async () => {
    const other = await workshop.bundle('other', 'wespeaker');
    const [a, b] = await Promise.all([SpeakerEncoder.load({ model: bundle }), SpeakerEncoder.load({ model: other })]);
    const recording = wav(voice(1));
    const [one, two] = await Promise.all([a.embed(recording), b.embed(recording)]);
    expect(one.model).not.toBe(two.model);
    expect(() => a.cosine(one, two)).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH' }));
    expect(a.cosine(one, one)).toBeCloseTo(1, 12);
    await Promise.all([a.close(), b.close()]);
  });
});

describe('bundles', () => {
  test('are made from a checkpoint, with facts', async () => {
    const out = workshop.path('with facts.pt');
    const manifest = await convertCheckpoint({
      checkpoint: pathToFileURL(CHECKPOINT),
      family: 'speechbrain',
      id: 'facts',
      version: '7',
      out: pathToFileURL(out),
      facts: { licence: 'Apache-2.0', source: { url: 'https://example.org' } },
    });
    expect(manifest).toMatchObject({ id: 'facts', version: '7', family: 'speechbrain', trained: false });
    expect(manifest['licence']).toBe('Apache-2.0');
    expect(JSON.stringify(await readManifest(out))).toBe(JSON.stringify(manifest));
  });

  test('of one checkpoint under two families are two models, one calibrated anew is the same', async () => {
    const of = async (family: string, out: string): Promise<string> => {
      await convertCheckpoint({ checkpoint: CHECKPOINT, family, id: 'same', out: workshop.path(out) });
      return workshop.path(out);
    };
    const one = await of('speechbrain', 'one.pt');
    const other = await of('3dspeaker', 'other.pt');
    const calibrated = workshop.path('calibrated-anew.pt');
    await updateManifest(one, { calibration: { offset: -4, scale: 10 }, description: 'calibrated' }, calibrated);
    const embed = async (model: string): Promise<EmbedResult> => {
      const encoder = await SpeakerEncoder.load({ model, device: 'cpu' });
      try {
        return await encoder.embed(wav(voice(2)));
      } finally {
        await encoder.close();
      }
    };
    const [first, second, third] = [await embed(one), await embed(other), await embed(calibrated)];
    expect(() => cosine(first, second)).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH' }));
    expect(third.model).toBe(first.model);
    expect(cosine(first, third)).toBeCloseTo(1, 6);
  });

  test('take new facts and keep their weights', async () => {
    const out = workshop.path('calibrated.pt');
    const before = await readManifest(bundle);
    const after = await updateManifest(bundle, { calibration: { offset: -4, scale: 10 } }, out);
    expect(JSON.stringify(after['weightsDigest'])).toBe(JSON.stringify(before['weightsDigest']));
    expect(JSON.stringify((await readManifest(out))['calibration'])).toBe('{"offset":-4,"scale":10}');
    expect((await verifyBundle(out)).passed).toBe(true);
    const removed = await updateManifest(out, { calibration: null }, out);
    expect(removed['calibration']).toBeUndefined();
  });

  test('are verified, waveform to vector', async () => {
    const report = await verifyBundle(bundle, { device: 'cpu' });
    expect(report.manifest.id).toBe('small');
    expect(report.passed).toBe(true);
    expect(report.cases.length).toBeGreaterThan(0);
    for (const { relativeError } of report.cases) expect(relativeError).toBeLessThanOrEqual(report.maxRelativeError);
  });

  test('of half-precision storage are smaller and embed the like', async () => {
    const out = workshop.path('half.pt');
    await convertCheckpoint({ checkpoint: CHECKPOINT, family: 'speechbrain', id: 'half', out, storage: 'fp16' });
    const [a, b] = await Promise.all([SpeakerEncoder.load({ model: bundle }), SpeakerEncoder.load({ model: out })]);
    const recording = wav(voice(1));
    const [one, two] = await Promise.all([a.embed(recording), b.embed(recording)]);
    expect(a.cosine(one.embedding, two.embedding)).toBeGreaterThan(0.999);
    await Promise.all([a.close(), b.close()]);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['no options', () => convertCheckpoint(undefined as never), 'INVALID_ARGUMENT'],
    ['no checkpoint', () => convertCheckpoint({ id: 'x', out: 'x.pt' } as never), 'INVALID_ARGUMENT'],
    ['no id', () => convertCheckpoint({ checkpoint: CHECKPOINT, out: 'x.pt' } as never), 'INVALID_ARGUMENT'],
    ['an id that is a path', () => convert({ id: '../x' }), 'INVALID_ARGUMENT'],
    ['a family that nobody knows', () => convert({ family: 'nobody' }), 'INVALID_ARGUMENT'],
    ['another storage', () => convert({ storage: 'int3' }), 'INVALID_ARGUMENT'],
    ['facts that are a list', () => convert({ facts: [1] }), 'INVALID_ARGUMENT'],
    ['facts that JSON cannot hold', () => convert({ facts: { n: 1n } }), 'INVALID_ARGUMENT'],
    ['a checkpoint that is not there', () => convert({ checkpoint: '/nobody.ckpt' }), 'MODEL_NOT_FOUND'],
    ['a folder that is not there', () => convert({ out: '/nobody/x.pt' }), 'WRITE_FAILED'],
    ['a manifest that is not there', () => readManifest('/nobody.pt'), 'MODEL_NOT_FOUND'],
    ['facts of no bundle', () => updateManifest('/nobody.pt', {}, '/nobody.pt'), 'MODEL_NOT_FOUND'],
  ])('errors are typed: %s', async (_name, call, code) => {
    expect((await failure(call())).code).toBe(code);
  });

  test('a checkpoint of text is no checkpoint', async () => {
    await writeFile(workshop.path('text.ckpt'), 'hello '.repeat(100));
    const error = await failure(convert({ checkpoint: workshop.path('text.ckpt') }));
    expect(error.code).toBe('MODEL_INVALID');
  });

  function convert(options: object): Promise<unknown> {
    const standard = { checkpoint: CHECKPOINT, family: 'speechbrain', id: 'x', out: workshop.path('x.pt') };
    return convertCheckpoint({ ...standard, ...options });
  }
});

test('runtimeInfo names the libraries', () => {
  const { torch, audio } = runtimeInfo();
  expect(torch.version).toMatch(/^\d+\.\d+/);
  expect(torch.cpuCapability).not.toBe('');
  expect(torch.cudaDevices).toBeGreaterThanOrEqual(0);
  expect(audio.sndfile).toMatch(/libsndfile/);
  expect(audio.soxr).toMatch(/soxr/);
});
