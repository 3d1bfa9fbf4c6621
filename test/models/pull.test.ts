import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint } from '../../src/addon/bundles.js';
import type { ModelFolders } from '../../src/models/cache.js';
import { pullModel, type PullOptions } from '../../src/models/pull.js';
import {
  fileUrl,
  nearestName,
  PUBLISHED_MODELS,
  publishedModel,
  type PublishedModel,
} from '../../src/models/registry.js';
import { Hub, seeded, type Answer } from './hub.js';

const CHECKPOINT = fileURLToPath(new URL('../fixtures/checkpoints/speechbrain-c16.ckpt', import.meta.url));
const content = await readFile(CHECKPOINT);

let folder: string;
let folders: ModelFolders;
let hub: Hub;
let model: PublishedModel;
let options: PullOptions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-pull-'));
  folders = { cache: join(folder, 'models'), own: join(folder, 'own') };
});

afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true });
});

async function serve(plan: (number: number) => Answer = () => ({})): Promise<void> {
  hub = await Hub.start(content, plan);
  model = {
    name: 'small',
    title: 'A small network',
    family: 'speechbrain',
    hub: 'https://huggingface.co',
    repository: 'tests/small',
    revision: '0123456789abcdef',
    licence: 'CC0-1.0',
    checkpoint: { name: 'weights.ckpt', bytes: content.length, sha256: hub.sha256 },
    others: [],
    parameters: 1,
    trainedOn: 'nothing',
    evaluation: [{ trials: 'none', eerPercent: 50, scoring: 'cosine' }],
    cosineThreshold: 0.5,
  };
  options = { folders, env: { TIMBRE_MODEL_MIRROR: `${hub.url}/` }, pause: async () => undefined, lock: { pollMs: 5 } };
}

describe('pulling a published model', () => {
  test('makes a bundle with the facts of the publisher, and leaves nothing else', async () => {
    await serve();
    const stages: string[] = [];
    const pulled = await pullModel(model, {
      ...options,
      onProgress: ({ done, total }) => done === total && stages.push('complete'),
      onConvert: () => stages.push('converting'),
    });
    expect(hub.requests.map(({ url }) => url)).toEqual(['/tests/small/resolve/0123456789abcdef/weights.ckpt']);
    expect(stages).toEqual(['complete', 'converting']);
    expect(pulled).toMatchObject({ path: join(folders.cache, 'small.pt'), fetched: true });
    expect(pulled.manifest).toMatchObject({
      id: 'small',
      family: 'speechbrain',
      trained: true,
      licence: 'CC0-1.0',
      publishedThreshold: { cosine: 0.5 },
      source: {
        url: 'https://huggingface.co/tests/small/resolve/0123456789abcdef/weights.ckpt',
        sha256: hub.sha256,
      },
    });
    expect(await readdir(folders.cache)).toEqual(['.downloads', 'small.pt']);
    expect(await readdir(join(folders.cache, '.downloads'))).toEqual([]);
  });

  test('a second time it is there already', async () => {
    await serve();
    await pullModel(model, options);
    expect(await pullModel(model, options)).toMatchObject({ fetched: false, manifest: { id: 'small' } });
    expect(hub.requests).toHaveLength(1);
    expect(await pullModel(model, { ...options, force: true })).toMatchObject({ fetched: true });
  });

  test('twice at once it is fetched and converted once', async () => {
    await serve();
    const both = await Promise.all([pullModel(model, options), pullModel(model, options)]);
    expect(both.map(({ fetched }) => fetched).sort()).toEqual([false, true]);
    expect(hub.requests).toHaveLength(1);
  });

  test.each([1, 2, 3])('over a connection that is cut at random it makes the same bundle (seed %i)', async (seed) => {
    const random = seeded(seed);
    await serve(() => ({ cutAfter: Math.floor(random() * 60_000) }));
    const { path } = await pullModel(model, options);
    await hub.stop();
    await serve();
    const straight = await pullModel(model, { ...options, folders: { ...folders, cache: join(folder, 'straight') } });
    expect((await readFile(path)).equals(await readFile(straight.path))).toBe(true);
  });

  test('a wrong byte never reaches the conversion', async () => {
    await serve(() => ({ wrongByteAt: 1000 }));
    let converted = false;
    await expect(pullModel(model, { ...options, onConvert: () => (converted = true) })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
    expect(converted).toBe(false);
    expect(await readdir(folders.cache)).toEqual(['.downloads']);
    expect(await readdir(join(folders.cache, '.downloads'))).toEqual([]);
  });

  test('a bundle of another checkpoint with the same name is not replaced', async () => {
    await serve();
    await mkdir(folders.cache);
    const out = join(folders.cache, 'small.pt');
    await convertCheckpoint({ checkpoint: CHECKPOINT, family: '3dspeaker', id: 'small', out });
    await expect(pullModel(model, options)).rejects.toMatchObject({ code: 'MODEL_EXISTS' });
    await writeFile(out, 'junk');
    await expect(pullModel(model, options)).rejects.toMatchObject({ code: 'MODEL_EXISTS' });
    expect(await readFile(out, 'utf8')).toBe('junk');
    expect(await pullModel(model, { ...options, force: true })).toMatchObject({ fetched: true });
  });

  test('the published bytes that are no checkpoint are an error, and no bundle', async () => {
    await serve();
    const junk = await Hub.start(Buffer.from('not a checkpoint at all'));
    try {
      const wrong = {
        ...model,
        checkpoint: { name: 'weights.ckpt', bytes: junk.content.length, sha256: junk.sha256 },
      };
      const env = { TIMBRE_MODEL_MIRROR: junk.url };
      await expect(pullModel(wrong, { ...options, env })).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      expect(await readdir(folders.cache)).toEqual(['.downloads']);
    } finally {
      await junk.stop();
    }
  });

  test('without a network the error says which file to fetch and how to go on', async () => {
    await serve(() => ({ status: 404 }));
    await expect(pullModel(model, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(
        new RegExp(`404.*sha256 ${hub.sha256}.*timbre models add weights.ckpt --family speechbrain --id small`, 's'),
      ) as unknown,
    });
  });

  test('cancelled while another one holds the model', async () => {
    const controller = new AbortController();
    await serve(() => ({ hold: new Promise(() => undefined) }));
    const first = new AbortController();
    const running = pullModel(model, { ...options, signal: first.signal });
    const waiting = pullModel(model, {
      ...options,
      signal: controller.signal,
      onNote: () => controller.abort(),
    });
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    first.abort();
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('the registry', () => {
  beforeEach(() => serve());

  test('names every model once, with facts that can be checked', () => {
    expect(new Set(PUBLISHED_MODELS.map(({ name }) => name)).size).toBe(PUBLISHED_MODELS.length);
    for (const published of PUBLISHED_MODELS) {
      expect(published.revision).toMatch(/^([0-9a-f]{40}|v\d+\.\d+\.\d+)$/);
      for (const file of [published.checkpoint, ...published.others, ...(published.wheel ? [published.wheel] : [])]) {
        expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(file.bytes).toBeGreaterThan(0);
      }
    }
  });

  test('gives the address of a file at the hub or at a mirror', () => {
    const [published] = PUBLISHED_MODELS;
    const path = `speechbrain/spkrec-ecapa-voxceleb/resolve/${published!.revision}/embedding_model.ckpt`;
    expect(fileUrl(published!, published!.checkpoint, {})).toBe(`https://huggingface.co/${path}`);
    expect(fileUrl(published!, published!.checkpoint, { TIMBRE_MODEL_MIRROR: 'http://mirror.example/hf//' })).toBe(
      `http://mirror.example/hf/${path}`,
    );
  });

  test('finds a model by name or repository', () => {
    expect(publishedModel('speechbrain-ecapa-voxceleb')).toBe(PUBLISHED_MODELS[0]);
    expect(publishedModel('speechbrain/spkrec-ecapa-voxceleb')).toBe(PUBLISHED_MODELS[0]);
  });

  test.each([
    ['speechbrain', 'speechbrain-ecapa-voxceleb'],
    ['spechbrain-ecapa-voxcelb', 'speechbrain-ecapa-voxceleb'],
    ['VOXCELEB', 'speechbrain-ecapa-voxceleb'],
    ['something else entirely', undefined],
    ['x', undefined],
  ])('suggests for %j: %j', (name, suggestion) => {
    expect(nearestName(name, ['starter', 'speechbrain-ecapa-voxceleb'])).toBe(suggestion);
  });
});
