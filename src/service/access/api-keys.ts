import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import type { ApiKey } from './api-key.js';
import { KeyRing } from './key-ring.js';
import { KeyStore } from './key-store.js';
import { makeKey, type NewKey } from './make-key.js';

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
  async create(wanted: NewKey): Promise<{ key: ApiKey; text: string }> {
    const made = await makeKey(this.store, wanted);
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
