import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TimbreError } from '../errors/timbre-error.js';
import { invalid, show, text } from './arguments.js';
import { PACKAGE_FOLDER } from '../support/package.js';

/** Id of the bundled model. */
export const BUNDLED = 'starter';

/**
 * Ids of the bundles that come with the package. Its folder may hold others: that of a checkout is also where the model
 * cache is by default.
 */
export const PACKAGED: readonly string[] = [BUNDLED];

/** Of an id, which names a file. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The bundle's file that a model's name means. What has a slash or ends with `.pt` is a path; anything else is an id,
 * looked up among the bundles of the package, which no other hides, and then in the model cache.
 *
 * `cacheDir`: default `MODEL_CACHE_DIR`, else `./models`. Errors: INVALID_ARGUMENT; MODEL_NOT_FOUND for an id.
 */
export async function modelPath(model: string, cacheDir?: string): Promise<string> {
  const name = text('model', model, undefined);
  if (name === undefined) throw invalid('model is missing: the path of a bundle, or the id of one in the model cache');
  if (name.includes('/') || name.endsWith('.pt')) return resolve(name);
  if (!ID.test(name)) {
    throw invalid(`model ${show(name)} is no id (letters, digits, '.', '_', '-'); write ./${name} if it is a file`);
  }
  const cache = resolve(text('cacheDir', cacheDir, undefined) ?? (process.env['MODEL_CACHE_DIR'] || 'models'));
  const folders = PACKAGED.includes(name) ? [join(PACKAGE_FOLDER, 'models'), cache] : [cache];
  const places = [...new Set(folders)].map((folder) => join(folder, `${name}.pt`));
  for (const place of places) {
    if (await exists(place)) return place;
  }
  throw new TimbreError(
    'MODEL_NOT_FOUND',
    `there is no model '${name}' (looked for ${places.join(' and ')}); \`timbre models list\` shows those there are`,
  );
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    // A file that is there and may not be read is for the addon to complain about.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
  }
}
