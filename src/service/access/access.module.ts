import { Global, Module } from '@nestjs/common';
import { AccessGuard } from './access.guard.js';
import { KeyRing } from './key-ring.js';
import { RequestRate } from './request-rate.js';

/** Who may call what. `KeyStore` comes from src/persistence. */
@Global()
@Module({ providers: [KeyRing, RequestRate, AccessGuard], exports: [KeyRing, RequestRate, AccessGuard] })
export class AccessModule {}
