/**
 * Work of which one run goes on at a time. Whoever asks waits for a run that begins after that; all who ask before it begins
 * share it.
 */
export class SharedRuns {
  private last: Promise<void> = Promise.resolve();
  /** One that has not begun yet. */
  private next: Promise<void> | undefined;

  constructor(private readonly work: () => Promise<void>) {}

  /** Errors: those of the work. */
  run(): Promise<void> {
    this.next ??= this.last.then(() => {
      this.next = undefined;
      return this.work();
    });
    this.last = this.next.catch(() => undefined);
    return this.next;
  }

  /** Settles when the runs that were asked for have ended, however they did. */
  settled(): Promise<void> {
    return this.last;
  }
}
