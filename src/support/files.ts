import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, fstat, type BigIntStats, type PathLike } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { TimbreError } from '../errors/timbre-error.js';

/** Length and SHA-256 (hexadecimal) of a file, read once and not kept. Errors: those of the file system. */
export async function digestFile(path: PathLike): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Which file this is, and as it is now: another text once it was written to or replaced. Errors: those of the file system. */
export async function stateOf(file: PathLike | number): Promise<string> {
  return stateIn(typeof file === 'number' ? await statOf(file, { bigint: true }) : await stat(file, { bigint: true }));
}

const statOf = promisify(fstat) as (descriptor: number, options: { bigint: true }) => Promise<BigIntStats>;

function stateIn({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join();
}

/**
 * All bytes of a file as it was at one time. Errors: AUDIO_CORRUPT where it was written to meanwhile; those of the file
 * system.
 */
export async function readUnchanged(path: PathLike): Promise<Buffer<ArrayBuffer>> {
  const file = await open(path, 'r');
  try {
    return await readWhole(file);
  } finally {
    await file.close();
  }
}

/** The same of an open file; what is no regular file has no state, and is read to its end. */
export async function readWhole(file: Pick<FileHandle, 'stat' | 'readFile'>): Promise<Buffer<ArrayBuffer>> {
  const before = await file.stat({ bigint: true });
  const bytes = await file.readFile();
  const changed = before.isFile() && stateIn(await file.stat({ bigint: true })) !== stateIn(before);
  if (!changed && (!before.isFile() || before.size === BigInt(bytes.length))) return bytes;
  throw new TimbreError('AUDIO_CORRUPT', 'the file was written to while it was read; try again when it is complete');
}

export interface Placing {
  /** Where it is written, in the same folder. Default: a name that nobody else has. */
  aside?: string;
  /** Puts it in its place, on the disk already. Default: over whatever is there. */
  put?: (aside: string) => Promise<void>;
}

/**
 * Makes a file that is there whole or not at all, whatever happens meanwhile: `write` makes it aside, and it is on the disk
 * before it has its name, as the name is when this resolves. Nothing is left aside but by a crash. Errors: those of the
 * file system, of `write` and of `put`.
 */
export async function placeWhole(
  path: string,
  write: (aside: string) => Promise<void>,
  { aside = besides(path), put = (made) => rename(made, path) }: Placing = {},
): Promise<void> {
  try {
    await write(aside);
    await sync(aside);
    await put(aside);
  } finally {
    await rm(aside, { force: true });
  }
  await sync(dirname(path));
}

/** A name beside a file that nobody else has. */
function besides(path: string): string {
  return `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** Waits until a file, or the names in a folder, are on the disk. Errors: those of the file system. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether an error of the file system says that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
