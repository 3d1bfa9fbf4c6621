import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { KeptBundle } from '../engine/kept-bundle.js';
import { CurrentModel } from './current-model.js';

const NOTE = 'last model';

/**
 * Remembers which model was loaded last, so that speakers can be read while one loads or has failed, and by which names
 * models are stored.
 */
@Injectable()
export class LastModel implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('Engine');
  private stored: readonly string[] = [];

  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly kept: KeptBundle,
  ) {}

  async onModuleInit(): Promise<void> {
    const [text, origins] = await this.store.read(async ({ notes, profiles }) => [
      await notes.read(NOTE),
      await profiles.allOrigins(),
    ]);
    this.model.knowStored(origins);
    this.kept.knowPeople(origins.length > 0);
    this.stored = origins.map(({ model }) => model);
    if (text !== null) this.model.remember(JSON.parse(text) as EmbeddingOrigin);
  }

  onApplicationBootstrap(): void {
    this.engine.ready().then(
      () => this.note(),
      // The engine says what is wrong.
      () => undefined,
    );
  }

  /** Says that nobody here can be compared, and what to do. */
  private tell(model: string): void {
    if (this.stored.length === 0 || this.stored.includes(model)) return;
    const names = [...new Set(this.stored)].sort().join(', ');
    this.logger.warn(
      `the people of this data folder were made with ${names}, and the model that is loaded is ${model}: they answer ` +
        'MODEL_MISMATCH until they enrol again. To go on with the old one, name its bundle by TIMBRE_MODEL',
    );
  }

  private async note(): Promise<void> {
    try {
      const { model, frontEnd } = this.model.origin();
      this.tell(model);
      this.model.remember({ model, frontEnd });
      const text = JSON.stringify({ model, frontEnd });
      await this.store.transaction(async ({ notes }) => {
        if ((await notes.read(NOTE)) !== text) await notes.write(NOTE, text);
      });
    } catch (error) {
      this.logger.warn({ err: error, msg: 'which model is loaded could not be noted' });
    }
  }
}
