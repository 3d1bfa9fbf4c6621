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

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw writeFailure(error, path);
  }
}
