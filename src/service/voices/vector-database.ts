import type { EmbeddingOrigin } from '../records/embedding.js';
import type { VoiceIndex } from './voice-index.js';

/** What an index needs of the model. Errors: MODEL_NOT_READY, ENGINE_CLOSED. */
export interface IndexedModel {
  /** Waits until it is loaded. */
  ready(): Promise<void>;
  origin(): EmbeddingOrigin;
  dimension(): number;
}

/** A database that searches vectors itself. */
export abstract class VectorDatabase {
  abstract voiceIndex(model: IndexedModel): VoiceIndex;
}
