import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';

/** Statements on a database file from outside, as another program sends them; gives the rows of the last. */
export async function outside(folder: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const database = new sqlite3.Database(join(folder, DATABASE_FILE));
  let rows: Record<string, unknown>[] = [];
  try {
    for (const sql of statements) {
      rows = await new Promise((resolve, reject) =>
        database.all(sql, (error, found) => {
          if (error) reject(error);
          else resolve(found as Record<string, unknown>[]);
        }),
      );
    }
  } finally {
    await new Promise((resolve) => {
      database.close(resolve);
    });
  }
  return rows;
}
