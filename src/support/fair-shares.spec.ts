import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairShares } from './fair-shares.js';

function take(shares: FairShares, source: string, times: number): number {
  let taken = 0;
  for (let i = 0; i < times; i++) if (shares.take(source)) taken++;
  return taken;
}

describe('places', () => {
  test('are all had by one source that is alone, but for the reserve', () => {
    const shares = new FairShares(8, 1);
    expect(take(shares, 'a', 20)).toBe(8);
    expect(shares.inUse).toBe(8);
  });

  test('are left for another when one has taken all it may', () => {
    const shares = new FairShares(8, 1);
    take(shares, 'a', 20);
    expect(take(shares, 'b', 20)).toBe(1);
    expect(shares.take('a')).toBe(false);
  });

  test('go to who holds less, until each has an equal share', () => {
    const shares = new FairShares(80, 10);
    take(shares, 'a', 100);
    take(shares, 'b', 100);
    // As those of the first become free, it does not get them back while the other holds less.
    for (let i = 0; i < 100; i++) {
      shares.give('a');
      if (!shares.take('b')) shares.take('a');
    }
    shares.give('a');
    expect(take(shares, 'b', 100)).toBeGreaterThan(0);
  });

  test('are there for everybody again once they are given back', () => {
    const shares = new FairShares(1, 1);
    expect([shares.take('a'), shares.take('a'), shares.take('b'), shares.take('b')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    shares.give('a');
    shares.give('b');
    expect(shares.inUse).toBe(0);
    expect(shares.take('b')).toBe(true);
  });

  test('are never more than there are, whatever is taken and given', () => {
    const step = fc.record({ source: fc.constantFrom('a', 'b', 'c'), amount: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 100 }), (steps, limit) => {
        const shares = new FairShares(limit, Math.ceil(limit / 8));
        const held: { source: string; amount: number }[] = [];
        for (const { source, amount } of steps) {
          if (shares.take(source, amount)) held.push({ source, amount });
          else if (held.length > 0) {
            const { source: of, amount: some } = held.shift()!;
            shares.give(of, some);
          }
          expect(shares.inUse).toBe(held.reduce((sum, one) => sum + one.amount, 0));
          expect(shares.inUse).toBeLessThanOrEqual(limit + Math.ceil(limit / 8));
        }
      }),
    );
  });
});
