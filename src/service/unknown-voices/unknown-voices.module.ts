import { Module } from '@nestjs/common';
import { ConsentModule } from '../consent/consent.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { UnknownVoicesService } from './unknown-voices.service.js';
import { VoiceKeeper } from './voice-keeper.js';

/** Voices of conversations that got no name: kept where that is switched on, and named later. */
@Module({
  imports: [ConsentModule, EnrollmentsModule, MetricsModule],
  providers: [UnknownVoicesService, VoiceKeeper],
  exports: [UnknownVoicesService, VoiceKeeper],
})
export class UnknownVoicesModule {}
