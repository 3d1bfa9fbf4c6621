import { z } from 'zod';
import { SCOPES } from '../../support/scopes.js';

export const signInLinkView = z.object({
  path: z.string().meta({
    description: 'What to open in a browser, below the address of the service; it works once.',
    example: '/#sign-in=0hX...',
  }),
  expiresAt: z.iso.datetime(),
});

export const sessionView = z.object({
  key: z.string().meta({
    description: 'An API key that ends at `expiresAt`, and with the service where that is one process on SQLite.',
  }),
  scopes: z.array(z.enum(SCOPES)),
  expiresAt: z.iso.datetime(),
});

export type SignInLinkView = z.output<typeof signInLinkView>;
export type SessionView = z.output<typeof sessionView>;
