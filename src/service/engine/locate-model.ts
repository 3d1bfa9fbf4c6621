import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { modelFolders } from '../../models/cache.js';
import { PUBLISHED_MODELS, type PublishedModel } from '../../models/registry.js';

export interface LocateOptions {
  signal: AbortSignal;
  /** Share fetched, in [0, 1]. */
  onProgress: (progress: number | null) => void;
  onNote: (note: string) => void;
}

/**
 * What to give to the encoder for the setting `model`: a published model is fetched into the cache unless a bundle has
 * its name already; everything else is the encoder's to find. Errors: those of `pullModel`.
 */
export async function locateModel(
  { model, modelCacheDir }: Pick<Config, 'model' | 'modelCacheDir'>,
  options: LocateOptions,
): Promise<string> {
  const published = publishedAs(model);
  if (!published) return model;
  if (await isLocated({ model, modelCacheDir })) return published.name;
  const { own } = modelFolders();
  options.onProgress(null);
  const { pullModel } = await import('../../models/pull.js');
  const { signal, onNote, onProgress } = options;
  await pullModel(published, {
    signal,
    onNote,
    onProgress: ({ done, total }) => onProgress(total > 0 ? done / total : null),
    folders: { cache: modelCacheDir, own },
  });
  return published.name;
}

/** Whether nothing has to be fetched for a model. */
export async function isLocated({ model, modelCacheDir }: Pick<Config, 'model' | 'modelCacheDir'>): Promise<boolean> {
  const published = publishedAs(model);
  if (!published) return true;
  // What else lies in the package's folder has no name there (`modelPath`).
  return isFile(join(modelCacheDir, `${published.name}.pt`));
}

/** Whether this model would be fetched where it is not in the cache. */
export function isPublished(model: string): boolean {
  return publishedAs(model) !== undefined;
}

function publishedAs(model: string): PublishedModel | undefined {
  return PUBLISHED_MODELS.find(({ name, repository }) => name === model || repository === model);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
