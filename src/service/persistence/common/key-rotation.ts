import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { EntityManager, EntitySchema, ObjectLiteral } from 'typeorm';
import type { BoundRows } from './bound-records.js';
import { readCounter } from './counters.js';
import { newDataKey } from './data-key.js';
import { affect, ask, dialectOf } from './dialect.js';
import { KEY_CHECK } from './key-check.js';
import type { Store } from './store.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { VoiceShareEntity } from './entities/voice-share.entity.js';
import { WaitingVerificationEntity } from './entities/waiting-verification.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { enrollmentOwner } from './mappers/enrollment.mapper.js';
import { shareOwner } from './mappers/unknown-voice.mapper.js';
import { waitingOwner } from './mappers/waiting-verification.mapper.js';
import { profileOwner } from './mappers/profile.mapper.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { resealWebhooks } from './repositories/typeorm-webhook.repository.js';
import { newTrailKey } from './register.js';
import { findRow, insertRows, selection } from './rows.js';
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

/** How somebody watches a whole rotation. */
export interface RotationProgress {
  signal: AbortSignal;
  /** Called once with how many vectors there are, and then with how many are done. */
  begun: (total: number) => void;
  done: (vectors: number) => void;
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
export async function rotateDataKey(database: Store, options: RotationOptions = {}): Promise<void> {
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

/** As `rotateDataKey`, told in vectors. Gives how many there are. Errors: as rotateDataKey. */
export async function rotateCounted(database: Store, { signal, begun, done }: RotationProgress): Promise<number> {
  const { total } = await countKeys(database);
  begun(total);
  await rotateDataKey(database, { signal, reached: async () => done((await countKeys(database)).done) });
  return total;
}

/** The rest of a rotation, from wherever it was cut off; nothing where there is none. Errors: as rotateDataKey. */
export async function finishRotation(database: Store, options: RotationOptions = {}): Promise<void> {
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
  await database.markEpoch();
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
export function countKeys(database: Store): Promise<KeyCounts> {
  return database.read(async (manager) => {
    const total = await readCounter(manager, 'vectors');
    const { cipher } = database;
    if (cipher.keys.length === 1) return { done: total, total };
    const { next, passed } = await readProgress(manager, cipher);
    return { done: next === null ? total : Math.min(passed, total), total };
  });
}

/** How far a rotation is: the rows of each table are passed once, in the order of their keys. */
interface Progress {
  /** Id of the key that everything goes under, hexadecimal: a rotation to another key begins anew. */
  key: string;
  /** After which row of which table it goes on; null at the end. */
  next:
    | { table: 'enrollments'; after: string }
    | { table: 'profiles'; after: [string, string, string] }
    | { table: 'waiting_verifications'; after: string }
    | { table: 'unknown_voice_shares'; after: string }
    | null;
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
function resealBatch(database: Store): Promise<boolean> {
  const { cipher } = database;
  return database.transaction(async (manager) => {
    const progress = await readProgress(manager, cipher);
    if (!progress.next) return false;
    let left = BATCH;
    if (progress.next.table === 'enrollments') {
      const rows = await rowsOf(manager, EnrollmentEntity, 't.id > ? ORDER BY t.id LIMIT ?', [
        progress.next.after,
        left,
      ]);
      await resealRows(manager, database, 'enrollment', rows, (row) =>
        cipher.isCurrent(row.embedding) ? null : { embedding: cipher.reseal(row.embedding, enrollmentOwner(row)) },
      );
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last ? { table: 'enrollments', after: last.id } : { table: 'profiles', after: ['', '', ''] };
      progress.passed += rows.length;
      left -= rows.length;
    }
    if (progress.next.table === 'profiles' && left > 0) {
      const rows = await rowsOf(
        manager,
        ProfileEntity,
        '(t.speaker_id, t.model, t.front_end) > (?, ?, ?) ORDER BY t.speaker_id, t.model, t.front_end LIMIT ?',
        [...progress.next.after, left],
      );
      await resealRows(manager, database, 'profile', rows, (row) => {
        if (!row.centroid || cipher.isCurrent(row.centroid)) return null;
        return { centroid: cipher.reseal(row.centroid, profileOwner(row)) };
      });
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last
        ? { table: 'profiles', after: [last.speakerId, last.model, last.frontEnd] }
        : { table: 'waiting_verifications', after: '' };
      progress.passed += rows.filter(({ centroid }) => centroid !== null).length;
      left -= rows.length;
    }
    if (progress.next.table === 'waiting_verifications' && left > 0) {
      const rows = await rowsOf(manager, WaitingVerificationEntity, 't.id > ? ORDER BY t.id LIMIT ?', [
        progress.next.after,
        left,
      ]);
      await resealRows(manager, database, 'waiting-verification', rows, (row) =>
        cipher.isCurrent(row.sealed) ? null : { sealed: cipher.reseal(row.sealed, waitingOwner(row)) },
      );
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last
        ? { table: 'waiting_verifications', after: last.id }
        : { table: 'unknown_voice_shares', after: '' };
      progress.passed += rows.length;
      left -= rows.length;
    }
    if (progress.next.table === 'unknown_voice_shares' && left > 0) {
      const rows = await rowsOf(manager, VoiceShareEntity, 't.id > ? ORDER BY t.id LIMIT ?', [
        progress.next.after,
        left,
      ]);
      await resealRows(manager, database, 'voice-share', rows, (row) =>
        cipher.isCurrent(row.embedding) ? null : { embedding: cipher.reseal(row.embedding, shareOwner(row)) },
      );
      const last = rows.length === left ? rows.at(-1) : undefined;
      progress.next = last ? { table: 'unknown_voice_shares', after: last.id } : null;
      progress.passed += rows.length;
    }
    await writeProgress(manager, progress);
    return true;
  });
}

async function rowsOf<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  where: string,
  values: unknown[],
): Promise<Row[]> {
  const { columns, row } = selection(manager, entity, 't');
  const { tableName } = manager.connection.getMetadata(entity);
  const text = `SELECT ${columns} FROM "${tableName}" t WHERE ${where}`;
  return (await ask<Record<string, unknown>>(manager, text, values)).map(row);
}

/** Statements that put new vectors into many rows, in one: one for each row takes several times as long. */
const UPDATES = {
  sqlite: {
    enrollment: `UPDATE enrollments SET embedding = unhex(new.value ->> 1)
      FROM json_each(?) AS new WHERE enrollments.id = new.value ->> 0`,
    'waiting-verification': `UPDATE waiting_verifications SET sealed = unhex(new.value ->> 1)
      FROM json_each(?) AS new WHERE waiting_verifications.id = new.value ->> 0`,
    'voice-share': `UPDATE unknown_voice_shares SET embedding = unhex(new.value ->> 1)
      FROM json_each(?) AS new WHERE unknown_voice_shares.id = new.value ->> 0`,
    profile: `UPDATE profiles SET centroid = unhex(new.value ->> 1) FROM json_each(?) AS new
      WHERE speaker_id = new.value ->> 2 AND model = new.value ->> 3 AND front_end = new.value ->> 4`,
  },
  postgres: {
    enrollment: `UPDATE enrollments SET embedding = decode(new.value ->> 1, 'hex')
      FROM json_array_elements(CAST(? AS json)) AS new(value) WHERE enrollments.id = new.value ->> 0`,
    'waiting-verification': `UPDATE waiting_verifications SET sealed = decode(new.value ->> 1, 'hex')
      FROM json_array_elements(CAST(? AS json)) AS new(value) WHERE waiting_verifications.id = new.value ->> 0`,
    'voice-share': `UPDATE unknown_voice_shares SET embedding = decode(new.value ->> 1, 'hex')
      FROM json_array_elements(CAST(? AS json)) AS new(value) WHERE unknown_voice_shares.id = new.value ->> 0`,
    profile: `UPDATE profiles SET centroid = decode(new.value ->> 1, 'hex')
      FROM json_array_elements(CAST(? AS json)) AS new(value)
      WHERE speaker_id = new.value ->> 2 AND model = new.value ->> 3 AND front_end = new.value ->> 4`,
  },
} as const;

/** Re-encrypts what `again` gives a new vector for, and vouches for it anew where it was as it was written. */
async function resealRows<Kind extends 'enrollment' | 'profile' | 'waiting-verification' | 'voice-share'>(
  manager: EntityManager,
  { register }: Store,
  kind: Kind,
  rows: readonly BoundRows[Kind][],
  again: (row: BoundRows[Kind]) => Partial<BoundRows[Kind]> | null,
): Promise<void> {
  const known = await register.check(manager, kind, rows);
  const passed = rows.flatMap((row, i) => {
    const changes = again(row);
    return changes ? [{ row: { ...row, ...changes }, known: known[i]! }] : [];
  });
  if (passed.length === 0) return;
  const values = passed.map(({ row }) => {
    const { model, frontEnd } = row;
    const [id, vector] =
      'centroid' in row ? ['', row.centroid!] : 'sealed' in row ? [row.id, row.sealed] : [row.id, row.embedding];
    return [id, vector.toString('hex'), 'speakerId' in row ? row.speakerId : null, model, frontEnd];
  });
  await affect(manager, UPDATES[dialectOf(manager).name][kind], [JSON.stringify(values)]);
  register.bind(
    manager,
    kind,
    passed.filter((one) => one.known).map(({ row }) => row),
  );
}

/** Once: a check under the current key says that all vectors were before it. */
function resealCheck(database: Store): Promise<void> {
  const { cipher, register } = database;
  return database.transaction(async (manager) => {
    const check = await manager.findOneByOrFail(SettingEntity, { name: KEY_CHECK.name });
    if (cipher.isCurrent(check.value)) return;
    await resealWebhooks(manager, cipher);
    const value = cipher.reseal(check.value, KEY_CHECK.belongsTo);
    await manager.update(SettingEntity, { name: KEY_CHECK.name }, { value });
    // Whoever had the old key knows the keys of the trail up to here.
    await register.changeHead(manager, ({ trail }) => {
      trail.keys.push({ from: trail.last + 1, key: newTrailKey() });
    });
    await new TypeOrmAuditRepository(manager, register).record({ action: 'data-key.rotated' });
    // What the old key encrypted goes from unused parts of the file too.
    await leaveTraces(manager);
  });
}

async function emptyLog(database: Store): Promise<void> {
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
