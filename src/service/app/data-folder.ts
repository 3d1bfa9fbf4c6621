import { keyIdOf } from '../access/api-key.js';
import type { KeyStore } from '../access/key-store.js';
import { keyViewOf, type KeyView } from '../access/key-view.js';
import { checkNewKey, makeKey, type NewKey } from '../access/make-key.js';
import type { Config } from '../config/config.js';
import { forgetRetiredKeys } from '../persistence/common/data-key.js';
import type { DataReport, ExamineOptions } from '../persistence/common/examine.js';
import type { RotationProgress } from '../persistence/common/key-rotation.js';
import type { MoveOptions, MoveReport } from '../persistence/common/move.js';
import { dataOf } from '../persistence/data.js';
import { move, type MoveDirection } from '../persistence/move.js';

/**
 * Makes a key, for `days` or for ever, bound to groups where they are given, and the data folder where there is none; `text` is
 * stored nowhere. Errors: INVALID_ARGUMENT, GROUP_NOT_FOUND, those of the storage.
 */
export async function createKey(config: Config, wanted: NewKey): Promise<{ key: KeyView; text: string }> {
  // What is wrong is told before a folder is made.
  checkNewKey(wanted);
  const store = await (await dataOf(config)).keysOrMake();
  try {
    const { key, text } = await makeKey(store, wanted);
    return { key: keyViewOf(key, new Date()), text };
  } finally {
    await store.close();
  }
}

/** All keys, oldest first; none where there is no database. */
export async function listKeys(config: Config): Promise<KeyView[]> {
  const now = new Date();
  const found = (await withKeys(config, (store) => store.all())) ?? [];
  return found.map((key) => keyViewOf(key, now));
}

/** Makes a key invalid, given by its id or its text. `revoked` is false where there is no such key. */
export async function revokeKey(config: Config, given: string): Promise<{ id: string; revoked: boolean }> {
  const id = keyIdOf(given) ?? given;
  return { id, revoked: (await withKeys(config, (store) => store.revoke(id, new Date()))) ?? false };
}

/**
 * Goes on with a database that was put back, from now on; no service may have the folder. Errors: those of the storage.
 */
export async function acknowledgeRestore(config: Config): Promise<void> {
  await (await dataOf(config)).acknowledgeRestore();
}

/** Looks at everything that is stored; changes nothing, and the service may be running. Errors: those of the storage. */
export async function examineData(config: Config, options: ExamineOptions): Promise<DataReport> {
  return (await dataOf(config)).examine(options);
}

/** Re-encrypts every vector with a new data key; no service may have the folder. Gives how many vectors there are. */
export async function rotateHere(config: Config, progress: RotationProgress): Promise<number> {
  return (await dataOf(config)).rotate(progress);
}

/**
 * A copy of the database in one file; gives its bytes. Errors: those of the storage, INVALID_ARGUMENT on PostgreSQL, which
 * has programs of its own for that.
 */
export async function backUp(config: Config, to: string): Promise<number> {
  return (await dataOf(config)).backUp(to);
}

/**
 * Moves everything that is stored from the data folder's file to PostgreSQL, or back; no service may have either open. Cut off, it goes
 * on when it is called again. Errors: STORAGE_NOT_EMPTY, STORAGE_MOVED, those of the storage.
 */
export async function moveData(config: Config, direction: MoveDirection, options: MoveOptions): Promise<MoveReport> {
  return move(config, direction, options);
}

/** Undefined where there is no database with keys. */
async function withKeys<T>(config: Config, work: (store: KeyStore) => Promise<T>): Promise<T | undefined> {
  const store = await (await dataOf(config)).keysIfThere();
  if (!store) return undefined;
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Removes the data keys that rotations have kept aside, and gives how many there were. Errors: STORAGE_UNAVAILABLE. */
export function forgetRetired({ dataKeyFile }: Config): Promise<number> {
  return forgetRetiredKeys(dataKeyFile);
}
