import { TimbreError } from '../../../errors/timbre-error.js';
import { examine, readMark, type DataReport, type ExamineOptions } from '../common/examine.js';
import { requireWhole } from '../common/move-marks.js';
import { keyProviderOf, type Places } from '../common/places.js';
import { VectorCipher } from '../common/vector-cipher.js';
import { Ledger1764940000000 } from './migrations/1764940000000-ledger.js';
import { SideConnection } from './side-connection.js';

export type { DataReport, ExamineOptions };

/**
 * Compares everything that is stored with what this service has vouched for. Only reads, as it is at one moment.
 * Errors: STORAGE_UNAVAILABLE where there is no database, STORAGE_INVALID where it has no register yet, has lost the head
 * of it, or the key is another one; STORAGE_UNFINISHED; ABORTED.
 */
export async function examineDatabase(places: Places, options: ExamineOptions = {}): Promise<DataReport> {
  const cipher = new VectorCipher(...(await keyProviderOf(places).read()));
  const connection = await open(places.folder);
  try {
    await connection.query((manager) => requireWhole(manager, `the database in ${places.folder}`));
    const mark = await readMark(places, cipher);
    await connection.hold();
    return await connection.query((manager) => examine(manager, cipher, mark, options));
  } finally {
    await connection.close();
  }
}

async function open(folder: string): Promise<SideConnection> {
  const there = await SideConnection.open(folder, { needs: [], readOnly: true });
  if (!there) throw new TimbreError('STORAGE_UNAVAILABLE', `there is no database in ${folder}`);
  await there.close();
  const needs = [new Ledger1764940000000().name];
  const connection = await SideConnection.open(folder, { needs, readOnly: true });
  if (connection) return connection;
  const text = `the database in ${folder} is of an older version: start the service once, which seals what is there`;
  throw new TimbreError('STORAGE_INVALID', text);
}
