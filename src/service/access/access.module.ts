import { Module } from '@nestjs/common';
import { AccessGuard } from './access.guard.js';
import { ApiKeys } from './api-keys.js';
import { KeyRing } from './key-ring.js';
import { Config } from '../config/config.js';
import { Limiter } from './limiter.js';
import { LocalKey } from './local-key.js';
import { MemoryLimiter } from './memory-limiter.js';
import { RefusedKeys } from './refused-keys.js';
import { RequestRate, WINDOW_SECONDS } from './request-rate.js';

/** Who may call what. `KeyStore` comes from src/persistence. */
@Module({
  providers: [
    KeyRing,
    ApiKeys,
    LocalKey,
    RefusedKeys,
    {
      provide: Limiter,
      inject: [Config],
      useFactory: ({ rateLimit }: Config): Limiter => new MemoryLimiter(rateLimit, WINDOW_SECONDS),
    },
    RequestRate,
    AccessGuard,
  ],
  exports: [KeyRing, ApiKeys, RefusedKeys, RequestRate, AccessGuard],
})
export class AccessModule {}
