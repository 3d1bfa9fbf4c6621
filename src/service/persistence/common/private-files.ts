import type { Stats } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import { placeWhole } from '../../../support/files.js';

/** Errors: STORAGE_EXPOSED where a file or folder belongs to another user, or others have access; it says what to run. */
export function requirePrivate(what: string, path: string, { uid, mode }: Pick<Stats, 'uid' | 'mode'>): void {
  const own = process.geteuid?.() ?? uid;
  if (uid !== own) {
    throw new TimbreError(
      'STORAGE_EXPOSED',
      `${what} ${path} belongs to the user ${uid}, and the service runs as ${own}; run: chown ${own} ${path}`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new TimbreError(
      'STORAGE_EXPOSED',
      `others have access to ${what} ${path}; run: chmod ${(mode & 0o700).toString(8)} ${path}`,
    );
  }
}

/** Writes a file aside, for its owner alone, and has it put in its place: on the disk when it resolves. */
export function writeAside(
  path: string,
  aside: string,
  content: string | Buffer,
  put?: (aside: string) => Promise<void>,
): Promise<void> {
  const write = async (made: string): Promise<void> => {
    await rm(made, { force: true });
    await writeFile(made, content, { flag: 'wx', mode: 0o600 });
  };
  return placeWhole(path, write, { aside, ...(put && { put }) });
}
