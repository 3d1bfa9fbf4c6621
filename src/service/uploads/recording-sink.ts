import { createHash } from 'node:crypto';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { isMissing } from '../../support/files.js';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Recording } from './recording.js';
import type { MemoryRoom } from './upload-memory.js';

/**
 * Takes one recording as it comes, and hashes it: into memory while there is room, or else all of it into a file. Its
 * owner removes it. Errors: WRITE_FAILED.
 */
export class RecordingSink extends Writable {
  private readonly hash = createHash('sha256');
  private file: FileHandle | undefined;
  private writing = Promise.resolve();
  private bytes = 0;

  /** `path`: of the file, where one is needed. */
  constructor(
    private readonly path: string,
    private readonly room: MemoryRoom,
  ) {
    super();
  }

  /** What came, once it has all come; to be called once. */
  take(): Pick<Recording, 'audio' | 'bytes' | 'sha256'> {
    const { bytes } = this;
    return { audio: this.file ? this.path : this.room.bytes, bytes, sha256: this.hash.digest('hex') };
  }

  /** Gives the memory back, or removes the file, where it was not taken over. */
  async remove(): Promise<void> {
    // What is being written now would be left behind, or find its memory another's.
    await this.writing.catch(() => undefined);
    this.room.release();
    if (this.file) await unlink(this.path).catch(unlessMissing);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    if (!this.file && this.room.append(chunk)) {
      done();
    } else {
      this.writing = this.spill(chunk);
      this.writing.then(() => done(), done);
    }
  }

  override _final(done: (error?: Error) => void): void {
    this.close().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.close().then(() => done(error), done);
  }

  private async spill(chunk: Buffer): Promise<void> {
    try {
      if (!this.file) {
        this.file = await create(this.path);
        await this.file.writeFile(this.room.bytes);
        this.room.release();
      }
      await this.file.writeFile(chunk);
    } catch (error) {
      throw writeFailed(error, this.path);
    }
  }

  /** Once what is being written is written. Safe to call again. */
  private async close(): Promise<void> {
    await this.writing.catch(() => undefined);
    try {
      await this.file?.close();
    } catch (error) {
      throw writeFailed(error, this.path);
    }
  }
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

/** A new file; its folder is made where it is not there, or not any more. */
async function create(path: string): Promise<FileHandle> {
  const attempt = (): Promise<FileHandle> => open(path, 'wx', 0o600);
  return attempt().catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return attempt();
  });
}

function writeFailed(error: unknown, path: string): TimbreError {
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  const folder = dirname(path);
  return new TimbreError('WRITE_FAILED', `an upload cannot be kept in ${folder} (TIMBRE_UPLOAD_DIR): ${reason}`, {
    cause: error,
  });
}
