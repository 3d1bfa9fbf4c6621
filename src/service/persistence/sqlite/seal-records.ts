import type { EntityManager, EntitySchema, ObjectLiteral } from 'typeorm';
import { BOUND_KINDS, type BoundKind, type BoundRows } from './bound-records.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import { AuditEntity, type AuditRow } from './entities/audit.entity.js';
import { ConsentEntity } from './entities/consent.entity.js';
import { EnrollmentEntity } from './entities/enrollment.entity.js';
import { ProfileEntity } from './entities/profile.entity.js';
import { SpeakerEntity } from './entities/speaker.entity.js';
import type { Head, Register, SealingPlace } from './register.js';
import { selection } from './rows.js';
import { sealEntries } from './trail.js';

/** Rows of one transaction. */
const BATCH = 500;

export const BOUND_ENTITIES: { [Kind in BoundKind]: EntitySchema<BoundRows[Kind]> } = {
  speaker: SpeakerEntity,
  consent: ConsentEntity,
  enrollment: EnrollmentEntity,
  profile: ProfileEntity,
  'api-key': ApiKeyEntity,
};

const TABLES: readonly SealingPlace['table'][] = [...BOUND_KINDS, 'audit'];

type Transaction = (work: (manager: EntityManager) => Promise<void>) => Promise<void>;

/**
 * Vouches once for what the database had before there was a register, in pieces; cut off, it goes on where it was. What is
 * there then is believed. Errors: those of the storage.
 */
export async function sealRecords(transaction: Transaction, register: Register): Promise<void> {
  for (let done = false; !done;) {
    await transaction(async (manager) => {
      const { sealing } = await register.head(manager);
      if (sealing) await sealBatch(manager, register, sealing);
      else done = true;
    });
  }
}

async function sealBatch(manager: EntityManager, register: Register, { table, after }: SealingPlace): Promise<void> {
  const goOn =
    (rows: readonly Numbered<unknown>[]) =>
    (head: Head): void => {
      const last = rows.length === BATCH ? rows.at(-1) : undefined;
      const next = TABLES[TABLES.indexOf(table) + 1];
      head.sealing = last ? { table, after: last.rowid } : next ? { table: next, after: 0 } : null;
    };
  if (table === 'audit') {
    const entries = await numbered(manager, AuditEntity, after);
    await sealEntries(
      manager,
      register,
      entries.map(({ row }): AuditRow => row),
      goOn(entries),
    );
  } else {
    await sealKind(manager, register, table, after, goOn);
  }
}

async function sealKind<Kind extends BoundKind>(
  manager: EntityManager,
  register: Register,
  kind: Kind,
  after: number,
  goOn: (rows: readonly Numbered<unknown>[]) => (head: Head) => void,
): Promise<void> {
  const entity = BOUND_ENTITIES[kind] as EntitySchema<BoundRows[Kind] & ObjectLiteral>;
  const rows = await numbered(manager, entity, after);
  await register.bind(
    manager,
    kind,
    rows.map(({ row }): BoundRows[Kind] => row),
    goOn(rows),
  );
}

interface Numbered<Row> {
  rowid: number;
  row: Row;
}

async function numbered<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  after: number,
): Promise<Numbered<Row>[]> {
  const { columns, row } = selection(manager, entity, 't');
  const { tableName } = manager.connection.getMetadata(entity);
  const records = await manager.query<({ rowid: number } & Record<string, unknown>)[]>(
    `SELECT t.rowid AS rowid, ${columns} FROM "${tableName}" t WHERE t.rowid > ? ORDER BY t.rowid LIMIT ?`,
    [after, BATCH],
  );
  return records.map((record) => ({ rowid: record.rowid, row: row(record) }));
}
