import { totalmem } from 'node:os';

const MIB = 2 ** 20;

/** Bytes of memory that this process may use: the machine's, or less where its control group says so. */
export function machineMemory(): number {
  const allowed = process.constrainedMemory();
  const all = totalmem();
  // Where there is no limit it is 0, or more than there is.
  return allowed > 0 && allowed < all ? allowed : all;
}

/** Bytes of recordings in memory that an encoder holds by default: an eighth of the memory. */
export function defaultInputBytes(memory = machineMemory()): number {
  return Math.max(64 * MIB, Math.floor(memory / 8));
}

/** Bytes that recordings may take by default while they are embedded: half of the memory. */
export function defaultWorkingBytes(memory = machineMemory()): number {
  return Math.max(256 * MIB, Math.floor(memory / 2));
}
