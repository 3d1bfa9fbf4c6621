/** Recordings over which the pace is measured. */
const WINDOW = 100;
/** Milliseconds without a recording after which the pace begins anew. */
const PAUSE_MS = 60_000;

/** How fast recordings get done lately. */
export class Pace {
  private times: number[] = [];

  /** A recording is done, at a time in milliseconds. */
  step(now: number): void {
    const last = this.times.at(-1);
    if (last !== undefined && now - last > PAUSE_MS) this.times = [];
    this.times.push(now);
    if (this.times.length > WINDOW) this.times.shift();
  }

  /** Seconds for so many more; null while there is nothing to tell it from. */
  secondsFor(recordings: number): number | null {
    const [first, last] = [this.times[0], this.times.at(-1)];
    if (first === undefined || last === undefined || last <= first) return null;
    return ((last - first) / (this.times.length - 1) / 1000) * recordings;
  }
}
