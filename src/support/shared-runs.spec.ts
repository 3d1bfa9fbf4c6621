import { expect, it } from '@jest/globals';
import { SharedRuns } from './shared-runs.js';

it('runs one at a time; who asks meanwhile shares the next one', async () => {
  const ends: (() => void)[] = [];
  const runs = new SharedRuns(() => new Promise((resolve) => ends.push(resolve)));
  const first = runs.run();
  await Promise.resolve();
  await Promise.resolve();
  expect(ends).toHaveLength(1);
  const [second, third] = [runs.run(), runs.run()];
  expect(third).toBe(second);
  expect(ends).toHaveLength(1);
  ends[0]!();
  await first;
  await new Promise(setImmediate);
  expect(ends).toHaveLength(2);
  ends[1]!();
  await third;
});

it('goes on after a run that failed, and tells the failure to who asked for it alone', async () => {
  let count = 0;
  const runs = new SharedRuns(() => (++count === 1 ? Promise.reject(new Error('once')) : Promise.resolve()));
  await expect(runs.run()).rejects.toThrow('once');
  await runs.settled();
  await runs.run();
  expect(count).toBe(2);
});
