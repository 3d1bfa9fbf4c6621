import type { DataSource } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { MIGRATIONS } from './migrations/index.js';

export const DATABASE_FILE = 'timbre.sqlite';

/** Marks the file as ours in its header ("Timb"), see PRAGMA application_id. */
export const APPLICATION_ID = 0x54696d62;

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
