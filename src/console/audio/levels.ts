/** Length of a frame, seconds. */
const FRAME_SECONDS = 0.02;
/** At and above it a sample counts as clipped. */
const FULL_SCALE = 0.999;
/** Speech has to be so far above the noise, dB, and not below this level, dB relative to full scale. */
const ABOVE_NOISE_DB = 9;
const LEAST_SPEECH_DB = -55;
/** The quietest tenth of the frames is the noise. */
const NOISE_SHARE = 0.1;
/** Frames that are looked back at for the noise: half a minute. */
const MOST_FRAMES = 1500;
const SILENCE_DB = -100;

export interface Levels {
  /** Of the last frame, dB relative to full scale. */
  levelDb: number;
  /** Share of the samples that are at full scale. */
  clippedShare: number;
  /** What is heard where nobody speaks, dB relative to full scale; null before a second was heard. */
  noiseDb: number | null;
  /** An estimate, to see while speaking: the service's own count is what counts. */
  speechSeconds: number;
  /** Heard so far. */
  seconds: number;
}

/** Measures a recording while it is made. */
export class LevelMeter {
  private readonly frames: number[] = [];
  private readonly frameLength: number;
  private sum = 0;
  private filled = 0;
  private samples = 0;
  private clipped = 0;
  private speechFrames = 0;

  constructor(private readonly sampleRate: number) {
    this.frameLength = Math.max(1, Math.round(sampleRate * FRAME_SECONDS));
  }

  add(chunk: Float32Array): Levels {
    for (const sample of chunk) {
      if (Math.abs(sample) >= FULL_SCALE) this.clipped++;
      this.sum += sample * sample;
      if (++this.filled === this.frameLength) this.endFrame();
    }
    this.samples += chunk.length;
    return this.levels;
  }

  get levels(): Levels {
    return {
      levelDb: this.frames.at(-1) ?? SILENCE_DB,
      clippedShare: this.samples === 0 ? 0 : this.clipped / this.samples,
      noiseDb: this.frames.length * FRAME_SECONDS < 1 ? null : this.noise(),
      speechSeconds: this.speechFrames * FRAME_SECONDS,
      seconds: this.samples / this.sampleRate,
    };
  }

  private endFrame(): void {
    const level = Math.max(SILENCE_DB, 10 * Math.log10(this.sum / this.frameLength + 1e-12));
    this.frames.push(level);
    if (this.frames.length > MOST_FRAMES) this.frames.shift();
    if (level > Math.max(LEAST_SPEECH_DB, this.noise() + ABOVE_NOISE_DB)) this.speechFrames++;
    this.sum = 0;
    this.filled = 0;
  }

  private noise(): number {
    const sorted = Float32Array.from(this.frames).sort();
    return sorted[Math.floor(sorted.length * NOISE_SHARE)] ?? SILENCE_DB;
  }
}
