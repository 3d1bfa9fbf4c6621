import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SystemClock } from '../../../support/clock.js';
import { KeyStore } from '../../access/key-store.js';
import { Config } from '../../config/config.js';
import { DataKeys } from '../../data-keys/data-keys.js';
import { JobQueue } from '../../records/job-queue.js';
import { Leader } from '../../records/leader.js';
import { UnitOfWork } from '../../records/unit-of-work.js';
import { Maintenance } from '../../records/maintenance.js';
import { SqliteMaintenance } from './sqlite-maintenance.js';
import { ChangeFeed } from '../../records/change-feed.js';
import { SqliteChangeFeed } from './changes.js';
import { Database } from './database.js';
import { TypeOrmDataKeys } from './typeorm-data-keys.js';
import { TypeOrmKeyStore } from './typeorm-key-store.js';
import { FolderLeader } from './folder-leader.js';
import { SqliteJobQueue } from './sqlite-job-queue.js';
import { SqliteUnitOfWork } from './sqlite-unit-of-work.js';

/** Opens the database before the service listens, and closes it after the last request. */
@Module({
  providers: [
    {
      provide: Database,
      inject: [Config],
      useFactory: ({ dataDir, dataKey, dataKeyFile, epochFile, storageWaitSeconds }: Config): Promise<Database> =>
        Database.open({
          folder: dataDir,
          key: dataKey || undefined,
          keyFile: dataKeyFile,
          epochFile,
          waitMs: storageWaitSeconds * 1000,
        }),
    },
    {
      provide: UnitOfWork,
      inject: [Database],
      useFactory: (database: Database): UnitOfWork => new SqliteUnitOfWork(database),
    },
    {
      provide: Maintenance,
      inject: [Database],
      useFactory: (database: Database): Maintenance => new SqliteMaintenance(database),
    },
    {
      provide: ChangeFeed,
      inject: [Database],
      useFactory: (database: Database): ChangeFeed => new SqliteChangeFeed(database),
    },
    { provide: Leader, useClass: FolderLeader },
    {
      provide: JobQueue,
      inject: [Database],
      useFactory: async (database: Database): Promise<JobQueue> => {
        const queue = new SqliteJobQueue(database, new SystemClock());
        await queue.takeOver();
        return queue;
      },
    },
    {
      provide: TypeOrmDataKeys,
      inject: [Database],
      useFactory: (database: Database): TypeOrmDataKeys => new TypeOrmDataKeys(database),
    },
    { provide: DataKeys, useExisting: TypeOrmDataKeys },
    {
      provide: KeyStore,
      inject: [Database, Config],
      useFactory: (database: Database, { dataDir }: Config): Promise<KeyStore> =>
        TypeOrmKeyStore.beside(database, dataDir),
    },
  ],
  exports: [UnitOfWork, Maintenance, ChangeFeed, JobQueue, Leader, KeyStore, DataKeys],
})
export class PersistenceModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(KeyStore) private readonly keys: KeyStore,
    @Inject(TypeOrmDataKeys) private readonly dataKeys: TypeOrmDataKeys,
  ) {}

  onApplicationBootstrap(): void {
    this.dataKeys.resume();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.dataKeys.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.keys.close();
    await this.database.close();
  }
}
