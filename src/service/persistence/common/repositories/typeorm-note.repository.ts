import type { EntityManager } from 'typeorm';
import { NoteRepository } from '../../../records/note.repository.js';
import { SettingEntity } from '../entities/setting.entity.js';
import { findRow, insertRows } from '../rows.js';

/** Keeps them apart from what the database knows about itself. */
const PREFIX = 'note ';

export class TypeOrmNoteRepository extends NoteRepository {
  constructor(private readonly manager: EntityManager) {
    super();
  }

  async read(name: string): Promise<string | null> {
    const row = await findRow(this.manager, SettingEntity, { name: PREFIX + name });
    return row && row.value.toString('utf8');
  }

  async write(name: string, text: string): Promise<void> {
    const row = { name: PREFIX + name, value: Buffer.from(text, 'utf8') };
    await insertRows(this.manager, SettingEntity, [row], { replace: ['name'] });
  }
}
