import { EntitySchema } from 'typeorm';

/** How many rows there are of something; the database moves it with every row that comes and goes. */
export interface CounterRow {
  name: string;
  value: number;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const CounterEntity = new EntitySchema<CounterRow>({
  name: 'Counter',
  tableName: 'counters',
  columns: {
    name: { type: 'text', primary: true },
    value: { type: 'integer' },
  },
});
