import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';
import { CounterEntity } from './entities/counter.entity.js';
import { findRow } from './rows.js';

/**
 * vectors: all that is under the data key row by row: enrolments, profiles with a centroid, verifications that wait, shares of
 * unknown voices, the keys of kept recordings, and calibrations. Triggers keep them, so that nobody counts rows to tell a number.
 */
export type Counter =
  | 'speakers'
  | 'jobs'
  | 'groups'
  | 'vectors'
  | 'conversations'
  | 'waiting_verifications'
  | 'kept_recordings'
  | 'kept_recording_bytes';

/** Errors: STORAGE_INVALID. */
export async function readCounter(manager: EntityManager, name: Counter): Promise<number> {
  const row = await findRow(manager, CounterEntity, { name });
  if (!row) throw new TimbreError('STORAGE_INVALID', `the database has lost its counter of ${name}; restore a backup`);
  return row.value;
}
