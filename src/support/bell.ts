/** Wakes everybody who waits. Who remembers `rings` before looking misses nothing. */
export class Bell {
  /** How often it rang. */
  rings = 0;
  private readonly waiting = new Set<() => void>();

  ring(): void {
    this.rings++;
    for (const wake of [...this.waiting]) wake();
  }

  /** Resolves once it rang after the ring `seen`, when `signal` is aborted, or after `milliseconds`. */
  after(seen: number, signal: AbortSignal, milliseconds?: number): Promise<void> {
    if (this.rings > seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (milliseconds !== undefined) timer = setTimeout(wake, milliseconds);
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
