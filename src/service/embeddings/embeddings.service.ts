import { Injectable } from '@nestjs/common';
import type { BatchItem, EmbedOptions, EmbedResult } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { modelFor } from '../../scoring/model-calibration.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { Templates } from '../metrics/templates.js';
import { withClientNames, withNames } from '../uploads/client-names.js';
import type { Recording } from '../uploads/recording.js';
import { chosen, type EveryPart, type OnePart } from '../uploads/selection.js';
import type { ComparisonView, EmbeddingsView, RecordingView } from './embeddings.dto.js';

@Injectable()
export class EmbeddingsService {
  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly templates: Templates,
  ) {}

  /** One result per recording. Throws only where none could be embedded: the first one's error, all in its details. */
  async embed(recordings: readonly Recording[], part: EveryPart, bounds: EmbedOptions): Promise<EmbeddingsView> {
    const inputs = recordings.map(({ audio }) => audio);
    const items = await this.engine.embedBatch(inputs, { ...bounds, ...chosen(part) });
    this.templates.made('embed', items.filter((item) => 'result' in item).length);
    const info = this.engine.info();
    const { embeddingDim } = info;
    const model = modelFor(info, bounds.pauses);
    const results = items.map((item) => resultOf(item, recordings[item.index]!));
    if (items.every((item) => 'error' in item)) throw allFailed(items, results);
    return { model, dimension: embeddingDim, results };
  }

  /** Errors: those of either recording, INVALID_ARGUMENT for a rate that the model has no threshold for. */
  async compare(
    a: Recording,
    b: Recording,
    part: OnePart,
    bounds: EmbedOptions,
    falseAcceptRate?: number,
  ): Promise<ComparisonView> {
    const scorer = this.engine.scorerAt(falseAcceptRate, bounds.pauses);
    const items = await this.engine.embedBatch([a.audio, b.audio], { ...bounds, ...chosen(part) });
    const [of, to] = items.map((item, index) => {
      if ('result' in item) return item.result;
      throw withClientNames(item.error, [index === 0 ? a : b]);
    }) as [EmbedResult, EmbedResult];
    this.templates.made('compare', 2);
    const sides = { a: { seconds: of.speech.seconds }, b: { seconds: to.speech.seconds } };
    const score = scorer.score(of.embedding, to.embedding, sides);
    return { ...score, model: of.model, a: viewOf(a, of), b: viewOf(b, to) };
  }
}

/** A recording and what was measured on it, without its embedding. */
export function viewOf(
  { filename, sha256 }: Recording,
  { audio, speech, embedded, quality }: EmbedResult,
): RecordingView {
  return { filename, sha256, audio, speech, embedded, quality };
}

function resultOf(item: BatchItem, recording: Recording): EmbeddingsView['results'][number] {
  const { index } = item;
  const of = { index, ...(item.channel === undefined ? {} : { channel: item.channel }) };
  if ('error' in item) {
    const { code, message } = item.error;
    return { ...of, filename: recording.filename, error: { code, message: withNames(message, [recording]) } };
  }
  const { result } = item;
  return { ...of, ...viewOf(recording, result), embedding: Array.from(result.embedding), timings: result.timings };
}

function allFailed(items: readonly BatchItem[], results: EmbeddingsView['results']): TimbreError {
  const [first] = items;
  if (!first || !('error' in first)) throw new Error('no recording failed');
  const { error } = first;
  const options = { cause: error, ...(items.length > 1 ? { details: { results } } : {}) };
  return new TimbreError(error.code, error.message, options);
}
