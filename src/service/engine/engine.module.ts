import { Module } from '@nestjs/common';
import { AddonEngine } from './addon-engine.js';
import { Draining } from './draining.js';
import { EmbeddingEngine } from './embedding-engine.js';

@Module({
  providers: [AddonEngine, { provide: EmbeddingEngine, useExisting: AddonEngine }, Draining],
  exports: [EmbeddingEngine, AddonEngine, Draining],
})
export class EngineModule {}
