import { EntitySchema } from 'typeorm';

/** A node of the register, see `Register`. */
export interface RegisterRow {
  name: string;
  value: Buffer;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const RegisterEntity = new EntitySchema<RegisterRow>({
  name: 'Register',
  tableName: 'register',
  columns: {
    name: { type: 'text', primary: true },
    value: { type: 'blob' },
  },
});
