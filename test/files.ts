import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../src/support/files.js';

/** Null where the file has gone meanwhile, as those do that a service that runs replaces. */
export async function unlessGone<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Everything below a folder: its path and kind. */
export async function entriesBelow(folder: string): Promise<{ path: string; isFile: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => ({ path: join(entry.parentPath, entry.name), isFile: entry.isFile() }));
}

/** Bytes of every file below a folder. */
export async function filesBelow(folder: string): Promise<Buffer[]> {
  const files = (await entriesBelow(folder)).filter(({ isFile }) => isFile);
  const contents = await Promise.all(files.map(({ path }) => unlessGone(readFile(path))));
  return contents.filter((bytes) => bytes !== null);
}
