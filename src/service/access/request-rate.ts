import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { TimbreError } from '../../errors/timbre-error.js';
import { networkOf } from '../../support/network.js';
import { Config } from '../config/config.js';

const WINDOW_SECONDS = 60;

/** How many requests a key, or an address, has made in this minute. */
@Injectable()
export class RequestRate {
  private readonly perMinute: number;
  private readonly limiter: RateLimiterMemory | undefined;

  constructor({ rateLimit }: Config) {
    this.perMinute = rateLimit;
    if (rateLimit > 0) this.limiter = new RateLimiterMemory({ points: rateLimit, duration: WINDOW_SECONDS });
  }

  ofKey(id: string): Promise<void> {
    return this.count(`key ${id}`, `the API key ${id}`);
  }

  /** Errors: RATE_LIMITED. */
  ofAddress(address: string): Promise<void> {
    const source = networkOf(address);
    return this.count(`address ${source}`, source);
  }

  private async count(source: string, name: string): Promise<void> {
    try {
      await this.limiter?.consume(source);
    } catch (thrown) {
      if (!(thrown instanceof RateLimiterRes)) throw thrown;
      throw new TimbreError('RATE_LIMITED', `${name} has made ${this.perMinute} requests within a minute; wait`, {
        retryAfterSeconds: Math.max(1, thrown.msBeforeNext / 1000),
      });
    }
  }
}
