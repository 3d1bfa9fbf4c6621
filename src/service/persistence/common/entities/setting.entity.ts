import { EntitySchema } from 'typeorm';

/** What the database knows about itself. */
export interface SettingRow {
  name: string;
  value: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const SettingEntity = new EntitySchema<SettingRow>({
  name: 'Setting',
  tableName: 'settings',
  columns: {
    name: { type: 'text', primary: true },
    value: { type: 'blob' },
  },
});
