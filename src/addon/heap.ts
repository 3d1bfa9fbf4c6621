import { addon } from './binding.js';

/** Variables by which an operator sets glibc's heaps up. */
const BY_HAND = /^(MALLOC_|GLIBC_TUNABLES$)/;

/**
 * Has the C library give large blocks back to the system at once, for the rest of this process, unless its environment
 * says how its heaps are to be. For processes of our own: see docs/performance.md. Errors: ADDON_UNAVAILABLE.
 */
export function returnMemoryEarly(env: NodeJS.ProcessEnv): void {
  if (!Object.keys(env).some((name) => BY_HAND.test(name))) addon().returnMemoryEarly();
}
