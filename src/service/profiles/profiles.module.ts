import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { ConsentModule } from '../consent/consent.module.js';
import { EnrollmentsModule } from '../enrollments/enrollments.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { DuplicatesService } from './duplicates.service.js';
import { LearningService } from './learning.service.js';
import { LedgerService } from './ledger.service.js';
import { MergeService } from './merge.service.js';
import { WaitingSweep } from './waiting-sweep.js';

/** Profiles over time: what they learn, every change of them, and the way back. */
@Module({
  imports: [ConsentModule, EnrollmentsModule, MetricsModule],
  providers: [
    LearningService,
    LedgerService,
    MergeService,
    DuplicatesService,
    WaitingSweep,
    { provide: Clock, useClass: SystemClock },
  ],
  exports: [LearningService, LedgerService, MergeService, DuplicatesService],
})
export class ProfilesModule {}
