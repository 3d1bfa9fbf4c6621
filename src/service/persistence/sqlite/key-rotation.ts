import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import { newDataKey, replaceKeyFile, retireKeys } from './data-key.js';
import { KEY_CHECK, type Database } from './database.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { enrollmentOwner } from './mappers/enrollment.mapper.js';
import { profileOwner } from './mappers/profile.mapper.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { leaveTraces } from './traces.js';

/** Vectors re-encrypted in one transaction: some milliseconds of the JS thread, and requests come in between. */
const BATCH = 100;

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
 *  2. Vectors under another key are re-encrypted, a batch in a transaction.
 *  3. With none left, the key check is too, and the write-ahead log is emptied.
 *  4. The old key goes out of the file, and is kept aside for backups made before.
 *
 * Wherever it is cut off, the file has every key that is needed, and calling it again goes on: a file with more than
 * one key is a rotation that is not finished.
 *
 * Errors: INVALID_ARGUMENT where the key came without a file, ABORTED, those of the storage.
 */
export async function rotateDataKey(database: Database, options: RotationOptions = {}): Promise<void> {
  const { cipher, keyFile } = database;
  if (cipher.keys.length === 1) {
    if (keyFile === null) throw keyWithoutFile();
    const keys = [newDataKey(), ...cipher.keys];
    // Between transactions: none seals with a key that the file does not have.
    await database.query(async () => {
      await replaceKeyFile(keyFile, keys);
      cipher.use(keys);
    });
    await options.reached?.('key added');
  }
  await finishRotation(database, options);
}

/** The rest of a rotation, from wherever it was cut off; nothing where there is none. Errors: as rotateDataKey. */
export async function finishRotation(database: Database, options: RotationOptions = {}): Promise<void> {
  const { cipher, keyFile } = database;
  const { reached } = options;
  if (cipher.keys.length === 1) return;
  while (await resealBatch(database)) {
    await reached?.('batch');
    if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the rotation was stopped; start it again to go on');
  }
  await resealCheck(database);
  await reached?.('check');
  await emptyLog(database);
  await reached?.('checkpoint');
  // The environment's keys are its owner's to change.
  if (keyFile === null) return;
  await database.query(async () => {
    const [current, ...old] = cipher.keys;
    if (!current) throw new Error('a cipher has a key');
    await retireKeys(keyFile, old);
    await replaceKeyFile(keyFile, [current]);
    cipher.use([current]);
  });
  await reached?.('key removed');
}

export function countKeys(database: Database): Promise<KeyCounts> {
  const id = database.cipher.currentId;
  return database.query(async (manager) => {
    const rows = await manager.query<{ total: number; done: number | null }[]>(
      `SELECT COUNT(*) AS total, SUM(substr(embedding, 2, 4) = ?) AS done FROM enrollments
       UNION ALL SELECT COUNT(centroid), SUM(substr(centroid, 2, 4) = ?) FROM profiles`,
      [id, id],
    );
    return {
      total: rows.reduce((sum, { total }) => sum + total, 0),
      done: rows.reduce((sum, { done }) => sum + (done ?? 0), 0),
    };
  });
}

/** Whether any vector was left under another key. */
function resealBatch(database: Database): Promise<boolean> {
  const { cipher } = database;
  return database.transaction(async (manager) => {
    const enrollments = await manager
      .createQueryBuilder(EnrollmentEntity, 'enrollment')
      .where('substr(enrollment.embedding, 2, 4) <> :id', { id: cipher.currentId })
      .limit(BATCH)
      .getMany();
    for (const row of enrollments) {
      const embedding = cipher.reseal(row.embedding, enrollmentOwner(row));
      await manager.update(EnrollmentEntity, { id: row.id }, { embedding });
    }
    const profiles = await manager
      .createQueryBuilder(ProfileEntity, 'profile')
      .where('profile.centroid IS NOT NULL AND substr(profile.centroid, 2, 4) <> :id', { id: cipher.currentId })
      .limit(BATCH)
      .getMany();
    for (const row of profiles) {
      const { speakerId, model, frontEnd } = row;
      const centroid = row.centroid && cipher.reseal(row.centroid, profileOwner(row));
      await manager.update(ProfileEntity, { speakerId, model, frontEnd }, { centroid });
    }
    return enrollments.length + profiles.length > 0;
  });
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

function keyWithoutFile(): TimbreError {
  return new TimbreError(
    'INVALID_ARGUMENT',
    'the data key comes from TIMBRE_DATA_KEY, which cannot be changed from here: set it to a new key, a comma and the ' +
      'old key, and start the service again; it re-encrypts everything, and then says that the old key can go',
  );
}
