import { Leader } from '../../records/leader.js';
import type { PostgresDatabase } from './postgres-database.js';

/** Who has a lock of the task's name leads, for as long as the work goes on. */
export class PostgresLeader extends Leader {
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(private readonly database: PostgresDatabase) {
    super();
  }

  lead<T>(task: string, work: () => Promise<T>): Promise<T | null> {
    const run = (this.last.get(task) ?? Promise.resolve()).then(() => this.database.locked(`task ${task}`, work));
    this.last.set(
      task,
      run.catch(() => undefined),
    );
    return run;
  }
}
