import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../../errors/timbre-error.js';
import { requireInUse } from '../common/move-marks.js';
import { keyProviderOf } from '../common/places.js';
import { Register } from '../common/register.js';
import { isSettled } from '../common/settle-register.js';
import { TypeOrmKeyStore } from '../common/typeorm-key-store.js';
import { VectorCipher } from '../common/vector-cipher.js';
import { Database, type DatabaseOptions } from './database.js';
import { Ledger1764940000000 } from './migrations/1764940000000-ledger.js';
import { SideConnection } from './side-connection.js';

/** The tables of keys, of the groups that they are bound to, of the audit trail and of what vouches for them. */
const NEEDS = [new Ledger1764940000000().name];

/** A service that cannot read its keys lets nobody in: it shall say so soon. */
const READER_BUSY_TIMEOUT_MS = 1000;

/** The setting of a file that holds the id of its folder's local key. */
export const LOCAL_KEY = 'local-key';

const ATTEMPTS = 50;
const PAUSE_MS = 200;

/** Where the data lies, and its key. */
export type StoreOptions = Pick<DatabaseOptions, 'folder' | 'key' | 'keyFile'>;

export class SqliteKeyStore extends TypeOrmKeyStore {
  /** Of a service: reads on a connection of its own, so that no request waits for what others write. */
  static async beside(database: Database, folder: string): Promise<SqliteKeyStore> {
    const options = { needs: NEEDS, readOnly: true, busyTimeoutMs: READER_BUSY_TIMEOUT_MS };
    const reader = await SideConnection.open(folder, options);
    if (!reader) throw new Error('the database that is open has no keys');
    const { register } = database;
    const own = register.aside();
    return new SqliteKeyStore({
      localKey: LOCAL_KEY,
      reading: (work) => reader.reading((manager) => work(manager, own)),
      writing: (work) => database.transaction((manager) => work(manager, register)),
      noting: (work) => database.query(work),
      close: () => reader.close(),
    });
  }

  /**
   * Of a program beside the service, which needs the data key as the service does; null where there is no database, or
   * one that no service of this version has opened. Errors: those of the storage and of the data key; STORAGE_MOVED.
   */
  static async open(options: StoreOptions): Promise<SqliteKeyStore | null> {
    const connection = await SideConnection.open(options.folder, { needs: NEEDS });
    if (!connection) return null;
    if (!(await connection.query(isSettled))) {
      await connection.close();
      return null;
    }
    try {
      await connection.query((manager) => requireInUse(manager, `the database in ${options.folder}`));
    } catch (error) {
      await connection.close();
      throw error;
    }
    const provider = keyProviderOf(options);
    const register = async (): Promise<Register> => new Register(new VectorCipher(...(await provider.read())));
    return new SqliteKeyStore({
      localKey: LOCAL_KEY,
      reading: async (work) => {
        const own = await register();
        return connection.reading((manager) => work(manager, own));
      },
      // With the lock of the database: a rotation that begins after this one passes what is written here.
      writing: (work) =>
        connection.transaction(async (manager) => {
          const own = await register();
          return own.within(manager, () => work(manager, own));
        }),
      noting: (work) => connection.query(work),
      close: () => connection.close(),
    });
  }

  /** The same, which brings the database up to date where it is of an older version and nobody has it open. */
  static async openIfThere(options: DatabaseOptions): Promise<SqliteKeyStore | null> {
    const there = await SideConnection.open(options.folder, { needs: [], readOnly: true });
    await there?.close();
    return there && this.openOrMake(options);
  }

  /** The same, which makes the database, or brings it up to date, where nobody has it open. */
  static async openOrMake(options: DatabaseOptions): Promise<SqliteKeyStore> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.open(options);
      if (found) return found;
      try {
        await (await Database.open(options)).close();
      } catch (error) {
        // Whoever has it may be making it at this moment.
        const busy = error instanceof TimbreError && error.code === 'STORAGE_UNAVAILABLE';
        if (!busy || attempt === ATTEMPTS) throw error;
        await delay(PAUSE_MS);
      }
    }
  }
}
