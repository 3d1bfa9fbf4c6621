import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { SpeakerEncoder } from '../../addon/index.js';
import type {
  AudioInput,
  BatchItem,
  BatchOptions,
  ConversationOptions,
  ConversationResult,
  EmbedOptions,
  EmbedResult,
  EncoderInfo,
  EncoderStats,
  PauseHandling,
} from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { recommendedInsteadOf, type Recommendation } from '../../models/recommendation.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Config } from '../config/config.js';
import {
  modelFor,
  modelName,
  NOT_CALIBRATED,
  readCalibrationFile,
  type ModelCalibration,
} from '../../scoring/model-calibration.js';
import { goesOnWith } from '../../support/kept-model.js';
import { Scorer } from '../../scoring/scorer.js';
import { voiceCalibrationFor } from '../../scoring/voice-calibration.js';
import {
  EmbeddingEngine,
  type AnsweringCalibration,
  type EngineListener,
  type EngineState,
} from './embedding-engine.js';
import { KeptBundle, type Kept } from './kept-bundle.js';
import { locateModel } from './locate-model.js';
import { SegmentationBundle } from './segmentation-bundle.js';

/** Pause between attempts to fetch a model, after those that the download makes itself. */
const FETCH_AGAIN_MS = 30_000;

const WARM_UP_SECONDS = 3;

const NO_STATS: EncoderStats = {
  submitted: 0,
  completed: 0,
  failed: 0,
  aborted: 0,
  rejected: 0,
  batches: 0,
  queued: 0,
  running: 0,
  waitingForMemory: 0,
  inputBytes: 0,
  workingBytes: 0,
  audioSeconds: 0,
  timings: { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 },
};

/** What one calibration decides by; replaced as a whole. */
interface Scorers {
  readonly recordings: Scorer;
  /** Of voices of conversations. */
  readonly voices: Scorer;
  readonly calibration: AnsweringCalibration;
}

/** The engine on the native addon. It loads in the background, so that the service answers "not ready" meanwhile. */
@Injectable()
export class AddonEngine extends EmbeddingEngine implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Engine');
  private readonly listeners = new Set<EngineListener>();
  private readonly stopping = new AbortController();
  private current: EngineState;
  private encoder: SpeakerEncoder | undefined;
  private scores: Scorers | undefined;
  private readonly whenLoaded: ((info: EncoderInfo) => Promise<void>)[] = [];
  /** Of embeddings that no calibration is for. */
  private plainScores: Scorer | undefined;
  private starting: Promise<void> | undefined;
  private readonly segmentation: SegmentationBundle;

  constructor(
    private readonly config: Config,
    private readonly kept: KeptBundle,
  ) {
    super();
    this.current = { status: 'loading', model: config.model };
    this.segmentation = new SegmentationBundle(config, this.stopping.signal);
  }

  get state(): EngineState {
    return this.current;
  }

  onApplicationBootstrap(): void {
    // Whoever needs to know awaits ready(); the state tells everybody else.
    this.ready().catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  ready(): Promise<void> {
    return (this.starting ??= this.start());
  }

  async embed(input: AudioInput, options: EmbedOptions = {}): Promise<EmbedResult> {
    try {
      const result = await this.loaded().embed(input, options);
      this.tell({ index: 0, result });
      return result;
    } catch (thrown) {
      const error = this.withRetryTime(toTimbreError(thrown));
      this.tell({ index: 0, error });
      throw error;
    }
  }

  async embedBatch(inputs: readonly AudioInput[], options: BatchOptions = {}): Promise<BatchItem[]> {
    const items = await this.loaded().embedBatch(inputs, options);
    for (const item of items) this.tell(item);
    return items;
  }

  async converse(input: AudioInput, options: ConversationOptions = {}): Promise<ConversationResult> {
    try {
      const result = await this.loaded().conversation(input, options);
      for (const listener of this.listeners) listener.conversed?.(result);
      return result;
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (error.code !== 'MODEL_NOT_FOUND') throw this.withRetryTime(error);
      // The network that a setting names: nothing that a caller could find.
      throw new TimbreError('MODEL_NOT_READY', error.message, { cause: error, details: { code: error.code } });
    }
  }

  hasSegmentation(): Promise<boolean> {
    return this.segmentation.isThere();
  }

  admitConversation(): Promise<void> {
    return this.segmentation.require();
  }

  readyForConversations(): Promise<void> {
    return this.segmentation.ready();
  }

  admit(): void {
    const { queued } = this.loaded().stats();
    if (queued >= this.config.queueLimit) {
      throw this.withRetryTime(new TimbreError('OVERLOADED', `${queued} recordings wait already; try again later`));
    }
  }

  info(): EncoderInfo {
    return this.loaded().info();
  }

  scorer(pauses?: PauseHandling): Scorer {
    const info = this.loaded().info();
    return modelFor(info, pauses) === info.model ? this.scores!.recordings : this.plainScores!;
  }

  voiceScorer(falseAcceptRate: number | undefined): Scorer {
    this.loaded();
    const { voices } = this.scores!;
    return falseAcceptRate === undefined ? voices : voices.at(falseAcceptRate);
  }

  calibration(): AnsweringCalibration {
    this.loaded();
    return this.scores!.calibration;
  }

  calibrate(saved: { version: number; calibration: ModelCalibration } | null): void {
    const info = this.encoder!.info();
    if (this.scores!.calibration.from === 'file') return;
    this.scores = saved
      ? this.scorersBy(info, saved.calibration, { from: 'saved', version: saved.version })
      : this.scorersOf(info);
  }

  checkCalibration(calibration: ModelCalibration, falseAcceptRate?: number): void {
    const { recordings } = this.scorersBy(this.loaded().info(), calibration, { from: 'saved', version: null });
    if (falseAcceptRate !== undefined) recordings.at(falseAcceptRate);
  }

  onLoaded(work: (info: EncoderInfo) => Promise<void>): void {
    this.whenLoaded.push(work);
  }

  stats(): EncoderStats {
    return this.encoder?.stats() ?? NO_STATS;
  }

  listen(listener: EngineListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Recordings under way end with ENGINE_CLOSED. Safe to call again. */
  async close(): Promise<void> {
    if (this.current.status !== 'failed') this.change({ status: 'closed' });
    this.stopping.abort();
    await this.starting?.catch(() => undefined);
    await this.segmentation.settled();
    await this.encoder?.close();
  }

  private async start(): Promise<void> {
    const { signal } = this.stopping;
    try {
      await this.lookAtWalls();
      const path = await this.choose(await this.locate(signal));
      signal.throwIfAborted();
      this.change({ status: 'loading', model: this.config.model });
      const started = performance.now();
      const encoder = await this.load(path);
      this.encoder = encoder;
      this.scores = await this.firstScorers(encoder.info());
      this.plainScores = Scorer.of(encoder.info().manifest, { calibration: NOT_CALIBRATED });
      for (const work of this.whenLoaded) await work(encoder.info());
      await warmUp(encoder);
      await this.keep({ name: encoder.info().model, path });
      signal.throwIfAborted();
      this.change({ status: 'ready' });
      const { model: name, id, device, deviceNote, precision, workers, isolation } = encoder.info();
      const ms = Math.round(performance.now() - started);
      const facts = { model: name, device, deviceNote, precision, workers, isolation, ms };
      this.logger.log({ ...facts, msg: 'the model is loaded' });
      const better = recommendedInsteadOf(id);
      if (better) this.logger.log(adviceOn(id, better));
    } catch (thrown) {
      if (signal.aborted) throw new TimbreError('ENGINE_CLOSED', 'the service is stopping');
      const error = toTimbreError(thrown);
      this.change({ status: 'failed', code: error.code, reason: error.message });
      this.logger.error({ code: error.code, err: error.cause, msg: `the model cannot be loaded: ${error.message}` });
      throw error;
    }
  }

  /** Says what is left of the walls around what decodes, or refuses to go on without one. */
  private async lookAtWalls(): Promise<void> {
    const [{ runtimeInfo }, { missingWalls, tryDecoder }] = await Promise.all([
      import('../../addon/bundles.js'),
      import('../../addon/walls.js'),
    ]);
    const { decoderIsolation, requireContainment } = this.config;
    const { audio, walls } = runtimeInfo();
    const contained = decoderIsolation === 'process';
    const lacks: string[] = [];
    const missing = missingWalls(walls).join(' and ');
    if (audio.ffmpeg !== '' && missing !== '') lacks.push(`ffmpeg runs without ${missing}`);
    const lacking = contained ? missingWalls(await tryDecoder()).join(' and ') : '';
    if (lacking !== '') lacks.push(`the processes that decode run without ${lacking}`);
    const weak = lacks.length > 0 ? [`${lacks.join('; ')}, which this kernel or container does not allow`] : [];
    if (requireContainment && !contained) {
      weak.push('TIMBRE_DECODER_ISOLATION=none decodes recordings in the process of the service');
    }
    if (weak.length === 0) return;
    const what = weak.join('; ');
    if (requireContainment) {
      throw new TimbreError('INVALID_ARGUMENT', `TIMBRE_REQUIRE_CONTAINMENT is on, and ${what}`);
    }
    this.logger.warn(`${what}; \`timbre doctor\` says more`);
  }

  /** The bundle's file or id; fetches a published model that is not in the cache yet. */
  private async locate(signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        return await locateModel(this.config, {
          signal,
          onProgress: (progress) => this.change({ status: 'fetching', model: this.config.model, progress }),
          onNote: (note) => this.logger.warn(note),
        });
      } catch (thrown) {
        const error = toTimbreError(thrown);
        if (error.code !== 'DOWNLOAD_FAILED' || signal.aborted) throw error;
        this.logger.warn(`${error.message}; trying again in ${FETCH_AGAIN_MS / 1000} s`);
        await delay(FETCH_AGAIN_MS, undefined, { signal, ref: false });
      }
    }
  }

  /** The file of the model, or of the version of it that the data folder's people were made with. */
  private async choose(model: string): Promise<string> {
    const [{ modelPath }, { readManifest }] = await Promise.all([
      import('../../addon/model-path.js'),
      import('../../addon/bundles.js'),
    ]);
    const path = await modelPath(model, this.config.modelCacheDir);
    const name = modelName(await readManifest(path));
    const kept = await this.kept.insteadOf({ name, path });
    if (!kept) return path;
    this.logger.warn({ model: kept.name, installed: name, msg: goesOnWith(kept.name, name) });
    return kept.path;
  }

  private async keep(bundle: Kept): Promise<void> {
    try {
      await this.kept.keep(bundle);
    } catch (error) {
      this.logger.warn({
        err: error,
        msg: 'the bundle cannot be copied into the data folder: keep it yourself, its people need it',
      });
    }
  }

  private async load(model: string): Promise<SpeakerEncoder> {
    const { SpeakerEncoder } = await import('../../addon/index.js');
    const { segmentation, device, precision, allowCode, workers, queueLimit, maxBatch, modelCacheDir } = this.config;
    const { decoderIsolation, maxUploadBytes, maxAudioSeconds, maxInputBytes, maxWorkingBytes } = this.config;
    return SpeakerEncoder.load({
      model,
      segmentation,
      device,
      precision,
      queueLimit,
      maxBatch,
      isolation: decoderIsolation,
      cacheDir: modelCacheDir,
      limits: {
        maxBytes: maxUploadBytes,
        maxSeconds: maxAudioSeconds,
        ...(maxInputBytes > 0 ? { maxInputBytes } : {}),
        ...(maxWorkingBytes > 0 ? { maxWorkingBytes } : {}),
      },
      ...(workers > 0 ? { workers } : {}),
      ...(allowCode ? { allowCode } : {}),
    });
  }

  /** By the operator's file, or the bundle. */
  private async firstScorers(info: EncoderInfo): Promise<Scorers> {
    const { calibrationFile } = this.config;
    if (calibrationFile === '') return this.scorersOf(info);
    return this.scorersBy(info, await readCalibrationFile(calibrationFile, info), { from: 'file', version: null });
  }

  /** By the bundle, which may have a calibration for voices beside that for recordings. */
  private scorersOf(info: EncoderInfo): Scorers {
    const { falseAcceptRate } = this.config;
    return {
      recordings: Scorer.of(info.manifest, { falseAcceptRate }),
      voices: Scorer.of(info.manifest, { falseAcceptRate, calibration: voiceCalibrationFor(info) }),
      calibration: { from: 'model', version: null },
    };
  }

  /** Errors: INVALID_ARGUMENT, MODEL_INVALID. */
  private scorersBy(
    { manifest, embeddingDim }: EncoderInfo,
    calibration: ModelCalibration,
    from: AnsweringCalibration,
  ): Scorers {
    const { cohort } = calibration;
    if (cohort && cohort.dim !== embeddingDim) {
      throw new TimbreError(
        'MODEL_INVALID',
        `the cohort of the calibration has ${cohort.dim} dimensions, and embeddings of the model ${embeddingDim}`,
      );
    }
    const scorer = Scorer.of(manifest, { falseAcceptRate: this.config.falseAcceptRate, calibration });
    return { recordings: scorer, voices: scorer, calibration: from };
  }

  private loaded(): SpeakerEncoder {
    const state = this.current;
    switch (state.status) {
      case 'ready':
        return this.encoder!;
      case 'closed':
        throw new TimbreError('ENGINE_CLOSED', 'the service is stopping');
      case 'failed':
        throw new TimbreError('MODEL_NOT_READY', `the model cannot be loaded: ${state.reason}`, {
          details: { code: state.code },
        });
      default:
        throw new TimbreError('MODEL_NOT_READY', describeState(state));
    }
  }

  /** When the queue will have moved on: its length by the mean time of a recording, over the workers. */
  private withRetryTime(error: TimbreError): TimbreError {
    if (error.code !== 'OVERLOADED' || error.retryAfterSeconds !== undefined || !this.encoder) return error;
    const { queued, completed, timings } = this.encoder.stats();
    const busy = timings.total - timings.queue;
    const seconds = completed > 0 ? (queued * (busy / completed)) / 1000 / this.encoder.info().workers : 1;
    const retryAfterSeconds = Math.min(60, Math.max(1, Math.ceil(seconds)));
    return new TimbreError('OVERLOADED', error.message, { cause: error.cause, retryAfterSeconds });
  }

  private tell(item: BatchItem): void {
    for (const listener of this.listeners) {
      if ('result' in item) listener.embedded?.(item.result);
      else listener.failed?.(item.error.code);
    }
  }

  private change(state: EngineState): void {
    this.current = state;
    for (const listener of this.listeners) listener.changed?.(state);
  }
}

/** For people and for `/health/ready`. */
export function describeState(state: EngineState): string {
  switch (state.status) {
    case 'fetching': {
      const share = state.progress === null ? '' : ` (${Math.floor(state.progress * 100)} %)`;
      return `the model ${state.model} is being fetched${share}`;
    }
    case 'loading':
      return `the model ${state.model} is loading`;
    case 'ready':
      return 'ready';
    case 'failed':
      return state.reason;
    case 'closed':
      return 'the service is stopping';
  }
}

/** Which network answers, and the one command for a better one. */
function adviceOn(id: string, { model, command }: Recommendation): string {
  return (
    `${id} answers; ${model} tells voices apart better and takes longer: \`npx ${command}\`, then ` +
    `TIMBRE_MODEL=${model}, before people are enrolled`
  );
}

/** One utterance of noise per worker: the first forward calls plan and allocate. */
async function warmUp(encoder: SpeakerEncoder): Promise<void> {
  const { sampleRate, workers } = encoder.info();
  const samples = Float32Array.from({ length: WARM_UP_SECONDS * sampleRate }, () => Math.random() * 0.2 - 0.1);
  await Promise.all(Array.from({ length: workers }, () => encoder.embed({ samples, sampleRate })));
}
