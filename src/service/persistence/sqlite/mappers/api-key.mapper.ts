import type { ApiKey } from '../../../access/api-key.js';
import type { Scope } from '../../../../support/scopes.js';
import type { ApiKeyRow } from '../entities/api-key.entity.js';

export function toApiKey({ scopes, createdAt, expiresAt, revokedAt, ...rest }: ApiKeyRow): ApiKey {
  return {
    ...rest,
    scopes: scopes.split(',') as Scope[],
    createdAt: new Date(createdAt),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    revokedAt: revokedAt === null ? null : new Date(revokedAt),
  };
}

export function toApiKeyRow({ scopes, createdAt, expiresAt, revokedAt, ...rest }: ApiKey): ApiKeyRow {
  return {
    ...rest,
    scopes: scopes.join(','),
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
  };
}
