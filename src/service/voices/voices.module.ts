import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { ChangeFeed } from '../records/change-feed.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { CurrentModel } from './current-model.js';
import { LastModel } from './last-model.js';
import { NativeVoiceIndex } from './native-voice-index.js';
import { VectorDatabase } from './vector-database.js';
import { VoiceIndex } from './voice-index.js';

/** `vectors`: where the setting says that the database searches. */
function indexOf(
  store: UnitOfWork,
  feed: ChangeFeed,
  engine: EmbeddingEngine,
  model: CurrentModel,
  vectors: VectorDatabase | null,
  { vectorIndex }: Config,
): VoiceIndex {
  if (!vectors) {
    return new NativeVoiceIndex(store, feed, engine, model, vectorIndex === 'compact' ? 'compact' : 'native');
  }
  return vectors.voiceIndex({
    ready: () => engine.ready(),
    origin: () => model.origin(),
    dimension: () => model.dimension(),
  });
}

/** What the features about voices share. `UnitOfWork` comes from src/persistence. */
@Module({
  providers: [
    CurrentModel,
    LastModel,
    {
      provide: VoiceIndex,
      inject: [UnitOfWork, ChangeFeed, EmbeddingEngine, CurrentModel, VectorDatabase, Config],
      useFactory: indexOf,
    },
  ],
  exports: [CurrentModel, VoiceIndex],
})
export class VoicesModule {}
