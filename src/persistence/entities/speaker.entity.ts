import { EntitySchema } from 'typeorm';

export interface SpeakerRow {
  id: string;
  name: string | null;
  /** Milliseconds since 1970. */
  createdAt: number;
  updatedAt: number;
  version: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const SpeakerEntity = new EntitySchema<SpeakerRow>({
  name: 'Speaker',
  tableName: 'speakers',
  columns: {
    id: { type: 'text', primary: true },
    name: { type: 'text', nullable: true },
    createdAt: { type: 'integer', name: 'created_at' },
    updatedAt: { type: 'integer', name: 'updated_at' },
    version: { type: 'integer' },
  },
  indices: [{ name: 'speakers_in_order', columns: ['createdAt', 'id'] }],
});
