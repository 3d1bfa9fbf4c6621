import { mkdir, stat, statfs } from 'node:fs/promises';
import { TimbreError } from '../errors/timbre-error.js';

const CAUSES: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space and run it again',
  EDQUOT: 'the disk quota is used up; free some space and run it again',
  EROFS: 'the file system is read-only; set MODEL_CACHE_DIR to a folder that can be written',
  EACCES: 'permission is missing; set MODEL_CACHE_DIR to a folder that can be written',
  EPERM: 'permission is missing; set MODEL_CACHE_DIR to a folder that can be written',
  ENOTDIR: 'a part of the path is no folder; set MODEL_CACHE_DIR to a folder that can be written',
  EEXIST: 'a file is where a folder belongs; set MODEL_CACHE_DIR to a folder that can be written',
  ENAMETOOLONG: 'the name is too long',
};

/** An error of the file system as WRITE_FAILED, with the remedy. */
export function writeFailure(error: unknown, path: string): TimbreError {
  if (error instanceof TimbreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new TimbreError('WRITE_FAILED', `cannot write ${path}: ${CAUSES[code ?? ''] ?? message}`, { cause: error });
}

export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** Bytes that may still be written to the file system of a path. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Left free on the disk, for what else runs there. */
const SPACE_RESERVE = 16 << 20;

/** Throws WRITE_FAILED where a folder's file system has no room for so many bytes more. */
export async function requireSpace(
  folder: string,
  bytes: number,
  free: (folder: string) => Promise<number> = freeBytes,
): Promise<void> {
  const needed = bytes + SPACE_RESERVE;
  const there = await free(folder);
  if (there >= needed) return;
  const mib = (count: number): string => `${(count / 2 ** 20).toFixed(0)} MiB`;
  throw new TimbreError(
    'WRITE_FAILED',
    `${folder} has ${mib(there)} free, ${mib(needed)} are needed; free some space, or set MODEL_CACHE_DIR`,
  );
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw writeFailure(error, path);
  }
}
