import { Injectable } from '@nestjs/common';
import { AccessGuard, type Keyless } from '../access/access.guard.js';

/** Clients of the sidecar send no key: programs of this machine need none, and others where the operator says so. */
@Injectable()
export class CompatGuard extends AccessGuard {
  protected override withoutKey(): Keyless {
    if (this.config.openSidecar) return 'anybody';
    return this.config.requireKeys !== 'always' && this.onLoopback() ? 'local' : 'nobody';
  }
}
