import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Traffic } from '../http/traffic.js';
import { AddonEngine } from './addon-engine.js';

/**
 * The first thing that happens when the service, or the application around it, stops: no new work, streams of events end,
 * and what is under way gets the time of the setting `drainSeconds`; the rest fails with ENGINE_CLOSED.
 */
@Injectable()
export class Draining implements OnModuleDestroy {
  constructor(
    private readonly config: Config,
    private readonly traffic: Traffic,
    private readonly engine: AddonEngine,
  ) {}

  /** Settles when nothing is under way any more. Safe to call again. */
  done(): Promise<void> {
    const { drainSeconds, leaveSeconds } = this.config;
    return this.traffic.drain(drainSeconds, () => this.engine.close(), leaveSeconds);
  }

  onModuleDestroy(): Promise<void> {
    return this.done();
  }
}
