import { expect, test } from '@jest/globals';
import { nextTurn, Steps } from './steps.js';

function busy(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

test('long work leaves the event loop to others between two of its pieces', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const steps = new Steps();
  for (let i = 0; i < 20; i++) {
    busy(12);
    await steps.next();
  }
  clearInterval(timer);
  expect(turns).toBeGreaterThanOrEqual(10);
});

test('short work does not wait for others', async () => {
  for (;;) {
    const turns: string[] = [];
    const turn = setImmediate(() => turns.push('of somebody else'));
    const [began, steps] = [performance.now(), new Steps()];
    for (let i = 0; i < 100; i++) await steps.next();
    clearImmediate(turn);
    // A machine that did something else meanwhile has made long work of it.
    if (turns.length > 0 && performance.now() - began > 5) continue;
    expect(turns).toEqual([]);
    return;
  }
});

test('two pieces of long work never share a turn', async () => {
  let turn = 0;
  let counting = true;
  const count = (): void => {
    turn++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const seen: number[] = [];
  await Promise.all(Array.from({ length: 5 }, () => nextTurn().then(() => seen.push(turn))));
  counting = false;
  expect(new Set(seen).size).toBe(5);
});

test('work ends when nobody waits for it, or its time is up', async () => {
  const gone = new AbortController();
  const steps = new Steps({ signal: gone.signal });
  await steps.next();
  gone.abort();
  await expect(steps.next()).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(new Steps({ deadline: performance.now() - 1 }).next()).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  });
});
