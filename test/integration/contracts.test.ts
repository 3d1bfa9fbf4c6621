import { Logger } from '@nestjs/common';
import { SqliteChangeFeed } from '../../src/service/persistence/sqlite/changes.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { SqliteMaintenance } from '../../src/service/persistence/sqlite/sqlite-maintenance.js';
import { SqliteUnitOfWork } from '../../src/service/persistence/sqlite/sqlite-unit-of-work.js';
import { describeContract } from './contracts.js';
import { temporaryFolder } from './voices.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

describeContract('SQLite', async () => {
  const { folder, remove } = await temporaryFolder();
  const database = await Database.open({ folder });
  return {
    store: new SqliteUnitOfWork(database),
    feed: new SqliteChangeFeed(database),
    maintenance: new SqliteMaintenance(database),
    close: async () => {
      await database.close();
      await remove();
    },
  };
});
