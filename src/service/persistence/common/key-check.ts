import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { ask } from './dialect.js';
import { SettingEntity } from './entities/setting.entity.js';
import type { VectorCipher } from './vector-cipher.js';

/** A known text under the data key tells a wrong key before anything is written with it. */
export const KEY_CHECK = { name: 'key-check', text: 'timbre', belongsTo: ['key-check'] } as const;

/** Null where none was written yet. Errors: STORAGE_INVALID where it was lost. */
export async function readKeyCheck(manager: EntityManager): Promise<Buffer | null> {
  const row = await manager.findOneBy(SettingEntity, { name: KEY_CHECK.name });
  if (row) return row.value;
  // The first start may have been cut off before the check was written; vectors without one are damage.
  const [found] = await ask<{ count: number }>(manager, 'SELECT COUNT(*) AS count FROM enrollments');
  if (found?.count === 0) return null;
  throw new TimbreError('STORAGE_INVALID', 'the database has lost the check of its data key; restore a backup');
}

export async function writeKeyCheck(manager: EntityManager, cipher: VectorCipher): Promise<void> {
  const value = cipher.seal(Buffer.from(KEY_CHECK.text), KEY_CHECK.belongsTo);
  await manager.insert(SettingEntity, { name: KEY_CHECK.name, value });
}

/** Errors: STORAGE_INVALID where another key wrote it. `place`: the database, for people. */
export function proveKey(cipher: VectorCipher, check: Buffer, place: string): void {
  try {
    cipher.open(check, KEY_CHECK.belongsTo);
  } catch (cause) {
    throw new TimbreError(
      'STORAGE_INVALID',
      `${place} was encrypted with another data key; give the key it was made with`,
      { cause },
    );
  }
}
