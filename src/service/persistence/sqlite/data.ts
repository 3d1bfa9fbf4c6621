import type { Config } from '../../config/config.js';
import type { Data } from '../data.js';
import { rotateCounted } from '../common/key-rotation.js';
import { backUp } from './backup.js';
import { Database } from './database.js';
import { examineDatabase } from './examine.js';
import { SqliteKeyStore } from './sqlite-key-store.js';

export function sqliteData({ dataDir, dataKey, dataKeyFile, epochFile }: Config): Data {
  const options = { folder: dataDir, key: dataKey || undefined, keyFile: dataKeyFile, epochFile };
  return {
    keysOrMake: () => SqliteKeyStore.openOrMake(options),
    keysIfThere: () => SqliteKeyStore.openIfThere(options),
    acknowledgeRestore: async () => (await Database.open({ ...options, acknowledgeRestore: true })).close(),
    examine: (how) => examineDatabase(options, how),
    backUp: (to) => backUp(dataDir, to),
    rotate: async (progress) => {
      const database = await Database.open(options);
      try {
        return await rotateCounted(database, progress);
      } finally {
        await database.close();
      }
    },
  };
}
