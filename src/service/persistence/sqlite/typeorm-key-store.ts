import { setTimeout as delay } from 'node:timers/promises';
import { In, IsNull, type EntityManager } from 'typeorm';
import type { ApiKey } from '../../access/api-key.js';
import { KeyStore } from '../../access/key-store.js';
import { groupNotFound } from '../../records/group.js';
import type { GroupRef } from '../../../support/group-ref.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import { Database, keyProviderOf, type DatabaseOptions } from './database.js';
import { ApiKeyEntity, type ApiKeyRow } from './entities/api-key.entity.js';
import { GroupEntity } from './entities/group.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { toApiKey, toApiKeyRow } from './mappers/api-key.mapper.js';
import { Ledger1764940000000 } from './migrations/1764940000000-ledger.js';
import { Register, SETTLED } from './register.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { TypeOrmGroupRepository } from './repositories/typeorm-group.repository.js';
import { SideConnection } from './side-connection.js';
import { VectorCipher } from './vector-cipher.js';

/** The tables of keys, of the groups that they are bound to, of the audit trail and of what vouches for them. */
const NEEDS = [new Ledger1764940000000().name];

/** A service that cannot read its keys lets nobody in: it shall say so soon. */
const READER_BUSY_TIMEOUT_MS = 1000;

/** The setting that holds the id of the local key. */
const LOCAL_KEY = 'local-key';

const ATTEMPTS = 50;
const PAUSE_MS = 200;

/** Where the data lies, and its key. */
export type StoreOptions = Pick<DatabaseOptions, 'folder' | 'key' | 'keyFile'>;

/** In a transaction: what is written is vouched for by the register. */
type Write = <T>(work: (manager: EntityManager, register: Register) => Promise<T>) => Promise<T>;

export class TypeOrmKeyStore extends KeyStore {
  private constructor(
    private readonly reader: SideConnection,
    /** Of who holds the key at this moment. */
    private readonly register: () => Promise<Register>,
    private readonly write: Write,
    private readonly noteUse: (work: (manager: EntityManager) => Promise<unknown>) => Promise<unknown>,
  ) {
    super();
  }

  /** Of a service: reads on a connection of its own, so that no request waits for what others write. */
  static async beside(database: Database, folder: string): Promise<KeyStore> {
    const options = { needs: NEEDS, readOnly: true, busyTimeoutMs: READER_BUSY_TIMEOUT_MS };
    const reader = await SideConnection.open(folder, options);
    if (!reader) throw new Error('the database that is open has no keys');
    const { register } = database;
    const own = register.aside();
    return new TypeOrmKeyStore(
      reader,
      () => Promise.resolve(own),
      (work) => database.transaction((manager) => work(manager, register)),
      (work) => database.query(work),
    );
  }

  /**
   * Of a program beside the service, which needs the data key as the service does; null where there is no database, or
   * one that no service of this version has opened. Errors: those of the storage and of the data key.
   */
  static async open(options: StoreOptions): Promise<KeyStore | null> {
    const connection = await SideConnection.open(options.folder, { needs: NEEDS });
    if (!connection) return null;
    if (!(await connection.query(isSettled))) {
      await connection.close();
      return null;
    }
    const provider = keyProviderOf(options);
    const register = async (): Promise<Register> => new Register(new VectorCipher(...(await provider.read())));
    // With the lock of the database: a rotation that begins after this one passes what is written here.
    const write: Write = (work) =>
      connection.transaction(async (manager) => {
        const own = await register();
        return own.within(manager, () => work(manager, own));
      });
    return new TypeOrmKeyStore(connection, register, write, (work) => connection.query(work));
  }

  /** The same, which brings the database up to date where it is of an older version and nobody has it open. */
  static async openIfThere(options: DatabaseOptions): Promise<KeyStore | null> {
    const there = await SideConnection.open(options.folder, { needs: [], readOnly: true });
    await there?.close();
    return there && this.openOrMake(options);
  }

  /** The same, which makes the database, or brings it up to date, where nobody has it open. */
  static async openOrMake(options: DatabaseOptions): Promise<KeyStore> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.open(options);
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
    const register = await this.register();
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    return this.reader.reading(async (manager) => {
      const rows = await manager.find(ApiKeyEntity, { order });
      const known = await register.check(manager, 'api-key', rows);
      const groups = await refsOf(manager, register, rows);
      return rows.map((row, i) => toApiKey(row, known[i]!, groups));
    });
  }

  async groups(ids: readonly string[]): Promise<GroupRef[]> {
    const register = await this.register();
    return this.reader.reading(async (manager) => {
      const groups = new TypeOrmGroupRepository(manager, register, null);
      const found = new Map<string, GroupRef>();
      for (const id of ids) {
        const group = await groups.find(id.normalize('NFC'));
        if (!group) throw groupNotFound(id);
        found.set(group.uid, { uid: group.uid, id: group.id });
      }
      return [...found.values()];
    });
  }

  async insert(key: ApiKey): Promise<void> {
    await this.write((manager, register) => insert(manager, register, key));
  }

  async insertLocal(key: ApiKey): Promise<void> {
    await this.write(async (manager, register) => {
      const before = await manager.findOneBy(SettingEntity, { name: LOCAL_KEY });
      if (before) await revoke(manager, register, before.value.toString(), key.createdAt);
      await insert(manager, register, key);
      await manager.upsert(SettingEntity, { name: LOCAL_KEY, value: Buffer.from(key.id) }, ['name']);
    });
  }

  revoke(id: string, at: Date): Promise<boolean> {
    return this.write(async (manager, register) => {
      return (await revoke(manager, register, id, at)) || manager.existsBy(ApiKeyEntity, { id });
    });
  }

  async used(id: string, day: string): Promise<void> {
    await this.noteUse((manager) => manager.update(ApiKeyEntity, { id }, { lastUsedOn: day }));
  }

  async close(): Promise<void> {
    await this.reader.close();
  }
}

/** Whether what was there before the register is vouched for; whoever makes or upgrades the database does that first. */
async function isSettled(manager: EntityManager): Promise<boolean> {
  const settled = await manager.query<unknown[]>('SELECT 1 FROM register WHERE name = ?', [SETTLED]);
  return settled.length > 0;
}

/** The groups that keys are bound to, by uid. */
async function refsOf(
  manager: EntityManager,
  register: Register,
  rows: readonly Pick<ApiKeyRow, 'boundTo'>[],
): Promise<Map<string, GroupRef>> {
  const uids = [...new Set(rows.flatMap(({ boundTo }) => boundTo ?? []))];
  if (uids.length === 0) return new Map();
  const groups = await manager.findBy(GroupEntity, { uid: In(uids) });
  const known = await register.check(manager, 'group', groups);
  return new Map(groups.filter((_, i) => known[i]).map(({ uid, id }) => [uid, { uid, id }]));
}

async function insert(manager: EntityManager, register: Register, key: ApiKey): Promise<void> {
  const row = toApiKeyRow(key);
  const groups = new TypeOrmGroupRepository(manager, register, null);
  for (const { uid, id } of key.groups ?? []) if ((await groups.find(id))?.uid !== uid) throw groupNotFound(id);
  await manager.insert(ApiKeyEntity, row);
  register.bind(manager, 'api-key', [row]);
  await new TypeOrmAuditRepository(manager, register).record({ action: 'key.created', object: key.id });
}

/** Whether a key was revoked that worked. */
async function revoke(manager: EntityManager, register: Register, id: string, at: Date): Promise<boolean> {
  const row = await manager.findOneBy(ApiKeyEntity, { id, revokedAt: IsNull() });
  if (!row) return false;
  const revokedAt = at.getTime();
  // One that is not as it was written is not vouched for by this either.
  const known = await register.holds(manager, 'api-key', row);
  await manager.update(ApiKeyEntity, { id }, { revokedAt });
  if (known) register.bind(manager, 'api-key', [{ ...row, revokedAt }]);
  await new TypeOrmAuditRepository(manager, register).record({ action: 'key.revoked', object: id });
  return true;
}
