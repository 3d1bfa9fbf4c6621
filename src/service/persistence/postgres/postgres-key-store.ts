import { TypeOrmKeyStore } from '../common/typeorm-key-store.js';
import type { PostgresDatabase } from './postgres-database.js';

/** The setting that holds the id of the local key of a node's folder. */
export function localKeyOf(node: string): string {
  return `local-key ${node}`;
}

/** Reads one moment, and waits for nobody who writes. `close`: with the database, where it is the store's own. */
export function postgresKeyStore(database: PostgresDatabase, close = () => Promise.resolve()): TypeOrmKeyStore {
  const { register } = database;
  return new TypeOrmKeyStore({
    // Each node has one in its folder.
    localKey: localKeyOf(database.nodeId),
    reading: (work) => database.readOne((manager) => work(manager, register)),
    writing: (work) => database.transaction((manager) => work(manager, register)),
    noting: (work) => database.query(work),
    close,
  });
}
