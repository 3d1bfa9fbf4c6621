import { EntitySchema, type EntitySchemaColumnOptions, type ObjectLiteral } from 'typeorm';
import { ORDERED_TABLES } from '../common/dialect.js';
import { ENTITIES } from '../common/entities/index.js';

/** PostgreSQL's types of what SQLite has: its `integer` is too short for times, and its `real` for what is vouched for. */
const TYPES: Readonly<Record<string, EntitySchemaColumnOptions['type']>> = {
  integer: 'bigint',
  real: 'double precision',
  blob: 'bytea',
};

/** Texts are in the order of their code points, as everywhere else, and not in that of a language. */
const COLLATION = 'C';

/** Numbers the rows in the order in which they came, as SQLite does by itself: sums of embeddings depend on it. */
const ROW_ORDER: EntitySchemaColumnOptions = {
  type: 'bigint',
  name: 'rowid',
  // The types of entity schemas lack it.
  generated: 'identity' as 'increment',
  select: false,
  insert: false,
  update: false,
};

/** The same tables as PostgreSQL has them; found by the names of the entities. */
export const POSTGRES_ENTITIES = ENTITIES.map((entity) => translated(entity as EntitySchema<ObjectLiteral>));

function translated({ options }: EntitySchema<ObjectLiteral>): EntitySchema<ObjectLiteral> {
  const columns = Object.entries(options.columns).map(([name, column]) => [name, translatedColumn(column!)] as const);
  const own = ORDERED_TABLES.includes(options.tableName!) ? { rowOrder: ROW_ORDER } : {};
  // eslint-disable-next-line @typescript-eslint/no-misused-spread, @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
  return new EntitySchema({ ...options, columns: { ...Object.fromEntries(columns), ...own } });
}

function translatedColumn({ generated: _, ...column }: EntitySchemaColumnOptions): EntitySchemaColumnOptions {
  const type = TYPES[column.type as string] ?? column.type;
  // Numbers are given: the trail counts for itself, and so does the feed.
  return { ...column, type, ...(type === 'text' || type === 'simple-json' ? { collation: COLLATION } : {}) };
}
