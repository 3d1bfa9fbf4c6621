/** Columns of the finest level for a second of audio. */
export const COLUMNS_PER_SECOND = 100;
/** Columns of a level that are one of the next. */
const STEP = 4;

/** Lowest and highest samples, column by column, in [-127, 127]. */
export interface Columns {
  low: Int8Array<ArrayBuffer>;
  high: Int8Array<ArrayBuffer>;
}

/** Makes columns of samples while a recording is decoded. Columns end where their time ends, whatever the rate. */
export class ColumnMaker {
  private samples = 0;
  private low = 1;
  private high = -1;
  private columnEnd: number;
  private made = new GrowingColumns();

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
      this.end();
    }
  }

  /** The last column, which may be shorter. */
  finish(): void {
    if (this.low <= this.high) this.end();
  }

  /** What was made since it was taken last. */
  take(): Columns {
    const { made } = this;
    this.made = new GrowingColumns();
    return made.columns();
  }

  private end(): void {
    this.made.add(byteOf(this.low), byteOf(this.high));
    [this.low, this.high] = [1, -1];
  }
}

/**
 * What a waveform is drawn from: lowest and highest samples at several resolutions. 100 columns a second, two bytes each, and a
 * third of that for the coarser levels: 3 MB for three hours.
 */
export class Peaks {
  private readonly levels: GrowingColumns[] = [new GrowingColumns()];

  /** Seconds that are there. */
  get seconds(): number {
    return this.levels[0]!.length / COLUMNS_PER_SECOND;
  }

  add({ low, high }: Columns): void {
    for (let i = 0; i < low.length; i++) this.addTo(0, low[i]!, high[i]!);
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
    const [low, high] = level.extremes(first, last);
    return [low / 127, high / 127];
  }

  private addTo(number: number, low: number, high: number): void {
    const level = (this.levels[number] ??= new GrowingColumns());
    level.add(low, high);
    if (level.length % STEP === 0) this.addTo(number + 1, ...level.extremes(level.length - STEP, level.length));
  }
}

class GrowingColumns {
  private low = new Int8Array(1024);
  private high = new Int8Array(1024);
  length = 0;

  add(low: number, high: number): void {
    if (this.length === this.low.length) {
      this.low = grown(this.low);
      this.high = grown(this.high);
    }
    this.low[this.length] = low;
    this.high[this.length] = high;
    this.length++;
  }

  /** Of a span that is not empty. */
  extremes(first: number, last: number): [low: number, high: number] {
    let [low, high] = [127, -127];
    for (let i = first; i < last; i++) {
      low = Math.min(low, this.low[i]!);
      high = Math.max(high, this.high[i]!);
    }
    return [low, high];
  }

  columns(): Columns {
    return { low: this.low.slice(0, this.length), high: this.high.slice(0, this.length) };
  }
}

function grown(values: Int8Array): Int8Array<ArrayBuffer> {
  const larger = new Int8Array(2 * values.length);
  larger.set(values);
  return larger;
}

function byteOf(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample)) * 127);
}
