// What both sides of the comparison share.
import { clearTimeout, setTimeout } from 'node:timers';

/** @typedef {(index: number) => Promise<unknown>} Work */

/** Runs `work` so many times, in so many lanes. @param {number} lanes @param {number} times @param {Work} work */
export async function inTurn(lanes, times, work) {
  let next = 0;
  const lane = async () => {
    while (next < times) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/**
 * Runs `work` in so many lanes, one call after the other in each, until the time is up; calls under way are finished.
 * @param {number} lanes
 * @param {number} seconds
 * @param {Work} work
 */
export async function inLanes(lanes, seconds, work) {
  const started = performance.now();
  /** @type {number[]} */
  const milliseconds = [];
  let next = 0;
  const lane = async () => {
    while (performance.now() - started < 1000 * seconds) {
      const began = performance.now();
      await work(next++);
      milliseconds.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { perSecond: (1000 * milliseconds.length) / (performance.now() - started), milliseconds };
}

/** Delay of a 10 ms timer from now on; the function returned ends it and gives the 99 % quantile, milliseconds. */
export function watchEventLoop() {
  /** @type {number[]} */
  const delays = [];
  let due = performance.now() + 10;
  const timer = () => {
    delays.push(performance.now() - due);
    due = performance.now() + 10;
    next = setTimeout(timer, 10);
  };
  let next = setTimeout(timer, 10);
  return () => {
    clearTimeout(next);
    return delays.sort((a, b) => a - b)[Math.floor(0.99 * delays.length)] ?? 0;
  };
}
