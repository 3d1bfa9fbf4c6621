import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { TimbreError } from '../../../errors/timbre-error.js';
import { isMissing } from '../../../support/files.js';
import { EpochProvider } from '../../data-keys/epoch-provider.js';
import { requirePrivate, writeAside } from './private-files.js';
import type { Head } from './register.js';
import type { VectorCipher } from './vector-cipher.js';

/** A database that was rolled back is told where it is behind by more than what was committed within this time. */
const NOTE_AFTER_MS = 1000;

const MARK_OF = ['epoch'];

/** What the provider keeps, sealed under the data key. */
type Mark = Pick<Head, 'database' | 'counter'>;

/** A file, beside the data key's unless it is said otherwise. */
export class FileEpochProvider extends EpochProvider {
  constructor(readonly place: string) {
    super();
  }

  async read(): Promise<Buffer | null> {
    try {
      requirePrivate('the epoch file', this.place, await stat(this.place));
      return await readFile(this.place);
    } catch (cause) {
      if (isMissing(cause)) return null;
      if (cause instanceof TimbreError) throw cause;
      throw this.unavailable('read', cause);
    }
  }

  async write(mark: Buffer): Promise<void> {
    try {
      // Whoever has the database writes it, and nobody else.
      await writeAside(this.place, `${this.place}.new`, mark);
    } catch (cause) {
      throw this.unavailable('written', cause);
    }
  }

  private unavailable(what: string, cause: unknown): TimbreError {
    const text = `the epoch file ${this.place} cannot be ${what}: ${(cause as Error).message}; TIMBRE_EPOCH_FILE names another`;
    return new TimbreError('STORAGE_UNAVAILABLE', text, { cause });
  }
}

export type EpochState = 'current' | 'rolled back' | 'no mark' | 'another database';

/** Compares a database with the provider's mark, and moves the mark on. */
export class Epoch {
  private readonly logger = new Logger('Database');
  private wanted: Mark | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly provider: EpochProvider,
    private readonly cipher: VectorCipher,
  ) {}

  /** Null where there is none. Errors: those of the provider; STORAGE_ROLLED_BACK where it does not open with the key. */
  async read(): Promise<Mark | null> {
    const sealed = await this.provider.read();
    if (!sealed) return null;
    try {
      return JSON.parse(this.cipher.open(sealed, MARK_OF).toString('utf8')) as Mark;
    } catch (cause) {
      throw new TimbreError(
        'STORAGE_ROLLED_BACK',
        refusal(`${this.provider.place} is of another data key or damaged`),
        {
          cause,
        },
      );
    }
  }

  /** The same for whoever goes on with a database whatever the mark says: null too where it does not open. */
  readIfOfThisKey(): Promise<Mark | null> {
    return this.read().catch((error: unknown) => {
      if (error instanceof TimbreError && error.code === 'STORAGE_ROLLED_BACK') return null;
      throw error;
    });
  }

  /** Errors: STORAGE_ROLLED_BACK where the database is not as new as it was. */
  require(head: Head | null, mark: Mark | null): void {
    const state = stateOf(head, mark);
    if (state === 'current') return;
    const { place } = this.provider;
    const texts = {
      'rolled back': `the database is older than it was when ${place} was written`,
      'no mark': `the database was used with an epoch file, and ${place} is missing`,
      'another database': `${place} was written with another database (each needs one of its own: TIMBRE_EPOCH_FILE)`,
    };
    throw new TimbreError('STORAGE_ROLLED_BACK', refusal(texts[state]));
  }

  /** Writes the mark now. Errors: those of the provider. */
  async write({ database, counter }: Head): Promise<void> {
    const run = this.writing.catch(() => undefined).then(() => this.put({ database, counter }));
    this.writing = run;
    await run;
  }

  /** Moves the mark on soon, to what has been committed by then. Nobody waits for it, and nothing fails with it. */
  note(database: string, counter: number): void {
    this.wanted = { database, counter };
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flush().catch((error: unknown) => {
        this.logger.warn({ err: error, msg: 'the epoch file could not be written; trying again' });
        if (this.wanted) this.note(this.wanted.database, this.wanted.counter);
      });
    }, NOTE_AFTER_MS).unref();
  }

  /** Errors: those of the provider. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { wanted } = this;
    if (!wanted) return this.writing.catch(() => undefined);
    const run = this.writing.catch(() => undefined).then(() => this.put(wanted));
    this.writing = run;
    await run;
    if (this.wanted === wanted) this.wanted = undefined;
  }

  private put(mark: Mark): Promise<void> {
    return this.provider.write(this.cipher.seal(Buffer.from(JSON.stringify(mark)), MARK_OF));
  }
}

/** A provider that is behind the database is as it should be: it is written after the commit. */
export function stateOf(head: Head | null, mark: Mark | null): EpochState {
  if (!mark) return head?.anchored ? 'no mark' : 'current';
  // A database without a head is one from before there was a mark.
  if (!head) return 'rolled back';
  if (head.database !== mark.database) return 'another database';
  return head.counter < mark.counter ? 'rolled back' : 'current';
}

function refusal(why: string): string {
  return (
    `${why}: a backup was restored, or somebody has put an older database back, with consents that were withdrawn and ` +
    'keys that were revoked since; where that is meant, run `timbre data acknowledge-restore`'
  );
}
