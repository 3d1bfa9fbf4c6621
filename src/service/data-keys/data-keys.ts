export const ROTATION_STATES = ['idle', 'running', 'failed'] as const;

/** Where the re-encryption with a new data key stands. */
export interface RotationStatus {
  state: (typeof ROTATION_STATES)[number];
  /** Vectors under the current key, of all. */
  done: number;
  total: number;
  /** Keys in use: one, or more while old ones are still needed. */
  keys: number;
  /** When the last rotation of this process ended well. */
  finishedAt: Date | null;
  /** Why the last one stopped; starting another goes on where it stopped. */
  failure: string | null;
}

/** The keys that vectors are encrypted with. */
export abstract class DataKeys {
  /** Errors: those of the storage. */
  abstract status(): Promise<RotationStatus>;

  /**
   * Begins to re-encrypt everything with a new key, or goes on with a rotation that was cut off; it runs beside requests.
   * Errors: INVALID_ARGUMENT where the key came from the environment, which cannot be changed from here; CONFLICT where
   * other nodes have the database open; those of the storage.
   */
  abstract rotate(): Promise<RotationStatus>;
}
