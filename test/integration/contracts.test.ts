import { Logger } from '@nestjs/common';
import { SqliteChangeFeed } from '../../src/service/persistence/sqlite/changes.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { SqliteMaintenance } from '../../src/service/persistence/sqlite/sqlite-maintenance.js';
import { SqliteJobQueue } from '../../src/service/persistence/sqlite/sqlite-job-queue.js';
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
    queue: (clock) => new SqliteJobQueue(database, clock),
    close: async () => {
      await database.close();
      await remove();
    },
  };
});
