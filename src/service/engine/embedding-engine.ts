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
import type { ErrorCode } from '../../errors/error-codes.js';
import type { ModelCalibration } from '../../scoring/model-calibration.js';
import type { Scorer } from '../../scoring/scorer.js';

export type EngineState =
  /** `progress` in [0, 1] while a model is fetched, null where it is not known. */
  | { status: 'fetching'; model: string; progress: number | null }
  | { status: 'loading'; model: string }
  | { status: 'ready' }
  /** It will not become ready by itself: `reason` says what is wrong and what to do. */
  | { status: 'failed'; code: ErrorCode; reason: string }
  | { status: 'closed' };

/** What scores are read by: the bundle's calibration, the operator's file, or a version that was saved. */
export const CALIBRATION_SOURCES = ['model', 'file', 'saved'] as const;

export interface AnsweringCalibration {
  from: (typeof CALIBRATION_SOURCES)[number];
  /** Of a saved one; null of the others. */
  version: number | null;
}

export interface EngineListener {
  embedded?(result: EmbedResult): void;
  failed?(code: ErrorCode): void;
  conversed?(result: ConversationResult): void;
  changed?(state: EngineState): void;
}

/** The one port through which the service reaches the model. */
export abstract class EmbeddingEngine {
  abstract readonly state: EngineState;

  /**
   * Waits in the engine's bounded queue and embeds. Errors: those of the recording, OVERLOADED at once when the queue is
   * full, MODEL_NOT_READY before the model is loaded, ABORTED, DEADLINE_EXCEEDED, ENGINE_CLOSED.
   */
  abstract embed(input: AudioInput, options?: EmbedOptions): Promise<EmbedResult>;

  /** `embed` of a recording whose request was let in: waits for room in the queue. Errors: those of `embed` but OVERLOADED. */
  async embedAdmitted(input: AudioInput, options: EmbedOptions = {}): Promise<EmbedResult> {
    const [item] = await this.embedBatch([input], options);
    if (!item) throw new Error('a batch of one gave no result');
    if ('error' in item) throw item.error;
    return item.result;
  }

  /**
   * One item per input (with `channel: 'each'`, per input and channel), in their order; one that fails costs the others nothing, and none is refused for a full queue.
   * Only a few are queued at a time, so that a long list leaves room for others. Errors: MODEL_NOT_READY, ENGINE_CLOSED.
   */
  abstract embedBatch(inputs: readonly AudioInput[], options?: BatchOptions): Promise<BatchItem[]>;

  /**
   * Who speaks when in a recording. Errors: those of `SpeakerEncoder.conversation`, MODEL_NOT_READY before the model is
   * loaded, OVERLOADED at once when the queue is full.
   */
  abstract converse(input: AudioInput, options?: ConversationOptions): Promise<ConversationResult>;

  /** Whether the segmentation network is there. */
  abstract hasSegmentation(): Promise<boolean>;

  /** Errors: MODEL_NOT_READY where the segmentation network is not there; it is being fetched then. */
  abstract admitConversation(): Promise<void>;

  /** Settles when the segmentation network is there. Errors: those of fetching it. */
  abstract readyForConversations(): Promise<void>;

  /** Throws what `embed` would throw before looking at its input: MODEL_NOT_READY, ENGINE_CLOSED, OVERLOADED. */
  abstract admit(): void;

  /** Errors: MODEL_NOT_READY, ENGINE_CLOSED. */
  abstract info(): EncoderInfo;

  /**
   * Of the loaded model, with the user's calibration where one is configured or in use; cosines only for embeddings with all their
   * pauses where the model takes them out. Errors: MODEL_NOT_READY, ENGINE_CLOSED.
   */
  abstract scorer(pauses?: PauseHandling): Scorer;

  /**
   * `scorer`, deciding at this rate of false accepts where one is asked for. Errors: those of `scorer`, INVALID_ARGUMENT
   * where the model has no threshold for the rate.
   */
  scorerAt(falseAcceptRate: number | undefined, pauses?: PauseHandling): Scorer {
    const scorer = this.scorer(pauses);
    return falseAcceptRate === undefined ? scorer : scorer.at(falseAcceptRate);
  }

  /**
   * For voices of conversations against profiles, with the user's calibration where one is configured or in use; at this rate of
   * false accepts where one is asked for. Errors: as of `scorerAt`.
   */
  abstract voiceScorer(falseAcceptRate: number | undefined): Scorer;

  /** Whose calibration `scorer` and `voiceScorer` have now. Errors: MODEL_NOT_READY, ENGINE_CLOSED. */
  abstract calibration(): AnsweringCalibration;

  /**
   * From now on `scorer` and `voiceScorer` are of this saved calibration, both at once; null: of the bundle's own. Scorers
   * that were given before stay as they are. Where the operator names a file, nothing changes: it decides.
   * Errors: INVALID_ARGUMENT, MODEL_INVALID where it cannot decide here, which leaves everything as it is.
   */
  abstract calibrate(saved: { version: number; calibration: ModelCalibration } | null): void;

  /** Throws what `calibrate` would throw, and then `scorerAt` at this rate. */
  abstract checkCalibration(calibration: ModelCalibration, falseAcceptRate?: number): void;

  /** Runs with what is loaded, before anybody is answered; what it throws keeps the model from being ready. */
  abstract onLoaded(work: (info: EncoderInfo) => Promise<void>): void;

  /** All zero before the model is loaded. */
  abstract stats(): EncoderStats;

  /** Settles when the model is ready; rejects with what made it fail. */
  abstract ready(): Promise<void>;

  /** Returns a function that stops listening. */
  abstract listen(listener: EngineListener): () => void;
}
