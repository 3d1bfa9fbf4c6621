import base from './jest.config.js';

/** On PostgreSQL 18, which searches voices by pgvector: its tables and migrations, and tests that say nothing of either. */
export default {
  ...base,
  testMatch: ['postgres/{contracts,database}', 'integration/{profiles,voices}', 'e2e/voices'].map(
    (files) => `<rootDir>/test/${files}.test.ts`,
  ),
  globalSetup: '<rootDir>/test/postgres/start-18.mjs',
  globalTeardown: '<rootDir>/test/postgres/stop.mjs',
};
