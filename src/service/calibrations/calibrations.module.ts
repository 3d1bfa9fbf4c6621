import { Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../support/clock.js';
import { CalibrationsService } from './calibrations.service.js';

@Module({
  providers: [CalibrationsService, { provide: Clock, useClass: SystemClock }],
  exports: [CalibrationsService],
})
export class CalibrationsModule {}
