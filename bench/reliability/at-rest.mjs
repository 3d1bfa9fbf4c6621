// What must be true of a data folder whose service was killed, as its successor finds it.
import { cpSync, rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { DATABASE_FILE, Database } from '../../dist/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../dist/service/persistence/common/typeorm-unit-of-work.js';
import { buildProfile } from '../../dist/service/records/profile.js';

const ALL = 1_000_000;

/** @typedef {{ speakerId: string, sha256: string }} Told a recording that the service said it has */

/**
 * Everything that is wrong with a copy of the folder, a line each. The folder itself is left as it was: recovering it
 * is the service's business.
 * @param {string} folder
 * @param {string} copy
 * @param {{ told: readonly Told[], jobs: ReadonlyMap<string, unknown>, removed: ReadonlySet<string> }} known
 * @param {{ requiredSpeechSeconds: number, outlierCosine: number }} policy
 */
export async function checkAtRest(folder, copy, { told, jobs, removed }, policy) {
  cpSync(folder, copy, { recursive: true, filter: (path) => !path.endsWith(`${DATABASE_FILE}.lock`) });
  const database = await Database.open({ folder: copy });
  /** @type {string[]} */
  const wrong = [];
  try {
    const pragma = (/** @type {string} */ name) => database.query((manager) => manager.query(`PRAGMA ${name}`));
    const [{ integrity_check: integrity }] = await pragma('integrity_check');
    if (integrity !== 'ok') wrong.push(`integrity_check: ${integrity}`);
    const dangling = await pragma('foreign_key_check');
    if (dangling.length > 0) wrong.push(`foreign_key_check: ${JSON.stringify(dangling.slice(0, 3))}`);

    const found = await new TypeOrmUnitOfWork(database).read((records) =>
      checkRecords(records, { told, jobs, removed }, policy),
    );
    wrong.push(...found.wrong);
    return { wrong, counts: { ...found.counts, keys: database.cipher.keys.length } };
  } finally {
    await database.close();
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * Everything that is wrong with what is stored at one moment, a line each.
 * @param {import('../../dist/service/records/unit-of-work.js').VoiceRecords} records
 * @param {{ told: readonly Told[], jobs: ReadonlyMap<string, unknown>, removed: ReadonlySet<string> }} known
 * @param {{ requiredSpeechSeconds: number, outlierCosine: number }} policy
 * @param {(item: import('../../dist/service/records/job.js').JobItem) => boolean} [mayFail] recordings of jobs that nobody
 *   expects to be enrolled
 */
export async function checkRecords(records, { told, jobs, removed }, policy, mayFail = () => false) {
  /** @type {string[]} */
  const wrong = [];
  const counts = { speakers: 0, enrolments: 0, profiles: 0, jobs: 0, items: 0 };
  /** `speaker sha256`. @type {Set<string>} */
  const stored = new Set();
  for (const { id } of await records.speakers.page(null, ALL)) {
    const enrolments = await records.enrollments.withEmbeddings(id, null, ALL);
    counts.speakers++;
    counts.enrolments += enrolments.length;
    for (const { contentSha256 } of enrolments) {
      const one = `${id} ${contentSha256}`;
      if (stored.has(one)) wrong.push(`twice: ${one} is enrolled again`);
      stored.add(one);
    }
    wrong.push(...(await checkProfiles(records, id, enrolments, policy, counts)));
  }
  for (const { speakerId, sha256 } of told) {
    if (!stored.has(`${speakerId} ${sha256}`)) wrong.push(`lost: ${sha256} of ${speakerId}, which was acknowledged`);
  }
  const found = new Set();
  /** Names of the recordings of jobs. @type {Set<string>} */
  const names = new Set();
  for (const job of await records.jobs.page(null, ALL)) {
    counts.jobs++;
    found.add(job.id);
    const items = await records.jobs.items(job.id, 0, ALL);
    wrong.push(...(await checkJob(records, job, items, counts, mayFail)));
    for (const name of items.flatMap(({ path, fileName }) => path ?? fileName ?? [])) {
      if (names.has(name)) wrong.push(`twice: ${name} is in two jobs, and was handed in once`);
      names.add(name);
    }
  }
  for (const id of jobs.keys()) if (!found.has(id) && !removed.has(id)) wrong.push(`lost: job ${id}`);
  return { wrong, counts, stored, names };
}

/** A profile must be that of the enrolments beside it. */
async function checkProfiles({ profiles }, id, enrolments, policy, counts) {
  const wrong = [];
  const origins = new Map(enrolments.map(({ origin }) => [`${origin.model} ${origin.frontEnd}`, origin]));
  for (const [name, origin] of origins) {
    const profile = await profiles.find(id, origin);
    if (!profile) {
      wrong.push(`half: ${id} has enrolments of ${name} and no profile`);
      continue;
    }
    counts.profiles++;
    const inputs = enrolments
      .filter((one) => one.verdict.accepted && `${one.origin.model} ${one.origin.frontEnd}` === name)
      .map((one) => ({ enrollmentId: one.id, embedding: one.embedding, speechSeconds: one.measures.speechSeconds }));
    const expected = buildProfile(id, origin, inputs, policy, profile.updatedAt);
    if (!isDeepStrictEqual(expected, profile)) wrong.push(`half: the profile of ${id} is another`);
  }
  const stray = (await profiles.origins(id)).filter(({ model, frontEnd }) => !origins.has(`${model} ${frontEnd}`));
  if (stray.length > 0) wrong.push(`half: ${id} has a profile without enrolments`);
  return wrong;
}

/** A job's counts must be those of its recordings, and a recording that is done must be enrolled, by itself. */
async function checkJob({ enrollments }, job, items, counts, mayFail) {
  const wrong = [];
  counts.items += items.length;
  const of = (/** @type {string} */ state) => items.filter((item) => item.state === state).length;
  const queued = job.total - job.done - job.failed - job.cancelled;
  const expected = { queued, done: job.done, failed: job.failed, cancelled: job.cancelled };
  for (const [state, count] of Object.entries(expected)) {
    if (of(state) !== count) wrong.push(`job ${job.id}: ${of(state)} recordings are ${state}, it says ${count}`);
  }
  const events = items.flatMap(({ event }) => (event === null ? [] : [event])).sort((a, b) => a - b);
  if (events.some((event, i) => event !== i + 1)) wrong.push(`job ${job.id}: its events are ${events.join()}`);
  for (const item of items) {
    const { index, state, result, error, speakerId } = item;
    if (state === 'failed' && !mayFail(item)) {
      wrong.push(`job ${job.id}: recording ${index} failed: ${error.code}: ${error.message}`);
    }
    // Of a speaker who was erased nothing is left.
    if (state !== 'done' || speakerId === null) continue;
    // All recordings differ: one that was there already was enrolled without its outcome.
    if (result.duplicate) wrong.push(`job ${job.id}: recording ${index} was worked on twice`);
    if (!(await enrollments.find(speakerId, result.enrollmentId))) {
      wrong.push(`job ${job.id}: recording ${index} is done and not enrolled`);
    }
  }
  return wrong;
}
