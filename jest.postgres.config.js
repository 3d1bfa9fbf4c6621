import base from './jest.config.js';

/** Tests that say nothing about a database, once more on PostgreSQL. */
export default {
  ...base,
  testMatch: [
    'integration/{calibrations,profiles,re-embedding,recordings,voices,unknown-voices}',
    'e2e/{voices,profiles,re-embedding,recordings,jobs,idempotency,webhooks,calibrations,enrolled-trials,bound-keys,conversation-names,unknown-voices}',
  ].map((files) => `<rootDir>/test/${files}.test.ts`),
  globalSetup: '<rootDir>/test/postgres/start.mjs',
  globalTeardown: '<rootDir>/test/postgres/stop.mjs',
};
