import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import sqlite3 from 'sqlite3';
import { isMissing, sync } from '../../../support/files.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { DATABASE_FILE } from './database-file.js';
import { sqliteCode, toStorageError } from './storage-errors.js';

/**
 * A copy of the database in one file, as it is at one moment, while a service uses it or not. It holds no data key, and
 * nothing of what was erased before.
 *
 * `to` must not be there; it is whole or is not made. Gives its bytes.
 * Errors: STORAGE_UNAVAILABLE where there is no database, STORAGE_INVALID where it is damaged, WRITE_FAILED.
 */
export async function backUp(folder: string, to: string): Promise<number> {
  const file = join(resolve(folder), DATABASE_FILE);
  const target = resolve(to);
  const partial = `${target}.partial`;
  if (!(await isThere(file))) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `there is no database in ${resolve(folder)}`);
  }
  if (await isThere(target)) throw new TimbreError('WRITE_FAILED', `${target} is there already; name another file`);
  try {
    await rm(partial, { force: true });
    // VACUUM INTO takes an empty file, which is for its owner's eyes before anything is in it.
    await (await open(partial, 'wx', 0o600)).close();
    await copy(file, partial);
    await check(partial);
    await sync(partial);
    await rename(partial, target);
    await sync(dirname(target));
    return (await stat(target)).size;
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw backupFailed(error, target);
  }
}

async function copy(from: string, to: string): Promise<void> {
  const database = await connect(from, sqlite3.OPEN_READWRITE);
  try {
    await run(database, 'PRAGMA busy_timeout = 10000');
    await run(database, 'VACUUM INTO ?', [to]);
  } finally {
    await disconnect(database);
  }
}

async function check(path: string): Promise<void> {
  const database = await connect(path, sqlite3.OPEN_READONLY);
  try {
    const rows = await run(database, 'PRAGMA integrity_check');
    if (rows[0]?.['integrity_check'] === 'ok') return;
    throw new TimbreError('STORAGE_INVALID', `the copy is damaged: ${JSON.stringify(rows.slice(0, 3))}`);
  } finally {
    await disconnect(database);
  }
}

function connect(path: string, mode: number): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(path, mode, (error) => {
      if (error) reject(error);
      else resolve(database);
    });
  });
}

function run(database: sqlite3.Database, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    database.all(sql, values, (error, rows) => {
      if (error) reject(error);
      else resolve(rows as Record<string, unknown>[]);
    });
  });
}

function disconnect(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve) => {
    database.close(() => resolve());
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot look at ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A full disk is that of the backup here. */
function backupFailed(error: unknown, target: string): unknown {
  if (error instanceof TimbreError) return error;
  const code = sqliteCode(error) ?? (error as NodeJS.ErrnoException).code;
  if (sqliteCode(error) !== undefined && sqliteCode(error) !== 'SQLITE_FULL' && sqliteCode(error) !== 'SQLITE_IOERR') {
    return toStorageError(error);
  }
  return new TimbreError('WRITE_FAILED', `the backup ${target} cannot be written: ${code ?? String(error)}`, {
    cause: error,
  });
}
