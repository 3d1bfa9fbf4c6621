import { TimbreError } from '../../../errors/timbre-error.js';
import type { KeyStore } from '../../access/key-store.js';
import type { Config } from '../../config/config.js';
import type { Data } from '../data.js';
import { examine, readMark, type ExaminedAudio } from '../common/examine.js';
import { rotateCounted } from '../common/key-rotation.js';
import { requireInUse } from '../common/move-marks.js';
import { namedAudio } from '../common/sealed-audio.js';
import { AudioRows } from './audio-rows.js';
import { postgresOptionsOf } from './open.js';
import { examineVectors } from './pgvector/examine-vectors.js';
import { PostgresDatabase } from './postgres-database.js';
import { postgresKeyStore } from './postgres-key-store.js';

export function postgresData(config: Config): Data {
  const options = postgresOptionsOf(config);

  async function keysIfThere(): Promise<KeyStore | null> {
    const database = await PostgresDatabase.beside(options, requireInUse);
    return database && postgresKeyStore(database, () => database.close());
  }

  return {
    keysIfThere,

    async keysOrMake() {
      const found = await keysIfThere();
      if (found) return found;
      await (await PostgresDatabase.open(options)).close();
      const made = await keysIfThere();
      if (!made) throw new TimbreError('STORAGE_UNAVAILABLE', 'another program changes the schema; try again');
      return made;
    },

    async acknowledgeRestore() {
      await (await PostgresDatabase.open({ ...options, acknowledgeRestore: true })).close();
    },

    async examine(how) {
      const database = await PostgresDatabase.beside(options);
      if (!database) {
        const text = `the schema ${options.schema} has no data of this version: start the service once`;
        throw new TimbreError('STORAGE_INVALID', text);
      }
      try {
        const mark = await readMark(options, database.cipher);
        const pieces = new AudioRows((sql, values) => database.statement(sql, values));
        const audio: ExaminedAudio = {
          pieces,
          named: (ids) => database.read((manager) => namedAudio(manager, ids)),
          unnamed: () => pieces.unnamed(),
        };
        const { read, close } = await database.snapshot();
        try {
          const report = await read((manager) => examine(manager, database.cipher, mark, () => audio, how));
          const vectors = await read((manager) => examineVectors(manager, database.cipher, how.signal));
          const isSound = vectors === null || vectors.missing + vectors.wrong === 0;
          return { ...report, sound: report.sound && isSound, vectors };
        } finally {
          await close();
        }
      } finally {
        await database.close();
      }
    },

    async rotate(progress) {
      const database = await PostgresDatabase.open(options);
      try {
        return await database.withoutOthers('rotating the data key', () => rotateCounted(database, progress));
      } finally {
        await database.close();
      }
    },

    backUp() {
      const text = 'the data lies on PostgreSQL: copy it with pg_dump, as docs/operations.md says';
      return Promise.reject(new TimbreError('INVALID_ARGUMENT', text));
    },
  };
}
