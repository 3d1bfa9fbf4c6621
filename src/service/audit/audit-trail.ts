import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { bothOf } from '../../support/both-of.js';
import { Config } from '../config/config.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { newAuditEntry, type AuditEvent, type NewAuditEntry } from '../records/audit-entry.js';

/** Entries wait so long for others: one write to the disk for all of them. */
const GATHER_MS = 200;

/** Until it is tried again where the database takes nothing. */
const RETRY_MS = 2000;

/** Entries kept while the database takes nothing; beyond, the oldest are lost, and the log says so. */
const MOST_WAITING = 20_000;

/**
 * What changes nothing, and so has no transaction to be recorded in: matches and refusals. They reach the database a
 * moment later, several at once, so that no verification waits for a disk or fails on a full one; a crash loses those
 * of the last moment.
 */
@Injectable()
export class AuditTrail implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private waiting: NewAuditEntry[] = [];
  /** Last use, by subject: another of the same id is somebody else. */
  private used = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private lost = 0;

  constructor(
    private readonly store: UnitOfWork,
    private readonly config: Config,
  ) {}

  /** Records what the current actor did, soon. */
  note(event: AuditEvent): void {
    this.waiting.push(newAuditEntry(event));
    if (this.waiting.length > MOST_WAITING) {
      this.waiting.shift();
      this.lost++;
    }
    this.schedule(GATHER_MS);
  }

  /** The same of a speaker whose voice was compared, whom that keeps from growing stale. */
  matched({ subject }: Pick<Speaker, 'subject'>, event: AuditEvent): void {
    this.used.set(subject, new Date());
    if (this.config.auditMatches) this.note({ ...event, subject });
    else this.schedule(GATHER_MS);
  }

  /** A comparison that ended with nobody. */
  unmatched(event: AuditEvent): void {
    if (this.config.auditMatches) this.note(event);
  }

  /** Writes what waits. Errors: those of the storage; it waits on then. */
  flush(): Promise<void> {
    const run = this.writing.then(() => this.write());
    this.writing = run.catch(() => undefined);
    return run;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.flush().catch((error: unknown) => {
      this.logger.error({ err: error, msg: `${this.waiting.length} entries of the audit trail are lost` });
    });
    clearTimeout(this.timer);
  }

  private schedule(milliseconds: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flush().catch((error: unknown) => {
        this.logger.warn({
          err: error,
          msg: `${this.waiting.length} entries of the audit trail wait for the database`,
        });
        this.schedule(RETRY_MS);
      });
    }, milliseconds).unref();
  }

  private async write(): Promise<void> {
    const [entries, used] = [this.waiting, this.used];
    if (entries.length === 0 && used.size === 0) return;
    this.waiting = [];
    this.used = new Map();
    try {
      await this.store.transaction(async ({ audit, speakers }) => {
        await bothOf(speakers.used(used), audit.append(entries));
      });
    } catch (error) {
      this.waiting = [...entries, ...this.waiting].slice(-MOST_WAITING);
      this.used = new Map([...used, ...this.used]);
      throw error;
    }
    if (this.lost > 0) this.logger.error(`${this.lost} entries of the audit trail are lost`);
    this.lost = 0;
  }
}
