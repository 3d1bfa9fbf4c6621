import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { KeyStore } from '../access/key-store.js';
import { Config } from '../config/config.js';
import { VoiceStore } from '../voices/voice-store.js';
import { Database } from './database.js';
import { TypeOrmKeyStore } from './typeorm-key-store.js';
import { TypeOrmVoiceStore } from './typeorm-voice-store.js';

/** Opens the database before the service listens, and closes it after the last request. */
@Global()
@Module({
  providers: [
    {
      provide: Database,
      inject: [Config],
      useFactory: ({ dataDir, dataKey, dataKeyFile }: Config): Promise<Database> =>
        Database.open({ folder: dataDir, key: dataKey || undefined, keyFile: dataKeyFile }),
    },
    {
      provide: VoiceStore,
      inject: [Database],
      useFactory: (database: Database): VoiceStore => new TypeOrmVoiceStore(database),
    },
    {
      provide: KeyStore,
      inject: [Database, Config],
      useFactory: (database: Database, { dataDir }: Config): Promise<KeyStore> =>
        TypeOrmKeyStore.beside(database, dataDir),
    },
  ],
  exports: [VoiceStore, KeyStore],
})
export class PersistenceModule implements OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(KeyStore) private readonly keys: KeyStore,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.keys.close();
    await this.database.close();
  }
}
