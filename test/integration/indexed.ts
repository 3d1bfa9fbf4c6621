import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import type { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import type { CurrentModel } from '../../src/service/voices/current-model.js';
import type { VoiceIndexReport } from '../../src/service/voices/voice-index.js';
import { closeStore, voiceIndexOf } from './stores.js';
import type { IndexAdapter } from './voice-index-contract.js';

/** Indexes on a database that nothing is in yet, of models that are loaded. */
export function indexAdapter(
  database: Store,
  kind: VoiceIndexReport['kind'],
  remove = async (): Promise<void> => undefined,
): IndexAdapter {
  const store = new TypeOrmUnitOfWork(database);
  const engine = { ready: () => Promise.resolve() } as unknown as EmbeddingEngine;
  return {
    store,
    database,
    index: (origin, dimension) => {
      const model = { origin: () => origin, dimension: () => dimension } as unknown as CurrentModel;
      return voiceIndexOf(database, { unitOfWork: store, feed: new TableChangeFeed(database), engine, model }, kind);
    },
    close: async () => {
      await closeStore(database);
      await remove();
    },
  };
}
