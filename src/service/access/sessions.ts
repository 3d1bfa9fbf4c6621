import type { ApiKey } from './api-key.js';

/**
 * Links that sign in once, and the keys of the sessions that they have opened, as all processes of the service know them.
 * Errors of every call: those of the storage.
 */
export abstract class Sessions {
  /** Keeps a link by the digest of its code, and gives when its time is over. The oldest of too many goes. */
  abstract addLink(digest: string, milliseconds: number): Promise<Date>;

  /** Whether the link is there and its time is not over: it is used up then, and of several who ask at once one is told so. */
  abstract takeLink(digest: string): Promise<boolean>;

  /** The oldest of too many goes. */
  abstract open(key: ApiKey): Promise<void>;

  /** Those that are open; the time of some may be over. */
  abstract all(): Promise<ApiKey[]>;

  /** Whether the session was open; it is not from then on. */
  abstract end(id: string): Promise<boolean>;
}

/** Links that nobody has used yet. */
export const MOST_LINKS = 16;

/** People who are signed in at once. */
export const MOST_SESSIONS = 1000;
