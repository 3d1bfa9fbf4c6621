import { test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import sqlite3 from 'sqlite3';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import type { DataReport, ExamineOptions } from '../../src/service/persistence/common/examine.js';
import { dataOf, type Data } from '../../src/service/persistence/data.js';
import type { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import type { ChangeFeed } from '../../src/service/records/change-feed.js';
import type { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import type { CurrentModel } from '../../src/service/voices/current-model.js';
import { NativeVoiceIndex } from '../../src/service/voices/native-voice-index.js';
import type { VoiceIndex, VoiceIndexReport } from '../../src/service/voices/voice-index.js';
import { PgvectorDatabase } from '../../src/service/persistence/postgres/pgvector/pgvector-database.js';
import type { KeptAudio } from '../../src/service/records/kept-audio.js';
import { PostgresKeptAudio } from '../../src/service/persistence/postgres/postgres-kept-audio.js';
import { AudioFiles } from '../../src/service/persistence/sqlite/audio-files.js';
import { KeptAudioFiles } from '../../src/service/persistence/sqlite/kept-audio-files.js';
import type { Maintenance } from '../../src/service/records/maintenance.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { PostgresMaintenance } from '../../src/service/persistence/postgres/postgres-maintenance.js';
import { lockKey } from '../../src/service/persistence/postgres/server.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { SqliteMaintenance } from '../../src/service/persistence/sqlite/sqlite-maintenance.js';

/** Where set, tests run on this PostgreSQL in the place of a file; the suite `postgres` starts it. */
export const POSTGRES_URL = process.env['TIMBRE_TEST_POSTGRES'] ?? '';

/** How voices are searched where tests run on PostgreSQL. */
export const VECTOR_INDEX = process.env['TIMBRE_TEST_VECTOR_INDEX'] === 'pgvector' ? 'pgvector' : 'native';

/** A test of what files alone have; where tests run on PostgreSQL, there is none. */
export function onFiles(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  if (POSTGRES_URL === '') test(name, run, timeoutMs);
}

/** The same schema for the same data folder. */
export function schemaOf(folder: string): string {
  return `folder_${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
}

/** Variables by which a command finds the database of a data folder, beside the folder. */
export function databaseEnv(folder: string): NodeJS.ProcessEnv {
  if (POSTGRES_URL === '') return {};
  return {
    TIMBRE_DATABASE_URL: POSTGRES_URL,
    TIMBRE_DATABASE_SCHEMA: schemaOf(folder),
    TIMBRE_VECTOR_INDEX: VECTOR_INDEX,
  };
}

/** The same as settings of a service. */
export function databaseSettings(folder: string): ConfigInput {
  if (POSTGRES_URL === '') return {};
  return { databaseUrl: POSTGRES_URL, databaseSchema: schemaOf(folder), vectorIndex: VECTOR_INDEX };
}

/** What a receipt says of the files at first. */
export const TRACES = POSTGRES_URL === '' ? 'PENDING' : 'DATABASE';

/** The database of a data folder. */
export function openStore(folder: string): Promise<Store> {
  return POSTGRES_URL === '' ? Database.open({ folder }) : PostgresDatabase.open(postgresOf(folder));
}

/** What `timbre doctor --data-dir` says of it. */
export async function examineStore(folder: string, options: ExamineOptions = {}): Promise<DataReport> {
  return (await dataBeside(folder)).examine(options);
}

/** What is stored, for a program beside a service. */
export function dataBeside(folder: string): Promise<Data> {
  return dataOf(Config.of({ dataDir: folder, ...databaseSettings(folder) }));
}

function postgresOf(folder: string): PostgresOptions {
  return { folder, url: POSTGRES_URL, schema: schemaOf(folder), pool: 10, waitMs: 30_000, statementMs: 60_000 };
}

/** As another program does that writes for long; the result ends it. */
export async function lockStore(folder: string): Promise<() => Promise<void>> {
  if (POSTGRES_URL !== '') {
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    await client.query(`SELECT pg_advisory_lock(${lockKey(schemaOf(folder), 'writing')})`);
    return () => client.end();
  }
  const database = new sqlite3.Database(join(folder, DATABASE_FILE));
  await new Promise<void>((resolve, reject) => {
    database.run('BEGIN IMMEDIATE', (error) => (error ? reject(error) : resolve()));
  });
  // Closing it undoes what it has begun.
  return () =>
    new Promise((resolve, reject) => {
      database.close((error) => (error ? reject(error) : resolve()));
    });
}

/** Whether a long reading is under way. */
export async function isBeingRead(store: Store): Promise<boolean> {
  if (store instanceof Database) return !(await store.wipe());
  const readers = await store.query((manager) =>
    manager.query<unknown[]>(
      `SELECT 1 FROM pg_locks WHERE relation = 'settings'::regclass AND pid <> pg_backend_pid() LIMIT 1`,
    ),
  );
  return readers.length > 0;
}

/** Whether a text is anywhere: in the files of SQLite, or in the rows of PostgreSQL, whose files are its own. */
export async function isStored(folder: string, text: string): Promise<boolean> {
  if (POSTGRES_URL === '') {
    const files = [DATABASE_FILE, `${DATABASE_FILE}-wal`].map((name) => readFile(join(folder, name)));
    return (await Promise.all(files)).some((bytes) => bytes.includes(text));
  }
  const client = new pg.Client({ connectionString: POSTGRES_URL });
  await client.connect();
  try {
    const schema = schemaOf(folder);
    const tables = await client.query<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1',
      [schema],
    );
    if (tables.rows.length === 0) throw new Error('there is no such schema');
    for (const { name } of tables.rows) {
      const found = await client.query(`SELECT 1 FROM ${schema}.${name} t WHERE strpos(t::text, $1) > 0`, [text]);
      if (found.rows.length > 0) return true;
    }
    return false;
  } finally {
    await client.end();
  }
}

/** From now on there is no room for recordings, until the result is called. */
export async function fillDisk(store: Store): Promise<() => Promise<void>> {
  const run = async (...statements: string[]): Promise<void> => {
    for (const sql of statements) await store.query((manager) => manager.query(sql));
  };
  if (store instanceof Database) {
    await run('PRAGMA max_page_count = 1');
    return () => run('PRAGMA max_page_count = 1000000');
  }
  await run(
    `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full';
     END $$`,
    // As where a page would have to be added: after others were written.
    `CREATE TRIGGER no_room BEFORE INSERT ON enrollments FOR EACH ROW WHEN (NEW.rowid % 10 = 0) EXECUTE FUNCTION no_room()`,
  );
  return () => run('DROP TRIGGER no_room ON enrollments', 'DROP FUNCTION no_room');
}

export function maintenanceOf(store: Store): Maintenance {
  if (store instanceof Database) return new SqliteMaintenance(store);
  if (store instanceof PostgresDatabase) return new PostgresMaintenance(store);
  throw new Error('there is no other database');
}

export function keptAudioOf(store: Store, folder: string): KeptAudio {
  if (store instanceof Database) return new KeptAudioFiles(store, new AudioFiles(folder, store.id));
  if (store instanceof PostgresDatabase) return new PostgresKeptAudio(store);
  throw new Error('there is no other database');
}

/** The index of the tests' setting. Errors: those of the storage. */
export async function voiceIndexOf(
  store: Store,
  { unitOfWork, feed, engine, model }: Indexed,
  index: VoiceIndexReport['kind'] = VECTOR_INDEX,
): Promise<VoiceIndex> {
  if (index !== 'pgvector') return new NativeVoiceIndex(unitOfWork, feed, engine, model, index);
  if (!(store instanceof PostgresDatabase)) throw new Error('no other database searches voices');
  const vectors = await PgvectorDatabase.open(store, feed);
  return vectors.voiceIndex({
    ready: () => engine.ready(),
    origin: () => model.origin(),
    dimension: () => model.dimension(),
  });
}

/** What an index follows and is of. */
export interface Indexed {
  unitOfWork: UnitOfWork;
  feed: ChangeFeed;
  engine: EmbeddingEngine;
  model: CurrentModel;
}

export function closeStore(store: Store): Promise<void> {
  return (store as Database | PostgresDatabase).close();
}

export function fileOf(store: Store): Database {
  if (store instanceof Database) return store;
  throw new Error('this test is of the SQLite file');
}
