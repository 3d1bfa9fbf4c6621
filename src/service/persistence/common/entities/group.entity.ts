import { EntitySchema } from 'typeorm';
import type { KeepingSetting } from '../../../records/kept-recording.js';
import type { LearningSetting } from '../../../records/learning.js';

export interface GroupRow {
  uid: string;
  id: string;
  name: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  version: number;
  /** The database moves it with every member that comes and goes. */
  members: number;
  learning: LearningSetting | null;
  watchRate: number | null;
  keeping: KeepingSetting | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const GroupEntity = new EntitySchema<GroupRow>({
  name: 'Group',
  tableName: 'speaker_groups',
  columns: {
    uid: { type: 'text', primary: true },
    id: { type: 'text' },
    name: { type: 'text', nullable: true },
    createdAt: { type: 'integer', name: 'created_at' },
    updatedAt: { type: 'integer', name: 'updated_at' },
    version: { type: 'integer' },
    members: { type: 'integer', default: 0 },
    learning: { type: 'text', nullable: true },
    watchRate: { type: 'real', name: 'watch_rate', nullable: true },
    keeping: { type: 'text', nullable: true },
  },
  indices: [
    { name: 'speaker_groups_by_id', columns: ['id'], unique: true },
    { name: 'speaker_groups_watched', columns: ['watchRate'], where: '"watch_rate" IS NOT NULL' },
    { name: 'speaker_groups_in_order', columns: ['createdAt', 'id'] },
  ],
});
