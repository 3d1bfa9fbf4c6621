import { Logger } from '@nestjs/common';
import { Maintenance } from '../../records/maintenance.js';
import type { Database } from './database.js';

export class SqliteMaintenance extends Maintenance {
  readonly wipes = true;
  private readonly logger = new Logger('Database');

  constructor(private readonly database: Database) {
    super();
  }

  async wipeSoon(): Promise<boolean> {
    try {
      return await this.database.wipe();
    } catch (error) {
      this.logger.warn({
        err: error,
        msg: 'traces of what was erased are left in the log of the database; trying again',
      });
      this.database.wipeLater();
      return false;
    }
  }
}
