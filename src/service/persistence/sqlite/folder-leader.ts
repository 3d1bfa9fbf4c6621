import { Leader } from '../../records/leader.js';

/** Whoever has the lock of the data folder leads: a process whose database is open. */
export class FolderLeader extends Leader {
  private readonly last = new Map<string, Promise<unknown>>();

  lead<T>(task: string, work: () => Promise<T>): Promise<T> {
    const run = (this.last.get(task) ?? Promise.resolve()).then(work);
    this.last.set(
      task,
      run.catch(() => undefined),
    );
    return run;
  }
}
