import { readFileSync } from 'node:fs';
import type {
  AudioInput,
  AudioReport,
  BatchItem,
  BatchOptions,
  EmbedResult,
  EncoderInfo,
  EncoderStats,
  ManifestJson,
} from '../../src/addon/types.js';
import { TimbreError } from '../../src/errors/timbre-error.js';
import { toTimbreError } from '../../src/service/http/to-timbre-error.js';
import {
  EmbeddingEngine,
  type AnsweringCalibration,
  type EngineState,
} from '../../src/service/engine/embedding-engine.js';
import type { ImpostorTail } from '../../src/scoring/impostor-tail.js';
import type { ModelCalibration } from '../../src/scoring/model-calibration.js';
import { Scorer } from '../../src/scoring/scorer.js';

export const DIM = 192;

const WHOLE: AudioReport = {
  seconds: 0,
  sampleRate: 16_000,
  channels: 1,
  channel: 'mix',
  channelsCancel: false,
  channelsAlike: true,
  tracks: 1,
  track: 0,
  format: 'JSON',
  complete: true,
  incomplete: null,
};

/** What a scripted recording says of itself. */
export interface Script {
  voice: number;
  /** Distance from the voice; 0.3 is another recording of the same person. */
  noise?: number;
  seed?: number;
  seconds?: number;
  snrDb?: number | null;
  clippedShare?: number;
  bandwidthHz?: number;
  audio?: Partial<AudioReport>;
  /** What is said on each channel, where it is not the same. */
  each?: Script[];
}

/** What a scripted model brings along. */
export interface ScriptedModel {
  thresholds?: boolean;
  window?: string;
  impostorTail?: ImpostorTail;
  /** Fields of the manifest beside those that a test does not care about. */
  manifest?: Record<string, unknown>;
}

/** Strangers' evidence: exponential above -1, so that a rate of 1e-4 asks for about 2.7, a cosine of 0.67. */
export const EXPONENTIAL_TAIL: ImpostorTail = {
  start: -1,
  share: 0.05,
  scale: 0.6,
  shape: 0,
  body: [
    [0.5, -4],
    [0.1, -1.5],
  ],
  leastRate: 1e-4,
};

/**
 * An engine whose recordings are JSON that says how they sound: the domain is tested on voices that are known exactly,
 * with qualities that no synthesiser hits.
 */
export class ScriptedEngine extends EmbeddingEngine {
  readonly state: EngineState = { status: 'ready' };
  embedded: string[] = [];
  /** Runs before each recording is embedded. */
  before: () => Promise<void> = () => Promise.resolve();
  private readonly manifest: ManifestJson;
  private scores: Scorer;
  private answering: AnsweringCalibration = { from: 'model', version: null };
  private readonly loading: Promise<void>[] = [];

  constructor(
    readonly model = 'scripted@0123456789ab',
    { thresholds = true, window = 'hamming', impostorTail, manifest }: ScriptedModel = {},
  ) {
    super();
    this.manifest = {
      id: 'scripted',
      version: '1',
      family: 'test',
      trained: true,
      frontEnd: { type: 'kaldi', window },
      ...(thresholds
        ? {
            calibration: { offset: -4, scale: 10, quality: {} },
            thresholds: [{ falseAcceptRate: 0.01, cosine: 0.4, llr: 0 }],
            ...(impostorTail && { impostorTail }),
          }
        : {}),
      ...manifest,
    };
    this.scores = Scorer.of(this.manifest);
  }

  async embed(input: AudioInput, { channel }: BatchOptions = {}): Promise<EmbedResult> {
    await this.before();
    const text = Buffer.isBuffer(input) ? input.toString('utf8') : readFileSync(input as string, 'utf8');
    this.embedded.push(text);
    let script: Script;
    try {
      script = JSON.parse(text) as Script;
    } catch {
      throw new TimbreError('AUDIO_CORRUPT', 'it is no recording');
    }
    const { audio } = script;
    if (typeof channel === 'number') {
      const one = (script.each ?? [script])[channel];
      if (!one) throw new TimbreError('INVALID_ARGUMENT', `there is no channel ${channel}`);
      script = { ...one, audio: { ...audio, channel } };
    }
    const { seconds = 10, snrDb = 25, clippedShare = 0, bandwidthHz = 7600 } = script;
    return {
      embedding: embeddingOf(script),
      model: this.model,
      audio: { ...WHOLE, seconds: seconds * 1.25, ...script.audio },
      speech: { seconds },
      quality: { snrDb, clippedShare, bandwidthHz, levelDb: -20 },
      embedded: { seconds: seconds * 1.25, pauses: 'keep' },
      timings: { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 },
    };
  }

  async embedBatch(inputs: readonly AudioInput[], options: BatchOptions = {}): Promise<BatchItem[]> {
    const one = async (input: AudioInput, index: number, channel: BatchOptions['channel']): Promise<BatchItem> => {
      const of = options.channel === 'each' && typeof channel === 'number' ? { index, channel } : { index };
      try {
        return { ...of, result: await this.embed(input, channel === undefined ? {} : { channel }) };
      } catch (error) {
        return { ...of, error: toTimbreError(error) };
      }
    };
    const items = inputs.map(async (input, index): Promise<BatchItem[]> => {
      if (options.channel !== 'each') return [await one(input, index, options.channel)];
      const { each = [] } = JSON.parse(readFileSync(input as string, 'utf8')) as Script;
      return Promise.all(each.map((_, channel) => one(input, index, channel)));
    });
    return (await Promise.all(items)).flat();
  }

  converse(): Promise<never> {
    throw new Error('nobody asks');
  }

  hasSegmentation(): Promise<boolean> {
    return Promise.resolve(false);
  }

  admitConversation(): Promise<void> {
    return Promise.resolve();
  }

  readyForConversations(): Promise<void> {
    return Promise.resolve();
  }

  admit(): void {}

  info(): EncoderInfo {
    return {
      model: this.model,
      modelWithPauses: this.model,
      pauses: 'keep',
      id: 'scripted',
      family: 'test',
      trained: true,
      embeddingDim: DIM,
      sampleRate: 16_000,
      shortestSeconds: 0.1,
      device: 'cpu',
      deviceNote: '',
      precision: 'fp32',
      isolation: 'none',
      workers: 1,
      queueLimit: 1,
      maxBatch: 1,
      limits: { maxBytes: 1, maxSeconds: 1, maxInputBytes: 1, maxWorkingBytes: 1 },
      manifest: this.manifest,
    };
  }

  scorer(): Scorer {
    return this.scores;
  }

  voiceScorer(): Scorer {
    return this.scores;
  }

  calibration(): AnsweringCalibration {
    return this.answering;
  }

  calibrate(saved: { version: number; calibration: ModelCalibration } | null): void {
    this.scores = Scorer.of(this.manifest, saved ? { calibration: saved.calibration } : {});
    this.answering = saved ? { from: 'saved', version: saved.version } : { from: 'model', version: null };
  }

  checkCalibration(calibration: ModelCalibration, falseAcceptRate?: number): void {
    const scorer = Scorer.of(this.manifest, { calibration });
    if (falseAcceptRate !== undefined) scorer.at(falseAcceptRate);
  }

  onLoaded(work: (info: EncoderInfo) => Promise<void>): void {
    this.loading.push(work(this.info()));
  }

  stats(): EncoderStats {
    return { queued: 0 } as EncoderStats;
  }

  async ready(): Promise<void> {
    await Promise.all(this.loading);
  }

  listen(): () => void {
    return () => undefined;
  }
}

/** The voice's direction plus noise of the recording's own, at a length that no two share. */
export function embeddingOf({ voice, noise = 0.3, seed = 0 }: Script): Float32Array {
  const of = gaussians(voice + 1);
  const own = gaussians(1000 * (voice + 1) + seed + 1);
  return Float32Array.from({ length: DIM }, () => (of() + noise * own()) * (3 + seed));
}

/** Pseudo-random numbers of a normal distribution, the same for the same seed. */
function gaussians(seed: number): () => number {
  let state = seed * 2_654_435_761;
  const uniform = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 10; i++) uniform();
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
