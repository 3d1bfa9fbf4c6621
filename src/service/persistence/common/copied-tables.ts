import { QueryFailedError, type DataSource, type EntityManager, type EntityMetadata } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { ask, dialectOf, ORDERED_TABLES } from './dialect.js';
import { ENTITIES } from './entities/index.js';

/** Tables of entities that a move leaves out, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  counters: 'the target counts its rows itself, and its changes by the last that was copied',
};

/** Columns that the target counts itself, with every row of another table that comes; they begin at 0. */
const COUNTED: Readonly<Record<string, readonly string[]>> = { speaker_groups: ['members'] };

/** Columns that tell of a process that is gone: leases of whoever had a recording in hand. */
const EMPTIED: Readonly<Record<string, readonly string[]>> = { job_items: ['lease', 'lease_until'] };

/** What is not said by foreign keys: rows of the first are there before the second's count them. */
const ORDER: readonly (readonly [string, string])[] = [['speaker_groups', 'speaker_terms']];

/** What everything else hangs on comes last. */
const LAST: readonly string[] = ['settings', 'register'];

interface CopiedColumn {
  name: string;
  isBoolean: boolean;
  isCounted: boolean;
  isEmptied: boolean;
  /** Refers to a row of the same table, which may come later: nothing stands there until all rows are there. */
  isReference: boolean;
}

/** A table that is copied. A row is an array: its values in the order of the columns, booleans as such. */
export interface CopiedTable {
  name: string;
  columns: readonly CopiedColumn[];
  /** Places of the primary key's columns in a row. */
  key: readonly number[];
}

export type CopiedRow = unknown[];

/** Every table that is copied, each after those that it refers to. */
export function copiedTables(source: DataSource): CopiedTable[] {
  const all = ENTITIES.map((entity) => source.getMetadata(entity)).filter(({ tableName }) => !(tableName in LEFT_OUT));
  return inOrder(all).map(tableOf);
}

function tableOf({ tableName: name, columns, primaryColumns, foreignKeys }: EntityMetadata): CopiedTable {
  const references = foreignKeys
    .filter(({ referencedEntityMetadata }) => referencedEntityMetadata.tableName === name)
    .flatMap((foreign) => foreign.columns);
  const own = columns
    .filter(({ isSelect }) => isSelect)
    .map((column) => ({
      name: column.databaseName,
      isBoolean: column.type === 'boolean',
      isCounted: COUNTED[name]?.includes(column.databaseName) ?? false,
      isEmptied: EMPTIED[name]?.includes(column.databaseName) ?? false,
      isReference: references.includes(column),
    }));
  if (ORDERED_TABLES.includes(name)) {
    own.push({ name: 'rowid', isBoolean: false, isCounted: false, isEmptied: false, isReference: false });
  }
  const key = primaryColumns.map(({ databaseName }) => own.findIndex((column) => column.name === databaseName));
  return { name, columns: own, key };
}

function inOrder(all: readonly EntityMetadata[]): EntityMetadata[] {
  const byName = new Map(all.map((metadata) => [metadata.tableName, metadata]));
  const done = new Set<string>();
  const sorted: EntityMetadata[] = [];
  const add = (metadata: EntityMetadata, within: readonly string[]): void => {
    const { tableName } = metadata;
    if (done.has(tableName)) return;
    if (within.includes(tableName)) throw new Error(`${[...within, tableName].join(', ')} refer to each other`);
    const before = [
      ...metadata.foreignKeys.map(({ referencedEntityMetadata }) => referencedEntityMetadata.tableName),
      ...ORDER.filter(([, second]) => second === tableName).map(([first]) => first),
    ].filter((name) => name !== tableName);
    for (const name of before) {
      const other = byName.get(name);
      if (other) add(other, [...within, tableName]);
    }
    done.add(tableName);
    sorted.push(metadata);
  };
  const isLast = ({ tableName }: EntityMetadata): boolean => LAST.includes(tableName);
  for (const metadata of all.filter((one) => !isLast(one))) add(metadata, []);
  for (const name of LAST) add(byName.get(name)!, []);
  return sorted;
}

export function keyOf({ key }: CopiedTable, row: CopiedRow): unknown[] {
  return key.map((at) => row[at]);
}

/** Rows behind a key, in the order of keys; null: from the first on. */
export async function readCopied(
  manager: EntityManager,
  table: CopiedTable,
  after: readonly unknown[] | null,
  limit: number,
): Promise<CopiedRow[]> {
  const keys = table.key.map((at) => quoted(table.columns[at]!.name)).join(', ');
  const places = table.key.map(() => '?').join(', ');
  const where = after ? ` WHERE (${keys}) > (${places})` : '';
  const records = await ask<Record<string, unknown>>(
    manager,
    `SELECT ${names(table)} FROM "${table.name}"${where} ORDER BY ${keys} LIMIT ?`,
    [...(after ?? []), limit],
  );
  return records.map((record) =>
    table.columns.map(({ name, isBoolean }) => {
      const value = record[name];
      return isBoolean && typeof value === 'number' ? value !== 0 : (value ?? null);
    }),
  );
}

/** Parameters of one statement; SQLite takes 32,766. */
const MOST_VALUES = 30_000;

/** Errors: STORAGE_INVALID for a text that PostgreSQL cannot store, and for rows that refer to what is not there. */
export async function insertCopied(
  manager: EntityManager,
  table: CopiedTable,
  rows: readonly CopiedRow[],
): Promise<void> {
  const { name, impossible } = dialectOf(manager);
  const one = `(${table.columns.map(() => '?').join(', ')})`;
  const atOnce = Math.floor(MOST_VALUES / table.columns.length);
  for (let from = 0; from < rows.length; from += atOnce) {
    const part = rows.slice(from, from + atOnce);
    const values = part.flatMap((row) => {
      const wrong = row.findIndex(impossible);
      if (wrong >= 0) throw cannotBeStored(table, row, table.columns[wrong]!.name);
      return row.map((value, i) => {
        if (table.columns[i]!.isCounted) return 0;
        if (table.columns[i]!.isReference) return null;
        return typeof value === 'boolean' && name === 'sqlite' ? Number(value) : value;
      });
    });
    const text = `INSERT INTO "${table.name}" (${names(table)}) VALUES ${part.map(() => one).join(', ')}`;
    await ask(manager, text, values).catch((error: unknown) => {
      throw isConstraint(error) ? doesNotFit(table, part, error) : error;
    });
  }
}

/** Whether rows refer to others of the same table. */
export function refersToItself({ columns }: CopiedTable): boolean {
  return columns.some(({ isReference }) => isReference);
}

/** What rows that are there refer to in their own table, all of whose rows are there. Errors: as of `insertCopied`. */
export async function referCopied(
  manager: EntityManager,
  table: CopiedTable,
  rows: readonly CopiedRow[],
): Promise<void> {
  const references = table.columns.flatMap(({ isReference }, at) => (isReference ? [at] : []));
  const set = references.map((at) => `${quoted(table.columns[at]!.name)} = ?`).join(', ');
  const where = table.key.map((at) => `${quoted(table.columns[at]!.name)} = ?`).join(' AND ');
  for (const row of rows) {
    const values = references.map((at) => row[at]);
    if (values.every((value) => value === null)) continue;
    const text = `UPDATE "${table.name}" SET ${set} WHERE ${where}`;
    await ask(manager, text, [...values, ...keyOf(table, row)]).catch((error: unknown) => {
      throw isConstraint(error) ? doesNotFit(table, [row], error) : error;
    });
  }
}

export async function countRows(manager: EntityManager, { name }: CopiedTable): Promise<number> {
  const [found] = await ask<{ count: number }>(manager, `SELECT COUNT(*) AS count FROM "${name}"`);
  return found?.count ?? 0;
}

/** What a row is in the target. */
export function emptied({ columns }: CopiedTable, row: CopiedRow): CopiedRow {
  return row.map((value, i) => (columns[i]!.isEmptied ? null : value));
}

/** The first column in which two rows differ, but for those that databases count themselves; undefined where none does. */
export function difference({ columns }: CopiedTable, one: CopiedRow, other: CopiedRow): string | undefined {
  return columns.find(({ isCounted }, i) => !isCounted && !isSame(one[i], other[i]))?.name;
}

function isSame(one: unknown, other: unknown): boolean {
  if (Buffer.isBuffer(one)) return Buffer.isBuffer(other) && one.equals(other);
  return one === other;
}

/** Roughly, for bounds of memory. */
export function bytesOf(row: CopiedRow): number {
  return row.reduce<number>((sum, value) => {
    if (Buffer.isBuffer(value) || typeof value === 'string') return sum + value.length;
    return sum + 8;
  }, 0);
}

function cannotBeStored(table: CopiedTable, row: CopiedRow, column: string): TimbreError {
  const text =
    `the row ${JSON.stringify(keyOf(table, row))} of ${table.name} has a NUL character in ${column}, which PostgreSQL ` +
    'cannot store; change it with a service on the source, and begin again';
  return new TimbreError('STORAGE_INVALID', text);
}

/** Of either driver: PostgreSQL's class 23, and SQLite's SQLITE_CONSTRAINT. */
function isConstraint(error: unknown): error is QueryFailedError {
  if (!(error instanceof QueryFailedError)) return false;
  const { code } = error.driverError as { code?: unknown };
  return typeof code === 'string' && /^(23[0-9A-Z]{3}|SQLITE_CONSTRAINT)$/.test(code);
}

function doesNotFit(table: CopiedTable, rows: readonly CopiedRow[], cause: QueryFailedError): TimbreError {
  const [first, last] = [rows[0], rows.at(-1)].map((row) => JSON.stringify(keyOf(table, row!)));
  const text =
    `rows of ${table.name} from ${first} to ${last} do not fit beside the others (${cause.message}): another program has ` +
    'changed the source; `timbre doctor --data-dir` says what, and a backup has it';
  return new TimbreError('STORAGE_INVALID', text, { cause });
}

function names({ columns }: CopiedTable): string {
  return columns.map(({ name }) => quoted(name)).join(', ');
}

function quoted(name: string): string {
  return `"${name}"`;
}
