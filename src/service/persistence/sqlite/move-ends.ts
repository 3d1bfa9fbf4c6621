import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { IsNull, type DataSource, type EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { isMissing } from '../../../support/files.js';
import { copiedTables } from '../common/copied-tables.js';
import { ReceiptEntity } from '../common/entities/receipt.entity.js';
import { isUntouched, ofPlace, type MoveSource, type MoveTarget, type OpenSource } from '../common/move.js';
import { readMoveMark } from '../common/move-marks.js';
import { trustIn } from '../common/move-trust.js';
import type { Places } from '../common/places.js';
import { requirePrivate } from '../common/private-files.js';
import { isMigrated, isSettled } from '../common/settle-register.js';
import { hasTraces, leaveTraces } from '../common/traces.js';
import { AudioFiles, RECORDINGS_FOLDER } from './audio-files.js';
import { Database } from './database.js';
import { checkOrigin, DATABASE_FILE, makeFile, makeFolder, setUp, sourceOf } from './database-file.js';
import { FolderLock } from './folder-lock.js';
import { MIGRATIONS } from './migrations/index.js';
import { inTransaction } from './side-connection.js';
import { toStorageError } from './storage-errors.js';
import { LOCAL_KEY } from './sqlite-key-store.js';

/** The file of a data folder, and the lock of the folder. */
class FileEnd {
  readonly localKey = LOCAL_KEY;

  constructor(
    readonly folder: string,
    readonly source: DataSource,
    private readonly lock: FolderLock,
  ) {}

  get place(): string {
    return join(this.folder, DATABASE_FILE);
  }

  get removal(): string {
    return removalOf(this.folder);
  }

  async read<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.source.manager);
    } catch (error) {
      throw ofPlace(this.place, error, toStorageError);
    }
  }

  audio(database: string): AudioFiles {
    return new AudioFiles(this.folder, database);
  }

  async close(): Promise<void> {
    // What is not committed is undone.
    if (this.source.isInitialized) await this.source.destroy();
    await this.lock.release();
  }
}

/**
 * What a move reads: the whole of it within one transaction, which keeps everybody else from writing. Errors: STORAGE_UNAVAILABLE where
 * there is no database or a service has it, STORAGE_INVALID where the key is another one, or it is not of this version;
 * STORAGE_ROLLED_BACK, STORAGE_UNFINISHED; those of the storage.
 */
export async function openSqliteSource(places: Places): Promise<OpenSource> {
  const folder = resolve(places.folder);
  await requireThere(folder);
  for (let wiped = false; ; wiped = true) {
    const found = await openFile(folder);
    try {
      const trust = await trustOf(found, places);
      const left = await found.read((manager) => readMoveMark(manager, 'left'));
      if (!wiped && !left && (await found.read(hasTraces))) {
        // What a crash has left to be wiped is wiped here, where it is: nobody opens this file again.
        await found.close();
        await (await Database.open(places)).close();
        continue;
      }
      await found.read((manager) => manager.query('BEGIN IMMEDIATE'));
      return { ...trust, source: sourceEnd(found) };
    } catch (error) {
      await found.close();
      throw toStorageError(error);
    }
  }
}

function sourceEnd(end: FileEnd): MoveSource {
  return Object.assign(end, {
    leave: (work: (manager: EntityManager) => Promise<void>) =>
      end.read(async (manager) => {
        await work(manager);
        await manager.query('COMMIT');
      }),
    uploadsElsewhere: () => Promise.resolve([]),
  });
}

async function trustOf({ source, place, folder }: FileEnd, places: Places): Promise<Omit<OpenSource, 'source'>> {
  const { manager } = source;
  if (await checkOrigin(source, place)) throw nothingIn(folder);
  const isCurrent = async (): Promise<boolean> => (await isMigrated(manager, MIGRATIONS)) && (await isSettled(manager));
  return trustIn(manager, { place, places, isCurrent, mayJoin: false });
}

/**
 * Where a move writes: it makes folder and file where they are missing. Errors: STORAGE_UNAVAILABLE, STORAGE_EXPOSED,
 * STORAGE_INVALID for what a newer version or another program made; those of the storage.
 */
export async function openSqliteTarget(places: Places): Promise<MoveTarget> {
  const folder = resolve(places.folder);
  await makeFolder(folder);
  const end = await openFile(folder);
  try {
    const { source } = end;
    const { manager } = source;
    const fresh = await checkOrigin(source, end.place);
    const isEmpty =
      fresh || ((await isMigrated(manager, MIGRATIONS)) && (await isUntouched(manager, copiedTables(source))));
    if (isEmpty || (await readMoveMark(manager, 'copying'))) {
      await setUp(source);
      await source.runMigrations();
    }
    return Object.assign(end, {
      isEmpty,
      transaction: <T>(work: (own: EntityManager) => Promise<T>) => end.read((own) => inTransaction(own, work)),
      // Rows with numbers of their own move the sequences of SQLite on.
      continueNumbers: () => Promise.resolve(),
      // Receipts of erasures elsewhere wait for the wiping of a file, as those of here do.
      prepare: async (own: EntityManager) => {
        if (await own.existsBy(ReceiptEntity, { wipedAt: IsNull() })) await leaveTraces(own);
      },
    });
  } catch (error) {
    await end.close();
    throw toStorageError(error);
  }
}

async function openFile(folder: string): Promise<FileEnd> {
  const file = join(folder, DATABASE_FILE);
  const lock = await FolderLock.take(`${file}.lock`);
  const source = sourceOf(file);
  try {
    await makeFile(file);
    await source.initialize();
    return new FileEnd(folder, source, lock);
  } catch (error) {
    if (source.isInitialized) await source.destroy();
    await lock.release();
    throw toStorageError(error);
  }
}

/** Before a lock or a file is made. */
async function requireThere(folder: string): Promise<void> {
  try {
    requirePrivate('the data folder', folder, await stat(folder));
    if ((await stat(join(folder, DATABASE_FILE))).size > 0) return;
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    if (!isMissing(cause)) {
      const text = `cannot look at the data folder: ${(cause as Error).message}`;
      throw new TimbreError('STORAGE_UNAVAILABLE', text, { cause });
    }
  }
  throw nothingIn(folder);
}

function nothingIn(folder: string): TimbreError {
  return new TimbreError(
    'STORAGE_UNAVAILABLE',
    `there is no database in ${folder}; name the data folder of the service`,
  );
}

function removalOf(folder: string): string {
  const quoted = /^[\w./@:+-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  const recordings = existsSync(join(folder, RECORDINGS_FOLDER)) ? ` && rm -r ${quoted}/${RECORDINGS_FOLDER}` : '';
  return `rm ${quoted}/${DATABASE_FILE}*${recordings}`;
}
