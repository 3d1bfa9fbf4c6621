import { describe } from '@jest/globals';

/** Tests of hardware that a machine may lack; `npm test` lists those that were left out, by this name. */
export function onHardware(what: string, there: boolean, tests: () => void): void {
  if (there) describe(`on ${what}`, tests);
  else describe.skip(`[hardware: ${what}]`, tests);
}

/** Work as a user who has no rights of root, whoever runs the tests. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const own = process.geteuid?.();
  if (own !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(own);
  }
}
