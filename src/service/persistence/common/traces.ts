import type { EntityManager } from 'typeorm';
import { dialectOf } from './dialect.js';
import { SettingEntity } from './entities/setting.entity.js';

const NAME = 'traces';

/**
 * Remembers, in the transaction that deletes, that the file has to be wiped. SQLite overwrites what it deletes
 * (secure_delete), but not the copies that rows leave in unused parts of other pages when pages are split or joined.
 * PostgreSQL's files are its own to wipe.
 */
export async function leaveTraces(manager: EntityManager): Promise<void> {
  if (dialectOf(manager).name !== 'sqlite') return;
  await manager.upsert(SettingEntity, { name: NAME, value: Buffer.of(1) }, ['name']);
}

export async function hasTraces(manager: EntityManager): Promise<boolean> {
  return manager.existsBy(SettingEntity, { name: NAME });
}

export async function forgetTraces(manager: EntityManager): Promise<void> {
  await manager.delete(SettingEntity, { name: NAME });
}
