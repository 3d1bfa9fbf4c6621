import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Scope } from '../../support/scopes.js';
import { newApiKey, type ApiKey } from './api-key.js';
import { KeyRing } from './key-ring.js';
import { KeyStore } from './key-store.js';

const DAY_MS = 86_400_000;

/** Of a key that is to be made. */
export interface NewKey {
  name: string;
  scopes: readonly Scope[];
  /** Ids of the groups that it is bound to; undefined: bound to none. */
  groups?: readonly string[] | undefined;
  /** Until it ends; undefined: never. */
  days?: number | undefined;
}

/** The stored API keys, for whoever administers them over HTTP. Errors of every call: those of the storage. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly store: KeyStore,
    private readonly ring: KeyRing,
  ) {}

  /** Oldest first, revoked and expired ones too; sessions are stored nowhere and are none of them. */
  list(): Promise<ApiKey[]> {
    return this.store.all();
  }

  /** `text` is stored nowhere; it works from the end on. Errors: INVALID_ARGUMENT, GROUP_NOT_FOUND. */
  async create({ name, scopes, groups: ids, days }: NewKey): Promise<{ key: ApiKey; text: string }> {
    const now = new Date();
    const expiresAt = days === undefined ? null : new Date(now.getTime() + days * DAY_MS);
    const groups = ids ? await this.store.groups(ids) : null;
    const made = newApiKey({ name, scopes, groups, expiresAt }, now);
    await this.store.insert(made.key);
    this.ring.readAgain();
    return made;
  }

  /** From its end on this service lets nobody in by the key. Errors: KEY_NOT_FOUND. */
  async revoke(id: string): Promise<void> {
    const there = await this.store.revoke(id, new Date());
    this.ring.readAgain();
    if (!there) throw new TimbreError('KEY_NOT_FOUND', `there is no API key ${id}`);
  }
}
