import { Module } from '@nestjs/common';
import { AddonEngine } from './addon-engine.js';
import { Draining } from './draining.js';
import { KeptBundle } from './kept-bundle.js';
import { EmbeddingEngine } from './embedding-engine.js';

@Module({
  providers: [KeptBundle, AddonEngine, { provide: EmbeddingEngine, useExisting: AddonEngine }, Draining],
  exports: [EmbeddingEngine, AddonEngine, KeptBundle, Draining],
})
export class EngineModule {}
