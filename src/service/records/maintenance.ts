/** Wiping of what was erased from the storage's own files. */
export abstract class Maintenance {
  /**
   * Overwrites what deleted rows left in the write-ahead log, and sees to it that the rest is wiped a little later. Never
   * throws, because what was deleted is deleted: where it is prevented, it goes on later, and the log says so. True where
   * the log is empty.
   */
  abstract wipeSoon(): Promise<boolean>;
}
