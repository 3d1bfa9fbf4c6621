import { z } from 'zod';
import { SCOPES } from '../../support/scopes.js';
import { LONGEST_ID } from '../../support/speaker-id.js';
import { LONGEST_NAME, MOST_BOUND } from './api-key.js';

const EXAMPLE_ID = '0123456789ab';

/** A hundred years. */
const MOST_DAYS = 36_500;

export const createKey = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(LONGEST_NAME)
    .meta({ description: 'Who or what uses it, for people.', example: 'backend' }),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .max(SCOPES.length)
    .meta({
      description: '`admin` includes `read` and `enrol`. None that the key of this call lacks.',
      example: ['read', 'enrol'],
    }),
  groups: z
    .array(z.string().min(1).max(LONGEST_ID))
    .min(1)
    .max(MOST_BOUND)
    .optional()
    .meta({ description: 'Ids of the groups that it is bound to. Default: bound to none.', example: ['acme'] }),
  days: z
    .number()
    .positive()
    .max(MOST_DAYS)
    .optional()
    .meta({ description: 'It ends after so many. Default: never.', example: 90 }),
});

export const keyView = z.object({
  id: z.string().meta({ description: 'Part of its text, and what people name it by.', example: EXAMPLE_ID }),
  name: z.string().meta({ example: 'backend' }),
  scopes: z.array(z.enum(SCOPES)),
  groups: z.array(z.string()).nullable().meta({ description: 'That it is bound to; null where it is bound to none.' }),
  status: z.enum(['active', 'expired', 'revoked', 'altered']).meta({
    description: '`altered`: changed in the database, by somebody else than this service; it is refused.',
  }),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
  lastUsedOn: z.string().nullable().meta({ description: 'A day in UTC.', example: '2026-01-31' }),
});

export const newKeyView = keyView.extend({
  key: z.string().meta({
    description: 'Its text, shown this once; a hash of it is stored.',
    example: 'tmb_0123456789ab_3q2-7wTz9qk0S8V0c1Xb4a6fN5pJr2uYhGdLmE7iKoA',
  }),
});

export const keysView = z.object({
  keys: z.array(keyView).meta({ description: 'Oldest first, revoked and expired ones too.' }),
});

export type NewKeyView = z.output<typeof newKeyView>;
export type KeysView = z.output<typeof keysView>;
