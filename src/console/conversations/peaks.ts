/** Columns of the finest level for a second of audio. */
const COLUMNS_PER_SECOND = 100;
/** Columns of a level that are one of the next. */
const STEP = 4;

/** The lowest and highest sample of each column, in [-127, 127]; one level of the pyramid. */
interface Level {
  low: Int8Array;
  high: Int8Array;
  length: number;
}

/**
 * What a waveform is drawn from: lowest and highest samples at several resolutions, filled while a recording is decoded.
 * 100 columns a second: two bytes each, and a third of that for the coarser levels; 3 MB for three hours.
 */
export class Peaks {
  private readonly levels: Level[] = [emptyLevel()];
  private samples = 0;
  private low = 1;
  private high = -1;
  /** Samples until the column is full; columns end where their time ends, whatever the rate. */
  private columnEnd: number;

  /** @param rate samples a second */
  constructor(private readonly rate: number) {
    this.columnEnd = rate / COLUMNS_PER_SECOND;
  }

  /** Seconds that were given so far. */
  get seconds(): number {
    return this.samples / this.rate;
  }

  /** The next samples, in [-1, 1]. */
  push(samples: Float32Array): void {
    for (const sample of samples) {
      if (sample < this.low) this.low = sample;
      if (sample > this.high) this.high = sample;
      this.samples++;
      if (this.samples < this.columnEnd) continue;
      this.columnEnd += this.rate / COLUMNS_PER_SECOND;
      this.add(0, byteOf(this.low), byteOf(this.high));
      [this.low, this.high] = [1, -1];
    }
  }

  /** The last column, which may be shorter. */
  finish(): void {
    if (this.low <= this.high) this.add(0, byteOf(this.low), byteOf(this.high));
    [this.low, this.high] = [1, -1];
  }

  /** The lowest and highest sample between two moments, in [-1, 1]; null where nothing is decoded. */
  between(from: number, to: number): [low: number, high: number] | null {
    // The coarsest level of which the span has at least two columns: no more than a few are looked at.
    let number = 0;
    while (number + 1 < this.levels.length && (to - from) * COLUMNS_PER_SECOND >= 2 * STEP ** (number + 1)) number++;
    const level = this.levels[number]!;
    const width = STEP ** number / COLUMNS_PER_SECOND;
    const first = Math.max(0, Math.floor(from / width));
    const last = Math.min(level.length, Math.max(first + 1, Math.ceil(to / width)));
    if (first >= last) return null;
    let [low, high] = [127, -127];
    for (let i = first; i < last; i++) {
      low = Math.min(low, level.low[i]!);
      high = Math.max(high, level.high[i]!);
    }
    return [low / 127, high / 127];
  }

  private add(number: number, low: number, high: number): void {
    const level = (this.levels[number] ??= emptyLevel());
    if (level.length === level.low.length) {
      level.low = grown(level.low);
      level.high = grown(level.high);
    }
    level.low[level.length] = low;
    level.high[level.length] = high;
    level.length++;
    if (level.length % STEP !== 0) return;
    let [lowest, highest] = [127, -127];
    for (let i = level.length - STEP; i < level.length; i++) {
      lowest = Math.min(lowest, level.low[i]!);
      highest = Math.max(highest, level.high[i]!);
    }
    this.add(number + 1, lowest, highest);
  }
}

function emptyLevel(): Level {
  return { low: new Int8Array(1024), high: new Int8Array(1024), length: 0 };
}

function grown(values: Int8Array): Int8Array {
  const larger = new Int8Array(2 * values.length);
  larger.set(values);
  return larger;
}

function byteOf(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample)) * 127);
}
