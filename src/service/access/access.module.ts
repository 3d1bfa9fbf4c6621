import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard.js';
import { ApiKeys } from './api-keys.js';
import { KeyRing } from './key-ring.js';
import { LocalKey } from './local-key.js';
import { RefusedKeys } from './refused-keys.js';
import { RequestRate } from './request-rate.js';

/** Who may call what. `KeyStore`, `Sessions` and `Limiter` come from persistence. */
@Module({
  providers: [KeyRing, ApiKeys, LocalKey, RefusedKeys, RequestRate, AccessGuard],
  exports: [KeyRing, ApiKeys, RefusedKeys, RequestRate, AccessGuard],
})
export class AccessModule {}
