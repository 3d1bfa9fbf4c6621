import { Logger } from '@nestjs/common';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { SqliteMaintenance } from '../../src/service/persistence/sqlite/sqlite-maintenance.js';
import { TableJobQueue } from '../../src/service/persistence/common/table-job-queue.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MemoryLimiter } from '../../src/service/access/memory-limiter.js';
import { MemorySessions } from '../../src/service/access/memory-sessions.js';
import { Config } from '../../src/service/config/config.js';
import { FileKeyProvider, VariableKeyProvider } from '../../src/service/persistence/common/data-key.js';
import { FileEpochProvider } from '../../src/service/persistence/common/epoch.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { Spool } from '../../src/service/uploads/spool.js';
import { describeContract } from './contracts.js';
import { indexAdapter } from './indexed.js';
import { describeVoiceIndex } from './voice-index-contract.js';
import {
  describeBlobStore,
  describeEpochProvider,
  describeKeyProvider,
  describeLeader,
  describeLimiter,
  describeSessions,
} from './port-contracts.js';
import { temporaryFolder } from './voices.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

describeContract('SQLite', async () => {
  const { folder, remove } = await temporaryFolder();
  const database = await Database.open({ folder });
  return {
    store: new TypeOrmUnitOfWork(database),
    feed: new TableChangeFeed(database),
    maintenance: new SqliteMaintenance(database),
    queue: (clock) => new TableJobQueue(database, clock),
    close: async () => {
      await database.close();
      await remove();
    },
  };
});

for (const kind of ['native', 'compact'] as const) {
  describeVoiceIndex(`SQLite, ${kind}`, async () => {
    const { folder, remove } = await temporaryFolder();
    return indexAdapter(await Database.open({ folder }), kind, remove);
  });
}

describeBlobStore(
  'a folder',
  (dataDir) => new Spool(Config.of({ dataDir, maxSpoolBytes: 4096, maxUploadBytes: 2048 })),
);

const textOf = (keys: readonly Buffer[]): string => keys.map((key) => key.toString('base64')).join('\n');

describeKeyProvider('a file', async (folder, keys) => {
  const file = join(folder, 'data.key');
  await writeFile(file, textOf(keys), { mode: 0o600 });
  return new FileKeyProvider(file);
});

describeKeyProvider('a variable', (_, keys) => Promise.resolve(new VariableKeyProvider(textOf(keys))));

describeEpochProvider('a file', (folder) => new FileEpochProvider(join(folder, 'epoch')));

describeLimiter('one process', (points) => new MemoryLimiter(points, 60));

describeSessions('one process', () => Promise.resolve(new MemorySessions()));

describeLeader('a data folder', () => new FolderLeader());
