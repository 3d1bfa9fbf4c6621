import { Clock } from '../../src/support/clock.js';

/** Time that is moved by hand. */
export class HandClock extends Clock {
  private time = Date.now();
  private alarms: { at: number; work: () => void }[] = [];

  now(): Date {
    return new Date(this.time);
  }

  after(milliseconds: number, work: () => void): () => void {
    const alarm = { at: this.time + milliseconds, work };
    this.alarms.push(alarm);
    return () => (this.alarms = this.alarms.filter((one) => one !== alarm));
  }

  /** When the next alarm is due, in days from now. */
  get nextInDays(): number {
    return Math.min(...this.alarms.map(({ at }) => at - this.time)) / 86_400_000;
  }

  pass(days: number): void {
    this.time += days * 86_400_000;
    const due = this.alarms.filter(({ at }) => at <= this.time);
    this.alarms = this.alarms.filter(({ at }) => at > this.time);
    for (const { work } of due) work();
  }
}
