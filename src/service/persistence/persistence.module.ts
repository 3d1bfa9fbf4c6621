import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { KeyStore } from '../access/key-store.js';
import { Limiter } from '../access/limiter.js';
import { Sessions } from '../access/sessions.js';
import { Config } from '../config/config.js';
import { DataKeys } from '../data-keys/data-keys.js';
import { ChangeFeed } from '../records/change-feed.js';
import { JobQueue } from '../records/job-queue.js';
import { KeptAudio } from '../records/kept-audio.js';
import { Leader } from '../records/leader.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { VectorDatabase } from '../voices/vector-database.js';
import type { Storage } from './common/storage.js';
import { withDriver } from './with-driver.js';

/** Everything of it, for tests. */
export const STORAGE = Symbol('Storage');

/** The database that the settings name; of the other one no package has to be there. */
async function open(config: Config): Promise<Storage> {
  if (config.databaseUrl !== '') return (await withDriver(() => import('./postgres/open.js'))).openPostgres(config);
  return (await import('./sqlite/open.js')).openSqlite(config);
}

/** One port of the storage that is open. */
function port(token: unknown, name: Exclude<keyof Storage, 'close' | 'store'>): Provider {
  return { provide: token as Type, inject: [STORAGE], useFactory: (storage: Storage) => storage[name] };
}

/** Opens the database before the service listens, and closes it after the last request. */
@Module({
  providers: [
    { provide: STORAGE, inject: [Config], useFactory: open },
    port(UnitOfWork, 'unitOfWork'),
    port(Maintenance, 'maintenance'),
    port(ChangeFeed, 'changeFeed'),
    port(JobQueue, 'jobQueue'),
    port(KeptAudio, 'keptAudio'),
    port(Leader, 'leader'),
    port(Limiter, 'limiter'),
    port(KeyStore, 'keyStore'),
    port(Sessions, 'sessions'),
    port(DataKeys, 'dataKeys'),
    port(VectorDatabase, 'vectorDatabase'),
  ],
  exports: [
    UnitOfWork,
    Maintenance,
    ChangeFeed,
    JobQueue,
    KeptAudio,
    Leader,
    Limiter,
    KeyStore,
    Sessions,
    DataKeys,
    VectorDatabase,
  ],
})
export class PersistenceModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(STORAGE) private readonly storage: Storage) {}

  onApplicationBootstrap(): void {
    this.storage.dataKeys.resume();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.storage.dataKeys.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.storage.close();
  }
}
