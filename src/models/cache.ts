import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PACKAGE_FOLDER } from '../support/package.js';
import { readManifest } from '../addon/bundles.js';
import { modelPath, PACKAGED } from '../addon/model-path.js';
import type { ManifestJson } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { nearestName, PUBLISHED_MODELS } from './registry.js';
import { exists, writeFailure } from './storage.js';

export interface ModelFolders {
  /** Where bundles are made and looked up by id: `MODEL_CACHE_DIR`, else `./models`. */
  cache: string;
  /** The bundles that come with the package; read only. */
  own: string;
}

export function modelFolders(env: NodeJS.ProcessEnv = process.env): ModelFolders {
  return {
    cache: resolve(env.MODEL_CACHE_DIR || 'models'),
    own: join(PACKAGE_FOLDER, 'models'),
  };
}

/** A bundle's file, with its manifest or what is wrong with it. */
export type BundleEntry = {
  id: string;
  path: string;
  bytes: number;
  /** `cache`: MODEL_CACHE_DIR; `package`: came with timbre-voice. */
  place: 'cache' | 'package';
} & ({ manifest: ManifestJson; error?: never } | { manifest?: never; error: TimbreError });

/** Every bundle that can be loaded by its id, by id. A damaged one is listed with its error. */
export async function listBundles(folders: ModelFolders): Promise<BundleEntry[]> {
  const entries: BundleEntry[] = [];
  for (const place of folders.cache === folders.own ? (['cache'] as const) : (['package', 'cache'] as const)) {
    const folder = place === 'cache' ? folders.cache : folders.own;
    for (const name of await (place === 'cache' ? bundleNames(folder) : packagedNames(folder))) {
      const id = idOf(name);
      if (entries.some((entry) => entry.id === id)) continue; // as modelPath() has it
      const path = join(folder, name);
      const common = { id, path, place, bytes: (await stat(path)).size };
      try {
        entries.push({ ...common, manifest: await readManifest(path) });
      } catch (error) {
        if (!(error instanceof TimbreError)) throw error;
        entries.push({ ...common, error });
      }
    }
  }
  return entries.sort((a, b) => a.id.localeCompare(b.id));
}

/** File of a bundle with this id in the cache, whether it is there or not. Errors: INVALID_ARGUMENT. */
export function bundlePath(folders: ModelFolders, id: string): string {
  if (!/^(?!\.)[A-Za-z0-9._-]{1,128}$/.test(id)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `"${id}" is no model id: up to 128 letters, digits, '.', '_' and '-', not starting with a dot`,
    );
  }
  return join(folders.cache, `${id}.pt`);
}

/** The file of a bundle by path or id, as SpeakerEncoder.load finds it. Errors: MODEL_NOT_FOUND with the way on. */
export async function findBundle(model: string, folders: ModelFolders): Promise<string> {
  try {
    return await modelPath(model, folders.cache);
  } catch (error) {
    if (!(error instanceof TimbreError) || error.code !== 'MODEL_NOT_FOUND') throw error;
    throw new TimbreError(
      'MODEL_NOT_FOUND',
      `there is no bundle "${model}" in ${folders.cache}${await wayOn(model, folders)}`,
      {
        cause: error,
      },
    );
  }
}

async function wayOn(model: string, folders: ModelFolders): Promise<string> {
  if (PUBLISHED_MODELS.some(({ name }) => name === model)) return `; fetch it: \`timbre models pull ${model}\``;
  const ids = await bundleIds(folders);
  if (ids.length === 0) return ', nor any other: `timbre models pull` fetches a published one';
  const near = nearestName(model, ids);
  return `${near === undefined ? '' : `; did you mean ${near}?`} (there: ${ids.join(', ')})`;
}

export async function bundleIds(folders: ModelFolders): Promise<string[]> {
  const names = [...(await bundleNames(folders.cache)), ...(await packagedNames(folders.own))];
  return [...new Set(names.map(idOf))].sort();
}

/** Deletes a bundle of the cache and gives its file. Errors: MODEL_NOT_FOUND, WRITE_FAILED. */
export async function removeBundle(id: string, folders: ModelFolders): Promise<string> {
  const path = bundlePath(folders, id);
  if (!(await exists(path))) {
    const found = await findBundle(id, folders);
    throw new TimbreError(
      'WRITE_FAILED',
      `${found} came with timbre-voice; only bundles of ${folders.cache} are removed`,
    );
  }
  try {
    await rm(path);
  } catch (error) {
    throw writeFailure(error, path);
  }
  return path;
}

const idOf = (name: string): string => name.slice(0, -'.pt'.length);

/** Of the package's folder, which may be a checkout's and hold what was pulled there. */
async function packagedNames(folder: string): Promise<string[]> {
  return (await bundleNames(folder)).filter((name) => PACKAGED.includes(idOf(name)));
}

async function bundleNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.pt')).map(({ name }) => name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new TimbreError('MODEL_NOT_FOUND', `cannot read ${folder}: ${(error as Error).message}`, { cause: error });
  }
}
