import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { SettingEntity } from './entities/setting.entity.js';
import { insertRows } from './rows.js';

/*
 * Settings that say of a database that its data was moved, by `timbre migrate`. A move writes them in this order: the target
 * is a copy that is not finished; the source was moved away; the target is whole. At no moment do two databases let a service in.
 */
const NAMES = { copying: 'copy not finished', left: 'moved away', arrived: 'moved here' } as const;

/** Settings that belong to one database alone, and are never copied. */
export const MOVE_MARKS: readonly string[] = Object.values(NAMES);

/** How the source was when the copy began. */
export interface SourceState {
  /** `Head.database`, and its counter of changes. */
  database: string;
  counter: number;
  /** Of the head, the settings and the number of rows of every table, hexadecimal. */
  digest: string;
}

/** Of a copy that is not finished. */
export interface Copying {
  /** Of this move. */
  id: string;
  /** The source, for people: no user and no password. */
  from: string;
  /** ISO 8601, as all times here. */
  beganAt: string;
  source: SourceState;
  /** By table, or pass over it: rows that are there, and the key of the last one read; none before the first, null at the end. */
  tables: Record<string, { rows: number; after: unknown[] | null }>;
  /** Kept recordings whose audio is there, and the id of the last one passed; empty before the first. */
  audio: { recordings: number; after: string };
}

/** Of a database whose data was moved away. */
export interface Left {
  id: string;
  to: string;
  at: string;
}

/** Of a database that was made by a move. */
export interface Arrived {
  id: string;
  from: string;
  at: string;
}

interface Marks {
  copying: Copying;
  left: Left;
  arrived: Arrived;
}

/** Null where the database has no such mark. Errors: STORAGE_INVALID where it cannot be read. */
export async function readMoveMark<Name extends keyof Marks>(
  manager: EntityManager,
  name: Name,
): Promise<Marks[Name] | null> {
  const row = await manager.findOneBy(SettingEntity, { name: NAMES[name] });
  if (!row) return null;
  try {
    return JSON.parse(row.value.toString('utf8')) as Marks[Name];
  } catch (cause) {
    const text = `the database has a damaged setting "${NAMES[name]}"; restore a backup, or remove what was copied`;
    throw new TimbreError('STORAGE_INVALID', text, { cause });
  }
}

export async function writeMoveMark<Name extends keyof Marks>(
  manager: EntityManager,
  name: Name,
  mark: Marks[Name],
): Promise<void> {
  const row = { name: NAMES[name], value: Buffer.from(JSON.stringify(mark)) };
  await insertRows(manager, SettingEntity, [row], { replace: ['name'] });
}

export async function removeMoveMark(manager: EntityManager, name: keyof Marks): Promise<void> {
  await manager.delete(SettingEntity, { name: NAMES[name] });
}

/** Errors: STORAGE_UNFINISHED for a copy that is not finished. `place`: the database, for people. */
export async function requireWhole(manager: EntityManager, place: string): Promise<void> {
  const copying = await readMoveMark(manager, 'copying');
  if (!copying) return;
  throw new TimbreError(
    'STORAGE_UNFINISHED',
    `${place} holds a copy of ${copying.from} that is not finished (begun ${copying.beganAt}); ` +
      'run the same `timbre migrate` again, which goes on where it was cut off, or remove the copy',
  );
}

/**
 * Errors: STORAGE_UNFINISHED, and STORAGE_MOVED for what a move has left behind.
 */
export async function requireInUse(manager: EntityManager, place: string): Promise<void> {
  await requireWhole(manager, place);
  const left = await readMoveMark(manager, 'left');
  if (left) throw movedAway(place, left);
}

export function movedAway(place: string, { to, at }: Left): TimbreError {
  return new TimbreError(
    'STORAGE_MOVED',
    `${place} is what was left behind when its data was moved to ${to} (${at}): let the service use that, and remove this ` +
      'one; to go on with this one after all, without what was stored there since, run `timbre data acknowledge-restore`',
  );
}
