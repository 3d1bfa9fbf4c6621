import { setTimeout as delay } from 'node:timers/promises';
import { IsNull, type EntityManager } from 'typeorm';
import type { ApiKey } from '../../access/api-key.js';
import { KeyStore } from '../../access/key-store.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Database, type DatabaseOptions } from './database.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { toApiKey, toApiKeyRow } from './mappers/api-key.mapper.js';
import { Access1764200000000 } from './migrations/1764200000000-access.js';
import { Privacy1764300000000 } from './migrations/1764300000000-privacy.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { SideConnection } from './side-connection.js';

/** The tables of keys and of the audit trail. */
const NEEDS = [new Access1764200000000().name, new Privacy1764300000000().name];

/** A service that cannot read its keys lets nobody in: it shall say so soon. */
const READER_BUSY_TIMEOUT_MS = 1000;

/** The setting that holds the id of the local key. */
const LOCAL_KEY = 'local-key';

const ATTEMPTS = 10;
const PAUSE_MS = 200;

interface Runner {
  query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
}

export class TypeOrmKeyStore extends KeyStore {
  private constructor(
    private readonly reader: SideConnection,
    private readonly writer: Runner,
  ) {
    super();
  }

  /** Of a service: reads on a connection of its own, so that no request waits for what others write. */
  static async beside(database: Database, folder: string): Promise<KeyStore> {
    const options = { needs: NEEDS, readOnly: true, busyTimeoutMs: READER_BUSY_TIMEOUT_MS };
    const reader = await SideConnection.open(folder, options);
    if (!reader) throw new Error('the database that is open has no keys');
    return new TypeOrmKeyStore(reader, database);
  }

  /** Of a program beside the service; null where there is no database with keys. */
  static async open(folder: string): Promise<KeyStore | null> {
    const connection = await SideConnection.open(folder, { needs: NEEDS });
    return connection && new TypeOrmKeyStore(connection, connection);
  }

  /** The same, which makes the database, or brings it up to date, where nobody has it open. */
  static async openOrMake(options: DatabaseOptions): Promise<KeyStore> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.open(options.folder);
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

  async all(): Promise<ApiKey[]> {
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    const rows = await this.reader.query((manager) => manager.find(ApiKeyEntity, { order }));
    return rows.map(toApiKey);
  }

  async insert(key: ApiKey): Promise<void> {
    await this.writer.transaction(async (manager) => {
      await manager.insert(ApiKeyEntity, toApiKeyRow(key));
      await new TypeOrmAuditRepository(manager).record({ action: 'key.created', object: key.id });
    });
  }

  async insertLocal(key: ApiKey): Promise<void> {
    await this.writer.transaction(async (manager) => {
      const before = await manager.findOneBy(SettingEntity, { name: LOCAL_KEY });
      if (before) await revoke(manager, before.value.toString(), key.createdAt);
      await manager.insert(ApiKeyEntity, toApiKeyRow(key));
      await manager.upsert(SettingEntity, { name: LOCAL_KEY, value: Buffer.from(key.id) }, ['name']);
      await new TypeOrmAuditRepository(manager).record({ action: 'key.created', object: key.id });
    });
  }

  revoke(id: string, at: Date): Promise<boolean> {
    return this.writer.transaction(async (manager) => {
      return (await revoke(manager, id, at)) || manager.existsBy(ApiKeyEntity, { id });
    });
  }

  async used(id: string, day: string): Promise<void> {
    await this.writer.query((manager) => manager.update(ApiKeyEntity, { id }, { lastUsedOn: day }));
  }

  async close(): Promise<void> {
    await this.reader.close();
  }
}

/** Whether a key was revoked that worked. */
async function revoke(manager: EntityManager, id: string, at: Date): Promise<boolean> {
  const { affected } = await manager.update(ApiKeyEntity, { id, revokedAt: IsNull() }, { revokedAt: at.getTime() });
  if (affected === 1) await new TypeOrmAuditRepository(manager).record({ action: 'key.revoked', object: id });
  return affected === 1;
}
