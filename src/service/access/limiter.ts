/** Counts what sources do within a time, however many processes of the service they reach. */
export abstract class Limiter {
  /** Counts one more; milliseconds until the source may do more, or 0 where it may do this. */
  abstract take(source: string): Promise<number>;
}
