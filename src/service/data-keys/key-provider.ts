/** Where the keys that vectors are encrypted with come from, and are kept. */
export abstract class KeyProvider {
  /** Whether the service may change them; otherwise that is their owner's, as this says. */
  abstract readonly changeable: true | { because: string };

  /**
   * The key that encrypts, and after it, while a rotation is not finished, the older ones that are still needed to read.
   * `create`: make one where there is none, which is right only for a database that holds nothing yet.
   * Errors: STORAGE_INVALID, saying how to get the key back; STORAGE_EXPOSED where others have access to it; STORAGE_UNAVAILABLE where it cannot be read or made.
   */
  abstract load(create: boolean): Promise<Buffer[]>;

  /**
   * The same for whoever works beside the service: makes and tidies nothing. Errors: STORAGE_INVALID, STORAGE_EXPOSED,
   * STORAGE_UNAVAILABLE.
   */
  abstract read(): Promise<Buffer[]>;

  /** Puts these in the place of those there are, whole or not at all: durable when it resolves. Errors: STORAGE_UNAVAILABLE. */
  abstract replace(keys: readonly Buffer[]): Promise<void>;

  /** Keeps keys aside that are needed no more but for backups made before. Errors: STORAGE_UNAVAILABLE. */
  abstract retire(keys: readonly Buffer[]): Promise<void>;
}
