import type { EntityManager, QueryRunner } from 'typeorm';
import { prepared } from './prepared.js';

/** A list of texts as one parameter: what stands in the statement in its place, and the value of the parameter. */
export interface TextList {
  /** A table of one column, `value`, for FROM. */
  table: string;
  /** Behind IN. */
  within: string;
  value: unknown;
}

/**
 * The words that databases have for what statements here need. Everything else is the same in both: `?` for parameters (or
 * `?1`, in the order of `values`), quoted aliases, comparisons of rows, CAST.
 */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  /** A statement with its parameters as the driver has them. */
  readonly text: (sql: string) => string;
  /** `at`: the text of the parameter, `?` or one with a number; `as`: what the table is called. */
  readonly list: (values: readonly string[], at?: string, as?: string) => TextList;
  /** Pairs of texts, behind IN, and the values of the parameters. */
  readonly pairs: (values: readonly (readonly [string, string])[]) => { within: string; values: unknown[] };
  /** A join of two tables in just this order, where the database would choose another. */
  readonly inOrder: string;
  /** Behind the alias of a table: by which index it is searched, where the database would choose another. */
  readonly by: (index: string) => string;
  /** Of LIMIT, where only OFFSET says something. */
  readonly unlimited: string;
  /** A random UUID. */
  readonly uuid: string;
  /** Whether a text has another in it, as a condition. */
  readonly has: (text: string, part: string) => string;
  /** Elements of a JSON array in a column of text, or members of an object: a table of one column, `value`, as text. */
  readonly elements: (json: string) => string;
  readonly members: (json: string) => string;
  /** Number under a key of a JSON object in a column of text. */
  readonly numberIn: (json: string, key: string) => string;
  /** Length of the array under a key. */
  readonly lengthIn: (json: string, key: string) => string;
  /** Elements of the array under a key: a table of one column, `value`, of JSON objects. */
  readonly objectsIn: (json: string, key: string) => string;
  /** Text, and number, under a key of such an element. */
  readonly textOf: (value: string, key: string) => string;
  readonly numberOf: (value: string, key: string) => string;
  /** Such elements as one JSON array, as text; of none null, or an empty array. */
  readonly gathered: (value: string) => string;
  /** Values under keys as such an element. */
  readonly object: (members: Readonly<Record<string, string>>) => string;
  /** Whether a value can be nowhere in the database: no row has it. */
  readonly impossible: (value: unknown) => boolean;
  /** The order in which rows of a table were put there, as the last column of ORDER BY; null where it has none. */
  readonly rowOrder: (table: string) => string | null;
}

/** Keys of a JSON object, each before its value. */
function paired(members: Readonly<Record<string, string>>): string {
  return Object.entries(members)
    .map(([key, value]) => `'${key}', ${value}`)
    .join(', ');
}

const SQLITE: Dialect = {
  name: 'sqlite',
  text: (sql) => sql,
  list: (values, at = '?', as = 'each') => ({
    table: `json_each(${at}) AS ${as}`,
    within: `(SELECT value FROM json_each(${at}))`,
    value: JSON.stringify(values),
  }),
  pairs: (values) => ({
    within: '(SELECT value ->> 0, value ->> 1 FROM json_each(?))',
    values: [JSON.stringify(values)],
  }),
  inOrder: 'CROSS JOIN',
  by: (index) => `INDEXED BY ${index}`,
  unlimited: '-1',
  uuid: `lower(
    hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' ||
    substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`,
  has: (text, part) => `instr(${text}, ${part}) > 0`,
  elements: (json) => `json_each(${json})`,
  members: (json) => `json_each(${json})`,
  numberIn: (json, key) => `${json} ->> '$.${key}'`,
  lengthIn: (json, key) => `json_array_length(${json}, '$.${key}')`,
  objectsIn: (json, key) => `json_each(${json}, '$.${key}')`,
  textOf: (value, key) => `${value} ->> '$.${key}'`,
  numberOf: (value, key) => `${value} ->> '$.${key}'`,
  gathered: (value) => `json_group_array(json(${value}))`,
  object: (members) => `json_object(${paired(members)})`,
  impossible: () => false,
  rowOrder: () => 'rowid',
};

/** Tables whose rows keep the order in which they came on every database: on PostgreSQL in a column of their own, `rowid`. */
export const ORDERED_TABLES: readonly string[] = ['enrollments'];

const json = (text: string): string => `CAST(${text} AS json)`;

/** As a query of its own: a plan does not depend on how many there are, so that one that is kept is as good as another. */
const unnested = (list: string): string => `unnest((SELECT CAST(${list} AS text[])))`;

const POSTGRES: Dialect = {
  name: 'postgres',
  text: numbered,
  list: (values, at = '?', as = 'each') => ({
    table: `${unnested(at)} AS ${as}(value)`,
    within: `(SELECT ${unnested(at)})`,
    value: values.filter((value) => !value.includes('\0')),
  }),
  pairs: (values) => ({
    within: '(SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS text[])))',
    values: [values.map(([one]) => one), values.map(([, other]) => other)],
  }),
  inOrder: 'JOIN',
  by: () => '',
  unlimited: 'ALL',
  uuid: 'CAST(gen_random_uuid() AS text)',
  has: (text, part) => `strpos(${text}, ${part}) > 0`,
  elements: (text) => `json_array_elements_text(${json(text)}) AS each(value)`,
  members: (text) => `json_each_text(${json(text)}) AS each(key, value)`,
  numberIn: (text, key) => `CAST(${json(text)} ->> '${key}' AS double precision)`,
  lengthIn: (text, key) => `json_array_length(${json(text)} -> '${key}')`,
  objectsIn: (text, key) => `json_array_elements(${json(text)} -> '${key}') AS each(value)`,
  textOf: (value, key) => `${value} ->> '${key}'`,
  numberOf: (value, key) => `CAST(${value} ->> '${key}' AS double precision)`,
  gathered: (value) => `CAST(json_agg(${value}) AS text)`,
  object: (members) => `json_build_object(${paired(members)})`,
  impossible: (value) => typeof value === 'string' && value.includes('\0'),
  rowOrder: (table) => (ORDERED_TABLES.includes(table) ? 'rowid' : null),
};

export function dialectOf({ connection }: EntityManager): Dialect {
  return connection.options.type === 'postgres' ? POSTGRES : SQLITE;
}

/** Statements are few and the same again and again. */
const known = new Map<string, string>();
const MOST_KNOWN = 1000;

/** `$1` in the place of `?`; one without a number is the one behind the greatest so far, as in SQLite. */
function numbered(sql: string): string {
  const before = known.get(sql);
  if (before !== undefined) return before;
  let last = 0;
  const text = sql.replace(/\?(\d*)/g, (_, digits: string) => {
    const own = digits === '' ? last + 1 : Number(digits);
    last = Math.max(last, own);
    return `$${own}`;
  });
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(sql, text);
  return text;
}

/** The rows that a statement gives. */
export function ask<Row>(manager: EntityManager, sql: string, values: unknown[] = []): Promise<Row[]> {
  return manager.query<Row[]>(dialectOf(manager).text(sql), values);
}

/** The same for a statement of every request, see prepared.ts. */
export function askPrepared<Row>(manager: EntityManager, sql: string, values: unknown[] = []): Promise<Row[]> {
  return manager.query<Row[]>(prepared(dialectOf(manager).text(sql)), values);
}

/** How many rows a statement has changed, put there or deleted. */
export async function affect(manager: EntityManager, sql: string, values: unknown[] = []): Promise<number> {
  const { affected } = await runnerOf(manager).query(dialectOf(manager).text(sql), values, true);
  return affected ?? 0;
}

/** The connection of a transaction, or of a reading. */
export function runnerOf(manager: EntityManager): QueryRunner {
  if (manager.queryRunner) return manager.queryRunner;
  // One that is taken out of the pool here would be given back by nobody.
  if (dialectOf(manager).name !== 'sqlite') throw new Error('a statement outside of transactions and readings');
  // SQLite has one for all.
  return manager.connection.createQueryRunner();
}
