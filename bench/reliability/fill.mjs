// A database of many people for the benchmarks that need one: made by the service's own stores, from one person who was
// enrolled by the service itself.
import { randomUUID } from 'node:crypto';
import { Database } from '../../dist/service/persistence/sqlite/database.js';
import { SqliteUnitOfWork } from '../../dist/service/persistence/sqlite/sqlite-unit-of-work.js';
import { newSpeaker } from '../../dist/service/records/speaker.js';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { random, Recordings } from './recordings.mjs';
import { serve } from './served.mjs';

/** The person whose recording and profile the others have. */
export const MODEL_PERSON = 'ada';

const BATCH = 1000;
const DAY_MS = 86_400_000;

/**
 * Has a service make a data folder with one person in it, and then fills it: `speaker-0` and on, with a recording and a
 * profile each, and entries of the audit trail at equal distances over `days` days until now, one in ten of them about
 * the first person.
 * @param {string} folder as for `serve`
 * @param {{ people: number, entries?: number, days?: number }} counts
 */
export async function fill(folder, { people, entries = 0, days = 0 }) {
  await enrolOne(folder);
  const database = await Database.open({ folder: `${folder}/data` });
  try {
    const store = new SqliteUnitOfWork(database);
    const [enrollment] = await store.read((records) => records.enrollments.withEmbeddings(MODEL_PERSON, null, 1));
    const [profile] = await store.read((records) => records.profiles.ofSpeaker(MODEL_PERSON));
    const model = await store.read((records) => records.speakers.find(MODEL_PERSON));
    if (!enrollment || !profile || !model) throw new Error('the first speaker was not enrolled');
    for (let from = 0; from < people; from += BATCH) {
      await store.transaction(async (records) => {
        for (let i = from; i < Math.min(people, from + BATCH); i++) {
          const id = `speaker-${i}`;
          const own = randomUUID();
          const members = profile.members.map((member) => ({ ...member, enrollmentId: own }));
          await records.speakers.insert(newSpeaker({ id, name: `Person ${i}` }, new Date()));
          await records.enrollments.insert({ ...enrollment, id: own, speakerId: id });
          await records.profiles.put({ ...profile, speakerId: id, members });
        }
      });
    }
    if (entries > 0) await addEntries(database, { people, entries, days, subject: model.subject });
  } finally {
    await database.close();
  }
}

/** @param {string} folder */
async function enrolOne(folder) {
  const service = await serve(folder, { TIMBRE_ENROLLMENT_SECONDS: '1', TIMBRE_AUDIT_DAYS: '0' });
  try {
    const headers = { 'x-api-key': service.key };
    const person = JSON.stringify({ id: MODEL_PERSON });
    const asJson = { ...headers, 'content-type': 'application/json' };
    await done(fetch(`${service.url}/v1/speakers`, { method: 'POST', headers: asJson, body: person }));
    const form = formBody([['audio', Buffer.from(new Recordings(random(1)).next().bytes)]]);
    const path = `/v1/speakers/${MODEL_PERSON}/enrollments`;
    const init = { method: 'POST', ...form, headers: { ...form.headers, ...headers } };
    await done(fetch(service.url + path, init));
  } finally {
    await service.stop();
  }
}

/** @param {Promise<Response>} call */
async function done(call) {
  const response = await call;
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text}`);
}

/**
 * @param {Database} database
 * @param {{ people: number, entries: number, days: number, subject: string }} of
 */
async function addEntries(database, { people, entries, days, subject }) {
  await database.query((manager) =>
    manager.query(
      `WITH RECURSIVE counting (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM counting WHERE i < ?2 - 1)
       INSERT INTO audit (at, "by", action, subject, outcome)
       SELECT CAST(?1 - ?3 + i * (?3 * 1.0 / ?2) AS INTEGER), 'bench', 'voice.verified',
         CASE WHEN i % 10 = 0 THEN ?4 ELSE (SELECT subject FROM speakers WHERE id = 'speaker-' || (i % ?5)) END,
         'ACCEPT' FROM counting`,
      [Date.now(), entries, days * DAY_MS, subject, people],
    ),
  );
}
