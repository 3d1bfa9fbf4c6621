import { Injectable } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Traffic } from '../http/traffic.js';
import { describeState } from '../engine/addon-engine.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';

/** Up when the model is loaded and the service is not stopping. */
@Injectable()
export class EngineHealth {
  constructor(
    private readonly indicator: HealthIndicatorService,
    private readonly engine: EmbeddingEngine,
    private readonly traffic: Traffic,
  ) {}

  check(key: string): HealthIndicatorResult {
    const check = this.indicator.check(key);
    const { state } = this.engine;
    if (this.traffic.leaving) return check.down({ state: 'closed', message: 'the service is stopping' });
    if (state.status === 'ready') return check.up({ model: this.engine.info().model });
    const progress = state.status === 'fetching' ? { progress: state.progress } : {};
    return check.down({ state: state.status, message: describeState(state), ...progress });
  }
}
