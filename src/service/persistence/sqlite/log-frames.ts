import { open } from 'node:fs/promises';
import { isMissing } from '../../../support/files.js';

const LOG_HEADER = 32;
const FRAME_HEADER = 24;

/** Bytes of the log read at once. */
const READ = 1 << 20;

/**
 * Which pages were written since it was looked last, out of the write-ahead log itself: SQLite tells nobody. To be used
 * where nobody writes, and before every checkpoint: what the log had then is gone when it begins anew.
 * (https://www.sqlite.org/fileformat2.html, 4.1)
 */
export class LogFrames {
  /** Of the log as it was looked at last: another one began anew. */
  private salts: string | undefined;
  /** Frames of that log that are known. */
  private known = 0;

  constructor(
    private readonly file: string,
    private readonly pageBytes: number,
  ) {}

  /** Frames in the log, of those that were there at the last look. */
  get length(): number {
    return this.known;
  }

  /** Numbers of the pages that were written since. Errors: those of the file system. */
  async look(): Promise<number[]> {
    const file = await open(this.file, 'r').catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (!file) return this.begin(undefined);
    try {
      const header = Buffer.alloc(LOG_HEADER);
      const { bytesRead } = await file.read(header, 0, LOG_HEADER, 0);
      if (bytesRead < LOG_HEADER) return this.begin(undefined);
      const salts = header.toString('latin1', 16, 24);
      if (salts !== this.salts) this.begin(salts);

      const frame = FRAME_HEADER + this.pageBytes;
      const block = Buffer.alloc(Math.max(1, Math.floor(READ / frame)) * frame);
      const written: number[] = [];
      let committed = 0;
      for (let at = LOG_HEADER + this.known * frame, more = true; more; at += block.length) {
        const { bytesRead: got } = await file.read(block, 0, block.length, at);
        more = got === block.length;
        for (let from = 0; from + frame <= got; from += frame) {
          if (block.toString('latin1', from + 8, from + 16) !== salts) {
            more = false;
            break;
          }
          written.push(block.readUInt32BE(from));
          // The last frame of a transaction has the size of the database; what follows it may have been rolled back.
          if (block.readUInt32BE(from + 4) !== 0) committed = written.length;
        }
      }
      this.known += committed;
      return written.slice(0, committed);
    } finally {
      await file.close();
    }
  }

  private begin(salts: string | undefined): [] {
    this.salts = salts;
    this.known = 0;
    return [];
  }
}
