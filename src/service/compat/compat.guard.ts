import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { contextOf } from '../http/request-context.js';
import { AccessGuard, type Keyless } from '../access/access.guard.js';

/** Clients of the sidecar send no key: programs of this machine need none, and others where the operator says so. */
@Injectable()
export class CompatGuard extends AccessGuard {
  /** Whether a program of this machine makes a request, without a key. */
  isLocal(request: IncomingMessage): boolean {
    return this.withoutKey() === 'local' && contextOf(request).keyId === null;
  }

  protected override withoutKey(): Keyless {
    if (this.config.openSidecar) return 'anybody';
    return this.config.requireKeys !== 'always' && this.onLoopback() ? 'local' : 'nobody';
  }
}
