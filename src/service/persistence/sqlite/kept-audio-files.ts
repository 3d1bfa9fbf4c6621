import { Logger } from '@nestjs/common';
import { ask, affect, dialectOf } from '../common/dialect.js';
import { AUDIO_AT_ONCE, namedAudio, SealedAudio } from '../common/sealed-audio.js';
import type { AudioFiles } from './audio-files.js';
import type { Database } from './database.js';

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
    if (ids.length === 0) return;
    const named = await this.named(ids);
    await this.wipe(ids.filter((id) => !named.has(id)));
  }

  /** One after the other: two that are asked for at once would find the same files. */
  removeDeleted(): Promise<void> {
    const run = this.removing.then(() => this.removeThose());
    this.removing = run.catch(() => undefined);
    return run;
  }

  protected unnamed(): AsyncGenerator<string[], void, undefined> {
    return this.files.unnamed((ids) => this.named(ids));
  }

  private named(ids: readonly string[]): Promise<Set<string>> {
    return this.database.read((manager) => namedAudio(manager, ids));
  }

  private async removeThose(): Promise<void> {
    for (;;) {
      const ids = await this.database.read(async (manager) =>
        (await ask<{ id: string }>(manager, 'SELECT id FROM deleted_recordings LIMIT ?', [AUDIO_AT_ONCE])).map(
          ({ id }) => id,
        ),
      );
      if (ids.length === 0) return;
      await this.wipe(ids);
      await this.database.query(async (manager) => {
        const { within, value } = dialectOf(manager).list(ids);
        await affect(manager, `DELETE FROM deleted_recordings WHERE id IN ${within}`, [value]);
      });
    }
  }

  /** One that cannot be removed keeps no other from going. Errors: that of the first of them, at the end. */
  private async wipe(ids: readonly string[]): Promise<void> {
    let failure: { error: unknown } | undefined;
    for (const id of ids) {
      try {
        await this.files.remove(id);
      } catch (error) {
        this.logger.warn({ err: error, msg: 'the file of a deleted recording cannot be removed yet' });
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }
}
