import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { CalibrationsService } from '../calibrations/calibrations.service.js';

@Injectable()
export class CalibrationHealth {
  constructor(
    private readonly indicator: HealthIndicatorService,
    private readonly calibrations: CalibrationsService,
  ) {}

  /** Up; `setAside` is the version in use that cannot be used, in whose place the model's own decides. */
  check(key: string): HealthIndicatorResult {
    const { setAside } = this.calibrations;
    return this.indicator.check(key).up({ setAside });
  }
}
