import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { PostgresDataKeys } from '../../src/service/persistence/postgres/open.js';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { THIS_VERSION, type SchemaVersion } from '../../src/service/persistence/postgres/schema-version.js';
import { newJob } from '../../src/service/records/job.js';
import type { Change } from '../../src/service/records/change-feed.js';
import { until } from '../e2e/support.js';
import { enrollment, ORIGIN, speaker } from '../integration/voices.js';
import { Postgres } from './postgres.js';

/** Nodes of this version and of a newer one, whose migrations are made up here, on one schema. */

Logger.overrideLogger(false);

/** As migrations are to be: a column that may be empty, one with a default, a table, and a trigger that writes what is new. */
class Moods1999000000000 implements MigrationInterface {
  readonly name = 'Moods1999000000000';

  async up(runner: QueryRunner): Promise<void> {
    const own = `SET search_path = "${(await runner.getCurrentSchema())!}", pg_temp`;
    await runner.query(`ALTER TABLE "speakers" ADD COLUMN "mood" text`);
    await runner.query(`ALTER TABLE "enrollments" ADD COLUMN "weight" bigint NOT NULL DEFAULT 1`);
    await runner.query(
      `CREATE TABLE "moods" ("speaker_id" text NOT NULL REFERENCES "speakers" ("id") ON DELETE CASCADE)`,
    );
    await runner.query(`
      CREATE FUNCTION "moods_noted"() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
        INSERT INTO "moods" VALUES (NEW."id");
        RETURN NULL;
      END $$`);
    await runner.query(
      `CREATE TRIGGER "moods_noted" AFTER INSERT ON "speakers" FOR EACH ROW EXECUTE FUNCTION "moods_noted"()`,
    );
  }

  down(): Promise<void> {
    throw new Error('no test goes back');
  }
}

/** What those who do not know it cannot go on with. */
class NoNames1999100000000 implements MigrationInterface {
  readonly name = 'NoNames1999100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE "speakers" DROP COLUMN "name"`);
  }

  down(): Promise<void> {
    throw new Error('no test goes back');
  }
}

const NEWER: SchemaVersion = { ...THIS_VERSION, migrations: [...THIS_VERSION.migrations, Moods1999000000000] };
const NEWEST: SchemaVersion = {
  migrations: [...NEWER.migrations, NoNames1999100000000],
  needed: NoNames1999100000000.name,
};

const KEY = Buffer.alloc(32, 3).toString('hex');

let postgres: Postgres;
const open: PostgresDatabase[] = [];

beforeAll(async () => {
  postgres = await Postgres.start();
});

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
});

afterAll(() => postgres.stop());

async function opened(options: PostgresOptions): Promise<PostgresDatabase> {
  const database = await PostgresDatabase.open(options);
  open.push(database);
  return database;
}

function end(database: PostgresDatabase): Promise<void> {
  return open.splice(open.indexOf(database), 1)[0]!.close();
}

const refusal = (code: string, words: string): object => ({ code, message: expect.stringContaining(words) });

describe('a node of this version beside a newer one that has only added', () => {
  let schema: string;
  let older: PostgresOptions;
  let newer: PostgresOptions;

  const places = async (): Promise<void> => {
    schema = postgres.newSchema();
    older = await postgres.node(schema, { key: KEY });
    newer = { ...(await postgres.node(schema, { key: KEY })), version: NEWER };
  };

  const add = (database: PostgresDatabase, id: string): Promise<void> =>
    new TypeOrmUnitOfWork(database).transaction(async ({ speakers, enrollments }) => {
      await speakers.insert(speaker(id));
      await enrollments.insert(enrollment(id, id));
    });

  const everybody = async (database: PostgresDatabase): Promise<string[]> => {
    const store = new TypeOrmUnitOfWork(database);
    const ids = await store.read(async ({ speakers, enrollments }) => {
      const found = [];
      for (const { id } of await speakers.page(null, 99)) {
        const { length } = (await enrollments.ofOrigin(id, ORIGIN)).enrollments;
        found.push(`${id} ${length}`);
      }
      return found;
    });
    expect(store.altered).toBe(0);
    return ids.sort();
  };

  it('goes on while that one brings the tables up to date, and each finds what the other has written', async () => {
    await places();
    const one = await opened(older);
    await add(one, 'ada');
    const enough = new AbortController();
    let written = 0;
    const writing = (async (): Promise<void> => {
      while (!enough.signal.aborted) await add(one, `before-${written++}`);
    })();
    await until(() => written > 2, 30);
    const other = await opened(newer);
    const then = written;
    await until(() => written > then + 2, 30);
    enough.abort();
    await writing;
    await add(other, 'bob');
    const all = ['ada 1', 'bob 1', ...Array.from({ length: written }, (_, i) => `before-${i} 1`)].sort();
    expect(await everybody(one)).toEqual(all);
    expect(await everybody(other)).toEqual(all);
    await new TypeOrmUnitOfWork(one).transaction(({ speakers }) => speakers.erase('bob'));
    expect(await everybody(other)).toEqual(all.filter((id) => id !== 'bob 1'));
    const rows = await other.statement<{ count: number }>('SELECT count(*)::int AS count FROM moods', []);
    // Those that were made after the migration, by whichever of them, and are here still.
    expect(rows[0]!.count).toBeGreaterThan(0);
  });

  it('starts again on the newer tables, and before, and changes nothing of what is noted', async () => {
    await places();
    await add(await opened(newer), 'ada');
    expect(await everybody(await opened(older))).toEqual(['ada 1']);
    const again = await opened({ ...(await postgres.node(schema, { key: KEY })), version: NEWER });
    expect(await everybody(again)).toEqual(['ada 1']);
  });

  it('passes over changes of a kind that it does not know, and misses none that it does', async () => {
    await places();
    const one = await opened(older);
    const other = await opened(newer);
    const feed = new TableChangeFeed(one, true);
    const stop = new AbortController();
    const seen: Change[] = [];
    const waited: unknown[] = [];
    let isFollowing = false;
    const following = feed.follow(
      {
        begin: () => {
          isFollowing = true;
        },
        take: (changes) => void seen.push(...changes),
        waits: (error) => waited.push(error),
      },
      stop.signal,
    );
    await until(() => isFollowing, 30);
    await other.transaction((manager) =>
      manager.query(`
        WITH next AS (UPDATE counters SET value = value + 1 WHERE name = 'changes' RETURNING value)
        INSERT INTO changes (seq, kind, about) SELECT value, 'mood', 'ada' FROM next`),
    );
    await new TypeOrmUnitOfWork(other).transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
    await until(() => seen.some(({ kind }) => kind === 'job'), 30);
    stop.abort();
    await following;
    expect(seen.map(({ kind }) => kind as string)).toContain('mood');
    expect(waited).toEqual([]);
  });

  it('leaves what it cannot do for all that is stored to the newer one', async () => {
    await places();
    const { key: _, ...file } = older;
    const own = await opened(file);
    const key = (await readFile(join(file.folder, 'data.key'), 'utf8')).trim();
    await end(own);
    await end(await opened({ ...newer, key }));
    const unknown = refusal('STORAGE_INVALID', 'newer version');
    // Tables that it does not know may have what is under the old key.
    const alone = await opened(file);
    await expect(new PostgresDataKeys(alone).rotate()).rejects.toMatchObject(unknown);
    expect((await readFile(join(file.folder, 'data.key'), 'utf8')).trim()).toBe(key);
    await end(alone);
    await expect(PostgresDatabase.beside(file)).rejects.toMatchObject(unknown);
  });
});

describe('a newer version that takes something away', () => {
  it('waits until nobody is there who could not go on, and nobody of those comes back', async () => {
    const schema = postgres.newSchema();
    const older = await postgres.node(schema, { key: KEY });
    const newest = { ...(await postgres.node(schema, { key: KEY })), version: NEWEST };
    const one = await opened(older);
    await expect(PostgresDatabase.open(newest)).rejects.toMatchObject(
      refusal('STORAGE_UNAVAILABLE', 'stop all of them'),
    );
    await new TypeOrmUnitOfWork(one).transaction(({ speakers }) => speakers.insert(speaker('ada')));
    await end(one);
    const other = await opened(newest);
    await expect(PostgresDatabase.open(older)).rejects.toMatchObject(
      refusal('STORAGE_INVALID', 'NoNames1999100000000'),
    );
    const middle = { ...(await postgres.node(schema, { key: KEY })), version: NEWER };
    await expect(PostgresDatabase.open(middle)).rejects.toMatchObject(refusal('STORAGE_INVALID', 'newer version'));
    // Another of its own comes without a question.
    await opened({ ...(await postgres.node(schema, { key: KEY })), version: NEWEST });
    await end(other);
  });

  it('is not gone on with where it is not noted what it needs', async () => {
    const schema = postgres.newSchema();
    const newer = { ...(await postgres.node(schema, { key: KEY })), version: NEWER };
    const database = await opened(newer);
    await database.statement(`COMMENT ON TABLE migrations IS NULL`, []);
    await end(database);
    await expect(PostgresDatabase.open(await postgres.node(schema, { key: KEY }))).rejects.toMatchObject(
      refusal('STORAGE_INVALID', 'Moods1999000000000'),
    );
  });
});
