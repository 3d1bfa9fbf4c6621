import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import { actAs } from '../../support/actor.js';
import { Clock } from '../../support/clock.js';
import { Config } from '../config/config.js';
import { SpeakersService } from '../speakers/speakers.service.js';
import { UnitOfWork } from '../records/unit-of-work.js';

const DAY_MS = 24 * 3600 * 1000;
const RETRY_MS = 3600 * 1000;

/** Speakers erased in one transaction, so that requests come in between. */
const AT_ONCE = 10;

export interface Swept {
  speakers: number;
  auditEntries: number;
}

/** Erases what has grown old, at the start and then once a day; as `DELETE /v1/speakers/:id` erases. */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Retention');
  private callOff: () => void = () => undefined;
  private stopped = false;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly speakers: SpeakersService,
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.sweepAndGoOn();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    this.callOff();
    await this.sweeping;
    this.callOff();
  }

  /** Waits for the sweep that is under way, if one is. */
  async settled(): Promise<void> {
    await this.sweeping;
  }

  /** Errors: those of the storage; what was erased by then stays erased. */
  sweep(): Promise<Swept> {
    return actAs({ by: 'retention', requestId: null }, async () => {
      const speakers = await this.sweepSpeakers();
      return { speakers, auditEntries: await this.sweepAudit() };
    });
  }

  private async sweepSpeakers(): Promise<number> {
    const { retentionDays } = this.config;
    if (retentionDays === 0) return 0;
    // The last uses may not be in the database yet.
    await this.trail.flush();
    let sum = 0;
    for (let erased = AT_ONCE; erased === AT_ONCE && !this.stopped; sum += erased) {
      const since = this.daysAgo(retentionDays);
      erased = (await this.speakers.eraseThose(({ speakers }) => speakers.idle(since, AT_ONCE))).length;
    }
    return sum;
  }

  private async sweepAudit(): Promise<number> {
    const { auditDays } = this.config;
    if (auditDays === 0) return 0;
    return this.store.transaction(async ({ audit }) => {
      const trimmed = await audit.trim(this.daysAgo(auditDays));
      if (trimmed > 0) await audit.record({ action: 'audit.trimmed' });
      return trimmed;
    });
  }

  private daysAgo(days: number): Date {
    return new Date(this.clock.now().getTime() - days * DAY_MS);
  }

  private sweepAndGoOn(): void {
    this.sweeping = this.sweep().then(
      ({ speakers, auditEntries }) => {
        if (speakers + auditEntries > 0) {
          this.logger.log({
            speakers,
            auditEntries,
            msg: `${speakers} speakers and ${auditEntries} audit entries went by age`,
          });
        }
        this.goOnAfter(DAY_MS);
      },
      (error: unknown) => {
        this.logger.warn({ err: error, msg: 'what has grown old could not be erased; trying again in an hour' });
        this.goOnAfter(RETRY_MS);
      },
    );
  }

  private goOnAfter(milliseconds: number): void {
    if (!this.stopped) this.callOff = this.clock.after(milliseconds, () => this.sweepAndGoOn());
  }
}
