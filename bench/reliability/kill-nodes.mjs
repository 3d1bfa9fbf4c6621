// Kills three services on one PostgreSQL, and PostgreSQL itself, again and again, at random moments of enrolments, jobs, erasures,
// opt-outs and rotations of the data key, and looks at what every node answers meanwhile and at what is left.
//
//   npm run build && node bench/reliability/kill-nodes.mjs [--kills 200] [--minutes N] [--seed 1] [--out FILE or none]
//
// Clients ask any node, and another one with the same idempotency key where a call was cut off. Of each identification it is
// known when it was sent: nobody may be in it whose erasure or opt-out had been answered by then, and nobody may be missing who
// had been enrolled. Every ten kills, of one moment: every acknowledged recording there, profiles those of their enrolments, jobs
// as their recordings, nothing twice. In the end every job and rotation has finished, one data key opens everything, and
// `timbre doctor` finds nothing.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { createKey } from '../../dist/service/app/command-line.js';
import { Config } from '../../dist/service/config/config.js';
import { TypeOrmUnitOfWork } from '../../dist/service/persistence/common/typeorm-unit-of-work.js';
import { PostgresDatabase } from '../../dist/service/persistence/postgres/postgres-database.js';
import { describeMachine, quantile, ROOT } from '../js/machine.mjs';
import { checkRecords } from './at-rest.mjs';
import { pathsOf, settingsOf, toldOf, unfinishedOf } from './handed-in.mjs';
import { isPassing, newKey, Nodes } from './nodes.mjs';
import { patience } from './patience.mjs';
import { random, Recordings } from './recordings.mjs';
import { formOf, jsonOf, Refusal } from './service.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '600' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'kill-nodes.md') },
  },
});
const KILLS = Number(values.kills);
/** Milliseconds after which no further kill is made. */
const LONGEST = Number(values.minutes) * 60_000;
const NODES = 3;
/** Milliseconds between two kills at most, once two nodes take calls. */
const LONGEST_LIFE = 2500;
/** Share of kills that wait for no node. */
const AT_ONCE = 0.15;
/** Share of kills that wait for all of them, as the data key does before the old one goes. */
const WITH_ALL = 0.4;
/** Share of kills that are PostgreSQL's, and milliseconds that it is gone at most. */
const [OF_DATABASE, LONGEST_WITHOUT] = [0.1, 1500];
const LOOK_EVERY = 10;
/** People at once: all of them fit into a ranking. */
const MOST_PEOPLE = 40;
const RANKING = 50;
const JOBS_WAITING = 6;
/** Milliseconds between two erasures, or opt-outs, at most. */
const LONGEST_WITHOUT_LEAVING = 2500;
/** Share of recordings that are sent to two nodes at once under one idempotency key. */
const AT_TWO = 0.15;

const POLICY = { requiredSpeechSeconds: 1, outlierCosine: 0.5 };

/**
 * Somebody who is enrolled here. Times are those of the client, milliseconds; null: not yet.
 * @typedef {object} Person
 * @property {string} id
 * @property {string[]} told SHA-256 of recordings that a service said it has
 * @property {boolean} isFound an enrolment that makes a profile was acknowledged
 * @property {Promise<void>} [made] the call that makes the speaker
 * @property {boolean} isLeaving an erasure or an opt-out was sent
 * @property {boolean} isErased an erasure was sent
 * @property {number | null} optedOutAt acknowledged
 * @property {number | null} erasedAt acknowledged
 */

const next = random(Number(values.seed));
const recordings = new Recordings(next);
const folder = mkdtempSync(join(tmpdir(), 'timbre-kill-nodes-'));
const root = join(folder, 'recordings');
mkdirSync(root);
const started = performance.now();

/** @type {Map<string, Person>} */
const people = new Map();
/** What a service has said of jobs, by id: who is in them. @type {Map<string, { speakerId: string, sha256: string }[]>} */
const jobs = new Map();
const tally = {
  nodes: 0,
  atStart: 0,
  database: 0,
  requests: 0,
  cut: 0,
  replayed: 0,
  atTwo: 0,
  heard: 0,
  heardAfter: 0,
  soonest: Infinity,
  optedOut: 0,
  erased: 0,
  cancelled: 0,
  resumed: 0,
  rotations: 0,
  looks: 0,
};
let counts = { speakers: 0, enrolments: 0, profiles: 0, jobs: 0, items: 0 };
let kills = 0;
/** Of the audit trail, in the end. */
let entries = 0;
/** Clients go on. */
let open = true;
/** The second of two data keys is the one before. */
let isNewFirst = false;

/** @type {Promise<void>} */
let killing = Promise.resolve();

const nodes = await Nodes.make(folder, NODES, await environment());
try {
  await shareKey();
  for (const node of nodes.all) nodes.start(node);
  await nodes.ready();
  const clients = Promise.all([enrol(), enrol(), work(), listen(), listen(), leave('erase'), leave('optOut')]);
  killing = kill();
  // What goes wrong for a client ends everything.
  await Promise.race([clients, killing]);
  open = false;
  await nodes.ready();
  await clients;
  await finish();
  const report = describe();
  console.log(report);
  if (values.out !== 'none') writeFileSync(values.out, report);
} catch (error) {
  console.error(`after ${kills} kills, seed ${values.seed}:`, error);
  for (const { number, service } of nodes.all) console.error(`node ${number}:\n${service?.log.slice(-3000) ?? ''}`);
  process.exitCode = 1;
} finally {
  open = false;
  await killing.catch(() => undefined);
  await nodes.remove();
  rmSync(folder, { recursive: true, force: true });
}

async function environment() {
  return {
    ...(await settingsOf(folder, root, POLICY)),
    TIMBRE_WORKERS: '1',
    // Each process is there sooner.
    TIMBRE_CONVERSATIONS: 'off',
    TIMBRE_DECODER_ISOLATION: 'none',
  };
}

/** One key for all nodes: idempotency keys are those of an API key. */
async function shareKey() {
  const [first] = nodes.all;
  if (!first) throw new Error('there is no node');
  const config = Config.of({}, first.environment(nodes.keys));
  const { text } = await createKey(config, { name: 'clients', scopes: ['admin', 'vectors'], days: undefined });
  nodes.key = text;
}

/** Ends services and PostgreSQL, and starts them again. */
async function kill() {
  while (open && kills < KILLS && performance.now() - started < LONGEST) {
    const atOnce = next() < AT_ONCE;
    const fewest = next() < WITH_ALL ? NODES : NODES - 1;
    const isOver = patience(120);
    while (open && !atOnce && nodes.up.length < fewest) {
      if (isOver()) throw new Error('nodes do not become ready');
      await delay(20);
    }
    await delay((atOnce ? 0.3 : 1) * next() * LONGEST_LIFE);
    await rotate();
    kills++;
    if (next() < OF_DATABASE) {
      tally.database++;
      await nodes.killDatabase();
      await delay(next() * LONGEST_WITHOUT);
      await nodes.startDatabase();
    } else {
      const node = /** @type {import('./nodes.mjs').Node} */ (nodes.all[Math.floor(next() * NODES)]);
      tally.nodes++;
      if (!node.up) tally.atStart++;
      await nodes.kill(node);
      nodes.start(node);
    }
    if (kills % LOOK_EVERY === 0) {
      await look();
      const { enrolments, jobs: handed } = counts;
      console.error(
        `${kills} of ${KILLS} kills, ${enrolments} recordings, ${handed} jobs, ${tally.erased} erased, ` +
          `${tally.heard} identifications, ${tally.rotations} rotations`,
      );
    }
  }
}

/** An answer of any node, or of another where one was cut off. */
function ask(make) {
  tally.requests++;
  return nodes.ask(next, make, () => tally.cut++);
}

/** As `ask`, under an idempotency key, so that what was cut off is not done twice. */
async function once(path, init) {
  const headers = { ...init().headers, 'idempotency-key': randomUUID() };
  const send = () => ask((service) => service.answer(path, { ...init(), headers }));
  const both = next() < AT_TWO;
  if (both) tally.atTwo++;
  const answers = await Promise.all(both ? [send(), send()] : [send()]);
  const [first, second] = answers;
  for (const { headers: said } of answers) if (said.has('idempotency-replayed')) tally.replayed++;
  if (second && JSON.stringify(second.body) !== JSON.stringify(first.body)) {
    throw new Error(`two answers to one request: ${JSON.stringify(answers.map(({ body }) => body))}`);
  }
  return first.body;
}

/** Somebody who is here, or somebody new. @returns {Promise<Person>} */
async function somebody() {
  const here = [...people.values()].filter(({ isErased }) => !isErased);
  const staying = here.filter(({ isLeaving }) => !isLeaving);
  const known = staying[Math.floor(next() * staying.length)];
  if (known && (here.length >= MOST_PEOPLE || next() < 0.6)) return known;
  if (here.length >= MOST_PEOPLE) {
    await delay(50);
    return somebody();
  }
  return added();
}

/** Whom no service knows yet. @returns {Person} */
function added() {
  const person = {
    id: `s${people.size}`,
    told: [],
    isFound: false,
    isLeaving: false,
    isErased: false,
    optedOutAt: null,
    erasedAt: null,
  };
  people.set(person.id, person);
  return person;
}

/** Single recordings, each remembered once it is acknowledged, and the person found by another node from then on. */
async function enrol() {
  while (open) {
    const person = await somebody();
    const recording = recordings.next();
    try {
      await exists(person);
      const path = `/v1/speakers/${person.id}/enrollments`;
      const { results, speaker } = await once(path, () => formOf([recording]));
      const [result] = results;
      if (result.duplicate) throw new Error(`${recording.sha256} of ${person.id} was enrolled twice`);
      person.told.push(recording.sha256);
      if (result.enrollment.accepted && speaker.enrollmentStatus === 'Enrolled') person.isFound = true;
    } catch (error) {
      if (!isOfLeaving(person, error)) throw error;
    }
  }
}

/** The speaker is made once, whoever comes first. @param {Person} person */
function exists(person) {
  person.made ??= make(person);
  return person.made;
}

/** @param {Person} person */
async function make(person) {
  let again = false;
  tally.requests++;
  try {
    await nodes.ask(
      next,
      (service) => service.postJson('/v1/speakers', { id: person.id }),
      () => {
        tally.cut++;
        again = true;
      },
    );
  } catch (error) {
    // What was cut off may have been done.
    if (!(again && error instanceof Refusal && error.code === 'SPEAKER_EXISTS')) throw error;
  }
}

/** Whether it is the answer to a call about somebody who is leaving. @param {Person} person @param {unknown} error */
function isOfLeaving({ isLeaving, isErased }, error) {
  if (!(error instanceof Refusal)) return false;
  return (isErased && error.code === 'SPEAKER_NOT_FOUND') || (isLeaving && error.code === 'OPTED_OUT');
}

/** Jobs, of uploads and of paths; one in eight is cancelled. */
async function work() {
  while (open) {
    if ((await unfinishedJobs()).length >= JOBS_WAITING) {
      await delay(100);
      continue;
    }
    const items = [];
    for (let left = 2 + Math.floor(next() * 3); left > 0; left--) {
      const person = await somebody();
      await exists(person);
      items.push({ speakerId: person.id, recording: recordings.next() });
    }
    const path = '/v1/training-sessions';
    const job = await once(path, next() < 0.5 ? () => ofUploads(items) : () => ofPaths(items));
    if (jobs.has(job.id)) throw new Error(`job ${job.id} is two requests`);
    jobs.set(job.id, toldOf(items));
    if (next() < 0.125) {
      // One that has just finished stays as it is.
      const { state } = await ask((service) => service.call(`/v1/jobs/${job.id}/cancel`, { method: 'POST' }));
      if (state === 'cancelled') tally.cancelled++;
    }
  }
}

function ofUploads(items) {
  const fields = { items: JSON.stringify(items.map(({ speakerId }) => ({ speakerId }))) };
  return formOf(
    items.map(({ recording }) => recording),
    fields,
  );
}

function ofPaths(items) {
  return jsonOf({ items: pathsOf(root, items) });
}

async function unfinishedJobs() {
  return unfinishedOf(await ask((service) => service.call('/v1/jobs?limit=500')));
}

/** Erasures, or opt-outs, and what every node answers right after. @param {'erase' | 'optOut'} how */
async function leave(how) {
  while (open) {
    await delay(next() * LONGEST_WITHOUT_LEAVING);
    const here = [...people.values()].filter(
      (one) => one.told.length > 0 && (how === 'erase' ? !one.isErased : !one.isLeaving),
    );
    // Some stay, so that there is somebody to be found.
    const person = here[Math.floor(next() * here.length)];
    if (!person || here.length < MOST_PEOPLE / 4) continue;
    person.isLeaving = true;
    if (how === 'optOut') {
      await ask((service) => service.call(`/v1/speakers/${person.id}/consent`, { method: 'DELETE' })).catch((error) => {
        if (!isOfLeaving(person, error)) throw error;
      });
      person.optedOutAt = performance.now();
      tally.optedOut++;
    } else {
      person.isErased = true;
      let again = false;
      const path = `/v1/speakers/${person.id}`;
      tally.requests++;
      await nodes
        .ask(
          next,
          (service) => service.call(path, { method: 'DELETE' }),
          () => {
            tally.cut++;
            again = true;
          },
        )
        .catch((error) => {
          // What was cut off may have been done.
          if (!(again && error instanceof Refusal && error.code === 'SPEAKER_NOT_FOUND')) throw error;
        });
      person.erasedAt = performance.now();
      tally.erased++;
    }
    await Promise.all(nodes.up.map(({ service }) => service && isGone(service, person)));
  }
}

/**
 * What a node says of who has left, as long as it is there to answer.
 * @param {import('./service.mjs').Service} service
 * @param {Person} person
 */
async function isGone(service, person) {
  const recording = recordings.next();
  await identify(service, recording);
  const wasErased = person.erasedAt !== null;
  const verified = await service
    .answer(`/v1/speakers/${person.id}/verify`, formOf([recording]))
    .then(({ body }) => body.decision)
    .catch((error) => (error instanceof Refusal ? error.code : null));
  const gone = wasErased ? ['SPEAKER_NOT_FOUND'] : ['SPEAKER_NOT_FOUND', 'OPTED_OUT'];
  if (verified !== null && !isPassing(verified) && !gone.includes(verified)) {
    throw new Error(`${person.id} has left, and a node answers ${verified}`);
  }
}

/** Identifications, one after the other. */
async function listen() {
  while (open) {
    const { service } = nodes.up[Math.floor(next() * nodes.up.length)] ?? {};
    if (service) await identify(service, recordings.next());
    else await delay(20);
  }
}

/**
 * What a node hears in a recording, compared with what was known when it was sent. Of a node that goes meanwhile nothing is learned.
 * @param {import('./service.mjs').Service} service
 * @param {import('./recordings.mjs').Recording} recording
 */
async function identify(service, recording) {
  const expected = [...people.values()].filter(({ isFound, isLeaving }) => isFound && !isLeaving);
  const sentAt = performance.now();
  tally.requests++;
  /** @type {{ ranking: { speakerId: string }[] }} */
  let body;
  try {
    body = await service.call('/v1/identify', formOf([recording], { top: String(RANKING) }));
  } catch (error) {
    if (error instanceof Refusal && !isPassing(error.code)) throw error;
    tally.cut++;
    return;
  }
  tally.heard++;
  for (const { optedOutAt, erasedAt } of people.values()) {
    const left = Math.min(optedOutAt ?? Infinity, erasedAt ?? Infinity);
    const since = sentAt - left;
    if (since < 0 || since > 1000) continue;
    tally.heardAfter++;
    tally.soonest = Math.min(tally.soonest, since);
  }
  const heard = new Set(body.ranking.map(({ speakerId }) => speakerId));
  for (const id of heard) {
    const { optedOutAt, erasedAt } = /** @type {Person} */ (people.get(id));
    const left = Math.min(optedOutAt ?? Infinity, erasedAt ?? Infinity);
    if (left <= sentAt)
      throw new Error(`${id} was identified ${(sentAt - left).toFixed(1)} ms after leaving was acknowledged`);
  }
  const missing = expected.filter(({ id, isLeaving }) => !isLeaving && !heard.has(id));
  if (missing.length > 0)
    throw new Error(`a node does not find ${missing.map(({ id }) => id).join(', ')}, enrolled before`);
}

/**
 * The data key, as docs/operations.md says: every node with the old and the new key, then with the new one first, and once each of
 * them has passed everything, with the new one alone. Each goes on to the next when it is started anew, after a kill.
 */
async function rotate() {
  const [first, second] = nodes.keys;
  const all = (/** @type {(keys: readonly string[]) => boolean} */ holds) => nodes.all.every(({ keys }) => holds(keys));
  if (second === undefined) {
    if (all((keys) => keys.length === 1)) nodes.keys = [/** @type {string} */ (first), newKey()];
  } else if (!isNewFirst) {
    if (!all((keys) => keys.includes(second))) return;
    nodes.keys = [second, /** @type {string} */ (first)];
    isNewFirst = true;
  } else if (all((keys) => keys[0] === first) && nodes.up.length === NODES) {
    for (const { service } of nodes.up) {
      // Of a node that was killed since nothing is known.
      const state = await service?.call('/v1/data-key/rotation').catch(() => null);
      if (state?.state === 'failed') {
        await service?.postJson('/v1/data-key/rotation', {}).catch(() => undefined);
      }
      if (state?.state !== 'idle') return;
    }
    nodes.keys = [/** @type {string} */ (first)];
    isNewFirst = false;
    tally.rotations++;
  }
}

/** What is stored, of one moment; the database may be gone for a while. */
async function look() {
  // Of whom a service has said that it has them; who leaves meanwhile is left out below.
  const told = [...people.values()].flatMap((person) => person.told.map((sha256) => ({ person, sha256 })));
  const handed = new Map(jobs);
  const isOver = patience(120);
  for (;;) {
    try {
      const found = await read((records) => {
        return checkRecords(records, { told: [], jobs: handed, removed: new Set() }, POLICY, mayFail);
      });
      const lost = told
        .filter(({ person, sha256 }) => !person.isErased && !found.stored.has(`${person.id} ${sha256}`))
        .map(({ person, sha256 }) => `lost: ${sha256} of ${person.id}, which was acknowledged`);
      if (found.wrong.length > 0 || lost.length > 0) throw new Error([...found.wrong, ...lost].join('\n'));
      counts = found.counts;
      tally.looks++;
      return found;
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code !== 'STORAGE_UNAVAILABLE' || isOver()) throw error;
      await delay(100);
    }
  }
}

/** @template T @param {(records: import('../../dist/service/records/unit-of-work.js').VoiceRecords) => Promise<T>} work */
async function read(work) {
  const places = { folder: join(folder, 'looking'), key: nodes.keys.join(','), url: nodes.cluster.url() };
  const limits = { schema: 'timbre', pool: 10, waitMs: 30_000, statementMs: 60_000 };
  const database = await PostgresDatabase.beside({ ...places, ...limits });
  if (!database) throw new Error('there is no schema');
  try {
    return await new TypeOrmUnitOfWork(database).read(work);
  } finally {
    await database.close();
  }
}

/** Recordings of jobs of who has left, or leaves meanwhile. @param {import('../../dist/service/records/job.js').JobItem} item */
function mayFail({ jobId, index, error }) {
  const of = jobs.get(jobId)?.[index];
  const person = of && people.get(of.speakerId);
  // A job that was just taken is not known here yet.
  if (!person) return error?.code === 'SPEAKER_NOT_FOUND' || error?.code === 'OPTED_OUT';
  return (person.isErased && error?.code === 'SPEAKER_NOT_FOUND') || (person.isLeaving && error?.code === 'OPTED_OUT');
}

/** Lets the nodes do what is left, with the last data key alone, and looks once more. */
async function finish() {
  const began = tally.rotations;
  const isOver = patience(600);
  for (;;) {
    const behind = nodes.all.filter(({ keys }) => keys !== nodes.keys);
    await Promise.all(
      behind.map(async (node) => {
        await nodes.stop(node);
        nodes.start(node);
      }),
    );
    await nodes.ready();
    if (nodes.keys.length === 1 && tally.rotations > began) break;
    await rotate();
    if (isOver()) throw new Error(`the rotation of the data key does not end: ${JSON.stringify(await rotations())}`);
    await delay(100);
  }
  for (;;) {
    const left = await unfinishedJobs();
    if (left.length === 0) break;
    if (isOver()) throw new Error(`these do not finish: ${JSON.stringify(left)}`);
    await delay(200);
  }
  await settleJobs();
  await Promise.all(nodes.up.map(({ service }) => service && identify(service, recordings.next())));
  for (const { dataDir, number } of nodes.all) {
    const spooled = readdirSync(join(dataDir, 'spool'));
    if (spooled.length > 0)
      throw new Error(`the spool of node ${number} is not empty in the end: ${spooled.join(', ')}`);
  }
  const found = await look();
  for (const { id, isErased } of people.values()) {
    const left = [...found.stored].filter((one) => one.startsWith(`${id} `));
    if (isErased && left.length > 0) throw new Error(`${id} was erased, and has recordings: ${left.join(', ')}`);
  }
  await checkTrail();
  for (const node of nodes.all) await examine(node);
  for (const node of nodes.all) await nodes.stop(node);
}

function rotations() {
  return Promise.all(nodes.up.map(({ service }) => service?.call('/v1/data-key/rotation')));
}

/** Every job has ended, and what it has enrolled counts as acknowledged. */
async function settleJobs() {
  for (const [id, handed] of jobs) {
    const { state, items } = await ask((service) => service.call(`/v1/jobs/${id}?limit=1000`));
    const failed = items.every(({ state: outcome }) => outcome === 'failed');
    if (!['completed', 'cancelled', failed ? 'failed' : ''].includes(state)) throw new Error(`job ${id} is ${state}`);
    for (const { index, state: outcome } of items) {
      const { speakerId, sha256 } = handed[index];
      if (outcome === 'done') people.get(speakerId)?.told.push(sha256);
    }
  }
}

/** Everybody was made once, and erased once. */
async function checkTrail() {
  const times = { 'speaker.created': new Map(), 'speaker.erased': new Map() };
  for (let cursor = ''; ;) {
    const page = await ask((service) => service.call(`/v1/audit?limit=500${cursor}`));
    for (const { action, subject } of page.entries) {
      const of = times[action];
      if (of) of.set(subject, (of.get(subject) ?? 0) + 1);
    }
    if (page.nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
  const [made, erased] = [times['speaker.created'], times['speaker.erased']];
  const twice = [...made, ...erased].filter(([, count]) => count > 1);
  if (twice.length > 0) throw new Error(`the trail has it twice: ${JSON.stringify(twice)}`);
  const here = [...people.values()].filter(({ made: was }) => was);
  if (made.size !== here.length) throw new Error(`${here.length} people were made, and the trail has ${made.size}`);
  if (erased.size !== tally.erased) throw new Error(`${tally.erased} were erased, and the trail has ${erased.size}`);
}

/** `timbre doctor` beside a node. @param {import('./nodes.mjs').Node} node */
async function examine(node) {
  const words = [join(ROOT, 'dist', 'cli', 'main.js'), 'doctor', '--data-dir', node.dataDir, '--json'];
  const env = { ...process.env, NODE_OPTIONS: '', ...node.environment(nodes.keys) };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env }).catch((error) => {
    throw new Error(`timbre doctor of node ${node.number}: ${error.stdout}${error.stderr}`);
  });
  const { sound, trail } = JSON.parse(stdout);
  if (!sound) throw new Error(`timbre doctor of node ${node.number}: ${stdout}`);
  entries = trail.entries;
}

function describe() {
  const seconds = (performance.now() - started) / 1000;
  const told = [...people.values()].filter(({ isErased }) => !isErased).flatMap((person) => person.told);
  return `# ${kills} kills of three nodes and their database

\`node bench/reliability/kill-nodes.mjs --kills ${kills} --seed ${values.seed}\`: three services on one PostgreSQL are ended by SIGKILL at
random moments of their start or of their work, and so is PostgreSQL, while clients enrol, hand in jobs, erase, opt people out and
identify through all of them, and the data key is rotated by restarts.

| | |
| --- | --- |
| kills | ${kills}: ${tally.nodes} of a node, ${tally.atStart} of them while it started, ${tally.database} of PostgreSQL |
| requests | ${tally.requests}, ${tally.cut} of them cut off and sent again; ${tally.atTwo} sent to two nodes at once; ${tally.replayed} answered with the first answer again |
| recordings that were acknowledged, of people who were not erased, all there | ${told.length} |
| recordings in the database | ${counts.enrolments} of ${counts.speakers} people, none twice |
| profiles, all equal to those of their enrolments made anew | ${counts.profiles}, looked at ${tally.looks} times |
| jobs, all finished | ${counts.jobs} (${tally.cancelled} cancelled) with ${counts.items} recordings, none in two jobs, worked on twice or without an outcome |
| people erased, opted out | ${tally.erased}, ${tally.optedOut} |
| identifications by all nodes | ${tally.heard}; ${tally.heardAfter} times somebody had left less than a second before it was sent, the soonest ${tally.soonest.toFixed(1)} ms |
| identifications that named somebody whose erasure or opt-out had been acknowledged when they were sent | 0 |
| identifications that missed somebody whose enrolment had been acknowledged | 0 |
| data keys, each by restarts of all nodes while they were killed | ${tally.rotations}; the last alone opens everything |
| audit trail | ${entries} entries; everybody made once and erased once; verified |
| \`timbre doctor\` at each node | sound |
| starts of a node that ended because PostgreSQL was gone | ${nodes.startsWithoutDatabase} |
| from the start of a node to ready, median and longest | ${quantile(nodes.starts, 0.5).toFixed(0)} ms, ${quantile(nodes.starts, 1).toFixed(0)} ms |
| time | ${(seconds / 60).toFixed(1)} minutes |

Times are those of one clock, the clients': an erasure counts from its answer, an identification from before it is sent.

${describeMachine()}
`;
}
