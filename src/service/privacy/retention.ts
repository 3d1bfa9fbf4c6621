import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import { actAs } from '../../support/actor.js';
import { Clock } from '../../support/clock.js';
import { Leader } from '../records/leader.js';
import { Config } from '../config/config.js';
import { RecordingsService } from '../recordings/recordings.service.js';
import { SpeakersService } from '../speakers/speakers.service.js';
import { hasJumped, readHeartbeat, writeHeartbeat } from '../records/heartbeat.js';
import type { Speaker } from '../records/speaker.js';
import type { RetentionTimes } from '../records/speaker.repository.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';
import { setTimeout as delay } from 'node:timers/promises';

const DAY_MS = 24 * 3600 * 1000;
const RETRY_MS = 3600 * 1000;

/** Speakers erased, and others removed, in one transaction, so that requests come in between. */
const AT_ONCE = 10;

/** Entries of the audit trail deleted in one transaction, so that requests come in between. */
const ENTRIES_AT_ONCE = 200;

export interface RetentionStatus {
  /** paused: the clock has left the last heartbeat by far, and nothing goes by age until somebody confirms it. */
  state: 'running' | 'paused';
  heartbeat: Date | null;
  now: Date;
}

export interface Swept {
  /** Erased. */
  speakers: number;
  /** Told that they will be. */
  announced: number;
  conversations: number;
  unknownVoices: number;
  /** Whose audio was removed, while enrolment and profile stay. */
  recordings: number;
  auditEntries: number;
}

const NOTHING: Swept = {
  speakers: 0,
  announced: 0,
  conversations: 0,
  unknownVoices: 0,
  recordings: 0,
  auditEntries: 0,
};

/**
 * Erases what has grown old, at the start and then once a day, in steps and after a notice; as `DELETE /v1/speakers/:id`
 * erases. It never follows a clock that has jumped: that would erase everybody.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Retention');
  private callOff: () => void = () => undefined;
  private stopped = false;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly speakers: SpeakersService,
    private readonly recordings: RecordingsService,
    private readonly store: UnitOfWork,
    private readonly trail: AuditTrail,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly leader: Leader,
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

  /** Nothing where another process does it. Errors: those of the storage; what was erased by then stays erased. */
  async sweep(): Promise<Swept> {
    return (await this.leader.lead('retention', () => this.sweepHere())) ?? NOTHING;
  }

  private sweepHere(): Promise<Swept> {
    return actAs({ by: 'retention', requestId: null }, async () => {
      if (!(await this.mayFollowClock())) return NOTHING;
      const { speakers, announced } = await this.sweepSpeakers();
      const { conversationDays, unknownVoiceDays, recordingDays } = this.config;
      return {
        speakers,
        announced,
        conversations: await this.sweepOlder(conversationDays, (...old) =>
          this.store.transaction(({ conversations }) => conversations.trim(...old)),
        ),
        unknownVoices: await this.sweepOlder(unknownVoiceDays, (...old) =>
          this.store.transaction(({ unknownVoices }) => unknownVoices.trim(...old)),
        ),
        recordings: await this.sweepOlder(recordingDays, (...old) => this.recordings.removeOlder(...old)),
        auditEntries: await this.sweepAudit(),
      };
    });
  }

  /** Whether retention follows the clock. Errors: those of the storage. */
  async status(): Promise<RetentionStatus> {
    const now = this.clock.now();
    const heartbeat = await this.store.read(({ notes }) => readHeartbeat(notes));
    return { state: hasJumped(heartbeat, now) ? 'paused' : 'running', heartbeat, now };
  }

  /** The clock is right, somebody says: retention goes on from it. Errors: those of the storage. */
  async confirm(): Promise<RetentionStatus> {
    await this.store.transaction(async ({ notes, audit }) => {
      await writeHeartbeat(notes, this.clock.now());
      await audit.record({ action: 'retention.confirmed' });
    });
    this.callOff();
    this.goOnAfter(0);
    return this.status();
  }

  /** Moves the heartbeat on, unless the clock has left it by far. */
  private async mayFollowClock(): Promise<boolean> {
    const now = this.clock.now();
    const heartbeat = await this.store.transaction(async ({ notes }) => {
      const last = await readHeartbeat(notes);
      if (!hasJumped(last, now)) await writeHeartbeat(notes, now);
      return last;
    });
    if (!hasJumped(heartbeat, now)) return true;
    this.logger.error(
      `retention is paused: the clock says ${now.toISOString()}, and said ${heartbeat?.toISOString()} when the service ` +
        'last looked; where it is right, run `timbre retention confirm`',
    );
    return false;
  }

  private async sweepSpeakers(): Promise<{ speakers: number; announced: number }> {
    const { retentionDays, withdrawnDays } = this.config;
    const set = [retentionDays, withdrawnDays].filter((days) => days > 0);
    if (set.length === 0) return { speakers: 0, announced: 0 };
    // The last uses may not be in the database yet.
    await this.trail.flush();
    const notice = Math.min(this.config.noticeDays, ...set);
    const before = (ahead: number): RetentionTimes => ({
      idle: this.daysAgo(retentionDays, ahead),
      withdrawn: this.daysAgo(withdrawnDays, ahead),
    });
    let announced = 0;
    for (let told = AT_ONCE; told === AT_ONCE && !this.stopped; announced += told)
      told = await this.announce(before(notice));
    let speakers = 0;
    for (let erased = AT_ONCE; erased === AT_ONCE && !this.stopped; speakers += erased) {
      const choose = ({ speakers: all }: VoiceRecords): Promise<Speaker[]> =>
        all.due(before(0), this.ago(notice), AT_ONCE);
      erased = (await this.speakers.eraseThose(choose)).length;
    }
    return { speakers, announced };
  }

  /** Some of those who will be erased are marked, and the trail says so. */
  private announce(before: RetentionTimes): Promise<number> {
    return this.store.transaction(async ({ speakers, audit }) => {
      const fading = await speakers.fading(before, AT_ONCE);
      for (const { id, subject } of fading) {
        await speakers.announce(id, this.clock.now());
        await audit.record({ action: 'speaker.erasure-announced', subject });
      }
      return fading.length;
    });
  }

  /** In pieces, of what is older than so many days; 0: of nothing. */
  private async sweepOlder(days: number, trim: (before: Date, limit: number) => Promise<number>): Promise<number> {
    if (days === 0) return 0;
    const before = this.daysAgo(days);
    let sum = 0;
    for (let trimmed = AT_ONCE; trimmed === AT_ONCE && !this.stopped; sum += trimmed) {
      trimmed = await trim(before, AT_ONCE);
    }
    return sum;
  }

  /** In pieces: requests come in between. */
  private async sweepAudit(): Promise<number> {
    const { auditDays } = this.config;
    if (auditDays === 0) return 0;
    const before = this.daysAgo(auditDays);
    let sum = 0;
    for (let trimmed = ENTRIES_AT_ONCE; trimmed === ENTRIES_AT_ONCE && !this.stopped; sum += trimmed) {
      const started = performance.now();
      trimmed = await this.store.transaction(async ({ audit }) => {
        const count = await audit.trim(before, ENTRIES_AT_ONCE);
        if (count > 0 && sum === 0) await audit.record({ action: 'audit.trimmed' });
        return count;
      });
      // As long as it took: half of the database's time is everybody else's.
      if (trimmed === ENTRIES_AT_ONCE) await delay(performance.now() - started, undefined, { ref: false });
    }
    return sum;
  }

  private ago(days: number): Date {
    return new Date(this.clock.now().getTime() - days * DAY_MS);
  }

  /** `ahead`: so many days earlier in life. Never, where there are no days. */
  private daysAgo(days: number, ahead = 0): Date {
    return days === 0 ? new Date(0) : this.ago(days - ahead);
  }

  private sweepAndGoOn(): void {
    this.sweeping = this.sweep().then(
      ({ announced, ...gone }) => {
        const { speakers, conversations, unknownVoices, recordings, auditEntries } = gone;
        if (speakers + conversations + unknownVoices + recordings + auditEntries > 0) {
          const msg =
            `${speakers} speakers, ${conversations} conversations, ${unknownVoices} unknown voices, the audio of ${recordings} ` +
            `recordings and ${auditEntries} audit entries went by age`;
          this.logger.log({ ...gone, msg });
        }
        if (announced > 0) {
          this.logger.warn({
            announced,
            msg: `${announced} speakers will be erased for age; \`erasureAnnouncedAt\` marks them`,
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
