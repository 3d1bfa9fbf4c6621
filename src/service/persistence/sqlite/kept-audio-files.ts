import { Logger } from '@nestjs/common';
import { ask, affect, dialectOf } from '../common/dialect.js';
import { SealedAudio, UNNAMED_MS } from '../common/sealed-audio.js';
import type { AudioFiles } from './audio-files.js';
import type { Database } from './database.js';

/** Files looked up, or removed, at once. */
const BATCH = 200;

/** Files, which a trigger notes the names of when the records that name them are deleted. */
export class KeptAudioFiles extends SealedAudio {
  private readonly logger = new Logger('Recordings');
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly files: AudioFiles,
  ) {
    super(files);
    database.removeFilesWith(() => this.removeDeleted());
  }

  async discard(ids: readonly string[]): Promise<void> {
    for (const id of await this.unnamed(ids)) await this.wipe(id);
  }

  /** One after the other: two that are asked for at once would find the same files. */
  removeDeleted(): Promise<void> {
    const run = this.removing.then(() => this.removeThose());
    this.removing = run.catch(() => undefined);
    return run;
  }

  async sweep(atStart: boolean): Promise<number> {
    await this.removeDeleted();
    let swept = 0;
    const names = await this.files.ids();
    for (let from = 0; from < names.length; from += BATCH) {
      for (const name of await this.unnamed(names.slice(from, from + BATCH))) {
        if (!atStart && (await this.files.age(name)) <= UNNAMED_MS) continue;
        await this.wipe(name);
        swept++;
      }
    }
    return swept;
  }

  /** Those of these that no record names. */
  private async unnamed(ids: readonly string[]): Promise<string[]> {
    const named = await this.database.read(async (manager) => {
      const { within, value } = dialectOf(manager).list(ids);
      const rows = await ask<{ id: string }>(manager, `SELECT id FROM kept_recordings WHERE id IN ${within}`, [value]);
      return new Set(rows.map(({ id }) => id));
    });
    return ids.filter((id) => !named.has(id));
  }

  private async removeThose(): Promise<void> {
    for (;;) {
      const ids = await this.database.read(async (manager) =>
        (await ask<{ id: string }>(manager, 'SELECT id FROM deleted_recordings LIMIT ?', [BATCH])).map(({ id }) => id),
      );
      if (ids.length === 0) return;
      for (const id of ids) await this.wipe(id);
      await this.database.query(async (manager) => {
        const { within, value } = dialectOf(manager).list(ids);
        await affect(manager, `DELETE FROM deleted_recordings WHERE id IN ${within}`, [value]);
      });
    }
  }

  private async wipe(id: string): Promise<void> {
    try {
      await this.files.remove(id);
    } catch (error) {
      this.logger.warn({ err: error, msg: 'the file of a deleted recording cannot be removed yet' });
      throw error;
    }
  }
}
