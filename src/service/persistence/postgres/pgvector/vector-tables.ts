import { randomBytes, randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import { ask, runnerOf } from '../../common/dialect.js';
import type { VectorCipher } from '../../common/vector-cipher.js';
import { postgresCode } from '../postgres-errors.js';
import { SECRET_BYTES } from './secret-rotation.js';

/** Of pgvector: the first whose HNSW indexes neither lose nor damage what is vacuumed while others insert. */
const OLDEST = [0, 8, 4] as const;

/** Where the extension is made: in what every schema of the database may use. */
const EXTENSION_SCHEMA = 'public';

/** CREATE EXTENSION, IF NOT EXISTS or not, where another transaction committed the same one while this one waited. */
const MADE_MEANWHILE = '23505';

/** The group of everybody. */
export const EVERYBODY = '';

/**
 * Tables that are there where vectors are searched by the database, and in no other. Nothing of them is moved or vouched for: all
 * of it is made of the profiles again, whenever it is missing.
 */
export const VECTOR_TABLES = [
  'voice_index_secrets',
  'voice_index_origins',
  'voice_index_sets',
  'voice_index_due',
  'voice_vectors',
] as const;

const TEXT = 'text COLLATE "C"';

/** `vector`: the type. */
const tables = (vector: string): string[] => [
  // One row: by what vectors are turned, under the data key.
  `CREATE TABLE voice_index_secrets (id ${TEXT} PRIMARY KEY, sealed bytea NOT NULL)`,
  `CREATE TABLE voice_index_origins (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model ${TEXT} NOT NULL,
    front_end ${TEXT} NOT NULL,
    UNIQUE (model, front_end)
  )`,
  // A set: everybody of an origin, or a group's members. What is known of its index is null where it has none.
  `CREATE TABLE voice_index_sets (
    origin integer NOT NULL REFERENCES voice_index_origins (number) ON DELETE CASCADE,
    group_uid ${TEXT} NOT NULL,
    voices bigint NOT NULL,
    ef_search integer,
    recall double precision,
    measured_voices bigint,
    measured_at bigint,
    PRIMARY KEY (origin, group_uid)
  )`,
  // Profiles whose vectors are missing, or are not what they should be. aside: their record cannot be read.
  `CREATE TABLE voice_index_due (
    speaker_id ${TEXT} NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    model ${TEXT} NOT NULL,
    front_end ${TEXT} NOT NULL,
    aside boolean NOT NULL DEFAULT false,
    PRIMARY KEY (speaker_id, model, front_end)
  )`,
  `CREATE INDEX voice_index_due_next ON voice_index_due (model, front_end, aside, speaker_id)`,
  // A row for each set that a voice is in.
  `CREATE TABLE voice_vectors (
    origin integer NOT NULL REFERENCES voice_index_origins (number) ON DELETE CASCADE,
    group_uid ${TEXT} NOT NULL,
    speaker_id ${TEXT} NOT NULL REFERENCES speakers (id) ON DELETE CASCADE,
    vector ${vector} NOT NULL,
    PRIMARY KEY (origin, group_uid, speaker_id)
  )`,
  `CREATE INDEX voice_vectors_of_speaker ON voice_vectors (speaker_id)`,
];

/** Marks a profile; a row that could not be read is tried again. */
const MARK = 'ON CONFLICT (speaker_id, model, front_end) DO UPDATE SET aside = false';

/**
 * Whatever writes a profile or a speaker, of whatever version and setting: in the same transaction nobody is found any more who
 * may not be, and what is to be put there is marked. `own`: the schema that the functions look in.
 */
const triggers = (own: string): string[] => [
  `CREATE FUNCTION voice_profile_changed() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
    IF TG_OP <> 'DELETE' AND NEW.status = 'Enrolled' THEN
      INSERT INTO voice_index_due (speaker_id, model, front_end)
        SELECT NEW.speaker_id, NEW.model, NEW.front_end
        WHERE EXISTS (SELECT 1 FROM speakers WHERE id = NEW.speaker_id AND consent_withdrawn_at IS NULL) ${MARK};
    ELSE
      DELETE FROM voice_index_due
        WHERE speaker_id = OLD.speaker_id AND model = OLD.model AND front_end = OLD.front_end;
      DELETE FROM voice_vectors v USING voice_index_origins o
        WHERE v.speaker_id = OLD.speaker_id AND v.origin = o.number AND o.model = OLD.model AND o.front_end = OLD.front_end;
    END IF;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER voice_profile_inserted AFTER INSERT ON profiles FOR EACH ROW WHEN (NEW.status = 'Enrolled')
    EXECUTE FUNCTION voice_profile_changed()`,
  // Sealed anew, a vector is the same.
  `CREATE TRIGGER voice_profile_updated AFTER UPDATE OF centroid, status ON profiles FOR EACH ROW
    WHEN ((NEW.centroid IS DISTINCT FROM OLD.centroid OR NEW.status <> OLD.status)
      AND current_setting('timbre.resealing', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION voice_profile_changed()`,
  `CREATE TRIGGER voice_profile_deleted AFTER DELETE ON profiles FOR EACH ROW EXECUTE FUNCTION voice_profile_changed()`,
  `CREATE FUNCTION voice_speaker_changed() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
    IF NEW.consent_withdrawn_at IS NOT NULL THEN
      DELETE FROM voice_index_due WHERE speaker_id = NEW.id;
      DELETE FROM voice_vectors WHERE speaker_id = NEW.id;
      RETURN NULL;
    END IF;
    IF OLD.consent_withdrawn_at IS NOT NULL OR NEW.member_of IS DISTINCT FROM OLD.member_of THEN
      INSERT INTO voice_index_due (speaker_id, model, front_end)
        SELECT speaker_id, model, front_end FROM profiles WHERE speaker_id = NEW.id AND status = 'Enrolled' ${MARK};
      DELETE FROM voice_vectors WHERE speaker_id = NEW.id AND group_uid <> '${EVERYBODY}'
        AND group_uid NOT IN (SELECT json_array_elements_text(CAST(COALESCE(NEW.member_of, '[]') AS json)));
    ELSE
      UPDATE voice_index_due SET aside = false WHERE speaker_id = NEW.id AND aside;
    END IF;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER voice_speaker_changed AFTER UPDATE OF version, member_of, consent_withdrawn_at ON speakers FOR EACH ROW
    EXECUTE FUNCTION voice_speaker_changed()`,
  `CREATE FUNCTION voice_vectors_counted() RETURNS trigger LANGUAGE plpgsql ${own} AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
      INSERT INTO voice_index_sets (origin, group_uid, voices)
        SELECT origin, group_uid, COUNT(*) FROM changed GROUP BY origin, group_uid
        ON CONFLICT (origin, group_uid) DO UPDATE SET voices = voice_index_sets.voices + excluded.voices;
    ELSE
      UPDATE voice_index_sets s SET voices = s.voices - gone.voices
        FROM (SELECT origin, group_uid, COUNT(*) AS voices FROM changed GROUP BY origin, group_uid) gone
        WHERE s.origin = gone.origin AND s.group_uid = gone.group_uid;
    END IF;
    RETURN NULL;
  END $$`,
  `CREATE TRIGGER voice_vectors_came AFTER INSERT ON voice_vectors REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION voice_vectors_counted()`,
  `CREATE TRIGGER voice_vectors_gone AFTER DELETE ON voice_vectors REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION voice_vectors_counted()`,
];

/** Everybody who is enrolled. */
const MARK_ALL = `INSERT INTO voice_index_due (speaker_id, model, front_end)
  SELECT p.speaker_id, p.model, p.front_end FROM profiles p JOIN speakers s ON s.id = p.speaker_id
  WHERE p.status = 'Enrolled' AND s.consent_withdrawn_at IS NULL ${MARK}`;

/** Every profile is looked at here, which may take longer than a call may. */
const LONGEST_MS = 3_600_000;

/** Whether the tables are there. */
export async function hasVectorTables(manager: EntityManager): Promise<boolean> {
  const [found] = await ask<{ there: boolean }>(manager, `SELECT to_regclass('voice_vectors') IS NOT NULL AS there`);
  return found?.there === true;
}

/**
 * In a transaction that nobody else of this schema writes beside: makes the tables and the secret where they are missing.
 * `extension`: what `requireExtension` gave. Errors: those of the storage.
 */
export async function prepareVectors(
  manager: EntityManager,
  { schema, extension, cipher }: { schema: string; extension: string; cipher: VectorCipher },
): Promise<void> {
  await manager.query(`SET LOCAL statement_timeout = ${LONGEST_MS}`);
  const fresh = !(await hasVectorTables(manager));
  if (fresh) {
    for (const statement of tables(`${extension}.halfvec`)) await manager.query(statement);
    const own = `SET search_path = "${schema}", pg_temp`;
    for (const statement of triggers(own)) await manager.query(statement);
  }
  const isNew = await settleSecret(manager, cipher);
  if (fresh || isNew) await patiently(manager, MARK_ALL);
}

/**
 * In a transaction, which has to end soon: the extension is one for all schemas of a database, and whoever else makes it waits
 * for this end. Makes it where it is missing, and gives the schema that it is in, quoted. Errors: STORAGE_UNSUITABLE,
 * STORAGE_REFUSED; those of the storage.
 */
export async function requireExtension(manager: EntityManager): Promise<string> {
  const [found] = await ask<{
    installed: string | null;
    schema: string | null;
    available: string | null;
    public: boolean;
  }>(
    manager,
    `SELECT e.extversion AS installed, quote_ident(n.nspname) AS schema, a.default_version AS available,
       EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '${EXTENSION_SCHEMA}') AS public
     FROM (VALUES (1)) one
     LEFT JOIN pg_available_extensions a ON a.name = 'vector'
     LEFT JOIN pg_extension e ON e.extname = 'vector'
     LEFT JOIN pg_namespace n ON n.oid = e.extnamespace`,
  );
  const { installed, schema, available } = found!;
  if (installed !== null) {
    if (isOlder(installed)) throw tooOld(installed, 'install a later one, and run: ALTER EXTENSION vector UPDATE');
    return schema!;
  }
  if (available === null) {
    const text =
      'TIMBRE_VECTOR_INDEX=pgvector needs the extension pgvector, which this PostgreSQL does not have; install it there ' +
      '(https://github.com/pgvector/pgvector), or set native';
    throw new TimbreError('STORAGE_UNSUITABLE', text);
  }
  if (isOlder(available)) throw tooOld(available, 'install a later one');
  const place = found!.public ? ` SCHEMA ${EXTENSION_SCHEMA}` : '';
  await manager.query('SAVEPOINT without_extension');
  try {
    await manager.query(`CREATE EXTENSION IF NOT EXISTS vector${place}`);
  } catch (cause) {
    const code = postgresCode(cause);
    if (code === MADE_MEANWHILE) {
      await manager.query('ROLLBACK TO SAVEPOINT without_extension');
      return requireExtension(manager);
    }
    if (code !== '42501') throw cause;
    const text = `the role may not make the extension pgvector; have it made by a superuser of this database: CREATE EXTENSION vector${place}`;
    throw new TimbreError('STORAGE_REFUSED', text, { cause });
  }
  return requireExtension(manager);
}

function isOlder(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, least] of OLDEST.entries()) {
    if (parts[i] !== least) return (parts[i] ?? 0) < least;
  }
  return false;
}

function tooOld(version: string, remedy: string): TimbreError {
  const text = `pgvector ${version} is too old for TIMBRE_VECTOR_INDEX=pgvector, which needs ${OLDEST.join('.')} or later; ${remedy}`;
  return new TimbreError('STORAGE_UNSUITABLE', text);
}

const secretOwner = (id: string): string[] => ['rotation of vectors', id];

/** By what vectors are turned, and a name of it that is no secret. */
export interface RotationSecret {
  id: string;
  secret: Buffer;
}

interface SecretRow {
  id: string;
  sealed: Buffer;
}

const secretRow = async (manager: EntityManager): Promise<SecretRow | undefined> =>
  (await ask<SecretRow>(manager, 'SELECT id, sealed FROM voice_index_secrets'))[0];

/** Errors: STORAGE_INVALID where it is gone, or does not open. */
export async function readSecret(manager: EntityManager, cipher: VectorCipher): Promise<RotationSecret> {
  const row = await secretRow(manager);
  if (!row) throw new TimbreError('STORAGE_INVALID', 'the secret of the vectors is gone; restart the service');
  return { id: row.id, secret: cipher.open(row.sealed, secretOwner(row.id)) };
}

/** Makes a secret where there is none that opens, and drops all that was turned by another. True where it made one. */
async function settleSecret(manager: EntityManager, cipher: VectorCipher): Promise<boolean> {
  const row = await secretRow(manager);
  if (row && opens(row, cipher)) return false;
  if (row) {
    new Logger('Vectors').warn('the secret of the vectors does not open: they are made anew, of the profiles');
  }
  await manager.query('DELETE FROM voice_index_secrets');
  await manager.query('DELETE FROM voice_vectors');
  const id = randomUUID();
  const secret = randomBytes(SECRET_BYTES);
  const sealed = cipher.seal(secret, secretOwner(id));
  secret.fill(0);
  await ask(manager, 'INSERT INTO voice_index_secrets (id, sealed) VALUES (?, ?)', [id, sealed]);
  return true;
}

function opens({ id, sealed }: SecretRow, cipher: VectorCipher): boolean {
  try {
    cipher.open(sealed, secretOwner(id)).fill(0);
    return true;
  } catch (error) {
    if (error instanceof TimbreError && error.code === 'STORAGE_INVALID') return false;
    throw error;
  }
}

/** The same secret under the key that seals now; vectors stay as they are. */
export async function resealSecret(manager: EntityManager, cipher: VectorCipher): Promise<void> {
  const row = await secretRow(manager);
  // One that does not open is made anew when the service starts.
  if (!row || cipher.isCurrent(row.sealed) || !opens(row, cipher)) return;
  const sealed = cipher.reseal(row.sealed, secretOwner(row.id));
  await ask(manager, 'UPDATE voice_index_secrets SET sealed = ? WHERE id = ?', [sealed, row.id]);
}

/** A statement that the driver waits for as long as it takes. */
async function patiently(manager: EntityManager, text: string): Promise<void> {
  const client = (await runnerOf(manager).connect()) as pg.PoolClient;
  await client.query({ text, query_timeout: LONGEST_MS } as pg.QueryConfig);
}
