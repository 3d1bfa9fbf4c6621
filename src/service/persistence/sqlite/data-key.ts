import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing, sync } from '../../../support/files.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { KEY_BYTES } from './vector-cipher.js';

/** Beginning of the names of files that become key files. */
const ASIDE = '.data-key-';

export interface DataKeyOptions {
  /** The keys themselves, 32 bytes each in base64 or hexadecimal; no file is read then. */
  key?: string | undefined;
  /** Where the key lies, in the same notation. */
  keyFile: string;
  /** Make the file where it is missing: only for a database that holds nothing yet. */
  create: boolean;
}

/**
 * The key that encrypts, and after it, while a rotation is not finished, the older ones that are still needed to read.
 * Errors: STORAGE_INVALID, saying how to get the key back; STORAGE_UNAVAILABLE where the file cannot be read or made.
 */
export async function loadDataKeys({ key, keyFile, create }: DataKeyOptions): Promise<Buffer[]> {
  if (key !== undefined) return parseKeys(key, 'the data key in the environment');
  const found = await readKeyFile(keyFile);
  if (found) return found;
  if (!create) {
    throw new TimbreError(
      'STORAGE_INVALID',
      `the database is encrypted, but its key ${keyFile} is missing; put the file back or name another one`,
    );
  }
  try {
    await createKeyFile(keyFile);
  } catch (cause) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot make the data key ${keyFile}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseKeys(await readFile(keyFile, 'utf8'), `the data key ${keyFile}`);
}

export function newDataKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Puts these keys in the place of those in the file, whole or not at all: on the disk when it resolves.
 * Errors: STORAGE_UNAVAILABLE; the file is as it was then.
 */
export async function replaceKeyFile(path: string, keys: readonly Buffer[]): Promise<void> {
  try {
    await writeAside(path, keys, (aside) => rename(aside, path));
  } catch (cause) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot write the data key ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Where keys go that a rotation has replaced: backups made before open with them, and nothing that is stored now. */
function retiredFile(path: string): string {
  return `${path}.retired`;
}

/**
 * Keeps keys that are not needed any more aside, the newest first, until `forgetRetiredKeys`: on the disk when it resolves.
 * A rotation that somebody else asked for makes no backup unreadable. Errors: STORAGE_UNAVAILABLE.
 */
export async function retireKeys(path: string, keys: readonly Buffer[]): Promise<void> {
  const file = retiredFile(path);
  const before = (await readKeyFile(file)) ?? [];
  const more = keys.filter((key) => !before.some((old) => old.equals(key)));
  if (more.length > 0) await replaceKeyFile(file, [...more, ...before]);
}

/** Removes the keys that were kept aside, and gives how many there were. Errors: STORAGE_UNAVAILABLE. */
export async function forgetRetiredKeys(path: string): Promise<number> {
  const file = retiredFile(path);
  const { length } = (await readKeyFile(file)) ?? [];
  if (length === 0) return 0;
  try {
    await rm(file);
    await sync(dirname(file));
  } catch (cause) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot remove ${file}: ${(cause as Error).message}`, { cause });
  }
  return length;
}

/** Whole or not at all, and never over another: the key is written aside, then linked to its name. */
async function createKeyFile(path: string): Promise<void> {
  try {
    await writeAside(path, [newDataKey()], (aside) => link(aside, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Removes what a process that was killed left of the two above: keys that nothing was encrypted with. */
export async function removeKeysAside(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (name.startsWith(ASIDE)) await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

async function writeAside(path: string, keys: readonly Buffer[], put: (aside: string) => Promise<void>): Promise<void> {
  const aside = join(dirname(path), `${ASIDE}${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(keys.map((key) => `${key.toString('base64')}\n`).join(''));
      await file.sync();
    } finally {
      await file.close();
    }
    await put(aside);
  } finally {
    await rm(aside, { force: true });
  }
  await sync(dirname(path));
}

async function readKeyFile(path: string): Promise<Buffer[] | null> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o022) !== 0) {
      throw new TimbreError('STORAGE_INVALID', `others may write the data key ${path}; run: chmod 600 ${path}`);
    }
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return null;
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot read the data key ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseKeys(text, `the data key ${path}`);
}

/** One key, or several with commas or line breaks between them. */
function parseKeys(text: string, where: string): Buffer[] {
  return text
    .trim()
    .split(/[\s,]+/)
    .map((value) => parseKey(value, where));
}

function parseKey(value: string, where: string): Buffer {
  const key = /^[0-9a-fA-F]{64}$/.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'base64');
  if (key.length !== KEY_BYTES || !/^[\w+/=-]+$/.test(value)) {
    throw new TimbreError('STORAGE_INVALID', `${where} is not ${KEY_BYTES} bytes in base64 or hexadecimal`);
  }
  if (key.every((byte) => byte === 0)) {
    throw new TimbreError('STORAGE_INVALID', `${where} is all zero, which everybody guesses; make one of random bytes`);
  }
  return key;
}
