import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import type { GroupRef } from '../../support/group-ref.js';
import { plainText } from '../../support/plain-text.js';
import type { Scope } from '../../support/scopes.js';

/** What is stored of a key; its text is shown once and kept nowhere. */
export interface ApiKey {
  /** Part of the text, and what people name the key by. */
  id: string;
  /** Who or what uses it, for people. */
  name: string;
  scopes: readonly Scope[];
  /** The groups that it is bound to: it sees and changes nothing else. Null: bound to none. */
  groups: readonly GroupRef[] | null;
  digest: Buffer;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** The last day of use, `2026-01-31` in UTC; no finer, so that it is no record of anybody's movements. */
  lastUsedOn: string | null;
  /** There where the stored record is not as this service wrote it: the key is refused. */
  altered?: true;
  /** How the audit trail names whoever uses it; default: by its id. */
  by?: string;
}

export type KeyStatus = 'active' | 'expired' | 'revoked' | 'altered';

/** Recognisable for people and for scanners of secrets. */
export const KEY_PREFIX = 'tmb_';

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const KEY_TEXT = /^tmb_([0-9a-f]{12})_[\w-]{43}$/;

export const LONGEST_NAME = 100;

/** Groups of one key. */
export const MOST_BOUND = 16;

/** A key and its text. Errors: INVALID_ARGUMENT. */
export function newApiKey(
  {
    name,
    scopes,
    groups = null,
    expiresAt = null,
  }: { name: string; scopes: readonly Scope[]; groups?: readonly GroupRef[] | null; expiresAt?: Date | null },
  now: Date,
): { key: ApiKey; text: string } {
  if (scopes.length === 0) throw new TimbreError('INVALID_ARGUMENT', 'a key needs at least one scope');
  if (expiresAt && expiresAt <= now) throw new TimbreError('INVALID_ARGUMENT', 'a key cannot expire before it is made');
  if (groups?.length === 0) throw new TimbreError('INVALID_ARGUMENT', 'a key that is bound needs at least one group');
  if (groups && groups.length > MOST_BOUND) {
    throw new TimbreError('INVALID_ARGUMENT', `a key can be bound to ${MOST_BOUND} groups at most`);
  }
  const id = randomBytes(ID_BYTES).toString('hex');
  const text = `${KEY_PREFIX}${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  const key: ApiKey = {
    id,
    name: plainText('the name of the key', name, LONGEST_NAME),
    scopes: [...new Set(scopes)],
    groups,
    digest: digestOf(text),
    createdAt: now,
    expiresAt,
    revokedAt: null,
    lastUsedOn: null,
  };
  return { key, text };
}

/** The id in a key's text; undefined for what is no key of ours. */
export function keyIdOf(text: string): string | undefined {
  return KEY_TEXT.exec(text)?.[1];
}

/**
 * SHA-256, and nothing slow: a slow hash protects passwords, which can be guessed. 256 random bits cannot, and a hash
 * that takes a tenth of a second would be a way to bring the service down.
 */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const NO_KEY = Buffer.alloc(32);

/** Whether the text is the key's, in a time that tells nothing about how much of it is right. */
export function isTextOf(text: string, key: ApiKey | undefined): boolean {
  // What is stored may be anything.
  const digest = key?.digest.length === NO_KEY.length ? key.digest : NO_KEY;
  return timingSafeEqual(digestOf(text), digest) && digest === key?.digest;
}

export function statusOf({ expiresAt, revokedAt, altered }: ApiKey, now: Date): KeyStatus {
  if (altered) return 'altered';
  if (revokedAt) return 'revoked';
  return expiresAt && expiresAt <= now ? 'expired' : 'active';
}

/** Takes keys away whose time is over, and the oldest where there are so many that one more would be too many. */
export function makeRoom(keys: Map<string, ApiKey>, most: number): void {
  const now = new Date();
  for (const [id, key] of keys) {
    if (statusOf(key, now) !== 'active' || keys.size >= most) keys.delete(id);
  }
}

/** Errors: FORBIDDEN_SCOPE. */
export function requireScope(key: ApiKey, needed: Scope): void {
  if (allows(key, needed)) return;
  const has = key.scopes.join(', ');
  throw new TimbreError('FORBIDDEN_SCOPE', `the call needs the scope ${needed}, the key ${key.id} has ${has}`);
}

export function allows({ scopes }: Pick<ApiKey, 'scopes'>, needed: Scope): boolean {
  return scopes.includes(needed) || (needed !== 'vectors' && scopes.includes('admin'));
}
