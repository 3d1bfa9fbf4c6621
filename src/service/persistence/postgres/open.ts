import { SystemClock } from '../../../support/clock.js';
import { WINDOW_SECONDS } from '../../access/request-rate.js';
import type { Config } from '../../config/config.js';
import { TableChangeFeed } from '../common/changes.js';
import type { Storage } from '../common/storage.js';
import { TypeOrmDataKeys } from '../common/typeorm-data-keys.js';
import { TypeOrmUnitOfWork } from '../common/typeorm-unit-of-work.js';
import { addressWithPassword } from './password-file.js';
import { PgvectorDatabase } from './pgvector/pgvector-database.js';
import { PostgresDatabase, type PostgresOptions } from './postgres-database.js';
import { PostgresJobQueue } from './postgres-job-queue.js';
import { PostgresKeptAudio } from './postgres-kept-audio.js';
import { postgresKeyStore } from './postgres-key-store.js';
import { PostgresLeader } from './postgres-leader.js';
import { PostgresLimiter } from './postgres-limiter.js';
import { PostgresMaintenance } from './postgres-maintenance.js';
import { PostgresSessions } from './postgres-sessions.js';

/** The ports on a PostgreSQL database, which other nodes may have open too. Errors: those of the storage. */
export async function openPostgres(config: Config): Promise<Storage> {
  const database = await PostgresDatabase.open(postgresOptionsOf(config));
  try {
    const changeFeed = new TableChangeFeed(database, true);
    const vectorDatabase = config.vectorIndex === 'pgvector' ? await PgvectorDatabase.open(database, changeFeed) : null;
    const jobQueue = new PostgresJobQueue(database, new SharedClock(database));
    await jobQueue.takeOver();
    return {
      store: database,
      unitOfWork: new TypeOrmUnitOfWork(database),
      maintenance: new PostgresMaintenance(database),
      changeFeed,
      jobQueue,
      keptAudio: new PostgresKeptAudio(database),
      leader: new PostgresLeader(database),
      limiter: new PostgresLimiter(database, config.rateLimit, WINDOW_SECONDS),
      keyStore: postgresKeyStore(database),
      sessions: new PostgresSessions(database),
      dataKeys: new PostgresDataKeys(database),
      vectorDatabase,
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Errors: INVALID_ARGUMENT for a file of the password that has none. */
export function postgresOptionsOf(config: Config): PostgresOptions {
  const { dataDir, dataKey, dataKeyFile, epochFile, storageWaitSeconds } = config;
  const { databaseSchema, databasePool, databaseStatementSeconds } = config;
  return {
    folder: dataDir,
    key: dataKey || undefined,
    keyFile: dataKeyFile,
    epochFile,
    url: addressWithPassword(config),
    schema: databaseSchema,
    pool: databasePool,
    waitMs: storageWaitSeconds * 1000,
    statementMs: databaseStatementSeconds * 1000,
  };
}

/** A key file is one node's own: nobody else could read what is written with a key that is put into it. */
export class PostgresDataKeys extends TypeOrmDataKeys {
  constructor(private readonly postgres: PostgresDatabase) {
    super(postgres);
  }

  protected override apart(work: () => Promise<void>): Promise<void> {
    const { postgres } = this;
    return postgres.keys.changeable === true ? postgres.withoutOthers('rotating the data key', work) : work();
  }
}

/** The time that all nodes share, whatever their own clocks say. */
class SharedClock extends SystemClock {
  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  override now(): Date {
    return this.database.now();
  }
}
