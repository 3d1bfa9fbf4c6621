import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { EntityManager } from 'typeorm';
import { readCounter } from './counters.js';
import { newDataKey } from './data-key.js';
import { KEY_CHECK, type Database } from './database.js';
import type { EnrollmentRow } from './entities/enrollment.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { enrollmentOwner } from './mappers/enrollment.mapper.js';
import { profileOwner } from './mappers/profile.mapper.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { findRow, insertRows } from './rows.js';
import { leaveTraces } from './traces.js';
import type { VectorCipher } from './vector-cipher.js';

/** Rows passed in one transaction: some milliseconds of the JS thread, and requests come in between. */
const BATCH = 50;

/** Name of the setting that holds `Progress`. */
const PROGRESS = 'rotation';

/** Attempts at emptying the write-ahead log, a second apart, before the old key is given up. */
const CHECKPOINT_ATTEMPTS = 30;

/** What has just become durable. */
export type RotationStep = 'key added' | 'batch' | 'check' | 'checkpoint' | 'key removed';

export interface RotationOptions {
  /** Stops between two batches. */
  signal?: AbortSignal;
  /** Called after every step; what it throws ends the rotation there. */
  reached?: (step: RotationStep) => void | Promise<void>;
}

export interface KeyCounts {
  /** Vectors under the current key. */
  done: number;
  total: number;
}

/**
 * Re-encrypts everything with a new data key while others work:
 *
 *  1. The new key goes into the key file before the old one. From then on it seals, and both open.
 *  2. Every row is passed once, a batch in a transaction; a vector under another key is re-encrypted. What others write
 *     meanwhile is under the new key already.
 *  3. With none left, the key check is too, and the write-ahead log is emptied.
 *  4. The old key goes out of the file, and is kept aside for backups made before.
 *
 * Wherever it is cut off, the file has every key that is needed, and calling it again goes on: a file with more than
 * one key is a rotation that is not finished.
 *
 * Errors: INVALID_ARGUMENT where the key came without a file, ABORTED, those of the storage.
 */
export async function rotateDataKey(database: Database, options: RotationOptions = {}): Promise<void> {
  const { cipher, keys: provider } = database;
  if (cipher.keys.length === 1) {
    if (provider.changeable !== true) throw new TimbreError('INVALID_ARGUMENT', provider.changeable.because);
    const keys = [newDataKey(), ...cipher.keys];
    // Between transactions: none seals with a key that the file does not have.
    await database.query(async () => {
      await provider.replace(keys);
      cipher.use(keys);
    });
    await options.reached?.('key added');
  }
  await finishRotation(database, options);
}

/** The rest of a rotation, from wherever it was cut off; nothing where there is none. Errors: as rotateDataKey. */
export async function finishRotation(database: Database, options: RotationOptions = {}): Promise<void> {
  const { cipher, keys } = database;
  const { reached } = options;
  if (cipher.keys.length === 1) return;
  for (let began = performance.now(); await resealBatch(database); began = performance.now()) {
    await reached?.('batch');
    // As long as it took: half of the database's time is everybody else's.
    await delay(performance.now() - began);
    if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the rotation was stopped; start it again to go on');
  }
  await resealCheck(database);
  await reached?.('check');
  await emptyLog(database);
  await reached?.('checkpoint');
  if (keys.changeable !== true) return;
  await database.query(async () => {
    const [current, ...old] = cipher.keys;
    if (!current) throw new Error('a cipher has a key');
    await keys.retire(old);
    await keys.replace([current]);
    cipher.use([current]);
  });
  await reached?.('key removed');
}

/** From counters and the rotation's own place: nothing is scanned. */
export function countKeys(database: Database): Promise<KeyCounts> {
  return database.read(async (manager) => {
    const total = await readCounter(manager, 'vectors');
    const { cipher } = database;
    if (cipher.keys.length === 1) return { done: total, total };
    const { next, passed } = await readProgress(manager, cipher);
    return { done: next === null ? total : Math.min(passed, total), total };
  });
}

/** What a vector is bound to. */
type Owner = Pick<EnrollmentRow, 'id' | 'speakerId' | 'model' | 'frontEnd'>;

/** How far a rotation is: the rows of each table are passed once, in the order of their keys. */
interface Progress {
  /** Id of the key that everything goes under, hexadecimal: a rotation to another key begins anew. */
  key: string;
  /** After which row of which table it goes on; null at the end. */
  next: { table: 'enrollments'; after: string } | { table: 'profiles'; after: [string, string, string] } | null;
  /** Vectors behind it. */
  passed: number;
}

async function readProgress(manager: EntityManager, { currentId }: VectorCipher): Promise<Progress> {
  const key = currentId.toString('hex');
  const row = await findRow(manager, SettingEntity, { name: PROGRESS });
  const known = row && (JSON.parse(row.value.toString('utf8')) as Progress);
  return known?.key === key ? known : { key, next: { table: 'enrollments', after: '' }, passed: 0 };
}

async function writeProgress(manager: EntityManager, progress: Progress): Promise<void> {
  const row = { name: PROGRESS, value: Buffer.from(JSON.stringify(progress)) };
  await insertRows(manager, SettingEntity, [row], { replace: ['name'] });
}

/** Re-encrypts what comes next and moves the place on, in one transaction. False where everything was passed before. */
function resealBatch(database: Database): Promise<boolean> {
  const { cipher } = database;
  return database.transaction(async (manager) => {
    const progress = await readProgress(manager, cipher);
    if (!progress.next) return false;
    let left = BATCH;
    if (progress.next.table === 'enrollments') {
      const rows = await manager.query<(Owner & { embedding: Buffer })[]>(
        `SELECT id, speaker_id AS speakerId, model, front_end AS frontEnd, embedding FROM enrollments
         WHERE id > ? ORDER BY id LIMIT ?`,
        [progress.next.after, left],
      );
      const resealed = rows
        .filter(({ embedding }) => !isCurrent(embedding, cipher))
        .map((row) => [row.id, cipher.reseal(row.embedding, enrollmentOwner(row)).toString('hex')]);
      // In one statement: one for each row takes several times as long.
      await manager.query(
        `UPDATE enrollments SET embedding = unhex(new.value ->> 1)
         FROM json_each(?) AS new WHERE enrollments.id = new.value ->> 0`,
        [JSON.stringify(resealed)],
      );
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last ? { table: 'enrollments', after: last.id } : { table: 'profiles', after: ['', '', ''] };
      progress.passed += rows.length;
      left -= rows.length;
    }
    if (progress.next.table === 'profiles' && left > 0) {
      const rows = await manager.query<(Omit<Owner, 'id'> & { centroid: Buffer | null })[]>(
        `SELECT speaker_id AS speakerId, model, front_end AS frontEnd, centroid FROM profiles
         WHERE (speaker_id, model, front_end) > (?, ?, ?) ORDER BY speaker_id, model, front_end LIMIT ?`,
        [...progress.next.after, left],
      );
      const resealed = rows.flatMap((row) => {
        if (!row.centroid || isCurrent(row.centroid, cipher)) return [];
        const { speakerId, model, frontEnd } = row;
        return [[speakerId, model, frontEnd, cipher.reseal(row.centroid, profileOwner(row)).toString('hex')]];
      });
      await manager.query(
        `UPDATE profiles SET centroid = unhex(new.value ->> 3) FROM json_each(?) AS new
         WHERE speaker_id = new.value ->> 0 AND model = new.value ->> 1 AND front_end = new.value ->> 2`,
        [JSON.stringify(resealed)],
      );
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last ? { table: 'profiles', after: [last.speakerId, last.model, last.frontEnd] } : null;
      progress.passed += rows.filter(({ centroid }) => centroid !== null).length;
    }
    await writeProgress(manager, progress);
    return true;
  });
}

function isCurrent(sealed: Buffer, { currentId }: VectorCipher): boolean {
  return sealed.subarray(1, 1 + currentId.length).equals(currentId);
}

/** Once: a check under the current key says that all vectors were before it. */
function resealCheck(database: Database): Promise<void> {
  const { cipher } = database;
  return database.transaction(async (manager) => {
    const check = await manager.findOneByOrFail(SettingEntity, { name: KEY_CHECK.name });
    if (check.value.subarray(1, 5).equals(cipher.currentId)) return;
    const value = cipher.reseal(check.value, KEY_CHECK.belongsTo);
    await manager.update(SettingEntity, { name: KEY_CHECK.name }, { value });
    await new TypeOrmAuditRepository(manager).record({ action: 'data-key.rotated' });
    // What the old key encrypted goes from unused parts of the file too.
    await leaveTraces(manager);
  });
}

async function emptyLog(database: Database): Promise<void> {
  for (let attempt = 1; !(await database.wipe()); attempt++) {
    if (attempt === CHECKPOINT_ATTEMPTS) {
      throw new TimbreError(
        'STORAGE_UNAVAILABLE',
        'another program reads the database and keeps its write-ahead log from being emptied; end it and try again',
      );
    }
    await delay(1000);
  }
}
