import type { Writable } from 'node:stream';
import { SingleBar } from 'cli-progress';

export type ProgressUnit = 'files' | 'vectors' | 'rows' | 'bytes' | 'seconds' | 'people';

/** Seconds between the lines that stand for the bar where there is no terminal. */
const LINE_SECONDS = 10;

/** Progress of long work on stderr: a bar with rate and time left on a terminal, lines otherwise. */
export class Progress {
  private readonly bar: SingleBar | undefined;
  private readonly started = performance.now();
  private lastLine = performance.now();
  private done = 0;
  private failed = 0;
  /** What was there before the work began; it counts for the bar, not for the rate. */
  private before = 0;

  constructor(
    private readonly stream: Writable & { isTTY?: boolean },
    private readonly title: string,
    private total: number,
    private readonly unit: ProgressUnit,
  ) {
    if (!stream.isTTY) return;
    this.bar = new SingleBar({
      stream,
      clearOnComplete: true,
      hideCursor: true,
      fps: 8,
      gracefulExit: false,
      emptyOnZero: true,
      format: (options, { progress }) => {
        const size = options.barsize ?? 30;
        const filled = Math.round(Math.min(1, progress) * size);
        return `${this.title} [${'='.repeat(filled)}${' '.repeat(size - filled)}] ${this.text()}`;
      },
      barsize: 30,
    });
    this.bar.start(Math.max(1, total), 0);
  }

  /** `done` counts from 0; `resumed` of it was there before this run. */
  update(done: number, { total = this.total, failed = 0, resumed = this.before } = {}): void {
    this.done = done;
    this.failed = failed;
    this.before = resumed;
    this.total = total;
    if (this.bar) {
      this.bar.setTotal(Math.max(1, total));
      this.bar.update(done);
    } else if (performance.now() - this.lastLine > LINE_SECONDS * 1000) {
      this.lastLine = performance.now();
      this.stream.write(`${this.title}: ${this.text()}\n`);
    }
  }

  /** Removes the bar's line, so that a message can stand in its place; the next update draws it again. */
  clear(): void {
    if (this.bar?.isActive) this.stream.write('\r\u001b[K');
  }

  /** Ends the bar. Safe to call again. */
  stop(): void {
    this.bar?.stop();
  }

  /** `1,200 of 20,000, 3 failed, 210/s, 1 min 30 s left` */
  private text(): string {
    const seconds = (performance.now() - this.started) / 1000;
    const rate = seconds > 0 ? (this.done - this.before) / seconds : 0;
    const amount = this.unit === 'bytes' ? bytes : count;
    const parts = [`${amount(this.done)} of ${amount(this.total)}`];
    if (this.failed > 0) parts.push(`${count(this.failed)} failed`);
    if (rate > 0) {
      parts.push(`${this.unit === 'bytes' ? bytes(rate) : rate.toFixed(rate < 10 ? 1 : 0)}/s`);
      if (this.done < this.total) parts.push(`${duration((this.total - this.done) / rate)} left`);
    }
    return parts.join(', ');
  }
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-GB');
}

/** 79.5 MiB */
export function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** 45 s; 1 min 30 s; 2 h 5 min */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
