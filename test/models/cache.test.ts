import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleIds, listBundles, type ModelFolders } from '../../src/models/cache.js';
import { PACKAGE_FOLDER } from '../../src/support/package.js';

let folder: string;
let folders: ModelFolders;

/** A checkout whose own folder has a model that was pulled there, while the model cache is elsewhere. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-cache-'));
  folders = { cache: join(folder, 'cache'), own: join(folder, 'own') };
  const starter = join(PACKAGE_FOLDER, 'models', 'starter.pt');
  for (const [place, id] of [
    ['own', 'starter'],
    ['own', 'pulled'],
    ['cache', 'mine'],
  ] as const) {
    await mkdir(folders[place], { recursive: true });
    await copyFile(starter, join(folders[place], `${id}.pt`));
  }
});

afterAll(() => rm(folder, { recursive: true }));

test('what lies in the package’s folder beside its own bundles is no bundle of the package', async () => {
  expect((await listBundles(folders)).map(({ id, place }) => ({ id, place }))).toEqual([
    { id: 'mine', place: 'cache' },
    { id: 'starter', place: 'package' },
  ]);
  expect(await bundleIds(folders)).toEqual(['mine', 'starter']);
});

test('a model cache that is the package’s folder has all that lies there', async () => {
  const checkout = { cache: folders.own, own: folders.own };
  expect(await bundleIds(checkout)).toEqual(['pulled', 'starter']);
  expect((await listBundles(checkout)).map(({ id }) => id)).toEqual(['pulled', 'starter']);
});
