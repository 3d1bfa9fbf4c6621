import { describe, expect, test } from '@jest/globals';
import { Config } from '../config/config.js';
import { MemoryLimiter } from './memory-limiter.js';
import { RequestRate, WINDOW_SECONDS } from './request-rate.js';

function rateOf(rateLimit: number): RequestRate {
  return new RequestRate(Config.of({ rateLimit }), new MemoryLimiter(rateLimit, WINDOW_SECONDS));
}

describe('the rate of requests', () => {
  test('is counted by key and by address, each for itself', async () => {
    const rate = rateOf(2);
    for (const count of [1, 2]) {
      await Promise.all([rate.ofKey('a'), rate.ofKey('b'), rate.ofAddress('10.0.0.1')]);
      expect(count).toBeLessThan(3);
    }
    for (const excess of [rate.ofKey('a'), rate.ofAddress('10.0.0.1'), rate.ofAddress('::ffff:10.0.0.1')]) {
      await expect(excess).rejects.toMatchObject({ code: 'RATE_LIMITED', httpStatus: 429 });
    }
    await rate.ofAddress('10.0.0.2');
  });

  test('is one of a whole network of IPv6, which is what one client has', async () => {
    const rate = rateOf(1);
    await rate.ofAddress('2001:db8::1');
    await expect(rate.ofAddress('2001:db8:0:0:ffff::2')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(rate.ofAddress('2001:db8::1%eth0')).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      message: expect.stringContaining('2001:db8:0:0::/64'),
      retryAfterSeconds: expect.any(Number),
    });
    await rate.ofAddress('2001:db8:0:1::1');
  });

  test('has no limit at 0', async () => {
    const rate = rateOf(0);
    await Promise.all(Array.from({ length: 1000 }, () => rate.ofKey('a')));
  });
});
