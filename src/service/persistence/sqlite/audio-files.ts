import type { Dir } from 'node:fs';
import { mkdir, open, opendir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../../errors/timbre-error.js';
import { isMissing, sync } from '../../../support/files.js';
import { AUDIO_AT_ONCE, UNNAMED_MS, type PiecePlace, type SealedPieces } from '../common/sealed-audio.js';

/** In the data folder. Below it each database has a folder of its own, by its id: another one sweeps nothing of it. */
export const RECORDINGS_FOLDER = 'recordings';

const ZEROS = Buffer.alloc(2 ** 20);

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Sealed audio in a data folder, one file for each recording. */
export class AudioFiles implements SealedPieces {
  private readonly folder: string;
  private made: Promise<void> | undefined;

  /** `database`: its id. */
  constructor(dataFolder: string, database: string) {
    this.folder = join(dataFolder, RECORDINGS_FOLDER, database);
  }

  async write(id: string, pieces: AsyncIterable<Buffer>): Promise<void> {
    await this.makeFolder();
    const path = this.path(id);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        for await (const sealed of pieces) await file.writeFile(sealed);
        await file.sync();
      } finally {
        await file.close();
      }
      await sync(this.folder);
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw failed(error, this.folder);
    }
  }

  async read(id: string, _: number, { at, length }: PiecePlace): Promise<Buffer | null> {
    let file: FileHandle;
    try {
      file = await open(this.path(id), 'r');
    } catch (error) {
      if (isMissing(error)) return null;
      throw failed(error, this.folder);
    }
    try {
      const sealed = Buffer.alloc(length);
      const { bytesRead } = await file.read(sealed, 0, length, at);
      return bytesRead === length ? sealed : null;
    } catch (error) {
      throw failed(error, this.folder);
    } finally {
      await file.close();
    }
  }

  async lengths(ids: readonly string[]): Promise<Map<string, number | null>> {
    const found = await Promise.all(
      ids.map(async (id): Promise<[string, number | null] | null> => {
        try {
          return [id, (await stat(this.path(id))).size];
        } catch (error) {
          return isMissing(error) ? null : [id, null];
        }
      }),
    );
    return new Map(found.filter((one) => one !== null));
  }

  /** Overwrites a file, then removes it: on the disk when it resolves. */
  async remove(id: string): Promise<void> {
    const path = this.path(id);
    try {
      const file = await open(path, 'r+');
      try {
        const { size } = await file.stat();
        for (let at = 0; at < size; at += ZEROS.length) {
          await file.write(ZEROS, 0, Math.min(ZEROS.length, size - at), at);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rm(path);
      await sync(this.folder);
    } catch (error) {
      if (isMissing(error)) return;
      throw failed(error, this.folder);
    }
  }

  /**
   * Ids of audio that no record names and that is older than `UNNAMED_MS`, in pages; one may have none. `named`: those of
   * some ids that a record names.
   */
  async *unnamed(
    named: (ids: readonly string[]) => Promise<ReadonlySet<string>>,
  ): AsyncGenerator<string[], void, undefined> {
    for await (const page of this.pages()) {
      const known = await named(page);
      const unnamed: string[] = [];
      for (const id of page) if (!known.has(id) && (await this.age(id)) > UNNAMED_MS) unnamed.push(id);
      yield unnamed;
    }
  }

  /** What there is, in no order: however many there are, no more than a page of them is in memory. */
  private async *pages(): AsyncGenerator<string[], void, undefined> {
    let folder: Dir;
    try {
      folder = await opendir(this.folder);
    } catch (error) {
      if (isMissing(error)) return;
      throw failed(error, this.folder);
    }
    let page: string[] = [];
    for await (const entry of folder) {
      if (entry.isFile()) page.push(entry.name);
      if (page.length < AUDIO_AT_ONCE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  /** Milliseconds since it was written; 0 where it is not there. */
  private async age(id: string): Promise<number> {
    const now = Date.now();
    const { mtimeMs } = await stat(this.path(id)).catch(() => ({ mtimeMs: now }));
    return now - mtimeMs;
  }

  private makeFolder(): Promise<void> {
    this.made ??= mkdir(this.folder, { recursive: true, mode: 0o700 }).then(
      () => undefined,
      (error: unknown) => {
        this.made = undefined;
        throw failed(error, this.folder);
      },
    );
    return this.made;
  }

  private path(id: string): string {
    return join(this.folder, id);
  }
}

/** Errors of the file system in the words of the storage. */
function failed(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof TimbreError || code === undefined) return error;
  if (NO_ROOM.has(code)) {
    return new TimbreError('STORAGE_FULL', `the disk of ${folder} is full (${code}); nothing of this call was stored`, {
      cause: error,
    });
  }
  return new TimbreError('STORAGE_UNAVAILABLE', `kept recordings in ${folder} cannot be reached: ${code}`, {
    cause: error,
  });
}
