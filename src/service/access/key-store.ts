import type { GroupRef } from '../../support/group-ref.js';
import type { ApiKey } from './api-key.js';

/** Where API keys are stored. Errors of every call: those of the storage. */
export abstract class KeyStore {
  /** Oldest first, revoked and expired ones too. Waits for no writer. */
  abstract all(): Promise<ApiKey[]>;

  /** Groups by their ids. Errors: GROUP_NOT_FOUND. */
  abstract groups(ids: readonly string[]): Promise<GroupRef[]>;

  /** Errors: GROUP_NOT_FOUND where one that the key is bound to was deleted since. */
  abstract insert(key: ApiKey): Promise<void>;

  /** Puts the key in the place of the local key that there was, which is revoked. */
  abstract insertLocal(key: ApiKey): Promise<void>;

  /** False where there is no such key. A key that is revoked already keeps its date. */
  abstract revoke(id: string, at: Date): Promise<boolean>;

  abstract used(id: string, day: string): Promise<void>;

  abstract close(): Promise<void>;
}
