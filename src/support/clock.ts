/** The time of day, and waiting for a later one; in tests one that is moved by hand. */
export abstract class Clock {
  abstract now(): Date;

  /** Runs `work` once after so many milliseconds, and keeps no process alive for it; the result calls that off. */
  abstract after(milliseconds: number, work: () => void): () => void;
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }

  after(milliseconds: number, work: () => void): () => void {
    const timer = setTimeout(work, milliseconds).unref();
    return () => clearTimeout(timer);
  }
}
