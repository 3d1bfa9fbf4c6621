import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type pg from 'pg';
import type { EntityManager } from 'typeorm';
import { seededUniform } from '../../../../evaluation/bootstrap.js';
import { affect, ask } from '../../common/dialect.js';
import type { PostgresDatabase } from '../postgres-database.js';
import {
  indexOf,
  largeSets,
  LARGEST_EF_SEARCH,
  nearestApproximately,
  nearestExactly,
  textOf,
  useIndex,
  type VectorSet,
  type VectorSpace,
} from './vector-rows.js';

/**
 * Below so many voices a set is searched row by row, which takes no longer than an index that finds nearly as many
 * (bench/results/vector-index.md: half as long among 100,000).
 */
export const LARGE_SET = 100_000;

/** Share of the ten nearest that an approximate search has to find; below, every row is looked at. */
export const LEAST_RECALL = 0.99;

/** Of the graph: neighbours of a vector, and those among whom they are chosen. */
const GRAPH = 'm = 16, ef_construction = 128';

/** How many are looked at in the graph for a search: the first of these by which enough are found. */
const EF_SEARCH = [100, 200, 400, LARGEST_EF_SEARCH];

/** Voices that searches are made for to choose among these, and as many others to say what the choice finds. */
const SAMPLE = 50;

/** The nearest that a search has to find. */
const NEAREST = 10;

/** What a search looks for is this near to a stored voice, as a recording is to a profile of its speaker. */
const QUERY_COSINE = 0.6;

/** A set that has grown, or shrunk, by this share since is measured again; and one that was measured so long ago. */
const CHANGED_SHARE = 0.1;
const MEASURED_FOR_MS = 24 * 3_600_000;

/** Building an index of ten million vectors takes hours. */
const LONGEST_MS = 12 * 3_600_000;

/** Whether a set is searched by its index. */
export function isInUse({ efSearch, recall }: VectorSet): boolean {
  return efSearch !== null && recall !== null && recall >= LEAST_RECALL;
}

/** Indexes of large sets, which find most of the nearest: made, measured, and used where they find enough. */
export class ApproximateSearch {
  private readonly logger = new Logger('Gallery');

  constructor(
    private readonly database: PostgresDatabase,
    private readonly signal: AbortSignal,
    private readonly large = LARGE_SET,
  ) {}

  /** Makes and measures what is due, where no other node does; whether anything was. Errors: those of the storage. */
  async keepUp(space: VectorSpace): Promise<boolean> {
    const due = async (): Promise<VectorSet[]> =>
      (await this.database.read((manager) => largeSets(manager, space, this.large))).filter((set) => this.isDue(set));
    if ((await due()).length === 0) return false;
    await this.database.locked('voice index', async () => {
      for (const set of await due()) {
        if (this.signal.aborted) return;
        if (set.voices < this.large) await this.drop(space, set);
        else await this.settle(space, set);
      }
    });
    return true;
  }

  private isDue({ voices, measuredVoices, measuredAt }: VectorSet): boolean {
    if (voices < this.large) return true;
    if (measuredVoices === null || measuredAt === null) return true;
    if (Math.abs(voices - measuredVoices) > CHANGED_SHARE * measuredVoices) return true;
    return Date.now() - measuredAt.getTime() > MEASURED_FOR_MS;
  }

  private async settle(space: VectorSpace, set: VectorSet): Promise<void> {
    await this.build(space, set.groupUid);
    if (this.signal.aborted) return;
    const { efSearch, recall } = await this.measure(space, set);
    await this.note(space, set.groupUid, { efSearch, recall, voices: set.voices });
    const text = `an approximate search of ${set.voices} voices finds ${(100 * recall).toFixed(1)} % of the ten nearest`;
    if (recall >= LEAST_RECALL) this.logger.log(text);
    else this.logger.warn(`${text}, fewer than ${100 * LEAST_RECALL} %: every voice is compared, which takes longer`);
  }

  /** Fewer than are worth an index: every row is looked at. */
  private async drop(space: VectorSpace, { groupUid }: VectorSet): Promise<void> {
    await this.note(space, groupUid, null);
    await this.statement(`DROP INDEX CONCURRENTLY IF EXISTS "${indexOf(space, groupUid).name}"`);
  }

  private note(
    { origin }: VectorSpace,
    groupUid: string,
    found: { efSearch: number; recall: number; voices: number } | null,
  ): Promise<number> {
    return this.database.query((manager) =>
      affect(
        manager,
        `UPDATE voice_index_sets SET ef_search = ?, recall = ?, measured_voices = ?, measured_at = ?
         WHERE origin = ? AND group_uid = ?`,
        [found?.efSearch ?? null, found?.recall ?? null, found?.voices ?? null, found && Date.now(), origin, groupUid],
      ),
    );
  }

  /** While others write; one that was cut off is made anew. */
  private async build(space: VectorSpace, groupUid: string): Promise<void> {
    const { name, vector, rows } = indexOf(space, groupUid);
    const [found] = await this.database.statement<{ valid: boolean }>(
      'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
      [`"${name}"`],
    );
    if (found?.valid === true) return;
    if (found) await this.statement(`DROP INDEX CONCURRENTLY IF EXISTS "${name}"`);
    await this.statement(
      `CREATE INDEX CONCURRENTLY "${name}" ON voice_vectors USING hnsw (${vector} ${space.extension}.halfvec_ip_ops)
       WITH (${GRAPH}) WHERE ${rows}`,
    );
  }

  /** One that no transaction is around, and that may take long: ended where the service stops. */
  private statement(text: string): Promise<void> {
    return this.database.alongside(async (client: pg.PoolClient) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const cancel = (): void =>
        void this.database.statement('SELECT pg_cancel_backend($1)', [rows[0]!.pid]).catch(() => undefined);
      this.signal.addEventListener('abort', cancel, { once: true });
      try {
        await client.query('SET statement_timeout = 0');
        if (!this.signal.aborted) await client.query({ text, query_timeout: LONGEST_MS } as pg.QueryConfig);
      } finally {
        this.signal.removeEventListener('abort', cancel);
        await client.query('RESET statement_timeout').catch(() => undefined);
      }
    });
  }

  /** Chosen by some voices, and told of others. */
  private async measure(space: VectorSpace, { groupUid }: VectorSet): Promise<{ efSearch: number; recall: number }> {
    const queries = await this.queries(space, groupUid);
    const chosenBy = queries.filter((_, i) => i % 2 === 0);
    let efSearch = LARGEST_EF_SEARCH;
    for (const each of EF_SEARCH) {
      efSearch = each;
      if ((await this.recallOf(space, groupUid, chosenBy, each)) >= LEAST_RECALL) break;
    }
    const told = queries.filter((_, i) => i % 2 === 1);
    return { efSearch, recall: await this.recallOf(space, groupUid, told, efSearch) };
  }

  /** Beside stored vectors, each in a direction that is drawn: with the ten nearest, by every row. */
  private async queries(space: VectorSpace, groupUid: string): Promise<{ text: string; nearest: string[] }[]> {
    const rows = await this.database.read((manager) =>
      ask<{ vector: string }>(
        manager,
        `SELECT CAST(vector AS text) AS vector FROM voice_vectors WHERE origin = ? AND group_uid = ?
         ORDER BY random() LIMIT ?`,
        [space.origin, groupUid, 2 * SAMPLE],
      ),
    );
    const found: { text: string; nearest: string[] }[] = [];
    for (const { vector } of rows) {
      if (this.signal.aborted) break;
      const text = textOf(beside(JSON.parse(vector) as number[]));
      const nearest = await this.database.read((manager) => nearestExactly(manager, space, [groupUid], text, NEAREST));
      found.push({ text, nearest: nearest.map(({ subject }) => subject) });
    }
    return found;
  }

  private async recallOf(
    space: VectorSpace,
    groupUid: string,
    queries: readonly { text: string; nearest: string[] }[],
    efSearch: number,
  ): Promise<number> {
    let [found, all] = [0, 0];
    for (const { text, nearest } of queries) {
      const approximate = await this.database.read(async (manager: EntityManager) => {
        await useIndex(manager, efSearch);
        return nearestApproximately(manager, space, groupUid, text, NEAREST);
      });
      const subjects = new Set(approximate.map(({ subject }) => subject));
      found += nearest.filter((subject) => subjects.has(subject)).length;
      all += nearest.length;
    }
    return all === 0 ? 0 : found / all;
  }
}

/** A vector that has the cosine `QUERY_COSINE` with another, in a direction that follows from it. */
function beside(vector: readonly number[]): number[] {
  const seed = createHash('sha256').update(JSON.stringify(vector)).digest().readUInt32BE(0);
  const random = seededUniform(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const length = Math.hypot(...vector);
  const drawn = vector.map(gauss);
  const along = drawn.reduce((sum, value, i) => sum + value * vector[i]!, 0) / length ** 2;
  const across = drawn.map((value, i) => value - along * vector[i]!);
  const width = Math.hypot(...across);
  const share = Math.sqrt(1 - QUERY_COSINE ** 2);
  return vector.map((value, i) => (QUERY_COSINE * value) / length + (share * across[i]!) / width);
}
