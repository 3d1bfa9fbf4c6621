import type { Logger } from 'typeorm';
import type { Store } from '../../src/service/persistence/common/store.js';

export interface Statement {
  sql: string;
  values: unknown[];
}

/** Every statement that the database gets from now on, until `stop`. */
export async function watch(database: Store): Promise<{ statements: Statement[]; stop: () => void }> {
  const statements: Statement[] = [];
  const connection = await database.query((manager) => Promise.resolve(manager.connection));
  const before = connection.logger;
  const nothing = (): void => undefined;
  const logger: Logger = {
    logQuery: (sql, values: unknown[] = []) => void statements.push({ sql, values }),
    logQueryError: nothing,
    logQuerySlow: nothing,
    logSchemaBuild: nothing,
    logMigration: nothing,
    log: nothing,
  };
  connection.logger = logger;
  return { statements, stop: () => void (connection.logger = before) };
}

/** The steps of SQLite's plan for a statement. */
export async function planOf(database: Store, { sql, values }: Statement): Promise<string[]> {
  const rows = await database.query((manager) =>
    manager.query<{ detail: string }[]>(`EXPLAIN QUERY PLAN ${sql}`, values),
  );
  return rows.map(({ detail }) => detail);
}

/** Queries of the jobs that are not finished: TIMBRE_MAX_JOBS bounds how many there are. */
const FEW = /\bstate"? IN \(/;

/** Columns of what few rows have: to begin with those that have nothing there is to begin with nearly all. */
const MOSTLY_EMPTY = ['consent_withdrawn_at', 'notice_at', 'frozen_at'];

/**
 * Steps whose work grows with the number of rows that there are: a scan that no limit ends, or a sort of all that was
 * found.
 */
export async function unbounded(database: Store, statement: Statement): Promise<string[]> {
  const { sql } = statement;
  if (!/^(SELECT|UPDATE|DELETE)\b/i.test(sql) || FEW.test(sql)) return [];
  const plan = await planOf(database, statement);
  const sorts = plan.filter((step) => step.includes('USE TEMP B-TREE'));
  // With a condition, a limit ends a scan only where enough of what is scanned meets it.
  const limited = /\bLIMIT\b/i.test(sql) && !/\bWHERE\b/i.test(sql) && sorts.length === 0;
  // Values that the statement brings itself are no table.
  const tables = plan.filter((step) => /^SCAN\b/.test(step) && !/^SCAN \w+ VIRTUAL TABLE\b/.test(step));
  const scans = tables.filter((step) => !(limited && / USING .*INDEX /.test(step)));
  const empty = plan.filter((step) => {
    const column = /^SEARCH .*\((\w+)=\?\)$/.exec(step)?.[1] ?? '';
    return MOSTLY_EMPTY.includes(column) && new RegExp(`\\b${column}"? IS NULL\\b`, 'i').test(sql);
  });
  return [...scans, ...empty, ...sorts];
}
