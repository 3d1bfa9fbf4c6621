/**
 * Where it is kept how far the database has come, outside of the database: who puts an older database back does not put
 * this back with it, where it lies elsewhere.
 */
export abstract class EpochProvider {
  /** For people. */
  abstract readonly place: string;

  /** What was written last; null where nothing was. Errors: STORAGE_UNAVAILABLE, STORAGE_EXPOSED. */
  abstract read(): Promise<Buffer | null>;

  /**
   * Puts this in the place of what there is, whole or not at all: durable when it resolves. Some hundred bytes that are
   * authenticated and say nothing to others. Errors: STORAGE_UNAVAILABLE.
   */
  abstract write(mark: Buffer): Promise<void>;
}
