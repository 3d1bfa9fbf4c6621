import type { EntityManager, MigrationInterface } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { NEEDED, POSTGRES_MIGRATIONS } from './migrations/index.js';

/** What a version of the service knows of the schema. */
export interface SchemaVersion {
  migrations: readonly (new () => MigrationInterface)[];
  /** Name of the last of them that those who do not know it cannot go on with. */
  needed: string;
}

export const THIS_VERSION: SchemaVersion = { migrations: POSTGRES_MIGRATIONS, needed: NEEDED };

/** What the list of migrations is noted with: the name of the last one that everybody has to know. */
const NEEDS = 'needs ';

/** Names of migrations that were run, in their order. The list of them is there. */
export async function migrationsRun(manager: EntityManager): Promise<string[]> {
  const rows = await manager.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY timestamp, id');
  return rows.map(({ name }) => name);
}

/** Names of those that were run by a newer version. */
export async function newerMigrations(manager: EntityManager, { migrations }: SchemaVersion): Promise<string[]> {
  const known = new Set(migrations.map(({ name }) => name));
  return (await migrationsRun(manager)).filter((name) => !known.has(name));
}

/** Whether this version can go on with what a newer one has made: it only added. */
export async function mayGoOn(manager: EntityManager, { migrations }: SchemaVersion): Promise<boolean> {
  const needed = await readNeeded(manager);
  return needed !== null && migrations.some(({ name }) => name === needed);
}

/** Errors: STORAGE_INVALID where the schema is a newer version's: there is something that this one does not know. */
export async function requireNothingNewer(
  manager: EntityManager,
  schema: string,
  version: SchemaVersion,
): Promise<void> {
  const newer = await newerMigrations(manager, version);
  if (newer.length > 0) throw newerSchema(schema, newer);
}

export function newerSchema(schema: string, names: readonly string[]): TimbreError {
  const text = `the schema ${schema} was made by a newer version of Timbre (${names.join(', ')}); run that version, or restore a backup`;
  return new TimbreError('STORAGE_INVALID', text);
}

/** Whether bringing the tables up to date takes something away from those who do not know the last migration. */
export async function takesAway(manager: EntityManager, { migrations, needed }: SchemaVersion): Promise<boolean> {
  const run = await migrationsRun(manager);
  const upTo = migrations.findIndex(({ name }) => name === needed);
  return migrations.slice(0, upTo + 1).some(({ name }) => !run.includes(name));
}

/** Notes what everybody has to know from now on, unless a newer version has noted more. */
export async function noteNeeded(manager: EntityManager, { migrations, needed }: SchemaVersion): Promise<void> {
  const noted = await readNeeded(manager);
  const place = (name: string): number => migrations.findIndex((one) => one.name === name);
  if (noted !== null && (place(noted) < 0 || place(noted) >= place(needed))) return;
  await manager.query(`COMMENT ON TABLE migrations IS '${NEEDS}${needed}'`);
}

async function readNeeded(manager: EntityManager): Promise<string | null> {
  const [row] = await manager.query<{ comment: string | null }[]>(
    `SELECT obj_description('migrations'::regclass, 'pg_class') AS comment`,
  );
  return row?.comment?.startsWith(NEEDS) ? row.comment.slice(NEEDS.length) : null;
}
