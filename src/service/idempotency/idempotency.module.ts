import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { Idempotency } from './idempotency.js';

@Module({
  providers: [Idempotency, { provide: Clock, useClass: SystemClock }],
  exports: [Idempotency],
})
export class IdempotencyModule {}
