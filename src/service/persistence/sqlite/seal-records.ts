import type { EntityManager, EntitySchema, ObjectLiteral } from 'typeorm';
import { BOUND_KINDS, type BoundKind, type BoundRows } from '../common/bound-records.js';
import { ApiKeyEntity } from '../common/entities/api-key.entity.js';
import { AuditEntity, type AuditRow } from '../common/entities/audit.entity.js';
import { CalibrationEntity } from '../common/entities/calibration.entity.js';
import { ConsentEntity } from '../common/entities/consent.entity.js';
import { EnrollmentEntity } from '../common/entities/enrollment.entity.js';
import { GroupEntity } from '../common/entities/group.entity.js';
import { KeptRecordingEntity } from '../common/entities/kept-recording.entity.js';
import { LedgerEntity } from '../common/entities/ledger.entity.js';
import { ProfileEntity } from '../common/entities/profile.entity.js';
import { SpeakerEntity } from '../common/entities/speaker.entity.js';
import { UnknownVoiceEntity } from '../common/entities/unknown-voice.entity.js';
import { VoiceShareEntity } from '../common/entities/voice-share.entity.js';
import { VoiceStepEntity } from '../common/entities/voice-step.entity.js';
import { WaitingVerificationEntity } from '../common/entities/waiting-verification.entity.js';
import type { Head, Register, SealingPlace } from '../common/register.js';
import { selection } from '../common/rows.js';
import { sealEntries } from '../common/trail.js';

/** Rows of one transaction. */
const BATCH = 500;

const BOUND_ENTITIES: { [Kind in BoundKind]: EntitySchema<BoundRows[Kind]> } = {
  speaker: SpeakerEntity,
  consent: ConsentEntity,
  enrollment: EnrollmentEntity,
  profile: ProfileEntity,
  'api-key': ApiKeyEntity,
  group: GroupEntity,
  ledger: LedgerEntity,
  'waiting-verification': WaitingVerificationEntity,
  'unknown-voice': UnknownVoiceEntity,
  'voice-share': VoiceShareEntity,
  'voice-step': VoiceStepEntity,
  recording: KeptRecordingEntity,
  calibration: CalibrationEntity,
};

const TABLES: readonly SealingPlace['table'][] = [...BOUND_KINDS, 'audit'];

type Transaction = (work: (manager: EntityManager) => Promise<boolean>) => Promise<boolean>;

/**
 * Vouches once for what the database had before there was a register, in pieces; cut off, it goes on where it was. What is
 * there then is believed. Errors: those of the storage.
 */
export async function sealRecords(transaction: Transaction, register: Register): Promise<void> {
  while (!(await transaction((manager) => sealBatch(manager, register))));
}

/** Whether it was the last. */
async function sealBatch(manager: EntityManager, register: Register): Promise<boolean> {
  let left = BATCH;
  let { sealing } = await register.head(manager);
  while (sealing && left > 0) {
    left -= await sealRows(manager, register, sealing, left);
    ({ sealing } = await register.head(manager));
  }
  return sealing === null;
}

/** Gives how many there were. */
async function sealRows(
  manager: EntityManager,
  register: Register,
  { table, after }: SealingPlace,
  limit: number,
): Promise<number> {
  const goOn =
    (rows: readonly Numbered<unknown>[]) =>
    (head: Head): void => {
      const last = rows.length === limit ? rows.at(-1) : undefined;
      const next = TABLES[TABLES.indexOf(table) + 1];
      head.sealing = last ? { table, after: last.rowid } : next ? { table: next, after: 0 } : null;
    };
  if (table !== 'audit') return sealKind(manager, register, { table, after }, limit, goOn);
  const entries = await numbered(manager, AuditEntity, after, limit);
  const rows = entries.map(({ row }): AuditRow => row);
  const sealed = await sealEntries(manager, register, rows, goOn(entries));
  await manager.query(
    'UPDATE audit SET mac = unhex(new.value ->> 1) FROM json_each(?) AS new WHERE audit.id = new.value ->> 0',
    [JSON.stringify(sealed)],
  );
  return entries.length;
}

async function sealKind(
  manager: EntityManager,
  register: Register,
  { table, after }: { table: BoundKind; after: number },
  limit: number,
  goOn: (rows: readonly Numbered<unknown>[]) => (head: Head) => void,
): Promise<number> {
  const rows = await numbered<BoundRows[BoundKind]>(manager, BOUND_ENTITIES[table], after, limit);
  const bound = rows.map(({ row }) => row);
  register.bind(manager, table, bound);
  await register.changeHead(manager, goOn(rows));
  return rows.length;
}

interface Numbered<Row> {
  rowid: number;
  row: Row;
}

async function numbered<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntitySchema<Row>,
  after: number,
  limit: number,
): Promise<Numbered<Row>[]> {
  const { columns, row } = selection(manager, entity, 't');
  const { tableName } = manager.connection.getMetadata(entity);
  const records = await manager.query<({ rowid: number } & Record<string, unknown>)[]>(
    `SELECT t.rowid AS rowid, ${columns} FROM "${tableName}" t WHERE t.rowid > ? ORDER BY t.rowid LIMIT ?`,
    [after, limit],
  );
  return records.map((record) => ({ rowid: record.rowid, row: row(record) }));
}
