import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { WatchLists } from './watch-lists.js';

/** Groups whose members are reported when they are heard. */
@Module({
  imports: [MetricsModule],
  providers: [WatchLists, { provide: Clock, useClass: SystemClock }],
  exports: [WatchLists],
})
export class WatchModule {}
