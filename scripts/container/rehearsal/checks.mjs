// What a rehearsal has looked at.
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** @type {{ name: string, passed: boolean }[]} */
const results = [];

/**
 * @param {string} name
 * @param {boolean} passed
 * @param {string} [why] printed where it has not passed
 */
export function check(name, passed, why = '') {
  results.push({ name, passed });
  process.stdout.write(`${passed ? 'passed' : 'FAILED'}: ${name}\n`);
  if (!passed && why !== '') process.stdout.write(`${why}\n`);
}

/** Prints the sum; gives the exit status. */
export function sum() {
  const failed = results.filter(({ passed }) => !passed).length;
  process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** Everything that was checked here, for `adopt` in another process. */
export function all() {
  return JSON.stringify(results);
}

/** @param {string} text of `all` */
export function adopt(text) {
  results.push(...JSON.parse(text));
}

const ASK_AGAIN_MS = 100;

/**
 * Waits until something holds.
 * @template T
 * @param {string} what
 * @param {number} seconds after which it is an error
 * @param {() => Promise<T | false | undefined | null> | T | false | undefined | null} holds
 * @returns {Promise<T>} what it gave at last
 */
export async function until(what, seconds, holds) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const given = await holds();
    if (given) return given;
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await delay(ASK_AGAIN_MS);
  }
}
