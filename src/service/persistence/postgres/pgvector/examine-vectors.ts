import type { EntityManager } from 'typeorm';
import { TimbreError } from '../../../../errors/timbre-error.js';
import type { VectorsReport } from '../../common/examine.js';
import { ask } from '../../common/dialect.js';
import { Register } from '../../common/register.js';
import { TypeOrmProfileRepository } from '../../common/repositories/typeorm-profile.repository.js';
import type { VectorCipher } from '../../common/vector-cipher.js';
import { SecretRotation } from './secret-rotation.js';
import { EVERYBODY, hasVectorTables, readSecret } from './vector-tables.js';

const PROFILES_AT_ONCE = 200;

/** Two vectors of which one was rounded to half precision have a higher cosine where they are the same. */
const SAME_COSINE = 0.999;

interface Due {
  speakerId: string;
  subject: string;
}

/**
 * Compares the table that is searched with the profiles, as they are at one moment; null where there is none. Who is marked is
 * to be filled in yet, and misses nothing. Errors: ABORTED, those of the storage.
 */
export async function examineVectors(
  manager: EntityManager,
  cipher: VectorCipher,
  signal?: AbortSignal,
): Promise<VectorsReport | null> {
  if (!(await hasVectorTables(manager))) return null;
  const [counts] = await ask<{ rows: number; due: number }>(
    manager,
    `SELECT (SELECT COUNT(*) FROM voice_vectors) AS rows, (SELECT COUNT(*) FROM voice_index_due) AS due`,
  );
  const report: VectorsReport = { ...counts!, missing: 0, wrong: 0 };
  const secret = await secretOf(manager, cipher);
  const origins = await ask<{ number: number; model: string; frontEnd: string }>(
    manager,
    'SELECT number, model, front_end AS "frontEnd" FROM voice_index_origins ORDER BY number',
  );
  for (const { number, ...origin } of origins) {
    const profiles = new TypeOrmProfileRepository(manager, cipher, new Register(cipher));
    let rotation: SecretRotation | undefined;
    for (let after = ''; ;) {
      if (signal?.aborted) throw new TimbreError('ABORTED', 'the examination was stopped');
      const page = await searched(manager, origin, after);
      const voices = await profiles.voicesOf(
        page.map(({ subject }) => subject),
        origin,
      );
      const stored = await vectorsOf(manager, number, page);
      for (const voice of voices) {
        // What cannot be read is a finding of its own.
        if ('error' in voice) continue;
        const { speakerId, groups, centroid } = voice;
        const own = stored.get(speakerId) ?? new Map<string, number[]>();
        rotation ??= secret && new SecretRotation(secret, centroid.length);
        const turned = rotation?.turn(centroid);
        for (const set of [EVERYBODY, ...groups]) {
          const vector = own.get(set);
          own.delete(set);
          if (!vector) report.missing++;
          else if (!turned || cosine(turned, vector) < SAME_COSINE) report.wrong++;
        }
        // Of groups that he is no member of.
        report.wrong += own.size;
      }
      if (page.length < PROFILES_AT_ONCE) break;
      after = page.at(-1)!.speakerId;
    }
  }
  secret?.fill(0);
  return report;
}

/** Those who can be found by an origin, and are not marked. */
function searched(
  manager: EntityManager,
  { model, frontEnd }: { model: string; frontEnd: string },
  after: string,
): Promise<Due[]> {
  return ask<Due>(
    manager,
    `SELECT p.speaker_id AS "speakerId", s.subject FROM profiles p JOIN speakers s ON s.id = p.speaker_id
     WHERE p.model = ?1 AND p.front_end = ?2 AND p.status = 'Enrolled' AND s.consent_withdrawn_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM voice_index_due d
         WHERE d.speaker_id = p.speaker_id AND d.model = p.model AND d.front_end = p.front_end)
       AND p.speaker_id > ?3 ORDER BY p.speaker_id LIMIT ?4`,
    [model, frontEnd, after, PROFILES_AT_ONCE],
  );
}

/** By speaker and set. */
async function vectorsOf(
  manager: EntityManager,
  origin: number,
  page: readonly Due[],
): Promise<Map<string, Map<string, number[]>>> {
  const rows = await ask<{ speakerId: string; groupUid: string; vector: string }>(
    manager,
    `SELECT speaker_id AS "speakerId", group_uid AS "groupUid", CAST(vector AS text) AS vector FROM voice_vectors
     WHERE origin = ? AND speaker_id = ANY(CAST(? AS text[]))`,
    [origin, page.map(({ speakerId }) => speakerId)],
  );
  const found = new Map<string, Map<string, number[]>>();
  for (const { speakerId, groupUid, vector } of rows) {
    const own = found.get(speakerId) ?? new Map<string, number[]>();
    found.set(speakerId, own.set(groupUid, JSON.parse(vector) as number[]));
  }
  return found;
}

/** Undefined where it does not open: nothing in the table is what it should be then. */
async function secretOf(manager: EntityManager, cipher: VectorCipher): Promise<Buffer | undefined> {
  try {
    return (await readSecret(manager, cipher)).secret;
  } catch (error) {
    if (error instanceof TimbreError && error.code === 'STORAGE_INVALID') return undefined;
    throw error;
  }
}

function cosine(one: Float64Array, other: readonly number[]): number {
  if (one.length !== other.length) return 0;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < one.length; i++) {
    sum += one[i]! * other[i]!;
    squares += other[i]! * other[i]!;
  }
  return sum / Math.sqrt(squares || 1);
}
