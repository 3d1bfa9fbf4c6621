import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { actAs } from '../../support/actor.js';
import { Clock } from '../../support/clock.js';
import { Config } from '../config/config.js';
import { Metrics } from '../metrics/metrics.service.js';
import { Maintenance } from '../records/maintenance.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { LearningService } from './learning.service.js';

const LONGEST_PAUSE_MS = 60_000;
const SHORTEST_PAUSE_MS = 1000;
const AT_ONCE = 200;

/** Deletes verifications that nobody confirmed in time: at most a minute later, or half of that time. */
@Injectable()
export class WaitingSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Learning');
  private callOff: (() => void) | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly store: UnitOfWork,
    private readonly learning: LearningService,
    private readonly maintenance: Maintenance,
    private readonly clock: Clock,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    metrics.gauges('timbre_waiting_verifications', 'Verifications that wait to be confirmed.', 'state', async () => ({
      waiting: await store.read(({ waiting }) => waiting.count()),
    }));
  }

  onApplicationBootstrap(): void {
    this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    this.callOff?.();
    await this.sweeping;
  }

  /** Says how many went. Errors: those of the storage. */
  async sweep(): Promise<number> {
    let gone = 0;
    for (let some = AT_ONCE; some === AT_ONCE && !this.stopped; gone += some) {
      const before = this.learning.oldest();
      // Looking first: what waits for nothing writes nothing.
      if ((await this.store.read(({ waiting }) => waiting.count())) === 0) break;
      some = await this.store.transaction(({ waiting }) => waiting.trim(before, AT_ONCE));
    }
    if (gone > 0) await this.maintenance.wipeSoon();
    return gone;
  }

  private run(): void {
    this.sweeping = actAs({ by: 'retention', requestId: null }, () => this.sweep())
      .then(
        () => undefined,
        (error: unknown) => {
          this.logger.warn({ err: error, msg: 'verifications that nobody confirmed could not be deleted yet' });
        },
      )
      .then(() => {
        if (this.stopped) return;
        const half = this.config.confirmMinutes * 30_000;
        const pause = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, half || LONGEST_PAUSE_MS));
        this.callOff = this.clock.after(pause, () => this.run());
      });
  }
}
