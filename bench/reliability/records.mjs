// How long do calls that run no model wait while the records of many people are exported, trimmed, re-encrypted and erased?
//
//   npm run build && node bench/reliability/records.mjs [--people 100000] [--entries 1000000] [--only PHASE ...]
//     [--folder DIR] [--out FILE]
//
// The real service in a process of its own; its clients here, a lane for each call, one request after the other. Every
// phase (quiet, export, rotation, erase, trim) begins with a service on a copy of the same database. With --folder that
// database and the result of each phase are kept there: a run that was cut off goes on with the phases that are missing,
// and a phase that is named by --only is measured again. Exit status 1 where a call fails, its 99th percentile in any
// phase is above 100 ms, or the service's log holds an error.
import { randomUUID } from 'node:crypto';
import {
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine, quantile } from '../js/machine.mjs';
import { fill, MODEL_PERSON } from './fill.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '100000' },
    entries: { type: 'string', default: '1000000' },
    only: { type: 'string', multiple: true },
    folder: { type: 'string' },
    out: { type: 'string' },
  },
});
const people = Number(values.people);
const entries = Number(values.entries);

/** Longest that 99 of 100 calls may take, milliseconds. */
const MOST_MS = 100;
const PAUSE_MS = 100;
const QUIET_MS = 15_000;
const ERASED = 20;
/** Days after which entries are trimmed; half of them are older. */
const AUDIT_DAYS = 365;
/** Longest from the service's start until it is asked, milliseconds. */
const LOOKED_BEFORE_MS = 600_000;
const DAY_MS = 86_400_000;
/** Entries of one person, whose export is long. */
const LONG_HISTORY = Math.floor(entries / 10);

/** @typedef {Awaited<ReturnType<typeof serve>>} Service */
/**
 * @typedef {object} Result of a phase
 * @property {string} machine
 * @property {string} did
 * @property {number} seconds
 * @property {number} databaseMb
 * @property {number} refused answers with 503: the database was too busy, and the call was made again
 * @property {string[]} errors in the service's log
 * @property {string | undefined} ended how the service ended
 * @property {string} load average of the machine at the end
 * @property {Record<string, number[]>} times by call, milliseconds
 */

/** What is done in each phase, and how the service is set up for it. */
const PHASES = {
  quiet: {
    days: 0,
    work: async () => {
      await sleep(QUIET_MS);
      return '';
    },
  },
  export: {
    days: 0,
    work: async () => {
      const person = await lengthOf(`/v1/speakers/${MODEL_PERSON}/export`);
      const trail = await lengthOf('/v1/audit/export');
      return `one person with ${count(LONG_HISTORY)} entries (${mb(person)}), then the whole trail (${mb(trail)})`;
    },
  },
  rotation: {
    days: 0,
    work: async () => {
      await answer('/v1/data-key/rotation', { method: 'POST' });
      const { total } = await until('/v1/data-key/rotation', ({ state, keys }) => state !== 'running' && keys === 1);
      return `${count(total)} vectors under a new key`;
    },
  },
  erase: {
    days: 0,
    work: async () => {
      let last = '';
      for (let i = 0; i < ERASED; i++) {
        const path = `/v1/speakers/speaker-${i * Math.floor(people / ERASED)}`;
        last = /** @type {string} */ ((await answer(path, { method: 'DELETE' })).receipt);
      }
      await until(`/v1/receipts/${last}`, ({ traces }) => traces === 'WIPED');
      return `${ERASED} people, until the file had nothing of them`;
    },
  },
  trim: {
    days: AUDIT_DAYS,
    work: async () => {
      // The service has looked at the clock before; what has grown old since then goes by its next sweep.
      const before = new Date(Date.now() - AUDIT_DAYS * DAY_MS - LOOKED_BEFORE_MS).toISOString();
      await until(`/v1/audit?limit=1&to=${before}`, ({ entries: old }) => old.length === 0);
      return `${count(entries / 2)} entries, from the start of the service on`;
    },
  },
};

/** @typedef {keyof typeof PHASES} PhaseName */

const names = /** @type {PhaseName[]} */ (Object.keys(PHASES));
const unknown = values.only?.filter((name) => !(name in PHASES)) ?? [];
if (unknown.length > 0) throw new Error(`there is no phase ${unknown.join(', ')}; they are ${names.join(', ')}`);

const kept = values.folder === undefined ? undefined : resolve(values.folder);
const work = mkdtempSync(join(kept === undefined ? tmpdir() : made(kept), 'timbre-records-'));
const store = kept ?? join(work, 'kept');
/** @type {Service | undefined} */
let service;
let refused = 0;
try {
  await prepare();
  for (const name of names) {
    const isAsked = values.only?.includes(name) ?? !existsSync(resultFile(name));
    if (isAsked) writeWhole(resultFile(name), JSON.stringify(await measure(name)));
  }
  const results = names.flatMap((name) =>
    existsSync(resultFile(name)) ? [/** @type {const} */ ([name, resultOf(name)])] : [],
  );
  const tooSlow = results.flatMap(([name, { times }]) =>
    Object.entries(times).flatMap(([call, all]) => (quantile(all, 0.99) > MOST_MS ? [`${call} during ${name}`] : [])),
  );
  const report = describe(results, tooSlow);
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  if (tooSlow.length > 0 || results.some(([, { errors }]) => errors.length > 0)) process.exitCode = 1;
} finally {
  if (service && service.ended() === undefined) await service.stop();
  rmSync(work, { recursive: true, force: true });
}

/** The database that every phase begins with, made unless it is there. */
async function prepare() {
  const note = join(store, 'prepared.json');
  const wanted = JSON.stringify({ people, entries });
  if (existsSync(note)) {
    const found = readFileSync(note, 'utf8');
    if (found !== wanted) throw new Error(`${store} has a database of ${found}, not of ${wanted}`);
    return;
  }
  const began = performance.now();
  rmSync(join(store, 'filled'), { recursive: true, force: true });
  await fill(made(join(store, 'filled')), { people, entries, days: 2 * AUDIT_DAYS });
  made(join(store, 'results'));
  writeWhole(note, wanted);
  process.stderr.write(`filled in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
}

/** @param {PhaseName} name @returns {Promise<Result>} */
async function measure(name) {
  const { days, work: toDo } = PHASES[name];
  const folder = join(work, name);
  cpSync(join(store, 'filled'), folder, { recursive: true, mode: constants.COPYFILE_FICLONE });
  const machine = describeMachine();
  service = await serve(folder, { TIMBRE_REQUEST_SECONDS: '600', TIMBRE_AUDIT_DAYS: String(days) });
  const { databaseMb } = service.sample();
  refused = 0;
  const job = await answer('/v1/training-sessions', json({ items: [{ speakerId: 'nobody', path: '/nowhere' }] }));
  const result = await underCalls(callsOf(/** @type {string} */ (job.id)), toDo);
  const ended = await service.stop();
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(', ');
  process.stderr.write(`${name}: ${result.seconds.toFixed(0)} s\n`);
  const errors = service.errors();
  rmSync(folder, { recursive: true, force: true });
  return { machine, databaseMb, refused, errors, ended, load, ...result };
}

/** @param {PhaseName} name */
function resultFile(name) {
  return join(store, 'results', `${name}.json`);
}

/** @param {PhaseName} name @returns {Result} */
function resultOf(name) {
  return JSON.parse(readFileSync(resultFile(name), 'utf8'));
}

/** @param {string} folder */
function made(folder) {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** @param {string} file @param {string} text */
function writeWhole(file, text) {
  writeFileSync(`${file}.part`, text);
  renameSync(`${file}.part`, file);
}

/** @param {readonly (readonly [PhaseName, Result])[]} results @param {readonly string[]} tooSlow */
function describe(results, tooSlow) {
  const ms = (/** @type {number} */ value) => value.toFixed(value < 10 ? 1 : 0);
  const calls = Object.keys(results[0]?.[1].times ?? {});
  const machines = [...new Set(results.map(([, { machine }]) => machine))];
  return `# ${count(people)} people, ${count(entries)} entries of the audit trail

\`node bench/reliability/records.mjs --people ${people} --entries ${entries}\`

${machines.join('\n')}
- the real service (\`timbre serve\`, the starter model) in a process of its own for each phase, on a copy of the same
  database of ${results[0]?.[1].databaseMb.toFixed(0)} MB

${results
  .map(
    ([name, { did, seconds, refused: busy, errors, ended, load }]) =>
      `- **${name}**: ${did === '' ? '' : `${did}; `}${seconds.toFixed(0)} s; ${busy} answers were 503, and the calls made again;
  ${errors.length} errors in the service's log; stopped with ${ended}; load average of the machine at the end ${load} (1, 5, 15
  minutes), clients and other programs included`,
  )
  .join('\n')}

Calls that run no model, each in a lane of its own, one after the other with ${PAUSE_MS} ms between: median, 99th percentile and
longest in milliseconds.

| call | ${results.map(([name]) => name).join(' | ')} |
| --- | ${results.map(() => '---').join(' | ')} |
${calls
  .map((call) => {
    const cells = results.map(([, { times }]) => {
      const all = times[call] ?? [];
      return `${ms(quantile(all, 0.5))}, ${ms(quantile(all, 0.99))}, ${ms(quantile(all, 1))}`;
    });
    return `| ${call} | ${cells.join(' | ')} |`;
  })
  .join('\n')}

${tooSlow.length === 0 ? `No call's 99th percentile is above ${MOST_MS} ms.` : `Above ${MOST_MS} ms: ${tooSlow.join('; ')}.`}
`;
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
 * @param {Record<string, () => Promise<unknown>>} calls
 * @param {() => Promise<string>} toDo gives what was done
 */
async function underCalls(calls, toDo) {
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
  const working = toDo().finally(() => (over = true));
  const [did, ...rows] = await Promise.all([working, ...lanes]);
  return { did, seconds: (performance.now() - began) / 1000, times: Object.fromEntries(rows) };
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
