import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { Traffic } from '../http/traffic.js';
import { Config } from '../config/config.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { isFinished } from '../records/job.js';
import { JobFeed } from './job-feed.js';
import { toJobItemView, toJobView } from './jobs.dto.js';
import { JobsService } from './jobs.service.js';

/** Events read at once. */
const PAGE = 100;

/** Silence after which a comment is sent, so that proxies and clients know that the connection lives. */
const HEARTBEAT_MS = 15_000;

/** What a client that is cut off waits before it asks again. */
const RETRY_MS = 2000;

/**
 * A job as server-sent events. Recordings that have an outcome are numbered in the order in which they became durable,
 * in the database: whoever names the last event it saw goes on after it, also after a restart of the service.
 */
@Injectable()
export class JobEvents {
  private open = 0;
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: UnitOfWork,
    private readonly jobs: JobsService,
    private readonly feed: JobFeed,
    private readonly config: Config,
    traffic: Traffic,
  ) {
    traffic.onDrain(() => this.stopping.abort());
  }

  /**
   * The stream after an event, as text; null where the client has seen the end already. It ends with the job, with the
   * service, or when `signal` is aborted. Errors: JOB_NOT_FOUND, OVERLOADED.
   */
  async follow(id: string, after: number, signal: AbortSignal): Promise<AsyncGenerator<string> | null> {
    const { job } = await this.jobs.get(id);
    if (isFinished(job) && after >= job.lastEvent) return null;
    const { maxEventStreams } = this.config;
    if (this.open >= maxEventStreams) {
      throw new TimbreError('OVERLOADED', `${this.open} clients follow jobs already; poll the job instead`);
    }
    return this.stream(id, after, signal);
  }

  private async *stream(id: string, after: number, client: AbortSignal): AsyncGenerator<string> {
    this.open++;
    const { bell, release } = this.feed.follow(id);
    const gone = (): void => bell.ring();
    this.stopping.signal.addEventListener('abort', gone);
    try {
      yield `retry: ${RETRY_MS}\n\n`;
      for (let last = after, first = true; !client.aborted && !this.stopping.signal.aborted; first = false) {
        const { rings } = bell;
        const items = await this.store.read(({ jobs }) => jobs.settled(id, last, PAGE));
        const { job, secondsLeft } = await this.jobs.get(id);
        const view = toJobView(job, secondsLeft);
        if (first) yield eventOf('job', view);
        for (const item of items) {
          last = item.event ?? last;
          yield eventOf('item', { ...toJobItemView(item), job: view }, last);
        }
        if (items.length === PAGE) continue;
        if (isFinished(job) && last >= job.lastEvent - 1) {
          yield eventOf('end', view, job.lastEvent);
          return;
        }
        await bell.after(rings, client, HEARTBEAT_MS);
        if (bell.rings === rings) yield ': still here\n\n';
      }
    } catch (error) {
      // Removed meanwhile: there is nothing more to tell.
      if (!(error instanceof TimbreError && error.code === 'JOB_NOT_FOUND')) throw error;
    } finally {
      this.stopping.signal.removeEventListener('abort', gone);
      release();
      this.open--;
    }
  }
}

function eventOf(event: string, data: object, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
