import { EntitySchema } from 'typeorm';

/** What the database knows about itself. */
export interface SettingRow {
  name: string;
  value: Buffer;
}

export const SettingEntity = new EntitySchema<SettingRow>({
  name: 'Setting',
  tableName: 'settings',
  columns: {
    name: { type: 'text', primary: true },
    value: { type: 'blob' },
  },
});
