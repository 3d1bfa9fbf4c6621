import type { ApiKey } from '../../../access/api-key.js';
import type { Scope } from '../../../../support/scopes.js';
import type { ApiKeyRow } from '../entities/api-key.entity.js';

/** `known`: whether the row is as it was written. */
export function toApiKey({ scopes, createdAt, expiresAt, revokedAt, ...rest }: ApiKeyRow, known: boolean): ApiKey {
  return {
    ...(known ? {} : { altered: true as const }),
    ...rest,
    scopes: scopes.split(',') as Scope[],
    createdAt: new Date(createdAt),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    revokedAt: revokedAt === null ? null : new Date(revokedAt),
  };
}

export function toApiKeyRow({ scopes, createdAt, expiresAt, revokedAt, ...rest }: ApiKey): ApiKeyRow {
  const { id, name, digest, lastUsedOn } = rest;
  return {
    id,
    name,
    digest,
    lastUsedOn,
    scopes: scopes.join(','),
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
  };
}
