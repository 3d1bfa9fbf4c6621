import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Limiter } from './limiter.js';

/** For a service that is one process. */
export class MemoryLimiter extends Limiter {
  private readonly limiter: RateLimiterMemory;

  /** So many times within so many seconds. */
  constructor(points: number, duration: number) {
    super();
    this.limiter = new RateLimiterMemory({ points, duration });
  }

  async take(source: string): Promise<number> {
    try {
      await this.limiter.consume(source);
      return 0;
    } catch (thrown) {
      if (thrown instanceof RateLimiterRes) return Math.max(1, thrown.msBeforeNext);
      throw thrown;
    }
  }
}
