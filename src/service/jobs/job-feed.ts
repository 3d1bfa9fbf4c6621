import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Bell } from '../../support/bell.js';
import { ChangeFeed } from '../records/change-feed.js';

/** Wakes those who follow a job when something of it has become durable. */
@Injectable()
export class JobFeed implements OnModuleDestroy {
  private readonly logger = new Logger('Jobs');
  private readonly followed = new Map<string, { bell: Bell; followers: number }>();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly feed: ChangeFeed) {}

  /** The job's bell, and the way to let go of it. */
  follow(jobId: string): { bell: Bell; release: () => void } {
    const entry = this.followed.get(jobId) ?? { bell: new Bell(), followers: 0 };
    entry.followers++;
    this.followed.set(jobId, entry);
    this.running ??= this.run().finally(() => (this.running = undefined));
    return {
      bell: entry.bell,
      release: () => {
        if (--entry.followers === 0) this.followed.delete(jobId);
      },
    };
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** As long as anybody follows. */
  private run(): Promise<void> {
    return this.feed.follow(
      {
        // Whatever happened before is for every follower to see for itself.
        begin: () => {
          for (const { bell } of this.followed.values()) bell.ring();
        },
        take: (changes) => {
          for (const { kind, about } of changes) if (kind === 'job') this.followed.get(about)?.bell.ring();
        },
        waits: (error) => this.logger.warn({ err: error, msg: 'followers of jobs wait for the database' }),
      },
      this.stopping.signal,
      () => this.followed.size > 0,
    );
  }
}
