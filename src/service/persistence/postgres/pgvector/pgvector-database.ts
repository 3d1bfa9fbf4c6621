import type { ChangeFeed } from '../../../records/change-feed.js';
import { VectorDatabase, type IndexedModel } from '../../../voices/vector-database.js';
import type { PostgresDatabase } from '../postgres-database.js';
import { PgvectorVoiceIndex } from './pgvector-voice-index.js';
import { prepareVectors, requireExtension } from './vector-tables.js';

export class PgvectorDatabase extends VectorDatabase {
  private constructor(
    private readonly database: PostgresDatabase,
    private readonly feed: ChangeFeed,
    private readonly extension: string,
  ) {
    super();
  }

  /** Makes what is missing. Errors: STORAGE_UNSUITABLE, STORAGE_REFUSED; those of the storage. */
  static async open(database: PostgresDatabase, feed: ChangeFeed): Promise<PgvectorDatabase> {
    const { cipher } = database;
    const { schema } = database.options;
    const extension = await database.query(requireExtension);
    await database.query((manager) => prepareVectors(manager, { schema, extension, cipher }));
    return new PgvectorDatabase(database, feed, extension);
  }

  voiceIndex(model: IndexedModel): PgvectorVoiceIndex {
    return new PgvectorVoiceIndex(this.database, this.feed, model, this.extension);
  }
}
