import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { EmbedOptions } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { currentActor } from '../../support/actor.js';
import { Clock } from '../../support/clock.js';
import type { Steps } from '../../support/steps.js';
import { Leader } from '../records/leader.js';
import { UnitOfWork, type VoiceRecords } from '../records/unit-of-work.js';

const HOUR_MS = 3600_000;

/** How long an answer is kept; its key may be used for another request then. */
const LIFE_MS = 24 * HOUR_MS;

/** Answers deleted in one transaction. */
const AT_ONCE = 200;

/** Stores the answer, within the transaction of the effect; `speakerId`: whom it tells of. */
export type Keep<T> = (records: VoiceRecords, answer: T, speakerId: string | null) => Promise<void>;

export interface Answered<T> {
  answer: T;
  /** Whether it is that of an earlier request. */
  repeated: boolean;
}

/** The transaction found the key used: somebody else was first. */
class Taken extends Error {}

/**
 * Requests that bring an idempotency key have their effect once: the answer is stored with the effect, or neither is, and
 * a repeated request gets the first answer. Keys are those of a client, which is an API key or everybody without one.
 */
@Injectable()
export class Idempotency implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Idempotency');
  private readonly underWay = new Map<string, { request: string; done: Promise<void> }>();
  private callOff: () => void = () => undefined;
  private stopped = false;

  constructor(
    private readonly store: UnitOfWork,
    private readonly clock: Clock,
    private readonly leader: Leader,
  ) {}

  onApplicationBootstrap(): void {
    void this.trim();
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.callOff();
  }

  /**
   * Does the work of a request, or gives the answer that it had before. `request` is a digest of all that tells it from
   * others. While the same request is under way it is waited for; where that fails, it is done after all.
   * Errors: IDEMPOTENCY_KEY_REUSED, ABORTED, DEADLINE_EXCEEDED, those of the storage and of `work`.
   */
  async once<T>(
    given: string | undefined,
    request: string,
    bounds: Pick<EmbedOptions, 'signal' | 'timeoutMs'>,
    work: (keep: Keep<T>) => Promise<T>,
  ): Promise<Answered<T>> {
    if (given === undefined) return { answer: await work(() => Promise.resolve()), repeated: false };
    const key = digestOf([currentActor().by, given]);
    const end = performance.now() + (bounds.timeoutMs ?? Infinity);
    for (;;) {
      const before = await this.recall(key, request);
      if (before !== null) return { answer: JSON.parse(before) as T, repeated: true };
      const other = this.underWay.get(key);
      if (other) {
        if (other.request !== request) throw reused();
        await inTime(other.done, bounds.signal, end);
        continue;
      }
      try {
        return { answer: await this.alone(key, request, work), repeated: false };
      } catch (error) {
        if (!(error instanceof Taken)) throw error;
      }
    }
  }

  private async alone<T>(key: string, request: string, work: (keep: Keep<T>) => Promise<T>): Promise<T> {
    const working = work(async ({ answers }, answer, speakerId) => {
      const createdAt = this.clock.now();
      const row = { key, request, answer: JSON.stringify(answer), speakerId, createdAt };
      if (!(await answers.insert(row, this.since()))) throw new Taken('the key was used by now');
    });
    const done = working.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.set(key, { request, done });
    try {
      return await working;
    } finally {
      this.underWay.delete(key);
    }
  }

  /** Errors: IDEMPOTENCY_KEY_REUSED. */
  private async recall(key: string, request: string): Promise<string | null> {
    const found = await this.store.read(({ answers }) => answers.find(key, this.since()));
    if (!found) return null;
    if (found.request !== request) throw reused();
    return found.answer;
  }

  private since(): Date {
    return new Date(this.clock.now().getTime() - LIFE_MS);
  }

  /** At the start and then every hour, in pieces. */
  private async trim(): Promise<void> {
    try {
      await this.leader.lead('old answers', async () => {
        for (let trimmed = AT_ONCE; trimmed === AT_ONCE && !this.stopped;) {
          trimmed = await this.store.transaction(({ answers }) => answers.trim(this.since(), AT_ONCE));
        }
      });
    } catch (error) {
      this.logger.warn({ err: error, msg: 'old answers could not be removed; the next hour tries again' });
    }
    if (!this.stopped) this.callOff = this.clock.after(HOUR_MS, () => void this.trim());
  }
}

function reused(): TimbreError {
  return new TimbreError(
    'IDEMPOTENCY_KEY_REUSED',
    'the idempotency key was used for another request in the last 24 hours; make a new one for every request, and send ' +
      'it again only with the same request',
  );
}

/** Unambiguous whatever the parts contain. */
function digestOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** A digest of a request, of its parts in their order. Errors: those of the steps. */
export async function requestDigest(parts: Iterable<unknown>, steps: Steps): Promise<string> {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${JSON.stringify(part)}\n`);
    await steps.next();
  }
  return hash.digest('hex');
}

/** Errors: ABORTED, DEADLINE_EXCEEDED. */
function inTime(work: Promise<void>, signal: AbortSignal | undefined, end: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new TimbreError('ABORTED', 'nobody waits for the answer any more'));
    const late = (): void =>
      reject(new TimbreError('DEADLINE_EXCEEDED', 'the same request is under way and was not done in time'));
    // Timers go no further than 2^31 - 1.
    const timer = setTimeout(late, Math.min(Math.max(0, end - performance.now()), 2 ** 31 - 1));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    void work.then(resolve).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    });
  });
}
