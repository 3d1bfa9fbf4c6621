import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fetch, type Dispatcher, type Response } from 'undici';
import { isMissing } from '../support/files.js';
import { TimbreError } from '../errors/timbre-error.js';
import { Inbox } from './inbox.js';
import { FileLock, type LockOptions } from './lock.js';
import { environmentProxies, reason } from './proxies.js';
import { makeFolder, requireSpace, writeFailure } from './storage.js';

/** A file whose size and digest are known before it is fetched. */
export interface RemoteFile {
  url: string;
  bytes: number;
  sha256: string;
  /** Header of the request, where the server wants a login. */
  authorization?: string;
}

export interface DownloadProgress {
  /** Bytes on the disk. */
  done: number;
  total: number;
  /** Bytes of `done` that an earlier run left. */
  resumed: number;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
  /** What goes on, for people: a cut and when it is tried again, another process that is waited for. */
  onNote?: (text: string) => void;
  /** Attempts in a row that bring no new byte before it is given up. Default 7; 3 where no server ever answered. */
  attempts?: number;
  /** Milliseconds without a byte after which a connection counts as cut. Default 30,000. */
  silenceMs?: number;
  lock?: Pick<LockOptions, 'pollMs' | 'staleMs'>;
  /** The clock of the pauses between attempts. */
  pause?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** [0, 1), for the jitter of the pauses. */
  random?: () => number;
  /** Certificates to trust instead of the usual ones, PEM. */
  ca?: string;
  /** Free space of a folder's file system, bytes. */
  free?: (folder: string) => Promise<number>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A server that asks for a longer wait is believed to mean "not today". */
const LONGEST_RETRY_AFTER_MS = 300_000;
const UNREACHED_ATTEMPTS = 3;
const SPACE_CHECK_BYTES = 8 << 20;
const RETRIED_STATUSES = new Set([408, 416, 425, 429, 500, 502, 503, 504]);

/**
 * Fetches a file: `path` then holds exactly the published bytes, or is not there. What is on the way lies in
 * `<path>.part` and is resumed by the next call; `<path>.lock` keeps a second process waiting, which then finds the
 * file. A file that is there already is checked, and fetched again if it is not the published one.
 *
 * Errors: DOWNLOAD_FAILED, WRITE_FAILED, ABORTED.
 */
export async function download(file: RemoteFile, path: string, options: DownloadOptions = {}): Promise<void> {
  try {
    await locked(file, path, options);
  } catch (error) {
    if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the download was cancelled', { cause: error });
    throw error;
  }
}

async function locked(file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  await makeFolder(dirname(path));
  if (await isPublished(file, path)) return;
  const { signal, onNote } = options;
  for (;;) {
    const lock = await FileLock.acquire(`${path}.lock`, {
      ...options.lock,
      ...(signal && { signal }),
      onWait: (pid) => onNote?.(`another process (${pid}) is fetching this file; waiting for it`),
    });
    try {
      if (await isPublished(file, path)) return;
      if (await new Transfer(file, path, lock, options).run()) return;
    } finally {
      await lock.release();
    }
  }
}

/** Whether the finished file is there; one that is not the published one is removed. */
async function isPublished(file: RemoteFile, path: string): Promise<boolean> {
  const size = await sizeOf(path);
  if (size === undefined) return false;
  if (size === file.bytes && (await digest(path)).digest('hex') === file.sha256) return true;
  await rm(path, { force: true });
  return false;
}

/** An attempt that failed and may work when it is made again. */
class Interruption extends Error {
  constructor(
    message: string,
    /** Whether a server answered at all. */
    readonly answered: boolean,
    /** What the server asks to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** The pieces of several responses do not make the published file. */
class Mixture extends Interruption {}

class Transfer {
  private readonly part: string;
  private readonly tag: string;
  private hash: Hash = createHash('sha256');
  private have = 0;
  /** Bytes of `have` from before the current response, and from before this run. */
  private resumed = 0;
  private leftOver = 0;
  private answered = false;

  constructor(
    private readonly file: RemoteFile,
    private readonly path: string,
    private readonly lock: FileLock,
    private readonly options: DownloadOptions,
  ) {
    this.part = `${path}.part`;
    this.tag = `${path}.part.etag`;
  }

  /** True when the file is in place; false when the lock was lost to another process, which then finishes it. */
  async run(): Promise<boolean> {
    const { signal, pause = realPause, random = Math.random } = this.options;
    const proxies = environmentProxies(this.options.silenceMs ?? 30_000, this.options.ca);
    let best = 0;
    let failures = 0;
    let mixed = 0;
    try {
      await this.readPart();
      for (;;) {
        try {
          if (this.have < this.file.bytes) await this.fetchRest(proxies);
          return await this.finish(mixed === 0);
        } catch (error) {
          if (!(error instanceof Interruption)) throw error;
          if (error instanceof Mixture) mixed++;
          signal?.throwIfAborted();
          if (!(await this.lock.isHeld())) return false;
          if (this.have > best) failures = 0;
          best = Math.max(best, this.have);
          failures++;
          const limit = this.options.attempts ?? (this.answered ? 7 : UNREACHED_ATTEMPTS);
          if (failures >= limit) throw this.failure(`${error.message} (${failures} attempts)`);
          const wait = waitFor(failures, error, random);
          if (wait > LONGEST_RETRY_AFTER_MS) {
            throw this.failure(`${error.message} and asks to wait ${Math.ceil(wait / 60_000)} minutes`);
          }
          this.options.onNote?.(`${error.message}; trying again in ${(wait / 1000).toFixed(1)} s`);
          await pause(wait, signal);
        }
      }
    } finally {
      await proxies.destroy();
    }
  }

  /** Takes up what an earlier attempt left. */
  private async readPart(): Promise<void> {
    const size = await sizeOf(this.part);
    if (size === undefined || size > this.file.bytes) return this.discard();
    this.hash = await digest(this.part);
    this.have = this.resumed = this.leftOver = size;
  }

  private async discard(): Promise<void> {
    await rm(this.part, { force: true });
    await rm(this.tag, { force: true });
    this.hash = createHash('sha256');
    this.have = this.resumed = this.leftOver = 0;
  }

  /** One request for the bytes that are missing. */
  private async fetchRest(dispatcher: Dispatcher): Promise<void> {
    await this.requireSpace();
    const { signal, onProgress } = this.options;
    const etag = this.have > 0 ? await readFile(this.tag, 'utf8').catch(() => '') : '';
    const stop = new AbortController();
    const abort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let output: FileHandle | undefined;
    try {
      signal?.throwIfAborted();
      const response = await fetch(this.file.url, {
        dispatcher,
        signal: stop.signal,
        headers: {
          'accept-encoding': 'identity',
          'user-agent': 'timbre-voice',
          ...(this.have > 0 && { range: `bytes=${this.have}-` }),
          ...(etag !== '' && { 'if-range': etag }),
          ...(this.file.authorization !== undefined && { authorization: this.file.authorization }),
        },
      }).catch((error: unknown) => {
        throw new Interruption(`no connection to ${host(this.file.url)}: ${reason(error)}`, false);
      });
      const inbox = new Inbox(response.body);
      this.answered = true;
      await this.accept(response);
      this.resumed = this.have;
      output = await open(this.part, 'a').catch((error: unknown) => {
        throw writeFailure(error, this.part);
      });
      let untilCheck = SPACE_CHECK_BYTES;
      try {
        for await (const bytes of inbox) {
          const wanted = bytes.subarray(0, this.file.bytes - this.have);
          await this.append(output, wanted);
          onProgress?.({ done: this.have, total: this.file.bytes, resumed: this.leftOver });
          if (bytes.length > wanted.length) {
            await this.discard();
            throw this.failure(`the server sends more than the ${this.file.bytes} bytes that are published`);
          }
          // A server that keeps the connection open behind the last byte is not waited for.
          if (this.have === this.file.bytes) return;
          untilCheck -= bytes.length;
          if (untilCheck <= 0) {
            untilCheck = SPACE_CHECK_BYTES;
            await this.requireSpace();
          }
        }
      } catch (error) {
        if (error instanceof TimbreError) throw error;
        throw new Interruption(`the connection was cut after ${this.have} of ${this.file.bytes} bytes`, true);
      }
      if (this.have < this.file.bytes) {
        throw new Interruption(`the server stopped after ${this.have} of ${this.file.bytes} bytes`, true);
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      stop.abort();
      await output?.close();
    }
  }

  /** Judges the head of a response; afterwards its body continues the part, which may have been emptied for it. */
  private async accept(response: Response): Promise<void> {
    const { status, headers } = response;
    const server = host(response.url || this.file.url);
    if (RETRIED_STATUSES.has(status)) {
      // 416: the part ends where, for the server, the file does not.
      if (status === 416) await this.discard();
      throw new Interruption(`${server} answers ${status}`, true, retryAfter(headers.get('retry-after')));
    }
    if (status === 206) {
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
      const total = range?.[2] === '*' ? this.file.bytes : Number(range?.[2]);
      if (Number(range?.[1]) !== this.have || total !== this.file.bytes) {
        await this.discard();
        throw new Interruption(`${server} sends another range than was asked for`, true);
      }
    } else if (status === 200) {
      const length = headers.get('content-length');
      if (length !== null && Number(length) !== this.file.bytes) {
        throw new Interruption(
          `${server} announces ${length} bytes (${headers.get('content-type') ?? 'no type'}) ` +
            `where ${this.file.bytes} are published`,
          true,
        );
      }
      await this.discard();
    } else {
      throw this.failure(`${server} answers ${status}${STATUS_HINTS[status] ?? ''}`);
    }
    const etag = headers.get('etag') ?? '';
    // Only a strong tag may stand in If-Range.
    if (etag.startsWith('"')) {
      await writeFile(this.tag, etag).catch((error: unknown) => {
        throw writeFailure(error, this.tag);
      });
    }
  }

  private async append(output: FileHandle, bytes: Uint8Array): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) written += (await output.write(bytes, written)).bytesWritten;
    } catch (error) {
      throw writeFailure(error, this.part);
    } finally {
      // What a full disk still took counts: the part and its digest stay in step.
      this.hash.update(bytes.subarray(0, written));
      this.have += written;
    }
  }

  /** Compares the digest and moves the file to its name. */
  private async finish(mayStartOver: boolean): Promise<boolean> {
    const found = this.hash.copy().digest('hex');
    if (found !== this.file.sha256) {
      const mixed = this.resumed > 0;
      await this.discard();
      const what = `sha256 ${found} where ${this.file.sha256} is published`;
      // Parts of several responses may belong to different files; one whole response has no such excuse.
      if (mixed && mayStartOver) throw new Mixture(`the resumed file has ${what}`, true);
      throw this.failure(
        `the file that came has ${what}; it was deleted. Something on the way changes it: try another network, ` +
          'or a mirror (TIMBRE_MODEL_MIRROR)',
      );
    }
    if (!(await this.lock.isHeld())) return false;
    try {
      const output = await open(this.part, 'r+');
      try {
        await output.sync();
      } finally {
        await output.close();
      }
      await rename(this.part, this.path);
      await rm(this.tag, { force: true });
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    return true;
  }

  private async requireSpace(): Promise<void> {
    await requireSpace(dirname(this.path), this.file.bytes - this.have, this.options.free);
  }

  private failure(what: string): TimbreError {
    return new TimbreError('DOWNLOAD_FAILED', `cannot fetch ${this.file.url}: ${what}`);
  }
}

const STATUS_HINTS: Record<number, string> = {
  401: ': it wants a login',
  403: ': access is forbidden',
  404: ': the file is not there',
  407: ': the proxy wants a login; put it into HTTPS_PROXY as http://user:password@host',
};

/** Exponential, between half and the whole of its value so that clients spread; at least what the server asks. */
function waitFor(failures: number, { retryAfterMs }: Interruption, random: () => number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.max(longest * (0.5 + random() / 2), retryAfterMs ?? 0);
}

/** Retry-After in milliseconds: seconds or a date. */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function host(url: string): string {
  return new URL(url).host;
}

async function realPause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {});
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw writeFailure(error, path);
  }
}

async function digest(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw writeFailure(error, path);
  }
  return hash;
}
