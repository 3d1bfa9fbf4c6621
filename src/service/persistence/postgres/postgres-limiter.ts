import { Limiter } from '../../access/limiter.js';
import type { PostgresDatabase } from './postgres-database.js';

/** How often counts that have ended are removed. */
const TIDY_MS = 60_000;

/** What a node knows of a count is so old at most when it lets a request through by itself. */
const KNOWN_MS = 1000;

/** A node counts so large a share of the limit by itself at most before it tells the others. */
const UNTOLD_SHARE = 1 / 64;

/** Beyond this share of the limit, by what is known, every request is counted with those of all nodes at once. */
const EXACT_SHARE = 3 / 4;

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** What a node knows of a source. Times are of `performance.now()`. */
interface Known {
  /** Requests at all nodes, as of `at`. */
  points: number;
  at: number;
  /** When counting begins anew. */
  end: number;
  /** Requests here since `at`, that the others do not know of. */
  untold: number;
}

/**
 * Counts of all nodes, by the clock of PostgreSQL: those of the nodes may differ. A row for each source, which a node
 * changes by one statement: for a few requests at once while a source is far from the limit, and for each when it is near. No
 * request is refused below the limit; above it are let through at most as many more as nodes have untold, a 64th of the limit each.
 */
export class PostgresLimiter extends Limiter {
  private tidied = performance.now();
  private readonly known = new Map<string, Known>();

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
    const known = this.known.get(source);
    if (known && this.mayCountAlone(known)) {
      known.untold++;
      return 0;
    }
    const untold = known && performance.now() < known.end ? known.untold : 0;
    if (known) known.untold = 0;
    return this.count(source, untold + 1);
  }

  private mayCountAlone({ points, at, end, untold }: Known): boolean {
    const now = performance.now();
    return (
      now < Math.min(at + KNOWN_MS, end) &&
      untold + 1 < this.points * UNTOLD_SHARE &&
      points + untold < this.points * EXACT_SHARE
    );
  }

  /** Tells of requests, the last of which asks whether it may. */
  private async count(source: string, requests: number): Promise<number> {
    const [row] = await this.database.statement<{ points: number; left: number }>(
      `INSERT INTO rates AS r (key, points, expire) VALUES ($1, $3, ${NOW} + $2)
       ON CONFLICT (key) DO UPDATE SET
         points = CASE WHEN r.expire <= ${NOW} THEN $3 ELSE least(r.points, 1000000000) + $3 END,
         expire = CASE WHEN r.expire <= ${NOW} THEN ${NOW} + $2 ELSE r.expire END
       RETURNING points, expire - ${NOW} AS left`,
      [source, this.duration * 1000, requests],
    );
    if (!row) return 0;
    const { points, left } = row;
    const at = performance.now();
    this.known.set(source, { points, at, end: at + left, untold: this.known.get(source)?.untold ?? 0 });
    return points > this.points ? Math.max(1, left) : 0;
  }

  /** The request that comes with it does not wait. */
  private tidy(): void {
    const now = performance.now();
    if (now - this.tidied < TIDY_MS) return;
    this.tidied = now;
    for (const [source, { end }] of this.known) if (end <= now) this.known.delete(source);
    // Where it fails, the next one does it.
    this.database.statement(`DELETE FROM rates WHERE expire < ${NOW}`, []).catch(() => undefined);
  }
}
