import type { EntityManager } from 'typeorm';
import type { ApiKey } from '../access/api-key.js';
import { KeyStore } from '../access/key-store.js';
import { Database, type DatabaseOptions } from './database.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import { toApiKey, toApiKeyRow } from './mappers/api-key.mapper.js';
import { Access1764200000000 } from './migrations/1764200000000-access.js';
import { SideConnection } from './side-connection.js';

const NEEDS = new Access1764200000000().name;

/** A service that cannot read its keys lets nobody in: it shall say so soon. */
const READER_BUSY_TIMEOUT_MS = 1000;

interface Runner {
  query<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
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
    const found = await this.open(options.folder);
    if (found) return found;
    await (await Database.open(options)).close();
    const made = await this.open(options.folder);
    if (!made) throw new Error('the database was made without keys');
    return made;
  }

  async all(): Promise<ApiKey[]> {
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    const rows = await this.reader.query((manager) => manager.find(ApiKeyEntity, { order }));
    return rows.map(toApiKey);
  }

  async insert(key: ApiKey): Promise<void> {
    await this.writer.query((manager) => manager.insert(ApiKeyEntity, toApiKeyRow(key)));
  }

  async revoke(id: string, at: Date): Promise<boolean> {
    const result = await this.writer.query((manager) =>
      manager
        .createQueryBuilder()
        .update(ApiKeyEntity)
        .set({ revokedAt: () => 'COALESCE("revoked_at", :at)' })
        .where({ id })
        .setParameter('at', at.getTime())
        .execute(),
    );
    return result.affected === 1;
  }

  async used(id: string, day: string): Promise<void> {
    await this.writer.query((manager) => manager.update(ApiKeyEntity, { id }, { lastUsedOn: day }));
  }

  async close(): Promise<void> {
    await this.reader.close();
  }
}
