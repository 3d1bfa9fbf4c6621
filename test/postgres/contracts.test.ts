import { afterAll, beforeAll } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TableChangeFeed } from '../../src/service/persistence/common/changes.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { PostgresDatabase } from '../../src/service/persistence/postgres/postgres-database.js';
import { PostgresJobQueue } from '../../src/service/persistence/postgres/postgres-job-queue.js';
import { PostgresMaintenance } from '../../src/service/persistence/postgres/postgres-maintenance.js';
import { describeContract } from '../integration/contracts.js';
import { indexAdapter } from '../integration/indexed.js';
import { describeVoiceIndex } from '../integration/voice-index-contract.js';
import { Postgres } from './postgres.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let postgres: Postgres;

beforeAll(async () => {
  postgres = await Postgres.start();
});

afterAll(() => postgres.stop());

describeContract('PostgreSQL', async () => {
  const database = await PostgresDatabase.open(await postgres.node(postgres.newSchema()));
  return {
    store: new TypeOrmUnitOfWork(database),
    feed: new TableChangeFeed(database),
    maintenance: new PostgresMaintenance(database),
    queue: (clock) => new PostgresJobQueue(database, clock),
    close: () => database.close(),
  };
});

for (const kind of ['native', 'compact'] as const) {
  describeVoiceIndex(`PostgreSQL, ${kind}`, async () =>
    indexAdapter(await PostgresDatabase.open(await postgres.node(postgres.newSchema())), kind),
  );
}
