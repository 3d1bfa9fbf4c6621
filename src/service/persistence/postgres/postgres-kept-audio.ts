import { SealedAudio } from '../common/sealed-audio.js';
import { AudioRows } from './audio-rows.js';
import type { PostgresDatabase } from './postgres-database.js';

/** Rows of pieces, which all nodes see. A trigger deletes them with the record that names them. */
export class PostgresKeptAudio extends SealedAudio {
  private readonly rows: AudioRows;

  constructor(private readonly database: PostgresDatabase) {
    const rows = new AudioRows((sql, values) => database.statement(sql, values));
    super(rows);
    this.rows = rows;
  }

  async discard(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.database.statement(
      `DELETE FROM kept_audio a WHERE a.recording_id = ANY (CAST($1 AS text[]))
         AND NOT EXISTS (SELECT 1 FROM kept_recordings r WHERE r.id = a.recording_id)`,
      [[...ids]],
    );
  }

  removeDeleted(): Promise<void> {
    return Promise.resolve();
  }

  protected unnamed(): AsyncGenerator<string[], void, undefined> {
    return this.rows.unnamed();
  }
}
