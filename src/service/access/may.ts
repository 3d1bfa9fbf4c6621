import type { IncomingMessage } from 'node:http';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Scope } from '../../support/scopes.js';
import { contextOf } from '../http/request-context.js';
import { allows } from './api-key.js';

/** Whether whoever makes the request has a scope beside that of the call. */
export function may(request: IncomingMessage, scope: Scope): boolean {
  return allows(contextOf(request), scope);
}

/** Errors: FORBIDDEN_SCOPE, saying what needs it. */
export function requireMay(request: IncomingMessage, scope: Scope, what: string): void {
  if (!may(request, scope)) throw new TimbreError('FORBIDDEN_SCOPE', `${what} needs a key of the scope ${scope}`);
}
