import { addon } from './binding.js';
import type { RuntimeInfo } from './types.js';

/** The walls that this kernel, or the container around this process, keeps from being built. */
export function missingWalls({ files, calls }: RuntimeInfo['walls']): string[] {
  return [...(files ? [] : ['Landlock (its files)']), ...(calls ? [] : ['seccomp (its calls)'])];
}

/**
 * Keeps the memory of this process from other programs of its user: no core dumps, no debugger. For processes of our own.
 * Errors: ADDON_UNAVAILABLE, INTERNAL.
 */
export function hideMemory(): void {
  addon().hideMemory();
}
