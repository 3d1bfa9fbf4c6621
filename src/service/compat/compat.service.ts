import { Injectable } from '@nestjs/common';
import type { EmbedOptions, EmbedResult } from '../../addon/types.js';
import { AudioRoots } from '../http/audio-roots.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { Config } from '../config/config.js';
import { describeState } from '../engine/addon-engine.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { isPublished } from '../engine/locate-model.js';
import { decodePcm, readPcm } from './pcm.js';
import type { Recording } from '../uploads/recording.js';
import { centroid, extract, extractBatch, form, pcm, read, reference, similarity } from './requests.js';
import { cosine, mean } from './vectors.js';

/** In every answer: the filters of the sidecar are gone, see docs/api.md. */
const UNTOUCHED = { preprocessing_applied: false };

/** The sidecar's calls. Requests come in as they were sent; answers have the sidecar's fields. */
@Injectable()
export class CompatService {
  constructor(
    private readonly config: Config,
    private readonly engine: EmbeddingEngine,
    private readonly roots: AudioRoots,
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
      const { device, model } = this.engine.info();
      return { ready, body: { status: 'healthy', ...common, device: kindOf(device), model_name: model } };
    }
    const status = state.status === 'failed' ? 'error' : 'initializing';
    return { ready, body: { status, ...common, device: kindOf(this.config.device), message: describeState(state) } };
  }

  async extract(body: unknown, bounds: EmbedOptions): Promise<object> {
    const { audio_path: path } = read(extract, body);
    this.engine.admit();
    const result = await this.engine.embedAdmitted(await this.roots.resolve(path), { ...bounds, allowSilence: true });
    return { success: true, ...embeddingOf(result), ...UNTOUCHED };
  }

  /** The list takes as long as it takes: clients of the sidecar send hundreds of paths. */
  async extractBatch(body: unknown, { signal }: EmbedOptions): Promise<object> {
    const { audio_paths: paths } = read(extractBatch, body);
    this.engine.admit();
    const embeddings: { index: number; audio_path: unknown; embedding: number[]; success: true }[] = [];
    const errors: { index: number; audio_path: unknown; error: string }[] = [];
    const found: { index: number; file: string }[] = [];
    for (const [index, path] of paths.entries()) {
      try {
        if (typeof path !== 'string') throw new TimbreError('INVALID_ARGUMENT', 'audio_path must be a string');
        found.push({ index, file: await this.roots.resolve(path) });
      } catch (thrown) {
        errors.push({ index, audio_path: path, error: notFound(toTimbreError(thrown), path) });
      }
    }
    const options = { allowSilence: true, ...(signal ? { signal } : {}) };
    const files = found.map(({ file }) => file);
    for (const item of await this.engine.embedBatch(files, options)) {
      const { index } = found[item.index]!;
      const audio_path = paths[index];
      if ('error' in item) errors.push({ index, audio_path, error: item.error.message });
      else embeddings.push({ index, audio_path, embedding: Array.from(item.result.embedding), success: true });
    }
    return {
      success: embeddings.length > 0,
      total: paths.length,
      processed: embeddings.length,
      errors_count: errors.length,
      embeddings,
      errors: errors.sort((a, b) => a.index - b.index),
      model: this.engine.info().model,
      ...UNTOUCHED,
    };
  }

  similarity(body: unknown): object {
    const { embedding1, embedding2 } = read(similarity, body);
    return { success: true, similarity: cosine(embedding1, embedding2) };
  }

  centroid(body: unknown): object {
    const { embeddings } = read(centroid, body);
    const [first] = embeddings;
    return { success: true, centroid: mean(embeddings), dimension: first!.length, embedding_count: embeddings.length };
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

  private async embedBuffer(
    body: unknown,
    recording: Recording | undefined,
    bounds: EmbedOptions,
  ): Promise<{ answer: object; embedding: Float32Array }> {
    const started = performance.now();
    this.engine.admit();
    const options = { ...bounds, allowSilence: true };
    const result = await (recording ? this.embedForm(body, recording, options) : this.embedJson(body, options)).catch(
      (thrown: unknown) => {
        throw asBadRequest(toTimbreError(thrown));
      },
    );
    const answer = {
      success: true,
      ...embeddingOf(result),
      ...UNTOUCHED,
      audio_duration_s: result.audio.seconds,
      processing_time_ms: performance.now() - started,
    };
    return { answer, embedding: result.embedding };
  }

  private embedJson(body: unknown, options: EmbedOptions): Promise<EmbedResult> {
    const { audio_base64, sample_rate: sampleRate } = read(pcm, body);
    return this.engine.embedAdmitted({ samples: decodePcm(audio_base64), sampleRate }, options);
  }

  /** A recording of any format; raw PCM where the form says its sample rate. */
  private async embedForm(body: unknown, { audio }: Recording, options: EmbedOptions): Promise<EmbedResult> {
    const { sample_rate: sampleRate } = read(form, body);
    try {
      return await this.engine.embedAdmitted(audio, options);
    } catch (thrown) {
      const error = toTimbreError(thrown);
      if (error.code !== 'AUDIO_UNSUPPORTED' || sampleRate === undefined) throw error;
      return this.engine.embedAdmitted({ samples: await readPcm(audio), sampleRate }, options);
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

/** A refused path looks like one that is not there. */
function notFound(error: TimbreError, path: unknown): string {
  return error.code === 'FORBIDDEN_PATH' ? `there is no file ${JSON.stringify(path)}` : error.message;
}
