import type { EntityManager } from 'typeorm';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import { affect, ask } from '../../common/dialect.js';
import { EVERYBODY } from './vector-tables.js';

/** Vectors of one origin, as they lie in the database. */
export interface VectorSpace {
  /** Of `voice_index_origins`. */
  origin: number;
  dimension: number;
  /** Schema of the extension, quoted. */
  extension: string;
}

/** The voices of an origin, or of a group of them: `Group.uid`, or `EVERYBODY`. */
export interface VectorSet {
  groupUid: string;
  voices: number;
  /** Of its index; null where it has none that was measured. */
  efSearch: number | null;
  recall: number | null;
  measuredVoices: number | null;
  measuredAt: Date | null;
}

/** What a search begins with. */
export interface Candidate {
  subject: string;
  /** Of vectors that were rounded to half precision. */
  cosine: number;
}

/** What is missing, and what is there. */
export interface SpaceState {
  secret: string | null;
  missing: number;
  setAside: number;
  everybody: VectorSet | null;
}

/** Number of an origin; it gets one where it has none. */
export async function originNumber(manager: EntityManager, { model, frontEnd }: EmbeddingOrigin): Promise<number> {
  const known = `SELECT number FROM voice_index_origins WHERE model = ? AND front_end = ?`;
  const [before] = await ask<{ number: number }>(manager, known, [model, frontEnd]);
  if (before) return before.number;
  const [made] = await ask<{ number: number }>(
    manager,
    'INSERT INTO voice_index_origins (model, front_end) VALUES (?, ?) RETURNING number',
    [model, frontEnd],
  );
  return made!.number;
}

/** One statement, for a connection that is in no transaction; parameters as PostgreSQL has them. */
export const STATE = `SELECT (SELECT id FROM voice_index_secrets LIMIT 1) AS secret,
  (SELECT COUNT(*) FROM voice_index_due WHERE model = $1 AND front_end = $2 AND NOT aside) AS missing,
  (SELECT COUNT(*) FROM voice_index_due WHERE model = $1 AND front_end = $2 AND aside) AS "setAside",
  (SELECT row_to_json(s) FROM voice_index_sets s WHERE origin = $3 AND group_uid = '${EVERYBODY}') AS everybody`;

export interface StateRow extends Omit<SpaceState, 'everybody'> {
  everybody: SetRow | null;
}

interface SetRow {
  group_uid: string;
  voices: number;
  ef_search: number | null;
  recall: number | null;
  measured_voices: number | null;
  measured_at: number | null;
}

export function toState({ everybody, ...state }: StateRow): SpaceState {
  return { ...state, everybody: everybody && toSet(everybody) };
}

function toSet(row: SetRow): VectorSet {
  return {
    groupUid: row.group_uid,
    voices: row.voices,
    efSearch: row.ef_search,
    recall: row.recall,
    measuredVoices: row.measured_voices,
    measuredAt: row.measured_at === null ? null : new Date(row.measured_at),
  };
}

/** Sets of these groups that have somebody. */
export async function setsOf(
  manager: EntityManager,
  { origin }: VectorSpace,
  groups: readonly string[],
): Promise<VectorSet[]> {
  return setsWhere(manager, origin, 'group_uid = ANY(CAST(? AS text[])) AND voices > 0', groups);
}

/** By what vectors are turned at this moment, and what is known of a set; null where nobody is in it, or none is named. */
export async function beginSearch(
  manager: EntityManager,
  { origin }: VectorSpace,
  groupUid: string | null,
): Promise<{ secret: string | null; set: VectorSet | null }> {
  const [row] = await ask<{ secret: string | null; set: SetRow | null }>(
    manager,
    `SELECT (SELECT id FROM voice_index_secrets LIMIT 1) AS secret, (SELECT row_to_json(s) FROM voice_index_sets s
       WHERE origin = ? AND group_uid = CAST(? AS text) AND voices > 0) AS set`,
    [origin, groupUid],
  );
  return { secret: row!.secret, set: row!.set && toSet(row!.set) };
}

/** Sets that are large, or have an index. */
export async function largeSets(manager: EntityManager, { origin }: VectorSpace, least: number): Promise<VectorSet[]> {
  return setsWhere(manager, origin, '(voices >= ? OR ef_search IS NOT NULL OR recall IS NOT NULL)', least);
}

async function setsWhere(
  manager: EntityManager,
  origin: VectorSpace['origin'],
  where: string,
  value: unknown,
): Promise<VectorSet[]> {
  const rows = await ask<SetRow>(manager, `SELECT * FROM voice_index_sets WHERE origin = ? AND ${where}`, [
    origin,
    value,
  ]);
  return rows.map(toSet);
}

/** Those marked first: subjects. */
export async function nextDue(
  manager: EntityManager,
  { model, frontEnd }: EmbeddingOrigin,
  limit: number,
): Promise<{ speakerId: string; subject: string }[]> {
  return ask(
    manager,
    `SELECT d.speaker_id AS "speakerId", s.subject FROM voice_index_due d JOIN speakers s ON s.id = d.speaker_id
     WHERE d.model = ? AND d.front_end = ? AND NOT d.aside ORDER BY d.speaker_id LIMIT ?`,
    [model, frontEnd, limit],
  );
}

/** A vector for each set that a voice is in. */
export interface VectorRow {
  speakerId: string;
  groupUid: string;
  vector: string;
}

/** Puts what these speakers have now in the place of what they had; of who has no row, nothing is left. */
export async function putVectors(
  manager: EntityManager,
  { origin, extension }: VectorSpace,
  speakerIds: readonly string[],
  rows: readonly VectorRow[],
): Promise<void> {
  const lists = [rows.map(({ groupUid }) => groupUid), rows.map(({ speakerId }) => speakerId)];
  await affect(
    manager,
    `DELETE FROM voice_vectors WHERE origin = ? AND speaker_id = ANY(CAST(? AS text[]))
       AND (group_uid, speaker_id) NOT IN (SELECT * FROM unnest(CAST(? AS text[]), CAST(? AS text[])))`,
    [origin, speakerIds, ...lists],
  );
  if (rows.length === 0) return;
  await affect(
    manager,
    `INSERT INTO voice_vectors (origin, group_uid, speaker_id, vector)
     SELECT ?, g, s, CAST(v AS ${extension}.halfvec)
     FROM unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS text[])) AS t(g, s, v)
     ON CONFLICT (origin, group_uid, speaker_id) DO UPDATE SET vector = excluded.vector`,
    [origin, ...lists, rows.map(({ vector }) => vector)],
  );
}

/** What was marked is done, or set aside. */
export async function settleDue(
  manager: EntityManager,
  { model, frontEnd }: EmbeddingOrigin,
  done: readonly string[],
  aside: readonly string[],
): Promise<void> {
  await affect(
    manager,
    'DELETE FROM voice_index_due WHERE model = ? AND front_end = ? AND speaker_id = ANY(CAST(? AS text[]))',
    [model, frontEnd, done],
  );
  if (aside.length === 0) return;
  await affect(
    manager,
    'UPDATE voice_index_due SET aside = true WHERE model = ? AND front_end = ? AND speaker_id = ANY(CAST(? AS text[]))',
    [model, frontEnd, aside],
  );
}

/** Of an inner product as pgvector has it, negative. */
const byCosine = (extension: string): string => `OPERATOR(${extension}.<#>)`;

/**
 * The nearest of sets, by every row of them: the index of the key finds the rows, and none that is approximate fits. Who is in
 * several sets comes several times.
 */
export function nearestExactly(
  manager: EntityManager,
  { origin, extension }: VectorSpace,
  groups: readonly string[],
  query: string,
  limit: number,
): Promise<Candidate[]> {
  return nearest(
    manager,
    `SELECT speaker_id, vector ${byCosine(extension)} CAST(?1 AS ${extension}.halfvec) AS distance FROM voice_vectors
     WHERE origin = ?2 AND group_uid = ANY(CAST(?3 AS text[])) ORDER BY distance LIMIT ?4`,
    [query, origin, groups, limit],
  );
}

/** The nearest of some speakers who are in one of the sets. */
export function nearestOf(
  manager: EntityManager,
  { origin, extension }: VectorSpace,
  groups: readonly string[],
  speakerIds: readonly string[],
  query: string,
  limit: number,
): Promise<Candidate[]> {
  return nearest(
    manager,
    `SELECT speaker_id, vector ${byCosine(extension)} CAST(?1 AS ${extension}.halfvec) AS distance FROM voice_vectors
     WHERE origin = ?2 AND group_uid = ANY(CAST(?3 AS text[])) AND speaker_id = ANY(CAST(?4 AS text[]))
     ORDER BY distance LIMIT ?5`,
    [query, origin, groups, speakerIds, limit],
  );
}

async function nearest(manager: EntityManager, inner: string, values: unknown[]): Promise<Candidate[]> {
  return ask<Candidate>(
    manager,
    `SELECT s.subject, - found.distance AS cosine FROM (${inner}) found JOIN speakers s ON s.id = found.speaker_id
     ORDER BY found.distance, s.subject`,
    values,
  );
}

/** What an approximate index of a set is called, and of which rows it is. */
export function indexOf({ origin, dimension, extension }: VectorSpace, groupUid: string): ApproximateIndex {
  const name = `voice_vectors_near_${origin}_${groupUid.replace(/[^0-9a-z]/gi, '').slice(0, 32) || 'all'}`;
  return {
    name,
    vector: `(vector::${extension}.halfvec(${dimension}))`,
    rows: `origin = ${origin} AND group_uid = '${groupUid.replaceAll("'", "''")}'`,
  };
}

export interface ApproximateIndex {
  name: string;
  vector: string;
  /** The condition that the rows of the set meet, as the index has it. */
  rows: string;
}

/** How many are looked at in the graph at most, for one search, before it is given up; pgvector's largest `ef_search`. */
export const LARGEST_EF_SEARCH = 1000;

/** For the searches of this transaction: no plan but the index of the set. */
export async function useIndex(manager: EntityManager, efSearch: number): Promise<void> {
  await ask(
    manager,
    `SELECT set_config('hnsw.ef_search', ?, true), set_config('hnsw.iterative_scan', 'strict_order', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_sort', 'off', true)`,
    [String(efSearch)],
  );
}

/** The nearest of one set by its approximate index, after `useIndex`. */
export function nearestApproximately(
  manager: EntityManager,
  space: VectorSpace,
  groupUid: string,
  query: string,
  limit: number,
): Promise<Candidate[]> {
  const { extension } = space;
  const { vector, rows } = indexOf(space, groupUid);
  return nearest(
    manager,
    `SELECT speaker_id, ${vector} ${byCosine(extension)} CAST(?1 AS ${extension}.halfvec) AS distance FROM voice_vectors
     WHERE ${rows} ORDER BY ${vector} ${byCosine(extension)} CAST(?1 AS ${extension}.halfvec) LIMIT ?2`,
    [query, limit],
  );
}

/** Ids of speakers of a set behind another, in their order, with their subjects. */
export function members(
  manager: EntityManager,
  { origin }: VectorSpace,
  groupUid: string,
  after: string,
  limit: number,
): Promise<{ speakerId: string; subject: string }[]> {
  return ask(
    manager,
    `SELECT v.speaker_id AS "speakerId", s.subject FROM voice_vectors v JOIN speakers s ON s.id = v.speaker_id
     WHERE v.origin = ? AND v.group_uid = ? AND v.speaker_id > ? ORDER BY v.speaker_id LIMIT ?`,
    [origin, groupUid, after, limit],
  );
}

/** Subjects of those of some speakers who are in one of the sets. */
export async function membersOf(
  manager: EntityManager,
  { origin }: VectorSpace,
  groups: readonly string[],
  speakerIds: readonly string[],
): Promise<string[]> {
  const rows = await ask<{ subject: string }>(
    manager,
    `SELECT DISTINCT s.subject FROM voice_vectors v JOIN speakers s ON s.id = v.speaker_id
     WHERE v.origin = ? AND v.group_uid = ANY(CAST(? AS text[])) AND v.speaker_id = ANY(CAST(? AS text[]))`,
    [origin, groups, speakerIds],
  );
  return rows.map(({ subject }) => subject);
}

/** How many are in one of several sets. */
export async function countMembers(
  manager: EntityManager,
  { origin }: VectorSpace,
  groups: readonly string[],
): Promise<number> {
  const [found] = await ask<{ count: number }>(
    manager,
    `SELECT COUNT(DISTINCT speaker_id) AS count FROM voice_vectors
     WHERE origin = ? AND group_uid = ANY(CAST(? AS text[]))`,
    [origin, groups],
  );
  return found?.count ?? 0;
}

/** As pgvector reads it. */
export function textOf(vector: ArrayLike<number>): string {
  // Seven digits behind the point are more than half precision has.
  return `[${Array.from(vector, (value) => value.toFixed(7)).join(',')}]`;
}
