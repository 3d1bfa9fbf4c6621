import type { PostgresOptions } from '../../src/service/persistence/postgres/postgres-database.js';
import { temporaryFolder } from '../integration/voices.js';
import { Cluster } from './cluster.mjs';

/** A server for a test file, and schemas and data folders of nodes on it. */
export class Postgres {
  private schemas = 0;
  private readonly folders: (() => Promise<void>)[] = [];

  private constructor(readonly cluster: Cluster) {}

  static async start(options: Parameters<typeof Cluster.start>[0] = {}): Promise<Postgres> {
    return new Postgres(await Cluster.start(options));
  }

  /** A name that no test had before. */
  newSchema(): string {
    return `schema_${++this.schemas}`;
  }

  /** Of a node with a data folder of its own, on a schema; with the data key of another node, where one is given. */
  async node(schema: string, { key }: { key?: string } = {}): Promise<PostgresOptions> {
    const { folder, remove } = await temporaryFolder();
    this.folders.push(remove);
    return { folder, key, url: this.cluster.url(), schema, pool: 10, waitMs: 30_000, statementMs: 60_000 };
  }

  async stop(): Promise<void> {
    await this.cluster.remove();
    for (const remove of this.folders) await remove();
  }
}
