import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataSource, type EntityManager } from 'typeorm';
import { isMissing } from '../../../support/files.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { checkOrigin, DATABASE_FILE } from './database-file.js';
import { ENTITIES } from '../common/entities/index.js';
import { SQLITE } from './sqlite.js';
import { sqliteCode, toStorageError } from './storage-errors.js';

export interface SideConnectionOptions {
  /** Migrations that the work needs done. */
  needs: readonly string[];
  /** Only look. */
  readOnly?: boolean;
  /** How long a call waits for other programs that write. Default 5,000. */
  busyTimeoutMs?: number;
}

/**
 * One more connection to a database that a service may have open: without its lock, without the data key, and without
 * making or changing any table. In the mode of a write-ahead log a reader waits for nobody.
 */
export class SideConnection {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(private readonly source: DataSource) {}

  /**
   * Null where there is no database yet, or one of before the migrations that are needed.
   * Errors: STORAGE_UNAVAILABLE, STORAGE_INVALID.
   */
  static async open(folder: string, options: SideConnectionOptions): Promise<SideConnection | null> {
    const file = join(resolve(folder), DATABASE_FILE);
    if (!(await isThere(file))) return null;
    const source = new DataSource({
      type: 'sqlite',
      driver: SQLITE,
      database: file,
      // Not OPEN_CREATE.
      flags: SQLITE.OPEN_READWRITE | SQLITE.OPEN_FULLMUTEX,
      busyTimeout: options.busyTimeoutMs ?? 5000,
      entities: ENTITIES,
    });
    try {
      await source.initialize();
      const fresh = await checkOrigin(source, file);
      if (fresh || !(await areDone(source, options.needs))) {
        await source.destroy();
        return null;
      }
      await source.query('PRAGMA synchronous = FULL');
      await source.query('PRAGMA secure_delete = ON');
      await source.query('PRAGMA trusted_schema = OFF');
      if (options.readOnly) await source.query('PRAGMA query_only = ON');
      return new SideConnection(source);
    } catch (error) {
      if (source.isInitialized) await source.destroy();
      throw toStorageError(error);
    }
  }

  /** All of it or nothing. One at a time. Errors: those of the storage, and what `work` throws. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.query((manager) => inTransaction(manager, work));
  }

  /** As it is at one moment. One at a time, as a transaction. Errors: those of the storage, and what `work` throws. */
  async reading<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    const run = this.last.then(() =>
      this.query(async (manager) => {
        await manager.query('BEGIN');
        try {
          return await work(manager);
        } finally {
          await manager.query('COMMIT').catch(() => manager.query('ROLLBACK').catch(() => undefined));
        }
      }),
    );
    this.last = run.catch(() => undefined);
    return run;
  }

  /** From now on sees the database as it is at this moment. */
  async hold(): Promise<void> {
    await this.query(async (manager) => {
      await manager.query('BEGIN');
      // The moment is that of the first look.
      await manager.query('SELECT 1 FROM settings LIMIT 1');
    });
  }

  /** Errors: those of the storage, and what `work` throws. */
  async query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await work(this.source.manager);
    } catch (error) {
      throw toStorageError(error);
    }
  }

  async close(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy();
  }
}

async function areDone(source: DataSource, migrations: readonly string[]): Promise<boolean> {
  try {
    const rows = await source.query<{ name: string }[]>('SELECT name FROM migrations');
    const done = new Set(rows.map(({ name }) => name));
    return migrations.every((name) => done.has(name));
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_ERROR') return false;
    throw error;
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot read the database: ${(cause as Error).message}`, { cause });
  }
}

/** For a connection that does one thing at a time. Errors: those of the driver, and what `work` throws. */
export async function inTransaction<T>(
  manager: EntityManager,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  await manager.query('BEGIN IMMEDIATE');
  try {
    const result = await work(manager);
    await manager.query('COMMIT');
    return result;
  } catch (error) {
    // SQLite may have rolled back by itself.
    await manager.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
