import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { CalibrationsService } from './calibrations.service.js';
import { EnrolledTrialsService } from './enrolled-trials.service.js';

@Module({
  providers: [CalibrationsService, EnrolledTrialsService, { provide: Clock, useClass: SystemClock }],
  exports: [CalibrationsService, EnrolledTrialsService],
})
export class CalibrationsModule {}
