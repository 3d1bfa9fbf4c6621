import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQLITE } from './sqlite.js';

type Connection = InstanceType<typeof SQLITE.Database>;

let folder: string;
let connection: Connection;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-sqlite-'));
  connection = await open();
  await run('CREATE TABLE voices (id INTEGER PRIMARY KEY, name TEXT UNIQUE)');
});
afterEach(async () => {
  await close(connection);
  await rm(folder, { recursive: true });
});

function open(): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const opened: Connection = new (SQLITE.verbose().Database)(join(folder, 'voices.sqlite'), (error) =>
      error ? reject(error) : resolve(opened),
    );
  });
}

function close(database: Connection): Promise<void> {
  return new Promise((resolve, reject) => database.close((error) => (error ? reject(error) : resolve())));
}

/** As TypeORM calls it. */
function run(sql: string, parameters: unknown[] = [], on = connection): Promise<{ lastID: number; changes: number }> {
  return new Promise((resolve, reject) => {
    on.run(sql, parameters, function (this: { lastID: number; changes: number }, error: Error | null) {
      if (error) reject(error);
      else resolve({ lastID: this.lastID, changes: this.changes });
    });
  });
}

function all(sql: string, parameters: unknown[] = [], on = connection): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    on.all(sql, parameters, (error: Error | null, rows: unknown[]) => (error ? reject(error) : resolve(rows)));
  });
}

const INSERT = 'INSERT INTO voices (name) VALUES (?)';
const SELECT = 'SELECT * FROM voices WHERE name = ?';

describe('the connection', () => {
  it('answers each call of a kept statement with its own parameters', async () => {
    expect(await run(INSERT, ['ada'])).toEqual({ lastID: 1, changes: 1 });
    expect(await run(INSERT, ['bob'])).toEqual({ lastID: 2, changes: 1 });
    expect(await all(SELECT, ['ada'])).toEqual([{ id: 1, name: 'ada' }]);
    expect(await all(SELECT, ['bob'])).toEqual([{ id: 2, name: 'bob' }]);
    expect(await all(SELECT, ['eve'])).toEqual([]);
    expect(await run('DELETE FROM voices')).toMatchObject({ changes: 2 });
  });

  it('answers calls of the same text that do not wait for each other', async () => {
    await run(INSERT, ['ada']);
    await run(INSERT, ['bob']);
    const answers = await Promise.all(['ada', 'bob', 'ada'].map((name) => all(SELECT, [name])));
    expect(answers).toEqual([[{ id: 1, name: 'ada' }], [{ id: 2, name: 'bob' }], [{ id: 1, name: 'ada' }]]);
  });

  it('tells what is wrong with a call once, and goes on', async () => {
    await run(INSERT, ['ada']);
    await expect(run(INSERT, ['ada'])).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
    expect(await run(INSERT, ['bob'])).toMatchObject({ changes: 1 });
    await expect(all('SELECT pitch FROM voices')).rejects.toThrow('no such column');
    await expect(all('SELECT pitch FROM voices')).rejects.toThrow('no such column');
  });

  it('sees a table that was changed since a statement was prepared', async () => {
    await run(INSERT, ['ada']);
    await all(SELECT, ['ada']);
    await run('ALTER TABLE voices ADD COLUMN age');
    expect(await all(SELECT, ['ada'])).toEqual([{ id: 1, name: 'ada', age: null }]);
    await run('VACUUM');
  });

  it('holds no lock after a call that failed for one, nor after one that succeeded', async () => {
    const other = await open();
    await run('BEGIN IMMEDIATE', [], other);
    await expect(run('BEGIN IMMEDIATE')).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    await run(INSERT, ['ada'], other);
    await run('COMMIT', [], other);
    await run('BEGIN IMMEDIATE');
    await run(INSERT, ['bob']);
    await run('COMMIT');
    expect(await all('SELECT name FROM voices ORDER BY id', [], other)).toEqual([{ name: 'ada' }, { name: 'bob' }]);
    await run('BEGIN EXCLUSIVE', [], other);
    await run('COMMIT', [], other);
    await close(other);
  });

  it('closes with what is under way, and with more texts than it keeps', async () => {
    const other = await open();
    for (let i = 0; i < 300; i++) await all(`SELECT ${i} AS value`, [], other);
    const last = all('SELECT 1 AS value', [], other);
    await close(other);
    expect(await last).toEqual([{ value: 1 }]);
  });
});
