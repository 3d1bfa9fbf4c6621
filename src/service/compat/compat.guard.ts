import { Injectable } from '@nestjs/common';
import { AccessGuard } from '../access/access.guard.js';

/** Clients of the sidecar send no key; the operator may let them in all the same. */
@Injectable()
export class CompatGuard extends AccessGuard {
  protected override keysRequired(): boolean {
    return !this.config.openSidecar && super.keysRequired();
  }
}
