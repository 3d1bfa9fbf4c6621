import { TimbreError } from '../../../errors/timbre-error.js';
import { ask, dialectOf } from '../common/dialect.js';
import { examine, readMark, type DataReport, type ExaminedAudio, type ExamineOptions } from '../common/examine.js';
import { requireWhole } from '../common/move-marks.js';
import { keyProviderOf, type Places } from '../common/places.js';
import { namedAudio } from '../common/sealed-audio.js';
import { VectorCipher } from '../common/vector-cipher.js';
import { AudioFiles } from './audio-files.js';
import { MIGRATIONS } from './migrations/index.js';
import { SideConnection } from './side-connection.js';

export type { DataReport, ExamineOptions };

/**
 * Compares everything that is stored with what this service has vouched for. Only reads, as it is at one moment.
 * Errors: STORAGE_UNAVAILABLE where there is no database, STORAGE_INVALID where it is of an older version, has lost the head
 * of its register, or the key is another one; STORAGE_UNFINISHED; ABORTED.
 */
export async function examineDatabase(places: Places, options: ExamineOptions = {}): Promise<DataReport> {
  const cipher = new VectorCipher(...(await keyProviderOf(places).read()));
  const connection = await open(places.folder);
  // Sees what others have stored since.
  let now: SideConnection | undefined;
  try {
    const beside = (now = await open(places.folder));
    const named = (ids: readonly string[]): Promise<Set<string>> => beside.query((manager) => namedAudio(manager, ids));
    const audio = (database: string): ExaminedAudio => {
      const pieces = new AudioFiles(places.folder, database);
      return { pieces, named, unnamed: () => pieces.unnamed(namedOrGoing(beside)) };
    };
    await connection.query((manager) => requireWhole(manager, `the database in ${places.folder}`));
    const mark = await readMark(places, cipher);
    await connection.hold();
    return await connection.query((manager) => examine(manager, cipher, mark, audio, options));
  } finally {
    await now?.close();
    await connection.close();
  }
}

/** Those of some ids that a record names, and those whose files the service is about to remove. */
function namedOrGoing(connection: SideConnection): (ids: readonly string[]) => Promise<Set<string>> {
  return (ids) =>
    connection.query(async (manager) => {
      const { within, value } = dialectOf(manager).list(ids);
      const going = `SELECT id FROM deleted_recordings WHERE id IN ${within}`;
      const known = await namedAudio(manager, ids);
      for (const { id } of await ask<{ id: string }>(manager, going, [value])) known.add(id);
      return known;
    });
}

async function open(folder: string): Promise<SideConnection> {
  const there = await SideConnection.open(folder, { needs: [], readOnly: true });
  if (!there) throw new TimbreError('STORAGE_UNAVAILABLE', `there is no database in ${folder}`);
  await there.close();
  const needs = MIGRATIONS.map((Migration) => new Migration().name);
  const connection = await SideConnection.open(folder, { needs, readOnly: true });
  if (connection) return connection;
  const text = `the database in ${folder} is of an older version: start the service once, which seals what is there`;
  throw new TimbreError('STORAGE_INVALID', text);
}
