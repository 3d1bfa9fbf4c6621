import { AsyncLocalStorage } from 'node:async_hooks';
import type { GroupRef } from './group-ref.js';
import { SCOPES, type Scope } from './scopes.js';

/** Who makes something happen, as the audit trail names them. */
export interface Actor {
  /** An API key's id; `local` where no key was asked for; the name of a part of the service that acts by itself. */
  by: string;
  /** Of the request that asked for it; null where none did. */
  requestId: string | null;
  /** What the actor may do beyond the call itself; default: nothing. */
  scopes?: readonly Scope[];
  /** Whom the actor sees: the members of these groups alone; default: everybody. */
  groups?: readonly GroupRef[] | undefined;
}

const LOCAL: Actor = Object.freeze({ by: 'local', requestId: null, scopes: SCOPES });

const storage = new AsyncLocalStorage<Actor>();

/** The actor of the work that runs now: what `actAs` said, or `local`. */
export function currentActor(): Actor {
  return storage.getStore() ?? LOCAL;
}

/** Everything that `work` does, and waits for, is this actor's. */
export function actAs<T>(actor: Actor, work: () => T): T {
  return storage.run(actor, work);
}
