import type { EntityManager } from 'typeorm';
import { ask } from './dialect.js';
import { RegisterEntity } from './entities/register.entity.js';
import type { Epoch } from './epoch.js';
import { removeMoveMark } from './move-marks.js';
import { SETTLED, type Head, type Register, type SealingPlace } from './register.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { insertRows } from './rows.js';

/** The database while it is opened: nobody else writes. */
export interface OpeningDatabase {
  /** With the register. */
  transaction: <T>(work: (manager: EntityManager) => Promise<T>) => Promise<T>;
  manager: EntityManager;
  register: Register;
  epoch: Epoch;
}

export interface SettleOptions {
  /** Where the sealing of what is there begins, where there is no register yet; null where nothing can be there. */
  sealing: SealingPlace | null;
  /** Seals what was there before the register. */
  seal?: () => Promise<void>;
  /** Goes on with a database that was put back, from where the provider was. */
  restored: { mark: { counter: number } | null } | null;
}

/**
 * Begins the register where there is none, seals what is there then, and tells the epoch provider. The database is
 * noted as known to the provider after it is: cut off in between, nothing is refused.
 */
export async function settleRegister(
  { transaction, manager, register, epoch }: OpeningDatabase,
  { sealing, seal, restored }: SettleOptions,
): Promise<Head> {
  if (!(await register.headIfAny(manager))) await transaction((own) => register.begin(own, sealing));
  await seal?.();
  if (restored) {
    await transaction(async (own) => {
      await register.changeHead(own, (head) => {
        head.counter = Math.max(head.counter, restored.mark?.counter ?? 0);
      });
      await new TypeOrmAuditRepository(own, register).record({ action: 'data.restore-acknowledged' });
      // What a move has left behind is gone on with, too.
      await removeMoveMark(own, 'left');
    });
  }
  await insertRows(manager, RegisterEntity, [{ name: SETTLED, value: Buffer.alloc(0) }], { keep: ['name'] });
  let head = await register.head(manager);
  await epoch.write(head);
  if (!head.anchored) {
    await transaction((own) =>
      register.changeHead(own, (now) => {
        now.anchored = true;
      }),
    );
    head = await register.head(manager);
  }
  return head;
}

/** Whether all of these migrations were run; the list of them is there. */
export async function isMigrated(manager: EntityManager, migrations: readonly { name: string }[]): Promise<boolean> {
  const rows = await ask<{ name: string }>(manager, 'SELECT name FROM migrations');
  const done = new Set(rows.map((row) => row.name));
  return migrations.every(({ name }) => done.has(name));
}

/** Whether what the tables hold is vouched for. */
export async function isSettled(manager: EntityManager): Promise<boolean> {
  return (await ask(manager, 'SELECT 1 FROM register WHERE name = ?', [SETTLED])).length > 0;
}
