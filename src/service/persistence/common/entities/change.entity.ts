import { EntitySchema } from 'typeorm';
import type { ChangeKind } from '../../../records/change-feed.js';

export interface ChangeRow {
  seq: number;
  kind: ChangeKind;
  about: string;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const ChangeEntity = new EntitySchema<ChangeRow>({
  name: 'Change',
  tableName: 'changes',
  columns: {
    seq: { type: 'integer', primary: true, generated: 'increment' },
    kind: { type: 'text' },
    about: { type: 'text' },
  },
});
