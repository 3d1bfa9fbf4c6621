import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { LogFrames } from './log-frames.js';
import { PageWiping } from './page-wiping.js';
import { SQLITE } from './sqlite.js';

let folder: string;
let source: DataSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-wiping-'));
  const database = join(folder, 'voices.sqlite');
  source = await new DataSource({ type: 'sqlite', driver: SQLITE, database }).initialize();
  await source.query('PRAGMA journal_mode = WAL');
  await source.query('PRAGMA wal_autocheckpoint = 0');
  await source.query('CREATE TABLE voices (id INTEGER PRIMARY KEY, name TEXT)');
});
afterEach(async () => {
  jest.restoreAllMocks();
  await source.destroy();
  await rm(folder, { recursive: true });
});

/** Writes so many pages. */
function grow(pages: number): Promise<unknown> {
  const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${pages})`;
  return source.query(`INSERT INTO voices (name) ${rows} SELECT hex(zeroblob(1900)) FROM n`);
}

async function step(wiping: PageWiping): Promise<boolean> {
  await source.query('BEGIN IMMEDIATE');
  const isLast = await wiping.step();
  await source.query('COMMIT');
  await wiping.committed();
  return isLast;
}

describe('wiping pages', () => {
  it('ends where every step is slow and others write more between two steps than a slow step passes', async () => {
    // Every look at the clock is a second later: steps pass as few pages as they ever do.
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    await grow(100);
    const [{ page_size: bytes }] = await source.query<[{ page_size: number }]>('PRAGMA page_size');
    const wiping = new PageWiping(source.manager, new LogFrames(join(folder, 'voices.sqlite-wal'), bytes));
    let steps = 1;
    for (; !(await step(wiping)) && steps < 50; steps++) await grow(20);
    expect(steps).toBeGreaterThan(3);
    expect(steps).toBeLessThan(20);
  });
});
