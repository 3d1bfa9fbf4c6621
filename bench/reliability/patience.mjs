// A long run may be stopped for a while (SIGSTOP, a machine that sleeps): that is nobody's fault.

/** Settings of a service that does not count the seconds of its requests. */
export const PATIENT = { TIMBRE_REQUEST_SECONDS: '3600', TIMBRE_HEADER_SECONDS: '3600' };

/** Milliseconds between two calls beyond which this process was stopped. */
const LONGEST_GAP_MS = 1000;

/**
 * A function to be called again and again, several times a second: true once so many seconds of this process are over.
 * @param {number} seconds
 */
export function patience(seconds) {
  let left = 1000 * seconds;
  let last = performance.now();
  return () => {
    const now = performance.now();
    left -= Math.min(now - last, LONGEST_GAP_MS);
    last = now;
    return left <= 0;
  };
}
