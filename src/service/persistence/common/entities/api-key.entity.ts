import { EntitySchema } from 'typeorm';

export interface ApiKeyRow {
  id: string;
  name: string;
  /** Separated by commas. */
  scopes: string;
  digest: Buffer;
  /** Milliseconds since 1970. */
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  /** `2026-01-31` */
  lastUsedOn: string | null;
  /** `Group.uid`, in their order; null where the key is bound to none. */
  boundTo: string[] | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ApiKeyEntity = new EntitySchema<ApiKeyRow>({
  name: 'ApiKey',
  tableName: 'api_keys',
  columns: {
    id: { type: 'text', primary: true },
    name: { type: 'text' },
    scopes: { type: 'text' },
    digest: { type: 'blob' },
    createdAt: { type: 'integer', name: 'created_at' },
    expiresAt: { type: 'integer', name: 'expires_at', nullable: true },
    revokedAt: { type: 'integer', name: 'revoked_at', nullable: true },
    lastUsedOn: { type: 'text', name: 'last_used_on', nullable: true },
    boundTo: { type: 'simple-json', name: 'bound_to', nullable: true },
  },
});
