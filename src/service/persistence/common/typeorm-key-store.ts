import { In, IsNull, type EntityManager } from 'typeorm';
import type { ApiKey } from '../../access/api-key.js';
import { KeyStore } from '../../access/key-store.js';
import { groupNotFound } from '../../records/group.js';
import type { GroupRef } from '../../../support/group-ref.js';
import { askPrepared } from './dialect.js';
import { ApiKeyEntity, type ApiKeyRow } from './entities/api-key.entity.js';
import { GroupEntity } from './entities/group.entity.js';
import { SettingEntity } from './entities/setting.entity.js';
import { toApiKey, toApiKeyRow } from './mappers/api-key.mapper.js';
import type { Register } from './register.js';
import { selection } from './rows.js';
import { TypeOrmAuditRepository } from './repositories/typeorm-audit.repository.js';
import { TypeOrmGroupRepository } from './repositories/typeorm-group.repository.js';

/** What a key store needs of a database. Errors of every call: those of the storage, and what `work` throws. */
export interface KeyAccess {
  /** The setting that holds the id of this folder's local key. */
  readonly localKey: string;

  /** As `Store.readOne`, with the register of who holds the key then. */
  reading<T>(work: (manager: EntityManager, register: Register) => Promise<T>): Promise<T>;

  /** In a transaction: what is written is vouched for by the register. */
  writing<T>(work: (manager: EntityManager, register: Register) => Promise<T>): Promise<T>;

  /** For what the register does not vouch for. */
  noting(work: (manager: EntityManager) => Promise<unknown>): Promise<unknown>;

  close(): Promise<void>;
}

export class TypeOrmKeyStore extends KeyStore {
  constructor(private readonly access: KeyAccess) {
    super();
  }

  async all(): Promise<ApiKey[]> {
    return this.access.reading(async (manager, register) => {
      const { columns, row } = selection(manager, ApiKeyEntity, 'k');
      const records = await askPrepared<Record<string, unknown>>(
        manager,
        `SELECT ${columns}, ${register.vouching(manager, null)} FROM api_keys k ORDER BY k.created_at, k.id`,
      );
      const found = records.map((record) => ({ row: row(record), record }));
      const known = await register.checkBeside(manager, 'api-key', found);
      const rows = found.map((one) => one.row);
      const groups = await refsOf(manager, register, rows);
      return rows.map((key, i) => toApiKey(key, known[i]!, groups));
    });
  }

  async groups(ids: readonly string[]): Promise<GroupRef[]> {
    return this.access.reading(async (manager, register) => {
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
    await this.access.writing((manager, register) => insert(manager, register, key));
  }

  async insertLocal(key: ApiKey): Promise<void> {
    const { localKey } = this.access;
    await this.access.writing(async (manager, register) => {
      const before = await manager.findOneBy(SettingEntity, { name: localKey });
      if (before) await revoke(manager, register, before.value.toString(), key.createdAt);
      await insert(manager, register, key);
      await manager.upsert(SettingEntity, { name: localKey, value: Buffer.from(key.id) }, ['name']);
    });
  }

  revoke(id: string, at: Date): Promise<boolean> {
    return this.access.writing(async (manager, register) => {
      return (await revoke(manager, register, id, at)) || manager.existsBy(ApiKeyEntity, { id });
    });
  }

  async used(id: string, day: string): Promise<void> {
    await this.access.noting((manager) => manager.update(ApiKeyEntity, { id }, { lastUsedOn: day }));
  }

  async close(): Promise<void> {
    await this.access.close();
  }
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
