import { Logger } from '@nestjs/common';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TimbreError } from '../../../errors/timbre-error.js';
import { isMissing, sync } from '../../../support/files.js';
import { ask, affect, dialectOf } from '../common/dialect.js';
import { SealedAudio } from '../common/sealed-audio.js';
import type { Database } from './database.js';

/** In the data folder. Below it each database has a folder of its own, by its id: another one sweeps nothing of it. */
export const RECORDINGS_FOLDER = 'recordings';

/** How old what nobody names has to be while the service runs. */
const UNNAMED_MS = 3600_000;

/** Files looked up, or removed, at once. */
const BATCH = 200;

const ZEROS = Buffer.alloc(2 ** 20);

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** One file for each recording. */
export class KeptAudioFiles extends SealedAudio {
  private readonly logger = new Logger('Recordings');
  private readonly folder: string;
  private made: Promise<void> | undefined;
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    dataFolder: string,
  ) {
    super();
    this.folder = join(dataFolder, RECORDINGS_FOLDER, database.id);
    database.removeFilesWith(() => this.removeDeleted());
  }

  async discard(ids: readonly string[]): Promise<void> {
    for (const id of await this.unnamed(ids)) await this.wipe(id);
  }

  /** One after the other: two that are asked for at once would find the same files. */
  removeDeleted(): Promise<void> {
    const run = this.removing.then(() => this.removeThose());
    this.removing = run.catch(() => undefined);
    return run;
  }

  async sweep(atStart: boolean): Promise<number> {
    await this.removeDeleted();
    let swept = 0;
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw failed(error, this.folder);
    });
    for (let from = 0; from < names.length; from += BATCH) {
      for (const name of await this.unnamed(names.slice(from, from + BATCH))) {
        if (!atStart && !(await this.isOld(name))) continue;
        await this.wipe(name);
        swept++;
      }
    }
    return swept;
  }

  protected async write(id: string, pieces: AsyncIterable<Buffer>): Promise<void> {
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

  protected async readPiece(
    id: string,
    _: number,
    { at, length }: { at: number; length: number },
  ): Promise<Buffer | null> {
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

  /** Those of these that no record names. */
  private async unnamed(ids: readonly string[]): Promise<string[]> {
    const named = await this.database.read(async (manager) => {
      const { within, value } = dialectOf(manager).list(ids);
      const rows = await ask<{ id: string }>(manager, `SELECT id FROM kept_recordings WHERE id IN ${within}`, [value]);
      return new Set(rows.map(({ id }) => id));
    });
    return ids.filter((id) => !named.has(id));
  }

  private async removeThose(): Promise<void> {
    for (;;) {
      const ids = await this.database.read(async (manager) =>
        (await ask<{ id: string }>(manager, 'SELECT id FROM deleted_recordings LIMIT ?', [BATCH])).map(({ id }) => id),
      );
      if (ids.length === 0) return;
      for (const id of ids) await this.wipe(id);
      await this.database.query(async (manager) => {
        const { within, value } = dialectOf(manager).list(ids);
        await affect(manager, `DELETE FROM deleted_recordings WHERE id IN ${within}`, [value]);
      });
    }
  }

  /** Overwrites a file, then removes it: on the disk when it resolves. Nothing happens where it is not there. */
  private async wipe(id: string): Promise<void> {
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
      this.logger.warn({ err: error, msg: 'the file of a deleted recording cannot be removed yet' });
      throw failed(error, this.folder);
    }
  }

  private async isOld(name: string): Promise<boolean> {
    const { mtimeMs } = await stat(this.path(name)).catch(() => ({ mtimeMs: Date.now() }));
    return Date.now() - mtimeMs > UNNAMED_MS;
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
