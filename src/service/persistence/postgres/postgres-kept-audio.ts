import { SealedAudio, UNNAMED_MS } from '../common/sealed-audio.js';
import { AudioRows } from './audio-rows.js';
import type { PostgresDatabase } from './postgres-database.js';

/** Rows of pieces, which all nodes see. A trigger deletes them with the record that names them. */
export class PostgresKeptAudio extends SealedAudio {
  constructor(private readonly database: PostgresDatabase) {
    super(new AudioRows((sql, values) => database.statement(sql, values)));
  }

  async discard(ids: readonly string[]): Promise<void> {
    await this.database.statement(
      `DELETE FROM kept_audio a WHERE a.recording_id = ANY (CAST($1 AS text[]))
         AND NOT EXISTS (SELECT 1 FROM kept_recordings r WHERE r.id = a.recording_id)`,
      [[...ids]],
    );
  }

  removeDeleted(): Promise<void> {
    return Promise.resolve();
  }

  async sweep(): Promise<number> {
    const [row] = await this.database.statement<{ count: number }>(
      `WITH gone AS (
         DELETE FROM kept_audio a WHERE a.stored_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1::bigint
           AND NOT EXISTS (SELECT 1 FROM kept_recordings r WHERE r.id = a.recording_id)
         RETURNING a.recording_id
       ) SELECT COUNT(DISTINCT recording_id)::integer AS count FROM gone`,
      [UNNAMED_MS],
    );
    return row?.count ?? 0;
  }
}
