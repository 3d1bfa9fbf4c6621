import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { ConsentModule } from '../consent/consent.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { ReEmbeddingService } from './re-embedding.service.js';

/** Kept recordings, embedded by the model in use. */
@Module({
  imports: [ConsentModule, EnrollmentsModule, MetricsModule],
  providers: [ReEmbeddingService, { provide: Clock, useClass: SystemClock }],
  exports: [ReEmbeddingService],
})
export class ReEmbeddingModule {}
