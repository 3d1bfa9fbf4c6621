import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { DataSource } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { ENTITIES } from '../common/entities/index.js';
import { requirePrivate } from '../common/private-files.js';
import { MIGRATIONS } from './migrations/index.js';
import { SQLITE } from './sqlite.js';

export const DATABASE_FILE = 'timbre.sqlite';

/** Marks the file as ours in its header ("Timb"), see PRAGMA application_id. */
export const APPLICATION_ID = 0x54696d62;

/**
 * Pages in the write-ahead log from which on a commit also moves them into the database, while every other call waits. A thousand,
 * SQLite's default, make that commit the longest of all.
 */
export const CHECKPOINT_PAGES = 250;

/** True for a file that holds nothing yet. Refuses what is not ours and what a later version made. */
export async function checkOrigin(source: DataSource, file: string): Promise<boolean> {
  const tables = await source.query<{ name: string }[]>(`SELECT name FROM sqlite_master WHERE type = 'table'`);
  if (tables.length === 0) return true;
  const done = tables.some(({ name }) => name === 'migrations')
    ? await source.query<{ name: string }[]>('SELECT name FROM migrations')
    : [];
  const [{ application_id: application }] = await source.query<[{ application_id: number }]>('PRAGMA application_id');
  // The list of migrations is made before the first of them: somebody is at it at this moment, or was cut off.
  if (done.length === 0 && tables.every(({ name }) => name === 'migrations' || name === 'sqlite_sequence')) return true;
  const known = new Set(MIGRATIONS.map(({ name }) => name));
  if (application !== APPLICATION_ID && !done.some(({ name }) => known.has(name))) {
    throw new TimbreError('STORAGE_INVALID', `${file} is a database of another program`);
  }
  const unknown = done.filter(({ name }) => !known.has(name));
  if (unknown.length > 0) {
    throw new TimbreError(
      'STORAGE_INVALID',
      `${file} was made by a newer version of Timbre (${unknown.map(({ name }) => name).join(', ')}); ` +
        'run that version, or restore a backup of this one',
    );
  }
  return false;
}

/** One connection, on which everything runs; it makes the file where it is missing. */
export function sourceOf(file: string, busyTimeoutMs = 5000): DataSource {
  return new DataSource({
    type: 'sqlite',
    driver: SQLITE,
    database: file,
    busyTimeout: busyTimeoutMs,
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'all',
    synchronize: false,
  });
}

/** What every connection that writes is set to, and what the file is. */
export async function setUp(source: DataSource): Promise<void> {
  await source.query('PRAGMA journal_mode = WAL');
  // An acknowledged write survives a power cut; deleted rows are overwritten.
  await source.query('PRAGMA synchronous = FULL');
  await source.query('PRAGMA secure_delete = ON');
  await source.query('PRAGMA trusted_schema = OFF');
  await source.query(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  // Before the first table: to another program that opens it meanwhile, tables without a mark are somebody else's.
  await source.query(`PRAGMA application_id = ${APPLICATION_ID}`);
}

/** Errors: STORAGE_UNAVAILABLE, STORAGE_EXPOSED where it is another user's or others have access. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    requirePrivate('the data folder', folder, await stat(folder));
  } catch (cause) {
    if (cause instanceof TimbreError) throw cause;
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot make the data folder: ${(cause as Error).message}`, { cause });
  }
}

/** For the service's own eyes; the files that SQLite puts beside it take its permissions. */
export async function makeFile(file: string): Promise<void> {
  try {
    await (await open(file, 'a', 0o600)).close();
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
  } catch (cause) {
    throw new TimbreError('STORAGE_UNAVAILABLE', `cannot write the database: ${(cause as Error).message}`, { cause });
  }
}
