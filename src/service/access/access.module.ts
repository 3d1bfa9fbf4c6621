import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard.js';
import { KeyRing } from './key-ring.js';
import { LocalKey } from './local-key.js';
import { RefusedKeys } from './refused-keys.js';
import { RequestRate } from './request-rate.js';

/** Who may call what. `KeyStore` and `Limiter` come from persistence. */
@Module({
  providers: [
    KeyRing,
    LocalKey,
    RefusedKeys,
    RequestRate,
    AccessGuard,
  ],
  exports: [KeyRing, RefusedKeys, RequestRate, AccessGuard],
})
export class AccessModule {}
