import { Injectable } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { newApiKey, type ApiKey } from '../access/api-key.js';
import { KeyRing } from '../access/key-ring.js';
import { AuditTrail } from '../audit/audit-trail.js';

const CODE_BYTES = 32;
const LINK_MS = 10 * 60_000;
const SESSION_MS = 12 * 3600_000;
/** Links that nobody has used yet; one more, and the oldest is worth nothing. */
const MOST_LINKS = 16;

/** Signs people in by a link that works once: whoever may read the local key, or has an admin's, makes one. */
@Injectable()
export class SignIn {
  /** When each link ends, by the hash of its code: a look-up tells nothing about codes by its time. */
  private readonly links = new Map<string, Date>();

  constructor(
    private readonly keys: KeyRing,
    private readonly trail: AuditTrail,
  ) {}

  link(): { code: string; expiresAt: Date } {
    const code = randomBytes(CODE_BYTES).toString('base64url');
    const expiresAt = new Date(Date.now() + LINK_MS);
    for (const oldest of this.links.keys()) {
      if (this.links.size < MOST_LINKS) break;
      this.links.delete(oldest);
    }
    this.links.set(digestOf(code), expiresAt);
    return { code, expiresAt };
  }

  /** A key of this process alone for a link's code, which is used up. Errors: UNAUTHENTICATED. */
  exchange(code: string): { key: ApiKey; text: string } {
    const digest = digestOf(code);
    const until = this.links.get(digest);
    this.links.delete(digest);
    const now = new Date();
    if (!until || until <= now) {
      throw new TimbreError(
        'UNAUTHENTICATED',
        'the sign-in link was used already or is too old; `timbre sign-in` makes a new one',
      );
    }
    const expiresAt = new Date(now.getTime() + SESSION_MS);
    const { key, text } = newApiKey({ name: 'signed in', scopes: ['admin'], expiresAt }, now);
    this.keys.grant(key);
    this.trail.note({ action: 'session.opened', object: key.id });
    return { key, text };
  }

  /** Ends a session by its key's id; keys that are stored are revoked elsewhere. */
  end(id: string): void {
    if (this.keys.withdraw(id)) this.trail.note({ action: 'session.ended', object: id });
  }
}

function digestOf(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
