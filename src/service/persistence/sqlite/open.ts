import { SystemClock } from '../../../support/clock.js';
import { MemoryLimiter } from '../../access/memory-limiter.js';
import { MemorySessions } from '../../access/memory-sessions.js';
import { WINDOW_SECONDS } from '../../access/request-rate.js';
import type { Config } from '../../config/config.js';
import { TableChangeFeed } from '../common/changes.js';
import type { Storage } from '../common/storage.js';
import { TableJobQueue } from '../common/table-job-queue.js';
import { TypeOrmDataKeys } from '../common/typeorm-data-keys.js';
import { TypeOrmUnitOfWork } from '../common/typeorm-unit-of-work.js';
import { Database } from './database.js';
import { FolderLeader } from './folder-leader.js';
import { AudioFiles } from './audio-files.js';
import { KeptAudioFiles } from './kept-audio-files.js';
import { SqliteKeyStore } from './sqlite-key-store.js';
import { SqliteMaintenance } from './sqlite-maintenance.js';

/** The ports on the SQLite file of the data folder. Errors: those of the storage. */
export async function openSqlite(config: Config): Promise<Storage> {
  const { dataDir, dataKey, dataKeyFile, epochFile, storageWaitSeconds } = config;
  const database = await Database.open({
    folder: dataDir,
    key: dataKey || undefined,
    keyFile: dataKeyFile,
    epochFile,
    waitMs: storageWaitSeconds * 1000,
  });
  try {
    const jobQueue = new TableJobQueue(database, new SystemClock());
    // The lock of the folder says that whoever had them is gone.
    await jobQueue.takeOver();
    const keyStore = await SqliteKeyStore.beside(database, dataDir);
    return {
      store: database,
      unitOfWork: new TypeOrmUnitOfWork(database),
      maintenance: new SqliteMaintenance(database),
      changeFeed: new TableChangeFeed(database),
      jobQueue,
      keptAudio: new KeptAudioFiles(database, new AudioFiles(dataDir, database.id)),
      leader: new FolderLeader(),
      limiter: new MemoryLimiter(config.rateLimit, WINDOW_SECONDS),
      keyStore,
      sessions: new MemorySessions(),
      dataKeys: new TypeOrmDataKeys(database),
      vectorDatabase: null,
      close: async () => {
        await keyStore.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
