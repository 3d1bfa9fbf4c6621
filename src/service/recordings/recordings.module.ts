import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RecordingsService } from './recordings.service.js';

/** Audio of enrolments that is kept. */
@Module({
  imports: [MetricsModule],
  providers: [RecordingsService],
  exports: [RecordingsService],
})
export class RecordingsModule {}
