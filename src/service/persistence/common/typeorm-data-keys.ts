import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataKeys, type RotationStatus } from '../../data-keys/data-keys.js';
import { TimbreError } from '../../../errors/timbre-error.js';
import type { Store } from './store.js';
import { countKeys, finishRotation, rotateDataKey, type RotationOptions } from './key-rotation.js';

/** Pause of a rotation whose database has gone, doubled each time. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

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
    this.run((options) => this.whileItPasses(() => finishRotation(this.database, options))).then(
      () => {
        if (cipher.keys.length === 1) return;
        this.logger.log(
          'everything was under the first data key when it was passed: once every service on this database has said so, with the ' +
            'same key first, the others can go',
        );
      },
      () => undefined,
    );
  }

  /** Stops after the batch that runs now. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running?.catch(() => undefined);
  }

  /** The work, again and again where the database is gone for a while: nobody has asked for it who could ask again. */
  private async whileItPasses(work: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, 2 * pause)) {
      try {
        await work();
        return;
      } catch (error) {
        if (!(error instanceof TimbreError && error.code === 'STORAGE_UNAVAILABLE') || signal.aborted) throw error;
        this.logger.warn({ err: error, msg: `the rotation of the data key goes on in ${pause / 1000} s` });
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
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
