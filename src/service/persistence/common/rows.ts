import type { EntityManager, EntityMetadata, EntitySchema, ObjectLiteral, QueryResult } from 'typeorm';
import { askPrepared, dialectOf, runnerOf } from './dialect.js';
import { prepared } from './prepared.js';

/*
 * The statements of every request. TypeORM builds the text of its own anew for each call, with the numbers in it, so that
 * hardly one is like another and none stays prepared; here every value is a parameter, and texts are few.
 */

/** Rows of a statement that is kept: there is one for each number of them. */
const MOST_PREPARED = 16;

type Column = EntityMetadata['columns'][number];
type Key<Row> = keyof Row & string;

/**
 * The rows that have these values, which are not null; in the order of columns where they are given, and of those alike
 * in these the one first that was there first.
 */
export async function findRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  where: Partial<Row>,
  { order = [], limit }: { order?: readonly Key<Row>[]; limit?: number } = {},
): Promise<Row[]> {
  const table = tableOf(manager, entity);
  const { columns } = table;
  if (table.isNowhere(where)) return [];
  const matched = Object.keys(where).map(table.column);
  const sorted = order.map((property) => table.name(table.column(property)));
  if (sorted.length > 0 && table.rowOrder !== null) sorted.push(table.rowOrder);
  const text =
    `SELECT ${columns.map(table.name).join(', ')} FROM ${table.title} WHERE ${matching(table, matched)}` +
    (sorted.length > 0 ? ` ORDER BY ${sorted.join(', ')}` : '') +
    (limit === undefined ? '' : ` LIMIT ${limit}`);
  const { records } = await table.run(
    text,
    matched.map((column) => table.value(where, column)),
  );
  return (records as Record<string, unknown>[]).map((record) => {
    return Object.fromEntries(
      columns.map((column) => [column.propertyName, table.readAs(record[column.databaseName], column)]),
    ) as Row;
  });
}

/** One of `findRows`. */
export async function findRow<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  where: Partial<Row>,
): Promise<Row | null> {
  return (await findRows(manager, entity, where, { limit: 1 }))[0] ?? null;
}

/** A row, and the record that it was read from, which has more columns than the table. */
export interface RowWith<Row> {
  row: Row;
  record: Record<string, unknown>;
}

/** One of `findRows`, with more columns than the table's. */
export async function findRowWith<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  where: Partial<Row>,
  more: string,
): Promise<RowWith<Row> | null> {
  const table = tableOf(manager, entity);
  if (table.isNowhere(where)) return null;
  const { columns } = table;
  const matched = Object.keys(where).map(table.column);
  const { records } = await table.run(
    `SELECT ${columns.map(table.name).join(', ')}, ${more} FROM ${table.title} WHERE ${matching(table, matched)} LIMIT 1`,
    matched.map((column) => table.value(where, column)),
  );
  const [record] = records as Record<string, unknown>[];
  if (!record) return null;
  const read = columns.map((column) => [column.propertyName, table.readAs(record[column.databaseName], column)]);
  return { row: Object.fromEntries(read) as Row, record };
}

/** A table among others in a statement of one's own: its columns for SELECT, and the row in a record that it gives. */
export function selection<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  alias: string,
): { columns: string; row: (record: Record<string, unknown>) => Row } {
  const { columns, name, readAs } = tableOf(manager, entity);
  const own = (column: Column): string => `${alias}_${column.databaseName}`;
  return {
    columns: columns.map((column) => `${alias}.${name(column)} AS "${own(column)}"`).join(', '),
    row: (record) =>
      Object.fromEntries(columns.map((column) => [column.propertyName, readAs(record[own(column)], column)])) as Row,
  };
}

/** What to do about a row of the same key: replace its values, or leave it and the new one out. */
export type OnConflict<Row> = { replace: readonly Key<Row>[] } | { keep: readonly Key<Row>[] };

/** Says how many rows there are more, or with new values. */
export async function insertRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  rows: readonly Partial<Row>[],
  onConflict?: OnConflict<Row>,
): Promise<number> {
  const [first] = rows;
  if (!first) return 0;
  const table = tableOf(manager, entity);
  const columns = table.columns.filter(({ propertyName }) => propertyName in first);
  const names = columns.map(table.name);
  const one = `(${names.map(() => '?').join(', ')})`;
  const text = `INSERT INTO ${table.title} (${names.join(', ')}) VALUES ${rows.map(() => one).join(', ')}`;
  const run = rows.length > MOST_PREPARED ? table.runAnew : table.run;
  const { affected } = await run(
    text + (onConflict ? conflicting(table, names, onConflict) : ''),
    rows.flatMap((row) => columns.map((column) => table.value(row, column))),
  );
  return affected ?? 0;
}

/** A column whose value the database finds: SQL in the place of its parameter, with the values of its own parameters. */
export interface FoundColumn<Row> {
  column: Key<Row>;
  sql: string;
  values: readonly unknown[];
}

/** Inserts one row, and gives the value that was found for a column. */
export async function insertFinding<Row extends ObjectLiteral, Value>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  row: Partial<Row>,
  { column: property, sql, values }: FoundColumn<Row>,
): Promise<Value> {
  const table = tableOf(manager, entity);
  const found = table.column(property);
  if (dialectOf(manager).name === 'sqlite') {
    // Its driver gives no rows of what is inserted.
    const [before] = await askPrepared<{ found: unknown }>(manager, `SELECT ${sql} AS found`, [...values]);
    const value = table.readAs(before?.found, found) as Value;
    await insertRows(manager, entity, [{ ...row, [property]: value }]);
    return value;
  }
  const columns = table.columns.filter(({ propertyName }) => propertyName in row);
  const places = columns.map((column) => (column === found ? sql : '?')).join(', ');
  const { records } = await table.run(
    `INSERT INTO ${table.title} (${columns.map(table.name).join(', ')}) VALUES (${places}) RETURNING ${table.name(found)} AS found`,
    columns.flatMap((column) => (column === found ? values : [table.value(row, column)])),
  );
  const [record] = records as { found: unknown }[];
  return table.readAs(record?.found, found) as Value;
}

function conflicting<Row>(table: Table<Row>, names: readonly string[], onConflict: OnConflict<Row>): string {
  const [key, action] =
    'keep' in onConflict
      ? [onConflict.keep, 'NOTHING']
      : [onConflict.replace, `UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`];
  return ` ON CONFLICT (${key.map((property) => table.name(table.column(property))).join(', ')}) DO ${action}`;
}

/** Changes the rows that have these values, which are not null, and says how many there were. */
export async function updateRows<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  where: Partial<Row>,
  changes: Partial<Row>,
): Promise<number> {
  const table = tableOf(manager, entity);
  const changed = Object.keys(changes).map(table.column);
  const matched = Object.keys(where).map(table.column);
  const assignments = changed.map((column) => `${table.name(column)} = ?`).join(', ');
  const text = `UPDATE ${table.title} SET ${assignments} WHERE ${matching(table, matched)}`;
  const values = [
    ...changed.map((column) => table.value(changes, column)),
    ...matched.map((column) => table.value(where, column)),
  ];
  const { affected } = await table.run(text, values);
  return affected ?? 0;
}

function matching(table: Pick<Table<never>, 'name'>, columns: readonly Column[]): string {
  return columns.map((column) => `${table.name(column)} = ?`).join(' AND ');
}

interface Table<Row> {
  /** Escaped, as are the names of its columns. */
  title: string;
  columns: Column[];
  /** The order in which rows were put there; null where the table does not keep it. */
  rowOrder: string | null;
  /** Whether no row can have these values. */
  isNowhere: (where: Partial<Row>) => boolean;
  name: (column: Column) => string;
  column: (property: string) => Column;
  /** A value of a row as the database has it, and of a record as the row has it. */
  value: (row: Partial<Row>, column: Column) => unknown;
  readAs: (value: unknown, column: Column) => unknown;
  run: (text: string, values: unknown[]) => Promise<QueryResult>;
  /** Of one of many texts. */
  runAnew: (text: string, values: unknown[]) => Promise<QueryResult>;
}

function tableOf<Row extends ObjectLiteral>(manager: EntityManager, entity: EntitySchema<Row>): Table<Row> {
  const { connection } = manager;
  const { driver } = connection;
  const { rowOrder, impossible, text: toText } = dialectOf(manager);
  const metadata = connection.getMetadata(entity);
  const runner = runnerOf(manager);
  return {
    title: driver.escape(metadata.tableName),
    columns: metadata.columns.filter(({ isSelect }) => isSelect),
    rowOrder: rowOrder(metadata.tableName),
    isNowhere: (where) => Object.values(where).some(impossible),
    name: ({ databaseName }) => driver.escape(databaseName),
    column: (property) => {
      const column = metadata.findColumnWithPropertyName(property);
      if (!column) throw new Error(`${metadata.tableName} has no column for ${property}`);
      return column;
    },
    value: (row, column) => driver.preparePersistentValue(row[column.propertyName], column) as unknown,
    readAs: (value, column) => driver.prepareHydratedValue(value, column) as unknown,
    run: (text, values) => runner.query(prepared(toText(text)), values, true),
    runAnew: (text, values) => runner.query(toText(text), values, true),
  };
}
