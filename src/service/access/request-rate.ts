import { Injectable } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import { networkOf } from '../../support/network.js';
import { Config } from '../config/config.js';
import { Limiter } from './limiter.js';

/** The time within which requests are counted. */
export const WINDOW_SECONDS = 60;

/** How many requests a key, or an address, has made in this minute. */
@Injectable()
export class RequestRate {
  private readonly perMinute: number;

  constructor(
    { rateLimit }: Config,
    private readonly limiter: Limiter,
  ) {
    this.perMinute = rateLimit;
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
    if (this.perMinute === 0) return;
    const wait = await this.limiter.take(source);
    if (wait === 0) return;
    throw new TimbreError('RATE_LIMITED', `${name} has made ${this.perMinute} requests within a minute; wait`, {
      retryAfterSeconds: Math.max(1, wait / 1000),
    });
  }
}
