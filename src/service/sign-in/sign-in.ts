import { Injectable } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { newApiKey, type ApiKey } from '../access/api-key.js';
import { KeyRing } from '../access/key-ring.js';
import { Sessions } from '../access/sessions.js';
import { AuditTrail } from '../audit/audit-trail.js';

const CODE_BYTES = 32;
const LINK_MS = 10 * 60_000;
const SESSION_MS = 12 * 3600_000;

/** Signs people in by a link that works once: whoever may read the local key, or has an admin's, makes one. */
@Injectable()
export class SignIn {
  constructor(
    private readonly sessions: Sessions,
    private readonly keys: KeyRing,
    private readonly trail: AuditTrail,
  ) {}

  /** Errors: those of the storage. */
  async link(): Promise<{ code: string; expiresAt: Date }> {
    const code = randomBytes(CODE_BYTES).toString('base64url');
    return { code, expiresAt: await this.sessions.addLink(digestOf(code), LINK_MS) };
  }

  /** A key that is none of those that are stored, for a link's code, which is used up. Errors: UNAUTHENTICATED, those of the storage. */
  async exchange(code: string): Promise<{ key: ApiKey; text: string }> {
    if (!(await this.sessions.takeLink(digestOf(code)))) {
      throw new TimbreError(
        'UNAUTHENTICATED',
        'the sign-in link was used already or is too old; `timbre sign-in` makes a new one',
      );
    }
    const now = new Date();
    const expiresAt = new Date(now.getTime() + SESSION_MS);
    const { key, text } = newApiKey({ name: 'signed in', scopes: ['admin'], expiresAt }, now);
    await this.sessions.open(key);
    this.keys.readAgain();
    this.trail.note({ action: 'session.opened', object: key.id });
    return { key, text };
  }

  /** Ends a session by its key's id; keys that are stored are revoked elsewhere. Errors: those of the storage. */
  async end(id: string): Promise<void> {
    const there = await this.sessions.end(id);
    this.keys.readAgain();
    if (there) this.trail.note({ action: 'session.ended', object: id });
  }
}

/** What is looked up: the time that takes tells nothing about codes. */
function digestOf(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
