import { Logger } from '@nestjs/common';
import { DataKeys, type RotationStatus } from '../../data-keys/data-keys.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { Store } from './store.js';
import { countKeys, finishRotation, rotateDataKey, type RotationOptions } from './key-rotation.js';

export class TypeOrmDataKeys extends DataKeys {
  private readonly logger = new Logger('DataKeys');
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private finishedAt: Date | null = null;
  private failure: string | null = null;

  constructor(private readonly database: Store) {
    super();
  }

  /** Does the work while nobody else has the database open. Errors: those of `work`. */
  protected apart(work: () => Promise<void>): Promise<void> {
    return work();
  }

  async status(): Promise<RotationStatus> {
    const { finishedAt, failure } = this;
    const state = this.running ? 'running' : failure === null ? 'idle' : 'failed';
    return { ...(await countKeys(this.database)), state, keys: this.database.cipher.keys.length, finishedAt, failure };
  }

  async rotate(): Promise<RotationStatus> {
    if (!this.running) {
      // What cannot begin is the caller's error.
      await new Promise<void>((resolve, reject) => {
        this.run((options) => rotateDataKey(this.database, { ...options, reached: () => resolve() })).then(
          resolve,
          reject,
        );
      });
    }
    return this.status();
  }

  /** Goes on with a rotation that a stop, or a crash, has cut off. */
  resume(): void {
    const { cipher } = this.database;
    if (cipher.keys.length === 1 || this.running) return;
    this.run((options) => finishRotation(this.database, options)).then(
      () => {
        if (cipher.keys.length > 1) this.logger.log('everything is under the first data key: the others can go');
      },
      () => undefined,
    );
  }

  /** Stops after the batch that runs now. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running?.catch(() => undefined);
  }

  private run(work: (options: RotationOptions) => Promise<void>): Promise<void> {
    this.failure = null;
    const run = this.apart(() => work({ signal: this.stopping.signal })).then(
      () => {
        this.finishedAt = new Date();
        this.logger.log('all voice embeddings are encrypted with the current data key');
      },
      (error: unknown) => {
        this.failure = error instanceof TimbreError ? error.message : 'see the log';
        if (!this.stopping.signal.aborted)
          this.logger.error({ err: error, msg: 'the rotation of the data key stopped' });
        throw error;
      },
    );
    this.running = run.finally(() => (this.running = undefined));
    this.running.catch(() => undefined);
    return run;
  }
}
