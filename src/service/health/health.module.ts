import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { MetricsModule } from '../metrics/metrics.module.js';
import { PrivacyModule } from '../privacy/privacy.module.js';
import { CalibrationHealth } from './calibration.health.js';
import { EngineHealth } from './engine.health.js';
import { VoicesHealth } from './voices.health.js';

@Module({
  // "Not ready" while a model loads is no error to log every second.
  imports: [TerminusModule.forRoot({ logger: false }), MetricsModule, PrivacyModule],
  providers: [EngineHealth, VoicesHealth, CalibrationHealth],
  exports: [TerminusModule, EngineHealth, VoicesHealth, CalibrationHealth],
})
export class HealthModule {}
