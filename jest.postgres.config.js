import base from './jest.config.js';

/**
 * Tests that say nothing about a database, once more on PostgreSQL: one server for all files, a schema for each data folder.
 *
 * Of test/e2e these are left out: `client-requests` (the service there is made up), `embeddings`, `uploads`, `operations` and
 * `overload` (nothing that matters there is stored), `nest-module` (how modules are put together), `polls` (plans of SQLite),
 * `failure` (what happens to files and to a locked file; PostgreSQL's own are in test/postgres), `kill`
 * (bench/reliability/kill-nodes.mjs does it to several nodes and their server).
 */
export default {
  ...base,
  testMatch: [
    'integration/{calibrations,profiles,re-embedding,recordings,voices,unknown-voices}',
    `e2e/{${[
      'access,bound-keys,calibrations,client,conversation-names,conversations,enrolled-trials,exports,idempotency,jobs,keys',
      'no-model,openapi.property,privacy,profiles,re-embedding,recordings,unknown-voices,upgrade',
      'voices,webhooks',
    ].join(',')}}`,
  ].map((files) => `<rootDir>/test/${files}.test.ts`),
  globalSetup: '<rootDir>/test/postgres/start.mjs',
  globalTeardown: '<rootDir>/test/postgres/stop.mjs',
};
