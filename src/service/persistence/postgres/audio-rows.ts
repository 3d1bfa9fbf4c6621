import { AUDIO_AT_ONCE, UNNAMED_MS, type SealedPieces } from '../common/sealed-audio.js';

/** Runs a statement whose parameters are `$1` and so on, and gives its rows. */
type Statement = (sql: string, values: unknown[]) => Promise<unknown[]>;

/** Sealed audio in a schema, a row for each piece. */
export class AudioRows implements SealedPieces {
  constructor(private readonly statement: Statement) {}

  async write(id: string, pieces: AsyncIterable<Buffer>): Promise<void> {
    let piece = 0;
    try {
      for await (const sealed of pieces) {
        await this.statement('INSERT INTO kept_audio (recording_id, piece, sealed) VALUES ($1, $2, $3)', [
          id,
          piece++,
          sealed,
        ]);
      }
    } catch (error) {
      // What cannot be deleted now is swept.
      await this.remove(id).catch(() => undefined);
      throw error;
    }
  }

  async read(id: string, piece: number): Promise<Buffer | null> {
    const [row] = (await this.statement('SELECT sealed FROM kept_audio WHERE recording_id = $1 AND piece = $2', [
      id,
      piece,
    ])) as { sealed: Buffer }[];
    return row?.sealed ?? null;
  }

  async lengths(ids: readonly string[]): Promise<Map<string, number>> {
    const rows = (await this.statement(
      `SELECT recording_id AS id, CAST(SUM(octet_length(sealed)) AS bigint) AS bytes FROM kept_audio
       WHERE recording_id = ANY (CAST($1 AS text[])) GROUP BY recording_id`,
      [ids],
    )) as { id: string; bytes: number }[];
    return new Map(rows.map(({ id, bytes }) => [id, bytes]));
  }

  /** Ids of audio that no record names and that is older than `UNNAMED_MS`, in pages; one may have none. */
  async *unnamed(): AsyncGenerator<string[], void, undefined> {
    for (let after = ''; ;) {
      const page = (await this.statement(
        `WITH page AS (
           SELECT DISTINCT recording_id AS id FROM kept_audio WHERE recording_id > $1 ORDER BY recording_id LIMIT $2
         )
         SELECT p.id, NOT EXISTS (SELECT 1 FROM kept_recordings r WHERE r.id = p.id)
           AND (SELECT MAX(a.stored_at) FROM kept_audio a WHERE a.recording_id = p.id)
             < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $3::bigint AS unnamed
         FROM page p ORDER BY p.id`,
        [after, AUDIO_AT_ONCE, UNNAMED_MS],
      )) as { id: string; unnamed: boolean }[];
      yield page.filter(({ unnamed }) => unnamed).map(({ id }) => id);
      if (page.length < AUDIO_AT_ONCE) return;
      after = page.at(-1)!.id;
    }
  }

  async remove(id: string): Promise<void> {
    await this.statement('DELETE FROM kept_audio WHERE recording_id = $1', [id]);
  }
}
