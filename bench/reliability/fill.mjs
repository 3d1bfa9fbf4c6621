// A database of many people for the benchmarks that need one: made by the service's own stores, from one person who was
// enrolled by the service itself.
import { randomUUID } from 'node:crypto';
import { Database } from '../../dist/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../dist/service/persistence/common/typeorm-unit-of-work.js';
import { newSpeaker } from '../../dist/service/records/speaker.js';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { random, Recordings } from './recordings.mjs';
import { serve } from './served.mjs';

/** The person whose recording and profile the others have. */
export const MODEL_PERSON = 'ada';

const BATCH = 1000;
/** Entries of the trail of one transaction. */
const ENTRIES_AT_ONCE = 5000;
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
    const store = new TypeOrmUnitOfWork(database);
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
    if (entries > 0) await addEntries(database, store, { entries, days, subject: model.subject });
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
 * @param {TypeOrmUnitOfWork} store
 * @param {{ entries: number, days: number, subject: string }} of
 */
async function addEntries(database, store, { entries, days, subject }) {
  const subjects = await database.read(async (manager) => {
    const rows = await manager.query("SELECT subject FROM speakers WHERE id LIKE 'speaker-%' ORDER BY id");
    return rows.map((/** @type {{ subject: string }} */ row) => row.subject);
  });
  const [now, span] = [Date.now(), days * DAY_MS];
  for (let from = 0; from < entries; from += ENTRIES_AT_ONCE) {
    const piece = Array.from({ length: Math.min(ENTRIES_AT_ONCE, entries - from) }, (_, i) => {
      const at = new Date(now - span + Math.floor(((from + i) * span) / entries));
      const about = (from + i) % 10 === 0 ? subject : subjects[(from + i) % subjects.length];
      const rest = { object: null, outcome: 'ACCEPT', requestId: null };
      return /** @type {const} */ ({ at, by: 'bench', action: 'voice.verified', subject: about, ...rest });
    });
    await store.transaction((records) => records.audit.append(piece));
  }
}
