import { QueryFailedError } from 'typeorm';
import { TimbreError } from '../../../errors/timbre-error.js';

/** SQLite's result codes by what the caller can do about them. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'the database is locked by another program; try again',
  SQLITE_LOCKED: 'the database is locked; try again',
  SQLITE_READONLY: 'the database is read-only; give the service write access to its data folder',
  SQLITE_IOERR: 'the disk of the database failed; see the system log',
  SQLITE_CANTOPEN: 'the database cannot be opened; give the service access to its data folder',
  SQLITE_PERM: 'the database may not be opened; give the service access to its data folder',
  SQLITE_NOMEM: 'memory ran out in the database',
  SQLITE_INTERRUPT: 'the database was interrupted; try again',
};

/** SQLite's result code of an error of the driver or of TypeORM, `SQLITE_CONSTRAINT` and the like. */
export function sqliteCode(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

/** Gives SQLite's errors their place in the error table; everything else passes as it is. */
export function toStorageError(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const cause = error;
  if (code === 'SQLITE_FULL') {
    return new TimbreError('STORAGE_FULL', 'the disk of the database is full; nothing of this call was stored', {
      cause,
    });
  }
  if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') {
    return new TimbreError('STORAGE_INVALID', 'the database is damaged; restore a backup', { cause });
  }
  const unavailable = UNAVAILABLE[code];
  return unavailable === undefined
    ? error
    : new TimbreError('STORAGE_UNAVAILABLE', unavailable, { cause, retryAfterSeconds: 1 });
}
