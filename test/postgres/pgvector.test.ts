import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../../src/service/config/config.js';
import { dataOf } from '../../src/service/persistence/data.js';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { PgvectorDatabase } from '../../src/service/persistence/postgres/pgvector/pgvector-database.js';
import { PgvectorVoiceIndex } from '../../src/service/persistence/postgres/pgvector/pgvector-voice-index.js';
import { VECTOR_TABLES } from '../../src/service/persistence/postgres/pgvector/vector-tables.js';
import type { TimbreError } from '../../src/errors/timbre-error.js';
import { PostgresDatabase, type PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { schemaDifference } from '../../src/service/persistence/postgres/server.js';
import { newGroup } from '../../src/service/records/group.js';
import { newSpeaker } from '../../src/service/records/speaker.js';
import { spoken, TestService, until, Workshop } from '../e2e/support.js';
import { indexAdapter } from '../integration/indexed.js';
import { describeVoiceIndex } from '../integration/voice-index-contract.js';
import { ORIGIN } from '../integration/voices.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

const DIMENSION = 32;
const MODEL = { ready: () => Promise.resolve(), origin: () => ORIGIN, dimension: () => DIMENSION };

let postgres: Postgres;

beforeAll(async () => {
  postgres = await Postgres.start({ edition: 'pgvector' });
});

afterAll(() => postgres.stop());

describeVoiceIndex('pgvector', async () =>
  indexAdapter(await PostgresDatabase.open(await postgres.node(postgres.newSchema())), 'pgvector'),
);

const open: PostgresDatabase[] = [];

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
});

async function opened(options?: PostgresOptions): Promise<PostgresDatabase> {
  const database = await PostgresDatabase.open(options ?? (await postgres.node(postgres.newSchema())));
  open.push(database);
  return database;
}

async function indexOn(database: PostgresDatabase): Promise<PgvectorVoiceIndex> {
  return (await PgvectorDatabase.open(database, new TableChangeFeed(database))).voiceIndex(MODEL);
}

/** Statements from outside, as another program sends them; gives the rows of the last. */
async function outside<Row>({ options: { url, schema } }: PostgresDatabase, ...statements: string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${schema}` });
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const sql of statements) ({ rows } = (await client.query(sql)) as unknown as { rows: Row[] });
    return rows;
  } finally {
    await client.end();
  }
}

const random = seededUniform(21);

function direction(): Float32Array {
  const drawn = Float32Array.from({ length: DIMENSION }, () => random() + random() - 1);
  const length = Math.hypot(...drawn);
  return drawn.map((value) => value / length);
}

const home = newGroup({ id: 'home' }, new Date(1000));

/** People who are enrolled, every fifth of them a member of a group; their profiles by id. */
async function enrol(database: PostgresDatabase, count: number): Promise<Map<string, Float32Array>> {
  const people = new Map<string, Float32Array>();
  await new TypeOrmUnitOfWork(database).transaction(async ({ speakers, profiles, groups }) => {
    await groups.insert(home);
    for (let i = 0; i < count; i++) {
      const speaker = newSpeaker({ id: `person-${i}`, groups: i % 5 === 0 ? [home] : [] }, new Date());
      const centroid = direction();
      people.set(speaker.id, centroid);
      await speakers.insert(speaker);
      await profiles.put({
        speakerId: speaker.id,
        origin: ORIGIN,
        centroid,
        members: [],
        speechSeconds: 30,
        cohesion: null,
        confidence: 1,
        status: 'Enrolled',
        updatedAt: new Date(),
      });
    }
  });
  return people;
}

function dot(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i]! * other[i]!;
  return sum;
}

function idsOf(found: readonly { speakerId: string }[]): string[] {
  return found.map(({ speakerId }) => speakerId);
}

/** The nearest by exact cosines. */
function nearestOf(people: Map<string, Float32Array>, query: Float32Array, count: number): string[] {
  const all = [...people].map(([id, vector]) => ({ id, cosine: dot(vector, query) }));
  return all
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, count)
    .map(({ id }) => id);
}

/** Vectors of everybody as PostgreSQL has them, by id. */
async function stored(database: PostgresDatabase): Promise<Map<string, number[]>> {
  const rows = await outside<{ id: string; vector: string }>(
    database,
    `SELECT speaker_id AS id, vector::text AS vector FROM voice_vectors WHERE group_uid = ''`,
  );
  return new Map(rows.map(({ id, vector }) => [id, JSON.parse(vector) as number[]]));
}

describe('what PostgreSQL is asked for', () => {
  const refusal = (database: PostgresDatabase): Promise<unknown> =>
    PgvectorDatabase.open(database, new TableChangeFeed(database)).then(
      () => 'it was taken',
      (error: unknown) => {
        const { code, message } = error as TimbreError;
        return [code, message];
      },
    );

  it('is the extension, which is not there', async () => {
    const plain = await Postgres.start({ edition: 'debian' });
    try {
      const database = await PostgresDatabase.open(await plain.node('voices'));
      const [code, message] = (await refusal(database)) as [string, string];
      await database.close();
      expect(code).toBe('STORAGE_UNSUITABLE');
      expect(message).toContain('needs the extension pgvector, which this PostgreSQL does not have');
    } finally {
      await plain.stop();
    }
  });

  it('is the right to make it, or somebody who does', async () => {
    const { cluster } = postgres;
    const admin = await opened();
    await outside(admin, `CREATE ROLE guest LOGIN`, `CREATE DATABASE guests OWNER guest`);
    const options = await postgres.node('voices');
    const database = await opened({ ...options, url: cluster.url({ database: 'guests', user: 'guest' }) });
    const [code, message] = (await refusal(database)) as [string, string];
    expect(code).toBe('STORAGE_REFUSED');
    expect(message).toContain('made by a superuser of this database: CREATE EXTENSION vector SCHEMA public');
    const client = new pg.Client({ connectionString: cluster.url({ database: 'guests' }) });
    await client.connect();
    await client.query('CREATE EXTENSION vector SCHEMA public');
    await client.end();
    expect(await refusal(database)).toBe('it was taken');
  });

  it('is made once, whoever of another schema makes it at the same time', async () => {
    const { cluster } = postgres;
    await outside(await opened(), 'CREATE DATABASE shared');
    const url = cluster.url({ database: 'shared' });
    const nodes = await Promise.all(
      [1, 2, 3].map(async () => opened({ ...(await postgres.node(postgres.newSchema())), url })),
    );
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query('CREATE EXTENSION vector SCHEMA public');
      const opening = Promise.all(nodes.map(refusal));
      const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE EXTENSION%'
        AND datname = 'shared'`;
      await until(async () => (await outside(nodes[0]!, waiting)).length === nodes.length);
      await other.query('COMMIT');
      expect(await opening).toEqual(nodes.map(() => 'it was taken'));
    } finally {
      await other.end();
    }
  });

  it('is no older version, which loses rows', async () => {
    const admin = await opened();
    await outside(admin, 'CREATE DATABASE former');
    const options = await postgres.node('voices');
    const database = await opened({ ...options, url: postgres.cluster.url({ database: 'former' }) });
    await outside(database, 'CREATE EXTENSION vector SCHEMA public', `UPDATE pg_extension SET extversion = '0.8.3'`);
    const [code, message] = (await refusal(database)) as [string, string];
    expect(code).toBe('STORAGE_UNSUITABLE');
    expect(message).toContain('pgvector 0.8.3 is too old');
    expect(message).toContain('ALTER EXTENSION vector UPDATE');
    await outside(database, `UPDATE pg_extension SET extversion = '0.10.0' WHERE extname = 'vector'`);
    expect(await refusal(database)).toBe('it was taken');
  });

  it('leaves the schema of the entities as it is, and makes its tables once, however many nodes start', async () => {
    const options = await postgres.node(postgres.newSchema());
    const database = await opened(options);
    await enrol(database, 3);
    const feed = new TableChangeFeed(database);
    await Promise.all([1, 2, 3].map(() => PgvectorDatabase.open(database, feed)));
    expect(await schemaDifference(options)).toEqual([]);
    const tables = await outside<{ name: string }>(
      database,
      `SELECT relname AS name FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
         AND relname LIKE 'voice\\_%' ORDER BY relname`,
    );
    expect(tables.map(({ name }) => name)).toEqual([...VECTOR_TABLES].sort());
    expect(await outside(database, 'SELECT id FROM voice_index_secrets')).toHaveLength(1);
    expect(await outside(database, 'SELECT speaker_id FROM voice_index_due')).toHaveLength(3);
  });
});

describe('what PostgreSQL has of voices', () => {
  it('is turned by a secret: their cosines, and nothing of their directions', async () => {
    const database = await opened();
    const people = await enrol(database, 40);
    await (await indexOn(database)).ready();
    const vectors = await stored(database);
    expect(vectors.size).toBe(40);
    let along = 0;
    for (const [id, centroid] of people) {
      along += dot(vectors.get(id)!, centroid) / people.size;
      for (const [other, vector] of people) {
        expect(dot(vectors.get(id)!, vectors.get(other)!)).toBeCloseTo(dot(centroid, vector), 2);
      }
    }
    // Of two directions that are drawn the cosine is 0.18 on an average of squares, and that of forty pairs far less.
    expect(Math.abs(along)).toBeLessThan(0.3);
    const [secret] = await outside<{ id: string; sealed: Buffer }>(
      database,
      'SELECT id, sealed FROM voice_index_secrets',
    );
    const bytes = database.cipher.open(secret!.sealed, ['rotation of vectors', secret!.id]);
    expect(bytes).toHaveLength(32);
    expect(secret!.sealed.includes(bytes)).toBe(false);
  });

  it('stays as it is when the data key is rotated', async () => {
    const database = await opened();
    const people = await enrol(database, 5);
    await (await indexOn(database)).ready();
    const before = await stored(database);
    const [former] = await outside<{ sealed: Buffer }>(database, 'SELECT sealed FROM voice_index_secrets');
    await rotateDataKey(database);
    expect(await outside(database, 'SELECT speaker_id FROM voice_index_due')).toEqual([]);
    const [now] = await outside<{ sealed: Buffer }>(database, 'SELECT sealed FROM voice_index_secrets');
    expect(database.cipher.isCurrent(now!.sealed)).toBe(true);
    expect(now!.sealed.equals(former!.sealed)).toBe(false);
    const index = await indexOn(database);
    const [id, centroid] = [...people][0]!;
    expect(idsOf(await index.search(centroid, 1))).toEqual([id]);
    expect(await stored(database)).toEqual(before);
  });

  it('is made anew with another secret where that one does not open, and other nodes go on with it', async () => {
    const database = await opened();
    const people = await enrol(database, 100);
    const running = await indexOn(database);
    await running.ready();
    const late = await indexOn(database);
    await late.ready();
    // As where it happens between the look and the search.
    late.ready = () => Promise.resolve();
    const before = await stored(database);
    await outside(database, `UPDATE voice_index_secrets SET sealed = '\\x00'`);
    const index = await indexOn(database);
    const [id, centroid] = [...people][0]!;
    for (const one of [index, running, late]) expect(idsOf(await one.search(centroid, 1))).toEqual([id]);
    const after = await stored(database);
    expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
    expect(dot(before.get(id)!, after.get(id)!)).toBeLessThan(0.9);
  });

  it('is gone with the commit of an erasure and of an opt-out, whoever wrote it', async () => {
    const database = await opened();
    await enrol(database, 12);
    await (await indexOn(database)).ready();
    const store = new TypeOrmUnitOfWork(database);
    await store.transaction(({ speakers }) => speakers.erase('person-0'));
    await store.transaction(async ({ speakers }) => {
      await speakers.update({ ...(await speakers.find('person-5'))!, optedOutAt: new Date() });
    });
    const left = await outside<{ id: string }>(
      database,
      `SELECT speaker_id AS id FROM voice_vectors WHERE speaker_id IN ('person-0', 'person-5', 'person-10')`,
    );
    expect(left.map(({ id }) => id)).toEqual(['person-10', 'person-10']);
    const [sets] = await outside(database, 'SELECT sum(voices)::int AS voices FROM voice_index_sets');
    expect(sets).toEqual({ voices: 11 });
  });

  it('is not believed: profiles say who is near, and who is a member', async () => {
    const database = await opened();
    const people = await enrol(database, 30);
    const index = await indexOn(database);
    await index.ready();
    const [[first, centroid], [second]] = [...people].slice(1, 3) as [[string, Float32Array], [string, Float32Array]];
    await outside(
      database,
      `UPDATE voice_vectors v SET vector = o.vector FROM voice_vectors o
       WHERE v.speaker_id = '${second}' AND o.speaker_id = '${first}' AND o.group_uid = v.group_uid`,
      `INSERT INTO voice_vectors SELECT origin, '${home.uid}', speaker_id, vector FROM voice_vectors
       WHERE speaker_id = '${first}'`,
    );
    const matches = await index.search(centroid, 30);
    expect(matches[0]).toMatchObject({ speakerId: first, cosine: expect.closeTo(1, 5) });
    const other = matches.find(({ speakerId }) => speakerId === second)!;
    expect(other.cosine).toBeCloseTo(dot(people.get(second)!, centroid), 5);
    expect(idsOf(await index.search(centroid, 30, { groups: [home.uid] }))).not.toContain(first);
  });
});

describe('filling the table', () => {
  it('goes in pieces, says what is missing, and goes on where it was cut off', async () => {
    const database = await opened();
    const people = await enrol(database, 450);
    const index = await indexOn(database);
    // In the order of ids, whose last this is.
    await outside(
      database,
      `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full';
       END $$`,
      `CREATE TRIGGER no_room BEFORE INSERT ON voice_vectors FOR EACH ROW WHEN (NEW.speaker_id = 'person-99')
         EXECUTE FUNCTION no_room()`,
    );
    await expect(index.ready()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(index.report).toMatchObject({ voices: 400, missing: 50 });
    await outside(database, 'DROP TRIGGER no_room ON voice_vectors', 'DROP FUNCTION no_room');
    const other = await indexOn(database);
    const query = direction();
    expect(idsOf(await other.search(query, 5))).toEqual(nearestOf(people, query, 5));
    expect(other.report).toMatchObject({ voices: 450, missing: 0 });
    expect((await stored(database)).size).toBe(450);
  });
});

describe('timbre doctor', () => {
  it('tells vectors that are missing, or are not those of the profiles', async () => {
    const options = await postgres.node(postgres.newSchema());
    const database = await opened(options);
    await enrol(database, 10);
    const { folder: dataDir, url: databaseUrl, schema: databaseSchema } = options;
    const examined = async (): Promise<[boolean, unknown]> => {
      const { sound, vectors } = await (await dataOf(Config.of({ dataDir, databaseUrl, databaseSchema }))).examine({});
      return [sound, vectors];
    };
    expect((await examined())[1]).toBeNull();
    const index = await indexOn(database);
    expect(await examined()).toMatchObject([true, { rows: 0, due: 10, missing: 0, wrong: 0 }]);
    await index.ready();
    expect(await examined()).toEqual([true, { rows: 12, due: 0, missing: 0, wrong: 0 }]);
    await outside(
      database,
      `DELETE FROM voice_vectors WHERE speaker_id IN ('person-0', 'person-1')`,
      `UPDATE voice_vectors SET vector = (SELECT vector FROM voice_vectors WHERE speaker_id = 'person-3')
       WHERE speaker_id = 'person-2'`,
    );
    // The first is a member of a group, too.
    expect(await examined()).toEqual([false, { rows: 9, due: 0, missing: 3, wrong: 1 }]);
  });
});

describe('the index of many voices', () => {
  const LARGE = 150;

  it('is made where they are many, measured, used where it finds enough, and gone where they are few again', async () => {
    const database = await opened();
    const people = await enrol(database, 200);
    const extension = 'public';
    const index = new PgvectorVoiceIndex(database, new TableChangeFeed(database), MODEL, extension, LARGE);
    await PgvectorDatabase.open(database, new TableChangeFeed(database));
    await index.ready();
    expect(index.report.approximate).toBeNull();
    await index.keepUp();
    expect(index.report.approximate).toMatchObject({ recall: 1, leastRecall: 0.99, inUse: true });
    const indexes = (): Promise<{ name: string }[]> =>
      outside(database, `SELECT indexrelname AS name FROM pg_stat_user_indexes WHERE indexrelname LIKE '%\\_near\\_%'`);
    const named = await indexes();
    expect(named).toHaveLength(1);
    for (const query of [direction(), direction(), [...people.values()][7]!]) {
      for (const count of [1, 2, 10]) {
        expect(idsOf(await index.search(query, count))).toEqual(nearestOf(people, query, count));
      }
    }
    const scans = async (): Promise<number> => {
      const where = `indexrelname = '${named[0]!.name}'`;
      const found = await outside<{ scans: number }>(
        database,
        `SELECT idx_scan::int AS scans FROM pg_stat_user_indexes WHERE ${where}`,
      );
      return found[0]!.scans;
    };
    // A session tells what it has scanned at the end of a statement, once a second.
    await until(async () => {
      await index.search(direction(), 1);
      return (await scans()) > 0;
    }, 60);

    // Whatever it was measured to find: too little, and every row is looked at.
    await outside(database, 'UPDATE voice_index_sets SET recall = 0.5');
    await index.ready();
    expect(index.report.approximate).toMatchObject({ recall: 0.5, inUse: false });
    const query = direction();
    expect(idsOf(await index.search(query, 10))).toEqual(nearestOf(people, query, 10));

    await new TypeOrmUnitOfWork(database).transaction(async ({ speakers }) => {
      for (const id of [...people.keys()].slice(0, 100)) await speakers.erase(id);
    });
    await index.ready();
    await index.keepUp();
    expect(await indexes()).toEqual([]);
    expect(index.report).toMatchObject({ voices: 100, approximate: null });
    await index.onModuleDestroy();
  }, 120_000);
});

describe('a service that has PostgreSQL search', () => {
  it('enrols, finds, tells how it searches, and finds nobody who was erased', async () => {
    const workshop = await Workshop.open();
    const service = await TestService.start(workshop, {
      model: await workshop.bundle(),
      databaseUrl: postgres.cluster.url(),
      databaseSchema: postgres.newSchema(),
      vectorIndex: 'pgvector',
      enrollmentSeconds: 8,
      minSpeechSeconds: 1,
    });
    try {
      await service.service.ready();
      const audio = (voice: string, sentence: 0 | 1 | 2): FormData => {
        const form = new FormData();
        form.append('audio', new Blob([new Uint8Array(spoken(voice, sentence))]), 'recording.wav');
        return form;
      };
      const identified = async (): Promise<string[]> => {
        const { body } = await service.call('/v1/identify', { method: 'POST', body: audio('m1', 2) });
        return idsOf((body as { ranking: { speakerId: string }[] }).ranking);
      };
      for (const [id, voice] of [
        ['ada', 'm1'],
        ['bob', 'f2'],
      ] as const) {
        expect((await service.postJson('/v1/speakers', { id })).status).toBe(201);
        for (const sentence of [0, 1] as const) {
          const body = audio(voice, sentence);
          expect((await service.call(`/v1/speakers/${id}/enrollments`, { method: 'POST', body })).status).toBe(201);
        }
      }
      expect((await identified()).sort()).toEqual(['ada', 'bob']);
      const { body: info } = await service.call('/v1/info');
      expect(info).toMatchObject({ voiceIndex: { kind: 'pgvector', approximate: null } });
      const { status, body: health } = await service.call('/health/ready');
      expect([status, health]).toMatchObject([
        200,
        { info: { gallery: { setAside: 0, missing: 0, search: 'exact' } } },
      ]);
      const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${service.key}` } });
      const text = await metrics.text();
      for (const line of ['timbre_voices 2', 'timbre_voices_missing 0', 'timbre_search_recall 1']) {
        expect(text).toContain(`\n${line}\n`);
      }
      expect((await service.call('/v1/speakers/ada', { method: 'DELETE' })).status).toBe(200);
      expect(await identified()).toEqual(['bob']);
    } finally {
      await service.close();
      await workshop.remove();
    }
  }, 180_000);
});
