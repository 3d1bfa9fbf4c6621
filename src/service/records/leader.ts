/** Who of the service's processes does what is to be done once: retention, removing what is old. */
export abstract class Leader {
  /**
   * Does the work where this process is the one for it; null where another is. Work of one name never runs twice at once:
   * the second waits for the first. Errors: those of `work`.
   */
  abstract lead<T>(task: string, work: () => Promise<T>): Promise<T | null>;
}
