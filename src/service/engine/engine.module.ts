import { Global, Module } from '@nestjs/common';
import { AddonEngine } from './addon-engine.js';
import { EmbeddingEngine } from './embedding-engine.js';

@Global()
@Module({
  providers: [AddonEngine, { provide: EmbeddingEngine, useExisting: AddonEngine }],
  exports: [EmbeddingEngine, AddonEngine],
})
export class EngineModule {}
