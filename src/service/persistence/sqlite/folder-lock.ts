import { chmod, open as openFile } from 'node:fs/promises';
import sqlite3 from 'sqlite3';
import { TimbreError } from '../../../errors/timbre-error.js';
import { sqliteCode, toStorageError } from './storage-errors.js';

/**
 * Keeps a second service off the same data. The lock is SQLite's own on a file beside the database: the system drops
 * it with the process, however that ends, so that no stale lock is ever left.
 */
export class FolderLock {
  private constructor(private readonly database: sqlite3.Database) {}

  /** Errors: STORAGE_UNAVAILABLE where somebody else holds it or the file cannot be made. */
  static async take(path: string): Promise<FolderLock> {
    try {
      await makeFile(path);
      const database = await open(path);
      try {
        await run(database, 'PRAGMA busy_timeout = 0');
        await run(database, 'BEGIN EXCLUSIVE');
        return new FolderLock(database);
      } catch (error) {
        await close(database);
        throw error;
      }
    } catch (cause) {
      if (sqliteCode(cause) === 'SQLITE_BUSY') {
        throw new TimbreError(
          'STORAGE_UNAVAILABLE',
          `another service uses the data beside ${path}; stop it, or give this one a data folder of its own`,
          { cause },
        );
      }
      throw toStorageError(cause);
    }
  }

  async release(): Promise<void> {
    await close(this.database);
  }
}

/**
 * Before SQLite does, which would let others read it. One that is there is not opened: closing it again would give up the
 * lock that this process may have on it.
 */
async function makeFile(path: string): Promise<void> {
  try {
    await (await openFile(path, 'wx', 0o600)).close();
  } catch (error) {
    // What SQLite cannot open either, it says.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') await chmod(path, 0o600).catch(() => undefined);
  }
}

function open(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(path, (error) => {
      if (error) reject(error);
      else resolve(database);
    });
  });
}

function run(database: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    database.run(sql, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function close(database: sqlite3.Database): Promise<void> {
  return new Promise((resolve, reject) => {
    database.close((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
