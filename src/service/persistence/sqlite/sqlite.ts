import sqlite3, { type Statement } from 'sqlite3';

/** What the service asks again and again; what the rest leaves here is soon pushed out by it. */
const MOST_READY = 128;
/** Not PRAGMA, much of which happens while it is prepared. */
const WORTH_KEEPING = /^(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK)\b/;

/** Not in the package's types. `prepared` is told of success too. */
type StatementClass = new (
  database: sqlite3.Database,
  sql: string,
  prepared: (error: Error | null) => void,
) => Statement;
const PreparedStatement = sqlite3.Statement as unknown as StatementClass;

type Callback = (this: Statement, error: Error | null, rows?: unknown[]) => void;

/**
 * A connection that keeps the statements of TypeORM's calls prepared, by their text: parsing them anew costs a call as
 * much as running them, and one more turn of the thread pool.
 */
class PreparingDatabase extends sqlite3.Database {
  /** Prepared and at rest, the one used last at the end. */
  private readonly ready = new Map<string, Statement>();
  private closing = false;

  override all(...words: unknown[]): this {
    return this.perform('all', words) ?? super.all(...(words as [string]));
  }

  override run(...words: unknown[]): this {
    return this.perform('run', words) ?? super.run(...(words as [string]));
  }

  /** SQLite closes nothing that has statements. */
  override close(callback?: (error: Error | null) => void): void {
    this.closing = true;
    for (const statement of this.ready.values()) statement.finalize();
    this.ready.clear();
    super.close(callback);
  }

  /** Undefined where it is no call of TypeORM's, or not worth keeping. */
  private perform(method: 'all' | 'run', words: unknown[]): this | undefined {
    const [sql, parameters, callback] = words as [string, unknown[] | undefined, Callback | undefined];
    if (typeof callback !== 'function' || !WORTH_KEEPING.test(sql)) return undefined;
    // Out of the map while it works: another call of the same text in between prepares its own.
    const known = this.ready.get(sql);
    this.ready.delete(sql);
    const statement =
      known ??
      new PreparedStatement(this, sql, (error: Error | null) => {
        // Then the call itself is not answered.
        if (error) callback.call(statement, error);
      });
    statement[method](parameters ?? [], (error: Error | null, rows?: unknown[]) => {
      // One that failed may still hold what it has locked.
      if (error || this.closing) statement.finalize();
      else this.keep(sql, statement);
      callback.call(statement, error, rows);
    });
    return this;
  }

  private keep(sql: string, statement: Statement): void {
    this.ready.get(sql)?.finalize();
    this.ready.delete(sql);
    this.ready.set(sql, statement);
    if (this.ready.size <= MOST_READY) return;
    const [oldest, unused] = this.ready.entries().next().value!;
    unused.finalize();
    this.ready.delete(oldest);
  }
}

const driver = { ...sqlite3, Database: PreparingDatabase };

/** For TypeORM, which asks for traces of every call; they cost more than the calls. */
export const SQLITE = { ...driver, verbose: () => driver };
