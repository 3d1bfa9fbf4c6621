import { Injectable } from '@nestjs/common';
import { Bell } from '../../support/bell.js';

/** Tells those who follow a job that something has become durable. */
@Injectable()
export class JobFeed {
  private readonly followed = new Map<string, { bell: Bell; followers: number }>();

  /** To be called after the change is durable. */
  tell(jobId: string): void {
    this.followed.get(jobId)?.bell.ring();
  }

  /** The job's bell, and the way to let go of it. */
  follow(jobId: string): { bell: Bell; release: () => void } {
    const entry = this.followed.get(jobId) ?? { bell: new Bell(), followers: 0 };
    entry.followers++;
    this.followed.set(jobId, entry);
    return {
      bell: entry.bell,
      release: () => {
        if (--entry.followers === 0) this.followed.delete(jobId);
      },
    };
  }
}
