import { Injectable } from '@nestjs/common';
import type { EmbedOptions, EmbedResult } from '../../addon/types.js';
import { isDataUrl } from '../../support/data-url.js';
import { Steps } from '../../support/steps.js';
import { Templates } from '../metrics/templates.js';
import { AudioRoots } from '../uploads/audio-roots.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Config } from '../config/config.js';
import { describeState } from '../engine/addon-engine.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { isPublished } from '../engine/locate-model.js';
import { jsonOf } from '../http/json-text.js';
import { isEncoded } from './container-signature.js';
import { bytesOf, decodeAudio, samplesOf, type PcmBounds } from './pcm.js';
import type { Recording } from '../uploads/recording.js';
import {
  centroid,
  checked,
  extract,
  extractBatch,
  form,
  oneOfCentroid,
  pcm,
  read,
  reference,
  similarity,
} from './requests.js';
import { cosine, Mean } from './vectors.js';

/** Files of one list that are open at a time, so that no worker waits for the next. */
const LANES_PER_WORKER = 3;

/** The sidecar embeds whatever it is given, whole: its callers hold vectors of the published network. */
const AS_THE_SIDECAR = { allowSilence: true, pauses: 'keep' } as const;

/** In every answer: the filters of the sidecar are gone, see docs/api.md. */
const UNTOUCHED = { preprocessing_applied: false };

/** The sidecar's calls. Requests come in as they were sent; answers have the sidecar's fields. */
@Injectable()
export class CompatService {
  constructor(
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly roots: AudioRoots,
    private readonly templates: Templates,
  ) {}

  /** Whether the model is loaded, and the answer to GET /health. */
  health(): { ready: boolean; body: object } {
    const { state } = this.engine;
    const ready = state.status === 'ready';
    const common = {
      model_loaded: ready,
      model_cached: state.status !== 'fetching',
      model_name: this.config.model,
      offline_mode: !isPublished(this.config.model),
      cache_dir: this.config.modelCacheDir,
    };
    if (ready) {
      const { device, modelWithPauses: model } = this.engine.info();
      return { ready, body: { status: 'healthy', ...common, device: kindOf(device), model_name: model } };
    }
    const status = state.status === 'failed' ? 'error' : 'initializing';
    return { ready, body: { status, ...common, device: kindOf(this.config.device), message: describeState(state) } };
  }

  /** `local`: whether a program of this machine asks, which may name files in the temporary folder. */
  async extract(body: unknown, local: boolean, bounds: EmbedOptions): Promise<object> {
    const { audio_path: path } = read(extract, body);
    this.engine.admit();
    const result = await this.embedFile(path, local, { ...bounds, ...AS_THE_SIDECAR });
    return { success: true, ...embeddingOf(result), ...UNTOUCHED };
  }

  /**
   * The answer as JSON: a long one is written in pieces. What is not done in time is an error of its path, as a bad file is.
   */
  async extractBatch(body: unknown, local: boolean, { signal }: EmbedOptions): Promise<string> {
    const { audio_paths: paths } = read(extractBatch, body);
    const { maxBatchPaths, batchSeconds } = this.config;
    if (paths.length > maxBatchPaths) {
      throw new TimbreError(
        'BODY_TOO_LARGE',
        `audio_paths has ${paths.length} entries; there are ${maxBatchPaths} at most`,
      );
    }
    this.engine.admit();
    const began = performance.now();
    const steps = new Steps({ signal });
    const embeddings: { index: number; audio_path: unknown; embedding: number[]; success: true }[] = [];
    const errors: { index: number; audio_path: unknown; error: string }[] = [];
    const end = began + batchSeconds * 1000;
    const rest = paths.entries();
    /** Opens a file when its turn comes: a long list holds no more descriptors than there are lanes. */
    const lane = async (): Promise<void> => {
      for (const [index, given] of rest) {
        const audio_path = typeof given === 'string' && isDataUrl(given) ? 'data:...' : given;
        await steps.next();
        try {
          if (typeof audio_path !== 'string') throw new TimbreError('INVALID_ARGUMENT', 'audio_path must be a string');
          const timeoutMs = Math.max(1, end - performance.now());
          const options = { ...AS_THE_SIDECAR, timeoutMs, ...(signal ? { signal } : {}) };
          const { embedding } = await this.embedFile(audio_path, local, options);
          embeddings.push({ index, audio_path, embedding: Array.from(embedding), success: true });
        } catch (thrown) {
          errors.push({ index, audio_path, error: toTimbreError(thrown).message });
        }
      }
    };
    await Promise.all(Array.from({ length: LANES_PER_WORKER * this.engine.info().workers }, lane));
    const answer = {
      success: embeddings.length > 0,
      total: paths.length,
      processed: embeddings.length,
      errors_count: errors.length,
      embeddings: embeddings.sort((a, b) => a.index - b.index),
      errors: errors.sort((a, b) => a.index - b.index),
      model: this.engine.info().modelWithPauses,
      ...UNTOUCHED,
    };
    return jsonOf(answer, steps);
  }

  similarity(body: unknown): object {
    const { embedding1, embedding2 } = read(similarity, body);
    return { success: true, similarity: cosine(embedding1, embedding2) };
  }

  async centroid(body: unknown, { signal }: EmbedOptions): Promise<object> {
    const { embeddings } = read(centroid, body);
    const steps = new Steps({ signal });
    const mean = new Mean(embeddings.length);
    for (const one of embeddings) {
      mean.add(checked(oneOfCentroid, one));
      await steps.next();
    }
    const { value } = mean;
    return { success: true, centroid: value, dimension: value.length, embedding_count: embeddings.length };
  }

  async extractBuffer(body: unknown, recording: Recording | undefined, bounds: EmbedOptions): Promise<object> {
    const { answer } = await this.embedBuffer(body, recording, bounds);
    return answer;
  }

  async extractAndCompare(body: unknown, recording: Recording | undefined, bounds: EmbedOptions): Promise<object> {
    const { centroid_embedding: centroid } = read(reference, body);
    const { answer, embedding } = await this.embedBuffer(body, recording, bounds);
    if (centroid.length !== embedding.length) {
      throw new TimbreError(
        'INVALID_ARGUMENT',
        `centroid_embedding has ${centroid.length} numbers, embeddings of this model have ${embedding.length}`,
      );
    }
    return { ...answer, similarity: cosine(centroid, embedding) };
  }

  private async embedFile(path: string, local: boolean, options: EmbedOptions): Promise<EmbedResult> {
    const file = await this.roots.open(path, { temporary: local, signal: options.signal });
    try {
      const result = await this.engine.embedAdmitted({ descriptor: file.descriptor }, options);
      this.templates.made('sidecar');
      return result;
    } finally {
      await file.close();
    }
  }

  private async embedBuffer(
    body: unknown,
    recording: Recording | undefined,
    bounds: EmbedOptions,
  ): Promise<{ answer: object; embedding: Float32Array }> {
    const started = performance.now();
    this.engine.admit();
    const options = { ...bounds, ...AS_THE_SIDECAR };
    const result = await (recording ? this.embedForm(body, recording, options) : this.embedJson(body, options)).catch(
      (thrown: unknown) => {
        throw asBadRequest(toTimbreError(thrown));
      },
    );
    this.templates.made('sidecar');
    const answer = {
      success: true,
      ...embeddingOf(result),
      ...UNTOUCHED,
      audio_duration_s: result.audio.seconds,
      processing_time_ms: performance.now() - started,
    };
    return { answer, embedding: result.embedding };
  }

  /** Raw PCM, or a whole recording of any format. */
  private async embedJson(body: unknown, options: EmbedOptions): Promise<EmbedResult> {
    const { audio_base64, sample_rate: sampleRate } = read(pcm, body);
    const bounds = this.pcmBounds(sampleRate, options);
    const { bytes, encoded } = await decodeAudio(audio_base64, bounds.steps);
    if (encoded) return this.engine.embedAdmitted(bytes, options);
    return this.engine.embedAdmitted({ samples: await samplesOf(bytes, bounds), sampleRate }, options);
  }

  private pcmBounds(sampleRate: number, { signal }: EmbedOptions): PcmBounds {
    return { maxSamples: Math.floor(sampleRate * this.config.maxAudioSeconds), steps: new Steps({ signal }) };
  }

  /** A recording of any format; raw PCM where the form says its sample rate. */
  private async embedForm(body: unknown, { audio }: Recording, options: EmbedOptions): Promise<EmbedResult> {
    const { sample_rate: sampleRate } = read(form, body);
    try {
      return await this.engine.embedAdmitted(audio, options);
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (!/^AUDIO_(UNSUPPORTED|CORRUPT)$/.test(error.code) || sampleRate === undefined) throw error;
      const bytes = await bytesOf(audio);
      // What cannot be read, for want of ffmpeg perhaps, is no raw PCM for that.
      if (isEncoded(bytes)) throw error;
      const samples = await samplesOf(bytes, this.pcmBounds(sampleRate, options));
      return this.engine.embedAdmitted({ samples, sampleRate }, options);
    }
  }
}

function embeddingOf({ embedding, model }: EmbedResult): { embedding: number[]; dimension: number; model: string } {
  return { embedding: Array.from(embedding), dimension: embedding.length, model };
}

function kindOf(device: string): 'cpu' | 'cuda' {
  return device.startsWith('cuda') ? 'cuda' : 'cpu';
}

/** The buffer calls know no other status for a recording that cannot be embedded. */
function asBadRequest(error: TimbreError): TimbreError {
  return /^(AUDIO_(UNSUPPORTED|CORRUPT|TOO_SHORT|TOO_LONG)|NO_SPEECH)$/.test(error.code)
    ? new TimbreError('INVALID_ARGUMENT', error.message, { cause: error })
    : error;
}
