// How long do calls that run no model wait while the records of many people are exported, trimmed, re-encrypted and erased?
//
//   npm run build && node bench/reliability/records.mjs [--people 100000] [--audit 1000000] [--out FILE]
//
// The real service in a process of its own; its clients here, a lane for each call, one request after the other.
// Exit status 1 where a call fails, its 99th percentile in any phase is above 100 ms, or the service's log holds an error.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Database } from '../../dist/service/persistence/sqlite/database.js';
import { SqliteUnitOfWork } from '../../dist/service/persistence/sqlite/sqlite-unit-of-work.js';
import { newSpeaker } from '../../dist/service/records/speaker.js';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine, quantile } from '../js/machine.mjs';
import { random, Recordings } from './recordings.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '100000' },
    audit: { type: 'string', default: '1000000' },
    out: { type: 'string' },
  },
});
const people = Number(values.people);
const entries = Number(values.audit);

/** Longest that 99 of 100 calls may take, milliseconds. */
const MOST_MS = 100;
const PAUSE_MS = 20;
const QUIET_MS = 15_000;
/** Entries of the trail of one transaction. */
const ENTRIES_AT_ONCE = 5000;
const BATCH = 1000;
const ERASED = 20;
/** Days after which entries are trimmed; half of them are older. */
const AUDIT_DAYS = 365;
const DAY_MS = 86_400_000;
/** Entries of one person, whose export is long. */
const LONG_HISTORY = Math.floor(entries / 10);

/** @typedef {Awaited<ReturnType<typeof serve>>} Service */

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-records-'));
/** @type {Service | undefined} */
let service;
/** Answers with 503: the database was too busy, and the call is made again. */
let refused = 0;
/** @type {{ name: string, did: string, seconds: number, times: Record<string, number[]> }[]} */
const phases = [];
try {
  service = await start({ TIMBRE_AUDIT_DAYS: '0' });
  await answer('/v1/speakers', json({ id: 'ada' }));
  const recordings = new Recordings(random(1));
  const form = formBody([['audio', Buffer.from(recordings.next().bytes)]]);
  await answer('/v1/speakers/ada/enrollments', { method: 'POST', ...form });
  await service.stop();
  const filling = performance.now();
  await fill();
  process.stderr.write(`filled in ${((performance.now() - filling) / 1000).toFixed(0)} s\n`);
  service = await start({ TIMBRE_AUDIT_DAYS: '0' });
  const { databaseMb } = service.sample();
  const job = await answer('/v1/training-sessions', json({ items: [{ speakerId: 'nobody', path: '/nowhere' }] }));
  const calls = callsOf(/** @type {string} */ (job.id));

  await phase('nothing else', calls, async () => {
    await sleep(QUIET_MS);
    return '';
  });
  await phase('export', calls, async () => {
    const person = await lengthOf('/v1/speakers/ada/export');
    const trail = await lengthOf('/v1/audit/export');
    return `one person with ${count(LONG_HISTORY)} entries (${mb(person)}), then the whole trail (${mb(trail)})`;
  });
  await phase('rotation', calls, async () => {
    await answer('/v1/data-key/rotation', { method: 'POST' });
    const { total } = await until('/v1/data-key/rotation', ({ state, keys }) => state !== 'running' && keys === 1);
    return `${count(total)} vectors under a new key`;
  });
  await phase('erase', calls, async () => {
    let last = '';
    for (let i = 0; i < ERASED; i++) {
      const path = `/v1/speakers/speaker-${i * Math.floor(people / ERASED)}`;
      last = /** @type {string} */ ((await answer(path, { method: 'DELETE' })).receipt);
    }
    await until(`/v1/receipts/${last}`, ({ traces }) => traces === 'WIPED');
    return `${ERASED} people, until the file was written anew without them`;
  });
  await service.stop();
  service = await start({ TIMBRE_AUDIT_DAYS: String(AUDIT_DAYS) });
  await phase('trim', calls, async () => {
    const before = new Date(Date.now() - AUDIT_DAYS * DAY_MS).toISOString();
    await until(`/v1/audit?limit=1&to=${before}`, ({ entries: old }) => old.length === 0);
    return `${count(entries / 2)} entries, from the start of the service on`;
  });
  const ended = await service.stop();
  const errors = service.errors();

  const ms = (/** @type {number} */ value) => value.toFixed(value < 10 ? 1 : 0);
  const tooSlow = phases.flatMap(({ name, times }) =>
    Object.entries(times).flatMap(([call, all]) => (quantile(all, 0.99) > MOST_MS ? [`${call} during ${name}`] : [])),
  );
  const report = `# ${count(people)} people, ${count(entries)} entries of the audit trail

\`node bench/reliability/records.mjs --people ${people} --audit ${entries}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own, ${databaseMb.toFixed(0)} MB of database; load average of
  the machine at the end ${loadavg()
    .map((value) => value.toFixed(1))
    .join(', ')} (1, 5, 15 minutes), clients and other programs included

${phases.map(({ name, did, seconds }) => `- **${name}**: ${did === '' ? '' : `${did}; `}${seconds.toFixed(0)} s`).join('\n')}

Calls that run no model, each in a lane of its own, one after the other with ${PAUSE_MS} ms between: median, 99th percentile and
longest in milliseconds.

| call | ${phases.map(({ name }) => name).join(' | ')} |
| --- | ${phases.map(() => '---').join(' | ')} |
${Object.keys(calls)
  .map((call) => {
    const cells = phases.map(({ times }) => {
      const all = times[call] ?? [];
      return `${ms(quantile(all, 0.5))}, ${ms(quantile(all, 0.99))}, ${ms(quantile(all, 1))}`;
    });
    return `| ${call} | ${cells.join(' | ')} |`;
  })
  .join('\n')}

${tooSlow.length === 0 ? `No call's 99th percentile is above ${MOST_MS} ms.` : `Above ${MOST_MS} ms: ${tooSlow.join('; ')}.`} ${refused} answers were 503, and the calls made
again. ${errors.length} errors in the service's log; stopped with ${ended}.
`;
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  if (errors.length > 0 || tooSlow.length > 0) process.exitCode = 1;
} finally {
  if (service && service.ended() === undefined) await service.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** @param {Record<string, string>} settings */
function start(settings) {
  return serve(folder, { TIMBRE_ENROLLMENT_SECONDS: '1', TIMBRE_REQUEST_SECONDS: '600', ...settings });
}

/** @param {object} value @returns {RequestInit} */
function json(value) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** @param {string} path @param {RequestInit} [init] */
async function request(path, init) {
  const to = /** @type {Service} */ (service);
  for (;;) {
    const response = await fetch(to.url + path, { ...init, headers: { ...init?.headers, 'x-api-key': to.key } });
    // Its time counts until it is answered.
    if (response.status === 503) {
      refused++;
      await response.text();
      await sleep(1000 * Number(response.headers.get('retry-after') ?? 1));
      continue;
    }
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

/** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
async function answer(path, init) {
  const text = await (await request(path, init)).text();
  return text === '' || !text.startsWith('{') ? text : JSON.parse(text);
}

/** Bytes of an answer, read as fast as they come. @param {string} path */
async function lengthOf(path) {
  let bytes = 0;
  const { body } = await request(path);
  for await (const piece of /** @type {AsyncIterable<Uint8Array>} */ (body)) bytes += piece.length;
  return bytes;
}

/** @param {string} path @param {(body: any) => boolean} isDone @returns {Promise<any>} */
async function until(path, isDone) {
  for (;;) {
    const body = await answer(path);
    if (isDone(body)) return body;
    await sleep(500);
  }
}

/** Calls that run no model, by name. @param {string} job @returns {Record<string, () => Promise<unknown>>} */
function callsOf(job) {
  let renamed = 0;
  return {
    'read a speaker': () => answer('/v1/speakers/ada'),
    'list speakers': () => answer('/v1/speakers?limit=20'),
    'list enrolments': () => answer('/v1/speakers/ada/enrollments'),
    'poll a job': () => answer(`/v1/jobs/${job}`),
    'list jobs': () => answer('/v1/jobs'),
    'read the trail': () => answer('/v1/audit?speaker=ada&limit=20'),
    'state of the rotation': () => answer('/v1/data-key/rotation'),
    'ready?': () => answer('/health/ready'),
    'add a speaker': () => answer('/v1/speakers', json({ id: randomUUID() })),
    rename: () => {
      const body = { ...json({ name: `Ada ${renamed++}` }), method: 'PATCH' };
      return answer('/v1/speakers/ada', body);
    },
  };
}

/**
 * Makes calls for as long as the work lasts.
 * @param {string} name
 * @param {Record<string, () => Promise<unknown>>} calls
 * @param {() => Promise<string>} work gives what was done
 */
async function phase(name, calls, work) {
  const began = performance.now();
  let over = false;
  const lanes = Object.entries(calls).map(async ([call, make]) => {
    /** @type {number[]} */
    const times = [];
    while (!over) {
      const at = performance.now();
      await make();
      times.push(performance.now() - at);
      await sleep(PAUSE_MS);
    }
    return /** @type {const} */ ([call, times]);
  });
  const working = work().finally(() => (over = true));
  const [did, ...rows] = await Promise.all([working, ...lanes]);
  const seconds = (performance.now() - began) / 1000;
  phases.push({ name, did, seconds, times: Object.fromEntries(rows) });
  process.stderr.write(`${name}: ${seconds.toFixed(0)} s\n`);
}

/** People whose recording and profile are those of the first, and what was done to them, half of it long ago. */
async function fill() {
  const database = await Database.open({ folder: join(folder, 'data') });
  try {
    const store = new SqliteUnitOfWork(database);
    const [enrollment] = await store.read((records) => records.enrollments.withEmbeddings('ada', null, 1));
    const [profile] = await store.read((records) => records.profiles.ofSpeaker('ada'));
    const ada = await store.read((records) => records.speakers.find('ada'));
    if (!enrollment || !profile || !ada) throw new Error('the first speaker was not enrolled');
    for (let from = 0; from < people; from += BATCH) {
      await store.transaction(async (records) => {
        for (let i = from; i < Math.min(people, from + BATCH); i++) {
          const id = `speaker-${i}`;
          const own = randomUUID();
          const members = profile.members.map((member) => ({ ...member, enrollmentId: own }));
          const speaker = newSpeaker({ id, name: `Person ${i}` }, new Date());
          await records.speakers.insert(speaker);
          await records.enrollments.insert({ ...enrollment, id: own, speakerId: id });
          await records.profiles.put({ ...profile, speakerId: id, members });
        }
      });
    }
    const span = 2 * AUDIT_DAYS * DAY_MS;
    const subjects = await database.read(async (manager) => {
      const rows = await manager.query("SELECT subject FROM speakers WHERE id LIKE 'speaker-%' ORDER BY id");
      return rows.map((/** @type {{ subject: string }} */ row) => row.subject);
    });
    const now = Date.now();
    for (let from = 0; from < entries; from += ENTRIES_AT_ONCE) {
      const piece = Array.from({ length: Math.min(ENTRIES_AT_ONCE, entries - from) }, (_, i) => {
        const at = new Date(now - span + Math.floor(((from + i) * span) / entries));
        // One in ten is about the first person.
        const subject = (from + i) % 10 === 0 ? ada.subject : subjects[(from + i) % subjects.length];
        return /** @type {const} */ ({
          at,
          by: 'bench',
          action: 'voice.verified',
          subject,
          object: null,
          outcome: 'ACCEPT',
          requestId: null,
        });
      });
      await store.transaction((records) => records.audit.append(piece));
    }
  } finally {
    await database.close();
  }
}

/** @param {number} milliseconds */
function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @param {number} value */
function count(value) {
  return value.toLocaleString('en-GB');
}

/** @param {number} bytes */
function mb(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
