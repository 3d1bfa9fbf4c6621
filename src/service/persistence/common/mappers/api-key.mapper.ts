import type { ApiKey } from '../../../access/api-key.js';
import type { GroupRef } from '../../../../support/group-ref.js';
import type { Scope } from '../../../../support/scopes.js';
import type { ApiKeyRow } from '../entities/api-key.entity.js';

/**
 * `known`: whether the row is as it was written. `groups`: those that are there, by uid; a key that is bound to none that is there
 * reaches nobody.
 */
export function toApiKey(
  { scopes, boundTo, createdAt, expiresAt, revokedAt, ...rest }: ApiKeyRow,
  known: boolean,
  groups: ReadonlyMap<string, GroupRef>,
): ApiKey {
  return {
    ...(known ? {} : { altered: true as const }),
    ...rest,
    scopes: scopes.split(',') as Scope[],
    groups: boundTo?.flatMap((uid) => groups.get(uid) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1)) ?? null,
    createdAt: new Date(createdAt),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    revokedAt: revokedAt === null ? null : new Date(revokedAt),
  };
}

export function toApiKeyRow({ scopes, groups, createdAt, expiresAt, revokedAt, ...rest }: ApiKey): ApiKeyRow {
  const { id, name, digest, lastUsedOn } = rest;
  return {
    id,
    name,
    digest,
    lastUsedOn,
    scopes: scopes.join(','),
    boundTo: groups && groups.map(({ uid }) => uid).sort(),
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
  };
}
