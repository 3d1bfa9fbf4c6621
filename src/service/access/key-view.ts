import { statusOf, type ApiKey, type KeyStatus } from './api-key.js';

/** An API key as it may be shown. */
export interface KeyView extends Pick<ApiKey, 'id' | 'name' | 'lastUsedOn'> {
  scopes: ApiKey['scopes'][number][];
  /** Ids of the groups that it is bound to; null where it is bound to none. */
  groups: string[] | null;
  status: KeyStatus;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
}

export function keyViewOf(key: ApiKey, now: Date): KeyView {
  const { id, name, scopes, lastUsedOn } = key;
  return {
    id,
    name,
    scopes: [...scopes],
    groups: key.groups?.map((group) => group.id) ?? null,
    status: statusOf(key, now),
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    lastUsedOn,
  };
}
