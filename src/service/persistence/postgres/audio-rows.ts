import type { SealedPieces } from '../common/sealed-audio.js';

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

  async remove(id: string): Promise<void> {
    await this.statement('DELETE FROM kept_audio WHERE recording_id = $1', [id]);
  }
}
