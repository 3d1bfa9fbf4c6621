import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { EntityManager } from 'typeorm';
import type { BoundKind, BoundRows } from './bound-records.js';
import { readCounter } from './counters.js';
import { newDataKey } from './data-key.js';
import { affect, ask, dialectOf } from './dialect.js';
import { KEY_CHECK } from './key-check.js';
import type { Store } from './store.js';
import { SettingEntity } from './entities/setting.entity.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { resealWebhooks } from './repositories/typeorm-webhook.repository.js';
import { newTrailKey } from './register.js';
import { findRow, insertRows, selection } from './rows.js';
import { ofSealedColumns, type SealedColumn } from './sealed-columns.js';
import { leaveTraces } from './traces.js';
import type { VectorCipher } from './vector-cipher.js';

/** Rows passed in one transaction: some milliseconds of the JS thread, and requests come in between. */
export const BATCH_ROWS = 30;

/**
 * What the names of the settings begin with that hold `Progress`, one for each key: where two nodes have the same keys in another
 * order, neither begins anew for the other.
 */
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
 * Keys in a variable are those of several nodes, perhaps, and while one of them has the old key first it writes with it. So
 * everything is passed anew each time, and is under the new key once the last node that has it first has passed it.
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
  if (keys.changeable !== true) await beginAnew(database);
  for (let began = performance.now(); await resealBatch(database); began = performance.now()) {
    await reached?.('batch');
    // As long as it took: half of the database's time is everybody else's.
    await delay(performance.now() - began);
    if (options.signal?.aborted) throw new TimbreError('ABORTED', 'the rotation was stopped; start it again to go on');
  }
  await resealRest(database);
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

/** Rows of one table that a rotation passes, in the order of their keys. */
interface Passage {
  /** In the database. */
  table: string;
  /** Before every row. */
  start: string[];
  pass: (manager: EntityManager, database: Store, after: string[], limit: number) => Promise<Passed>;
}

interface Passed {
  rows: number;
  /** Of these rows, those that have a vector. */
  vectors: number;
  /** Key of the last row; null where no row is left. */
  last: string[] | null;
}

const PASSAGES: readonly Passage[] = ofSealedColumns(passage);

/** How far a rotation is: the rows of each table are passed once. */
interface Progress {
  /** After which row of which table it goes on; null at the end. A key of one column may be its text alone. */
  next: { table: string; after: string | string[] } | null;
  /** Vectors behind it. */
  passed: number;
}

function beginning(): Progress {
  return { next: beginningOf(PASSAGES[0]), passed: 0 };
}

/** Of the rotation to the key that goes first. */
async function readProgress(manager: EntityManager, cipher: VectorCipher): Promise<Progress> {
  const row = await findRow(manager, SettingEntity, { name: progressOf(cipher.currentId) });
  return row ? (JSON.parse(row.value.toString('utf8')) as Progress) : beginning();
}

async function writeProgress(manager: EntityManager, cipher: VectorCipher, progress: Progress): Promise<void> {
  const row = { name: progressOf(cipher.currentId), value: Buffer.from(JSON.stringify(progress)) };
  await insertRows(manager, SettingEntity, [row], { replace: ['name'] });
}

function progressOf(keyId: Buffer): string {
  return `${PROGRESS} ${keyId.toString('hex')}`;
}

function beginAnew(database: Store): Promise<void> {
  return database.query((manager) => writeProgress(manager, database.cipher, beginning()));
}

/** Of keys that nobody has any more. */
async function forgetProgress(manager: EntityManager, { keyIds }: VectorCipher): Promise<void> {
  const known = keyIds.map(progressOf);
  const rows = await ask<{ name: string }>(manager, 'SELECT name FROM settings');
  for (const { name } of rows) {
    if (name.startsWith(PROGRESS) && !known.includes(name)) await manager.delete(SettingEntity, { name });
  }
}

/** Re-encrypts what comes next and moves the place on, in one transaction. False where everything was passed before. */
function resealBatch(database: Store): Promise<boolean> {
  const { cipher } = database;
  return database.transaction(async (manager) => {
    const progress = await readProgress(manager, cipher);
    if (!progress.next) return false;
    await database.resealing(manager);
    let left = BATCH_ROWS;
    while (progress.next && left > 0) {
      const { table, after }: NonNullable<Progress['next']> = progress.next;
      const at = PASSAGES.findIndex((one) => one.table === table);
      const passed = await PASSAGES[at]!.pass(manager, database, [after].flat(), left);
      progress.next = passed.last ? { table, after: passed.last } : beginningOf(PASSAGES[at + 1]);
      progress.passed += passed.vectors;
      left -= passed.rows;
    }
    await writeProgress(manager, cipher, progress);
    return true;
  });
}

function beginningOf(passage: Passage | undefined): Progress['next'] {
  return passage ? { table: passage.table, after: passage.start } : null;
}

function passage<Kind extends BoundKind>(column: SealedColumn<Kind>): Passage {
  const { entity, key, sealed, owner } = column;
  return {
    table: entity.options.tableName!,
    start: key.map(() => ''),
    async pass(manager, database, after, limit) {
      const { cipher } = database;
      const { columns, row } = selection(manager, entity, 't');
      const { table, names } = namesOf(manager, column);
      const places = names.key.map((name) => `t.${name}`).join(', ');
      const found = await ask<Record<string, unknown>>(
        manager,
        `SELECT ${columns} FROM ${table} t WHERE (${places}) > (${key.map(() => '?').join(', ')})
         ORDER BY ${places} LIMIT ?`,
        [...after, limit],
      );
      const rows = found.map(row);
      await resealRows(manager, database, column, rows, (one) => {
        const value = one[sealed] as Buffer | null;
        return value && !cipher.isCurrent(value) ? cipher.reseal(value, owner(one)) : null;
      });
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        rows: rows.length,
        vectors: rows.filter((one) => one[sealed] !== null).length,
        last: last ? key.map((name) => last[name] as string) : null,
      };
    },
  };
}

/** What table and columns are called in the database, quoted. */
function namesOf<Kind extends BoundKind>(
  manager: EntityManager,
  { entity, key, sealed }: SealedColumn<Kind>,
): { table: string; names: { key: string[]; sealed: string } } {
  const metadata = manager.connection.getMetadata(entity);
  const name = (property: PropertyKey): string =>
    `"${metadata.findColumnWithPropertyName(String(property))!.databaseName}"`;
  return { table: `"${metadata.tableName}"`, names: { key: key.map(name), sealed: name(sealed) } };
}

/** Re-encrypts what `again` gives a new vector for, and vouches for it anew where it was as it was written. */
async function resealRows<Kind extends BoundKind>(
  manager: EntityManager,
  { register }: Store,
  column: SealedColumn<Kind>,
  rows: readonly BoundRows[Kind][],
  again: (row: BoundRows[Kind]) => Buffer | null,
): Promise<void> {
  const { kind, key, sealed } = column;
  const known = await register.check(manager, kind, rows);
  const passed = rows.flatMap((row, i) => {
    const value = again(row);
    return value ? [{ row: { ...row, [sealed]: value }, value, known: known[i]! }] : [];
  });
  if (passed.length === 0) return;
  // Many rows in one statement: one for each row takes several times as long.
  const { table, names } = namesOf(manager, column);
  const { unhex, rows: list } = FROM_JSON[dialectOf(manager).name];
  const same = names.key.map((name, i) => `${table}.${name} = new.value ->> ${i + 1}`).join(' AND ');
  const values = passed.map(({ row, value }) => [value.toString('hex'), ...key.map((name) => row[name])]);
  await affect(
    manager,
    `UPDATE ${table} SET ${names.sealed} = ${unhex('new.value ->> 0')} FROM ${list} WHERE ${same}`,
    [JSON.stringify(values)],
  );
  register.bind(
    manager,
    kind,
    passed.filter((one) => one.known).map(({ row }) => row),
  );
}

/** Bytes out of a text, and rows out of an array, a parameter: their own arrays, `new.value`. */
const FROM_JSON = {
  sqlite: { unhex: (text: string) => `unhex(${text})`, rows: 'json_each(?) AS new' },
  postgres: {
    unhex: (text: string) => `decode(${text}, 'hex')`,
    rows: 'json_array_elements(CAST(? AS json)) AS new(value)',
  },
} as const;

/** What is no row of a table that was passed. */
function resealRest(database: Store): Promise<void> {
  const { cipher, register } = database;
  return database.transaction(async (manager) => {
    await resealWebhooks(manager, cipher);
    await database.resealOwn(manager);
    await register.resealHead(manager);
    await forgetProgress(manager, cipher);
    // Once: a check under the current key says that everything was before it.
    const check = await manager.findOneByOrFail(SettingEntity, { name: KEY_CHECK.name });
    if (cipher.isCurrent(check.value)) return;
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
