import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Bell } from '../../support/bell.js';
import { ChangeFeed } from '../records/change-feed.js';

/** How often the feed is looked at though it did not ring: others may write to the database too. */
const LOOK_MS = 2000;

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
  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let seq: number | undefined;
    while (this.followed.size > 0 && !signal.aborted) {
      const { rings } = this.feed.bell;
      try {
        seq = seq === undefined ? await this.begin() : await this.goOn(seq);
      } catch (error) {
        this.logger.warn({ err: error, msg: 'followers of jobs wait for the database' });
      }
      await this.feed.bell.after(rings, signal, LOOK_MS);
    }
  }

  /** Whatever happened before the position is for every follower to see for itself. */
  private async begin(): Promise<number> {
    const seq = await this.feed.head();
    for (const { bell } of this.followed.values()) bell.ring();
    return seq;
  }

  private async goOn(seq: number): Promise<number> {
    const last = await this.feed.through(seq, (changes) => {
      for (const { kind, about } of changes) if (kind === 'job') this.followed.get(about)?.bell.ring();
    });
    return last ?? this.begin();
  }
}
