import { afterAll, beforeAll } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PostgresDatabase } from '../../src/service/persistence/postgres/postgres-database.js';
import { indexAdapter } from '../integration/indexed.js';
import { describeVoiceIndex } from '../integration/voice-index-contract.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;

beforeAll(async () => {
  postgres = await Postgres.start({ edition: 'pgvector' });
});

afterAll(() => postgres.stop());

describeVoiceIndex('pgvector', async () =>
  indexAdapter(await PostgresDatabase.open(await postgres.node(postgres.newSchema())), 'pgvector'),
);
