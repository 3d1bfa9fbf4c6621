import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { floorsOf } from '../config/floors.js';
import { frontEndId, sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import { UNCALIBRATED_OUTLIER_COSINE, type ProfilePolicy } from '../records/profile.js';
import type { RecordingLimits } from '../records/recording-quality.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { formerModelName } from '../../scoring/model-calibration.js';

/** What the loaded model and the settings say about voices. Errors of every call: MODEL_NOT_READY, ENGINE_CLOSED. */
@Injectable()
export class CurrentModel {
  /** Of everything that is stored. */
  private stored: readonly EmbeddingOrigin[] = [];
  /** Of the model that was loaded last, as far as anybody remembers. */
  private last: EmbeddingOrigin | null = null;
  private known: { manifest: object; origin: EmbeddingOrigin } | undefined;

  constructor(
    private readonly engine: EmbeddingEngine,
    private readonly config: Config,
  ) {}

  /** What makes embeddings here and now; only those of the same origin may meet. */
  origin(): EmbeddingOrigin {
    const { model, manifest } = this.engine.info();
    if (this.known?.manifest !== manifest) {
      this.known = { manifest, origin: this.asStored({ model, frontEnd: frontEndId(manifest) }, manifest) };
    }
    return this.known.origin;
  }

  /** The same; of the model that was loaded last while none is, null where none ever was. Needs no model. */
  lastOrigin(): EmbeddingOrigin | null {
    return this.engine.state.status === 'ready' ? this.origin() : this.last;
  }

  remember(origin: EmbeddingOrigin): void {
    this.last = origin;
  }

  /** To be told before the model is loaded: the origins of all that is stored. */
  knowStored(origins: readonly EmbeddingOrigin[]): void {
    this.stored = origins;
  }

  /**
   * The name that the same model has in this folder, so that those who come meet those who are there: a bundle may have
   * been renamed, and before there was an identity models were named after the digest of their weights.
   */
  private asStored(origin: EmbeddingOrigin, manifest: Readonly<Record<string, unknown>>): EmbeddingOrigin {
    const behindOurFrontEnd = this.stored.filter(({ frontEnd }) => frontEnd === origin.frontEnd);
    const identity = origin.model.slice(origin.model.lastIndexOf('@'));
    const former = formerModelName(manifest);
    return (
      behindOurFrontEnd.find(({ model }) => model === origin.model) ??
      behindOurFrontEnd.find(({ model }) => model.endsWith(identity)) ??
      behindOurFrontEnd.find(({ model }) => model === former) ??
      origin
    );
  }

  dimension(): number {
    return this.engine.info().embeddingDim;
  }

  recordingLimits(): RecordingLimits {
    const { minSnrDb, maxClippedShare, minBandwidthHz } = this.config;
    return { minSpeechSeconds: floorsOf(this.config).update, minSnrDb, maxClippedShare, minBandwidthHz };
  }

  /** Of a profile of this origin. A stranger is who the model's loosest threshold would reject. */
  profilePolicy(origin: EmbeddingOrigin): ProfilePolicy {
    const loosest = sameOrigin(origin, this.origin()) ? this.engine.scorer().calibration.thresholds[0] : undefined;
    return {
      requiredSpeechSeconds: this.config.enrollmentSeconds,
      outlierCosine: loosest?.cosine ?? UNCALIBRATED_OUTLIER_COSINE,
    };
  }
}
