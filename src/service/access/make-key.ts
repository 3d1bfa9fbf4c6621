import type { Scope } from '../../support/scopes.js';
import { newApiKey, type ApiKey } from './api-key.js';
import type { KeyStore } from './key-store.js';

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

/** Stores a new key; `text` is stored nowhere. Errors: INVALID_ARGUMENT, GROUP_NOT_FOUND, those of the storage. */
export async function makeKey(
  store: KeyStore,
  { name, scopes, groups: ids, days }: NewKey,
): Promise<{ key: ApiKey; text: string }> {
  const now = new Date();
  const groups = ids ? await store.groups(ids) : null;
  const made = newApiKey({ name, scopes, groups, expiresAt: endAfter(days, now) }, now);
  await store.insert(made.key);
  return made;
}

/** What can be known to be wrong without a store. Errors: INVALID_ARGUMENT. */
export function checkNewKey({ name, scopes, days }: NewKey): void {
  const now = new Date();
  newApiKey({ name, scopes, expiresAt: endAfter(days, now) }, now);
}

function endAfter(days: number | undefined, now: Date): Date | null {
  return days === undefined ? null : new Date(now.getTime() + days * DAY_MS);
}
