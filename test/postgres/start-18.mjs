// One server for all the files of a run, of the version that has pgvector; those that start one of their own take the same.
import { PGVECTOR_BIN } from './cluster.mjs';
import start from './start.mjs';

export default async function start18() {
  process.env['TIMBRE_TEST_POSTGRES_BIN'] = PGVECTOR_BIN;
  process.env['TIMBRE_TEST_VECTOR_INDEX'] = 'pgvector';
  await start();
}
