import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TimbreError } from '../common/timbre-error.js';
import { KEY_BYTES } from './vector-cipher.js';

export interface DataKeyOptions {
  /** The key itself, 32 bytes in base64 or hexadecimal; no file is read then. */
  key?: string | undefined;
  /** Where the key lies, in the same notation. */
  keyFile: string;
  /** Make the file where it is missing: only for a database that holds nothing yet. */
  create: boolean;
}

/** Errors: STORAGE_INVALID, saying how to get the key back; STORAGE_UNAVAILABLE where the file cannot be read or made. */
export async function loadDataKey({ key, keyFile, create }: DataKeyOptions): Promise<Buffer> {
  if (key !== undefined) return parseKey(key, 'the data key in the environment');
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
  return parseKey(await readFile(keyFile, 'utf8'), `the data key ${keyFile}`);
}

/** Whole or not at all, and never over another: the key is written aside, then linked to its name. */
async function createKeyFile(path: string): Promise<void> {
  const aside = join(dirname(path), `.data-key-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readKeyFile(path: string): Promise<Buffer | null> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o022) !== 0) {
      throw new TimbreError('STORAGE_INVALID', `others may write the data key ${path}; run: chmod 600 ${path}`);
    }
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot read the data key ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseKey(text, `the data key ${path}`);
}

function parseKey(text: string, where: string): Buffer {
  const value = text.trim();
  const key = /^[0-9a-fA-F]{64}$/.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'base64');
  if (key.length !== KEY_BYTES || !/^[\w+/=-]+$/.test(value)) {
    throw new TimbreError('STORAGE_INVALID', `${where} is not ${KEY_BYTES} bytes in base64 or hexadecimal`);
  }
  return key;
}
