import { Limiter } from '../../access/limiter.js';
import type { PostgresDatabase } from './postgres-database.js';

/** How often counts that have ended are removed. */
const TIDY_MS = 60_000;

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/**
 * Counts of all nodes, by the clock of PostgreSQL: those of the nodes may differ. A row for each source, which a request
 * changes by one statement.
 */
export class PostgresLimiter extends Limiter {
  private tidied = performance.now();

  /** So many times within so many seconds. */
  constructor(
    private readonly database: PostgresDatabase,
    private readonly points: number,
    private readonly duration: number,
  ) {
    super();
  }

  async take(source: string): Promise<number> {
    this.tidy();
    const [row] = await this.database.statement<{ points: number; left: number }>(
      `INSERT INTO rates AS r (key, points, expire) VALUES ($1, 1, ${NOW} + $2)
       ON CONFLICT (key) DO UPDATE SET
         points = CASE WHEN r.expire <= ${NOW} THEN 1 ELSE least(r.points, 1000000000) + 1 END,
         expire = CASE WHEN r.expire <= ${NOW} THEN ${NOW} + $2 ELSE r.expire END
       RETURNING points, expire - ${NOW} AS left`,
      [source, this.duration * 1000],
    );
    return row && row.points > this.points ? Math.max(1, row.left) : 0;
  }

  /** The request that comes with it does not wait. */
  private tidy(): void {
    if (performance.now() - this.tidied < TIDY_MS) return;
    this.tidied = performance.now();
    // Where it fails, the next one does it.
    this.database.statement(`DELETE FROM rates WHERE expire < ${NOW}`, []).catch(() => undefined);
  }
}
