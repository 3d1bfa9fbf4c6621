import { Logger } from '@nestjs/common';
import { TimbreError } from '../../errors/timbre-error.js';
import type { Config } from '../config/config.js';
import { toTimbreError } from '../http/to-timbre-error.js';
import { isLocated, locateModel } from './locate-model.js';

/** Milliseconds for which a failed attempt to fetch it is told, before another one. */
const FETCH_AGAIN_MS = 30_000;

/** The bundle of the network that conversations need beside the model, fetched by the first of them. */
export class SegmentationBundle {
  private readonly logger = new Logger('Engine');
  private fetching: Promise<void> | undefined;
  /** Share that is fetched, null where that is not known. */
  private share: number | null = null;
  private failed: { error: TimbreError; at: number } | undefined;

  constructor(
    private readonly config: Pick<Config, 'segmentation' | 'modelCacheDir'>,
    private readonly signal: AbortSignal,
  ) {}

  /** Settles when it is there. Errors: those of `pullModel`. */
  async ready(): Promise<void> {
    if (!(await this.isThere())) await this.fetch();
  }

  /** Whether it is there. */
  isThere(): Promise<boolean> {
    return isLocated(this.place);
  }

  /** Errors: MODEL_NOT_READY where it is not there, with how far it is or why not; it is being fetched then. */
  async require(): Promise<void> {
    if (await this.isThere()) return;
    const { failed } = this;
    if (!this.fetching && failed && performance.now() - failed.at < FETCH_AGAIN_MS) {
      throw new TimbreError(
        'MODEL_NOT_READY',
        `the segmentation network that conversations need cannot be fetched: ${failed.error.message}`,
        { details: { code: failed.error.code }, cause: failed.error },
      );
    }
    // Whoever asks is told how far it is, and what became of it by the next answer.
    this.fetch().catch(() => undefined);
    const share = this.share === null ? '' : ` (${Math.floor(this.share * 100)} %)`;
    throw new TimbreError(
      'MODEL_NOT_READY',
      `the segmentation network that conversations need is being fetched${share}; try again`,
    );
  }

  /** Settles when nothing is being fetched. */
  async settled(): Promise<void> {
    await this.fetching?.catch(() => undefined);
  }

  private get place(): Pick<Config, 'model' | 'modelCacheDir'> {
    return { model: this.config.segmentation, modelCacheDir: this.config.modelCacheDir };
  }

  private fetch(): Promise<void> {
    return (this.fetching ??= this.pull().finally(() => (this.fetching = undefined)));
  }

  private async pull(): Promise<void> {
    this.share = null;
    try {
      await locateModel(this.place, {
        signal: this.signal,
        onProgress: (share) => (this.share = share),
        onNote: (note) => this.logger.warn(note),
      });
      this.failed = undefined;
      this.logger.log(`${this.config.segmentation}, the segmentation network of conversations, is there`);
    } catch (thrown) {
      const error = toTimbreError(thrown);
      this.failed = { error, at: performance.now() };
      if (!this.signal.aborted) {
        this.logger.warn({ code: error.code, msg: `the segmentation network cannot be fetched: ${error.message}` });
      }
      throw error;
    }
  }
}
