import { addon, typed } from './binding.js';
import type { Walls } from './types.js';

/** The walls that this kernel, or the container around this process, keeps from being built. */
export function missingWalls({ files, calls }: Walls): string[] {
  return [...(files ? [] : ['Landlock (its files)']), ...(calls ? [] : ['seccomp (its calls)'])];
}

/**
 * Keeps the memory of this process from other programs of its user: no core dumps, no debugger. For processes of our own.
 * Errors: ADDON_UNAVAILABLE, INTERNAL.
 */
export function hideMemory(): void {
  try {
    addon().hideMemory();
  } catch (error) {
    throw typed(error);
  }
}

/**
 * Starts a process that decodes, as `isolation: 'process'` has them, and ends it again: the walls that stand around it.
 * Errors: ADDON_UNAVAILABLE, OVERLOADED, INTERNAL where there can be none.
 */
export async function tryDecoder(): Promise<Walls> {
  try {
    return await addon().tryDecoder();
  } catch (error) {
    throw typed(error);
  }
}
