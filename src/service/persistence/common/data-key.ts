import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissing, sync } from '../../../support/files.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { KeyProvider } from '../../data-keys/key-provider.js';
import { requirePrivate, writeAside } from './private-files.js';
import { KEY_BYTES } from './vector-cipher.js';

/** Beginning of the names of files that become key files. */
const ASIDE = '.data-key-';

/** Keys in a file: `data.key` in the data folder unless it is said otherwise, one a line in base64 or hexadecimal. */
export class FileKeyProvider extends KeyProvider {
  readonly changeable = true;

  constructor(private readonly file: string) {
    super();
  }

  async load(create: boolean): Promise<Buffer[]> {
    const { file } = this;
    await removeKeysAside(file);
    if (!create) return this.read();
    const found = await readKeyFile(file);
    if (found) return found;
    try {
      await createKeyFile(file);
    } catch (cause) {
      throw new TimbreError('STORAGE_UNAVAILABLE', `cannot make the data key ${file}: ${(cause as Error).message}`, {
        cause,
      });
    }
    return parseKeys(await readFile(file, 'utf8'), `the data key ${file}`);
  }

  async read(): Promise<Buffer[]> {
    const found = await readKeyFile(this.file);
    if (found) return found;
    throw new TimbreError(
      'STORAGE_INVALID',
      `the database is encrypted, but its key ${this.file} is missing; put the file back or name another one`,
    );
  }

  replace(keys: readonly Buffer[]): Promise<void> {
    return replaceKeyFile(this.file, keys);
  }

  retire(keys: readonly Buffer[]): Promise<void> {
    return retireKeys(this.file, keys);
  }
}

/** Keys in a variable of the environment, which are its owner's to change; no file is read. */
export class VariableKeyProvider extends KeyProvider {
  readonly changeable = {
    because:
      'the data key comes from TIMBRE_DATA_KEY, which cannot be changed from here: set it to a new key, a comma and the ' +
      'old key, and start the service again; it re-encrypts everything, and then says that the old key can go',
  };

  /** One key in base64 or hexadecimal, or several with commas between them. */
  constructor(private readonly text: string) {
    super();
  }

  load(): Promise<Buffer[]> {
    return this.read();
  }

  read(): Promise<Buffer[]> {
    return Promise.resolve().then(() => parseKeys(this.text, 'the data key in the environment'));
  }

  replace(): Promise<void> {
    return Promise.reject(new TimbreError('INVALID_ARGUMENT', this.changeable.because));
  }

  retire(): Promise<void> {
    return this.replace();
  }
}

export function newDataKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Puts these keys in the place of those in the file, whole or not at all: on the disk when it resolves.
 * Errors: STORAGE_UNAVAILABLE; the file is as it was then.
 */
async function replaceKeyFile(path: string, keys: readonly Buffer[]): Promise<void> {
  try {
    await writeAside(path, asideOf(path), textOf(keys));
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
async function retireKeys(path: string, keys: readonly Buffer[]): Promise<void> {
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
    const aside = asideOf(path);
    await writeAside(path, aside, textOf([newDataKey()]), () => link(aside, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Removes what a process that was killed left of the two above: keys that nothing was encrypted with. */
async function removeKeysAside(path: string): Promise<void> {
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (name.startsWith(ASIDE)) await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

async function readKeyFile(path: string): Promise<Buffer[] | null> {
  let text: string;
  try {
    requirePrivate('the data key', path, await stat(path));
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

function asideOf(path: string): string {
  return join(dirname(path), `${ASIDE}${process.pid}-${randomBytes(4).toString('hex')}`);
}

function textOf(keys: readonly Buffer[]): string {
  return keys.map((key) => `${key.toString('base64')}\n`).join('');
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
