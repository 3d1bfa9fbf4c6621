/** Wiping of what was erased from the storage's own files. */
export abstract class Maintenance {
  /** Whether the files are the service's own, which it wipes; otherwise they are those of a server of databases. */
  abstract readonly wipes: boolean;

  /**
   * Overwrites what deleted rows left in the write-ahead log, and sees to it that the rest is wiped a little later. Never
   * throws, because what was deleted is deleted: where it is prevented, it goes on later, and the log says so. True where
   * the log is empty, or is not the service's.
   */
  abstract wipeSoon(): Promise<boolean>;
}
