import type { Dirent } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, normalize } from 'node:path';
import { Readable } from 'node:stream';
import type { AudioInput } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { isDataUrl } from '../support/data-url.js';
import { readUnchanged } from '../support/files.js';
import type { Cli } from './cli.js';

/** File names that count as recordings inside a folder; a file that is named itself is taken whatever it is called. */
export const AUDIO_EXTENSIONS: ReadonlySet<string> = new Set(
  '.wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .snd .caf .w64 .rf64 .m4a .mp4 .aac .webm .weba .mka .amr .wma .3gp'.split(
    ' ',
  ),
);

/** The argument that means standard input. */
const STANDARD_INPUT = '-';

/** Bytes of standard input that are kept; as many as an encoder takes. */
const MOST_BYTES = 256 * 2 ** 20;

/** A recording that a command line means. */
export interface Given {
  /** What it is called in the output: its path, with bytes that are no UTF-8 as `\xE9`; `-` for standard input. */
  readonly path: string;
  /** Where it is: a path, in bytes where it is no UTF-8, or the recording itself. */
  readonly from: string | { readonly name: Buffer } | { readonly bytes: Buffer<ArrayBuffer> };
}

/**
 * The recordings that arguments mean: files as they are, folders with everything below them, by name, and standard input
 * for `-`. Links are followed, a folder that contains itself once. What macOS keeps beside recordings is skipped, with a
 * note. A folder without recordings is an error that stops the others only where there are none.
 *
 * Errors: INVALID_ARGUMENT (no recordings, a data: URL, `-` twice or at a terminal); those of standard input.
 */
export async function findRecordings(cli: Cli, paths: readonly string[]): Promise<Given[]> {
  check(paths);
  const search = new Search();
  const empty: string[] = [];
  for (const path of paths) {
    if (path === STANDARD_INPUT) search.found.push(await standardInput(cli));
    else if (!(await search.add(cli, path))) empty.push(path);
  }
  search.tell(cli);
  if (search.found.length === 0) throw new TimbreError('INVALID_ARGUMENT', noneIn(paths));
  for (const path of empty) cli.fail(new TimbreError('INVALID_ARGUMENT', noneIn([path])));
  return search.found;
}

/** The recordings below one folder. Errors: AUDIO_NOT_FOUND for a folder that cannot be read. */
export async function recordingsBelow(cli: Cli, folder: string): Promise<Given[]> {
  const search = new Search();
  await search.add(cli, folder);
  search.tell(cli);
  return search.found;
}

/** What two arguments, or one, mean, each a recording. Errors: as of `findRecordings`. */
export async function namedRecordings<Paths extends readonly string[]>(
  cli: Cli,
  ...paths: Paths
): Promise<{ [Index in keyof Paths]: Given }> {
  check(paths);
  const given: Given[] = [];
  for (const path of paths) {
    if (path !== STANDARD_INPUT && !(await stat(path).catch(() => undefined))) explainLostName(cli, path);
    given.push(path === STANDARD_INPUT ? await standardInput(cli) : { path, from: path });
  }
  return given as { [Index in keyof Paths]: Given };
}

/** For an encoder: a path that is no UTF-8 cannot be one, and is opened and read when its turn comes. */
export function inputOf({ from }: Given): AudioInput {
  if (typeof from === 'string') return from;
  return 'bytes' in from ? from.bytes : Readable.from(bytesOf(from.name), { objectMode: false });
}

/** Of a recording in a folder, for the file system. */
export function fileOf({ path, from }: Given): string | Buffer {
  return typeof from === 'string' ? from : 'name' in from ? from.name : path;
}

/** For whoever receives it. */
export function nameOf({ path, from }: Given): string {
  return typeof from !== 'string' && 'bytes' in from ? 'standard input' : basename(path);
}

async function* bytesOf(name: Buffer): AsyncGenerator<Buffer> {
  const file = await open(name, 'r');
  yield* file.createReadStream() as AsyncIterable<Buffer>;
}

/**
 * For a service: all bytes of a recording, as they were at one time.
 * Errors: AUDIO_NOT_FOUND, AUDIO_CORRUPT where it was written to meanwhile.
 */
export async function readRecording({ path, from }: Given): Promise<Buffer<ArrayBuffer>> {
  if (typeof from !== 'string' && 'bytes' in from) return from.bytes;
  try {
    return await readUnchanged(typeof from === 'string' ? from : from.name);
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('AUDIO_NOT_FOUND', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Node puts U+FFFD where an argument is no UTF-8, and no file is called that. */
function explainLostName(cli: Cli, path: string): void {
  if (!path.includes('\ufffd')) return;
  cli.note(`${path}: the name holds bytes that are no UTF-8; rename it, or give the folder that it lies in`);
}

/** Errors: INVALID_ARGUMENT. */
function check(paths: readonly string[]): void {
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw new TimbreError('INVALID_ARGUMENT', 'standard input is one recording: give - once');
  }
  if (paths.some(isDataUrl)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'an argument is a data: URL, not a path; decode its base64 and pass the bytes by standard input, as -',
    );
  }
}

function noneIn(paths: readonly string[]): string {
  return `no recordings in ${paths.join(', ')}; in folders, files count by their extension, such as .wav or .mp3`;
}

/** Errors: INVALID_ARGUMENT at a terminal; AUDIO_CORRUPT, AUDIO_TOO_LARGE, AUDIO_NOT_FOUND; ABORTED. */
async function standardInput(cli: Cli): Promise<Given> {
  const { stdin, signal } = cli;
  if (stdin.isTTY) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'standard input is a terminal; pass a recording through a pipe, or as `< recording.wav`',
    );
  }
  const stop = (): void => void stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MOST_BYTES) {
        throw new TimbreError(
          'AUDIO_TOO_LARGE',
          `standard input has more than ${MOST_BYTES} bytes; name a file instead`,
        );
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (signal.aborted) throw new TimbreError('ABORTED', 'cancelled', { cause });
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('AUDIO_NOT_FOUND', `standard input cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) throw new TimbreError('ABORTED', 'cancelled');
  if (length === 0) {
    throw new TimbreError('AUDIO_CORRUPT', 'standard input is empty: what was to give the recording gave nothing');
  }
  return { path: STANDARD_INPUT, from: { bytes: Buffer.concat(chunks) } };
}

/** Whether macOS made it: a file of what it knows about another file, or the folder of such files in an archive. */
export function isOfMacOS(name: string): boolean {
  return name === '__MACOSX' || name.startsWith('._');
}

/** Looks for recordings in folders. */
class Search {
  readonly found: Given[] = [];
  private skipped = 0;

  /** False where it is a folder without recordings. */
  async add(cli: Cli, path: string): Promise<boolean> {
    const kind = await stat(path).catch(() => undefined);
    const before = this.found.length;
    if (!kind) explainLostName(cli, path);
    // What is not there fails as one input among others, in its place.
    if (!kind?.isDirectory()) this.found.push({ path, from: path });
    else await this.collect(Buffer.from(path), new Set());
    return this.found.length > before;
  }

  /** Says what was skipped. */
  tell(cli: Cli): void {
    if (this.skipped === 0) return;
    const what = this.skipped === 1 ? 'a file or folder' : `${this.skipped} files and folders`;
    cli.note(`skipped ${what} that macOS keeps beside recordings (._*, __MACOSX)`);
  }

  private async collect(folder: Buffer, above: ReadonlySet<string>): Promise<void> {
    const { dev, ino } = await stat(folder);
    const identity = `${dev}:${ino}`;
    if (above.has(identity)) return;
    const path = new Set([...above, identity]);
    const entries = await entriesOf(folder);
    for (const entry of entries) {
      const at = joined(folder, entry.name);
      const name = entry.name.toString('latin1');
      const kind = entry.isSymbolicLink() ? await stat(at).catch(() => undefined) : entry;
      if (isOfMacOS(name)) this.skipped++;
      else if (kind?.isDirectory()) await this.collect(at, path);
      else if (kind?.isFile() && AUDIO_EXTENSIONS.has(extname(name).toLowerCase())) this.found.push(givenAt(at));
    }
  }
}

/** By name. */
async function entriesOf(folder: Buffer): Promise<Dirent<Buffer>[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    return entries.sort((a, b) => Buffer.compare(a.name, b.name));
  } catch (cause) {
    throw new TimbreError('AUDIO_NOT_FOUND', `cannot read the folder ${shown(folder)}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function joined(folder: Buffer, name: Buffer): Buffer {
  const slash = folder.at(-1) === 0x2f ? '' : '/';
  return Buffer.concat([folder, Buffer.from(slash), name]);
}

function givenAt(path: Buffer): Given {
  return { path: shown(path), from: isUtf8(path) ? normalize(path.toString()) : { name: path } };
}

/** A path as text. In a name that is no UTF-8, whatever is no ASCII is its bytes, as `\xE9`. */
function shown(path: Buffer): string {
  if (isUtf8(path)) return normalize(path.toString());
  const names = path.toString('latin1').split('/');
  return names
    .map((name) => {
      const bytes = Buffer.from(name, 'latin1');
      if (isUtf8(bytes)) return bytes.toString();
      return name.replace(/[\x80-\xFF]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase()}`);
    })
    .join('/');
}
