import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { fstat, read, type BigIntStats } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireRecording } from '../../addon/beginning.js';
import { digestFile, sync } from '../../support/files.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Config } from '../config/config.js';
import { BlobStore, type Blob, type BlobKey } from './blob-store.js';
import type { Recording } from './recording.js';

const readAt = promisify(read);
const statOf = promisify<number, { bigint: true }, BigIntStats>(fstat);

/** Bytes read at a time. */
const COPY_BLOCK_BYTES = 256 * 1024;

/** What a copy is named while recordings are made of it; gone with the last of them. */
const COPY = '.copy';

/** A file that a job names. */
interface NamedFile {
  /** Its descriptor. */
  from: number;
  /** The same for the same bytes: a file that was written to since has another. */
  identity: string;
  size: bigint;
}

interface SharedCopy {
  /** Of the file that was copied, as it was then. */
  identity: string;
  path: string;
  copy: Promise<Blob>;
  /** Recordings of the job that are made of it now. */
  users: Set<number>;
  isLast: boolean;
}

/** Each recording in a file of its own below the data folder, which only the service's user can read. */
@Injectable()
export class Spool extends BlobStore {
  readonly folder: string;
  /** Bytes of each file that waits, by job. */
  private readonly files = new Map<string, Map<number, number>>();
  private reserved = 0;
  /** The last file that was copied, by job; it may be named again. */
  private readonly copies = new Map<string, SharedCopy>();
  /** Copies that recordings are made of now. */
  private readonly inUse = new Map<string, SharedCopy>();
  /** Copies so far: no two have one name. */
  private made = 0;

  constructor(private readonly config: Config) {
    super();
    this.folder = join(config.dataDir, 'spool');
  }

  get bytes(): number {
    let sum = this.reserved;
    for (const files of this.files.values()) for (const bytes of files.values()) sum += bytes;
    return sum;
  }

  get jobs(): string[] {
    return [...this.files.keys()];
  }

  admit(more = 1): void {
    const { maxSpoolBytes } = this.config;
    if (this.bytes + more <= maxSpoolBytes) return;
    throw new TimbreError(
      'OVERLOADED',
      `${this.bytes} bytes of uploads wait for their jobs, of ${maxSpoolBytes} that may; try again later`,
      { retryAfterSeconds: 30 },
    );
  }

  async adopt(jobId: string, recordings: readonly Recording[]): Promise<void> {
    const bytes = recordings.reduce((sum, recording) => sum + recording.bytes, 0);
    this.admit(bytes);
    this.reserved += bytes;
    try {
      await makeFolder(this.jobFolder(jobId));
      const sizes = new Map<number, number>();
      for (const [index, recording] of recordings.entries()) {
        await place(recording.audio, this.path({ jobId, index }));
        sizes.set(index, recording.bytes);
      }
      await sync(this.jobFolder(jobId));
      await sync(this.folder);
      this.files.set(jobId, sizes);
    } catch (error) {
      await this.removeJob(jobId).catch(() => undefined);
      throw writeFailed(error, this.folder);
    } finally {
      this.reserved -= bytes;
    }
  }

  private path({ jobId, index }: BlobKey): string {
    return join(this.jobFolder(jobId), String(index));
  }

  async describe(key: BlobKey): Promise<Blob> {
    const audio = this.path(key);
    const digest = await digestFile(audio).catch((cause: unknown) => {
      throw new TimbreError('AUDIO_NOT_FOUND', `the upload cannot be read: ${(cause as Error).message}`, { cause });
    });
    return { audio, ...digest };
  }

  /** A job that names one file again and again has one copy of it. */
  async copy(key: BlobKey, from: number, signal: AbortSignal): Promise<Blob> {
    const { identity, size } = await factsOf(from);
    const last = this.copies.get(key.jobId);
    const shared = last?.identity === identity ? last : this.share(key, { identity, size, from }, signal);
    shared.users.add(key.index);
    this.inUse.set(userOf(key), shared);
    if (last && last !== shared) await this.retire(last);
    try {
      return await shared.copy;
    } catch (error) {
      this.inUse.delete(userOf(key));
      if (this.copies.get(key.jobId) === shared) this.copies.delete(key.jobId);
      throw error;
    }
  }

  private share(key: BlobKey, { identity, ...file }: NamedFile, signal: AbortSignal): SharedCopy {
    const path = `${this.path(key)}-${this.made++}${COPY}`;
    const copy = this.makeCopy(key, path, file, signal);
    const shared = { identity, path, users: new Set<number>(), isLast: true, copy };
    this.copies.set(key.jobId, shared);
    return shared;
  }

  /** The job has gone on to another file: this one goes with the last recording that is made of it. */
  private async retire(shared: SharedCopy): Promise<void> {
    shared.isLast = false;
    if (shared.users.size === 0) await rm(shared.path, { force: true });
  }

  /** The recording is done with its copy. */
  private async release(key: BlobKey): Promise<void> {
    const shared = this.inUse.get(userOf(key));
    if (!shared) return;
    this.inUse.delete(userOf(key));
    shared.users.delete(key.index);
    if (!shared.isLast) await this.retire(shared);
  }

  private async makeCopy(
    key: BlobKey,
    path: string,
    { from, size }: Omit<NamedFile, 'identity'>,
    signal: AbortSignal,
  ): Promise<Blob> {
    await this.requireRecording(from, size, signal);
    await makeFolder(this.jobFolder(key.jobId));
    const to = await open(path, 'wx', 0o600).catch((error: unknown) => {
      throw writeFailed(error, this.folder);
    });
    try {
      return { audio: path, ...(await this.transfer(from, to, signal)) };
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      await to.close();
    }
  }

  /** Nothing is copied that cannot be a recording, or that is too large for one. */
  private async requireRecording(from: number, size: bigint, signal: AbortSignal): Promise<void> {
    const { maxUploadBytes, requestSeconds } = this.config;
    if (size > maxUploadBytes) throw tooLarge(maxUploadBytes);
    const end = performance.now() + requestSeconds * 1000;
    const head = Buffer.allocUnsafeSlow(COPY_BLOCK_BYTES);
    const { bytesRead } = await inTime(readAt(from, head, 0, head.length, 0), signal, end).catch(unreadable);
    await requireRecording(head.subarray(0, bytesRead), size <= bytesRead);
  }

  private async transfer(
    from: number,
    to: FileHandle,
    signal: AbortSignal,
  ): Promise<Pick<Recording, 'bytes' | 'sha256'>> {
    const { maxUploadBytes, requestSeconds } = this.config;
    const end = performance.now() + requestSeconds * 1000;
    const hash = createHash('sha256');
    const block = Buffer.allocUnsafeSlow(COPY_BLOCK_BYTES);
    for (let bytes = 0; ;) {
      const { bytesRead } = await inTime(readAt(from, block, 0, block.length, bytes), signal, end).catch(unreadable);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      const read = block.subarray(0, bytesRead);
      bytes += bytesRead;
      if (bytes > maxUploadBytes) throw tooLarge(maxUploadBytes);
      hash.update(read);
      await to.appendFile(read).catch((error: unknown) => {
        throw writeFailed(error, this.folder);
      });
    }
  }

  async remove(key: BlobKey): Promise<void> {
    await rm(this.path(key), { force: true });
    await this.release(key);
    this.files.get(key.jobId)?.delete(key.index);
  }

  async removeJob(jobId: string): Promise<void> {
    this.copies.delete(jobId);
    for (const user of this.inUse.keys()) if (user.startsWith(`${jobId}/`)) this.inUse.delete(user);
    await rm(this.jobFolder(jobId), { recursive: true, force: true });
    this.files.delete(jobId);
  }

  async keepOnly(keys: readonly BlobKey[]): Promise<void> {
    await makeFolder(this.folder);
    const keep = new Map<string, Map<number, number>>();
    for (const key of keys) {
      const { size } = await stat(this.path(key)).catch(() => ({ size: 0 }));
      const files = keep.get(key.jobId) ?? new Map<number, number>();
      keep.set(key.jobId, files.set(key.index, size));
    }
    for (const jobId of await readdir(this.folder)) {
      const files = keep.get(jobId);
      if (!files) {
        await rm(join(this.folder, jobId), { recursive: true, force: true });
        continue;
      }
      for (const name of await readdir(join(this.folder, jobId))) {
        if (!files.has(Number(name))) await rm(join(this.folder, jobId, name), { recursive: true, force: true });
      }
    }
    this.files.clear();
    for (const [jobId, files] of keep) this.files.set(jobId, files);
  }

  private jobFolder(jobId: string): string {
    return join(this.folder, jobId);
  }
}

/** Errors: ABORTED, DEADLINE_EXCEEDED; those of the work, which goes on by itself where nobody waits for it. */
function inTime<T>(work: Promise<T>, signal: AbortSignal, end: number): Promise<T> {
  return new Promise((done, fail) => {
    const stop = (): void => fail(new TimbreError('ABORTED', 'the recording is not wanted any more'));
    const late = (): void => fail(new TimbreError('DEADLINE_EXCEEDED', 'the file could not be read in time'));
    const timer = setTimeout(late, Math.max(0, end - performance.now()));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void work.then(done, fail).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
  });
}

function userOf({ jobId, index }: BlobKey): string {
  return `${jobId}/${index}`;
}

/** Errors: AUDIO_NOT_FOUND. */
async function factsOf(descriptor: number): Promise<Omit<NamedFile, 'from'>> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await statOf(descriptor, { bigint: true }).catch(unreadable);
  return { identity: [dev, ino, size, mtimeNs, ctimeNs].join(':'), size };
}

function unreadable(cause: unknown): never {
  if (cause instanceof TimbreError) throw cause;
  const { code } = cause as NodeJS.ErrnoException;
  throw new TimbreError('AUDIO_NOT_FOUND', `the file cannot be read: ${code}`, { cause });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw writeFailed(error, folder);
  }
}

/** What was uploaded is on the disk then; the name of the request's file goes. */
async function place(audio: string | Buffer, to: string): Promise<void> {
  if (typeof audio === 'string') await moveFile(audio, to);
  else await writeFile(to, audio, { mode: 0o600 });
  await sync(to);
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyFile(from, to);
    await chmod(to, 0o600);
    await rm(from);
  }
}

function tooLarge(limit: number): TimbreError {
  return new TimbreError('AUDIO_TOO_LARGE', `the recording has more than ${limit} bytes`);
}

function writeFailed(error: unknown, folder: string): TimbreError {
  if (error instanceof TimbreError) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  return new TimbreError('WRITE_FAILED', `a recording cannot be kept in ${folder}: ${reason}`, { cause: error });
}
