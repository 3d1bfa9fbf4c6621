import { Logger } from '@nestjs/common';
import { Maintenance } from '../../records/maintenance.js';
import type { PostgresDatabase } from './postgres-database.js';

/** What deleted rows leave in the files of PostgreSQL, in its log and in its backups is its operator's. */
export class PostgresMaintenance extends Maintenance {
  readonly wipes = false;
  private readonly logger = new Logger('Database');

  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  async wipeSoon(): Promise<boolean> {
    try {
      return await this.database.wipe();
    } catch (error) {
      this.logger.warn({ err: error, msg: 'the database does not answer; what was erased is gone' });
      return false;
    }
  }
}
