// What PostgreSQL costs: processor seconds of an identification, a verification and an enrolment, of the services and of
// PostgreSQL together, with one node and with three, as ratios to one service on its SQLite file. What three processes on one
// machine cost without any PostgreSQL, three services on SQLite files of their own tell.
//
//   npm run build && node bench/load/database-cost.mjs [--rounds 12] [--calls 60] [--warm 150] [--lanes 4] [--minutes M] [--out FILE]
//
// Each has a database of its own. In every round each of them gets the same calls with the same recordings, in an order that is
// drawn anew; what the client takes is not counted. --warm: calls of each kind at each node before the first round, so that V8 has
// compiled what it will.
import { readdirSync, readFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Cluster } from '../../test/postgres/cluster.mjs';
import { describeMachine, ROOT } from '../js/machine.mjs';
import { newKey } from '../reliability/nodes.mjs';
import { PATIENT } from '../reliability/patience.mjs';
import { random, Recordings } from '../reliability/recordings.mjs';
import { serve } from '../reliability/served.mjs';
import { formOf, jsonOf } from '../reliability/service.mjs';
import { inTurn } from './lanes.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    calls: { type: 'string', default: '60' },
    warm: { type: 'string', default: '150' },
    lanes: { type: 'string', default: '4' },
    minutes: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'database-cost.md') },
  },
});
const [rounds, calls, warm, lanes] = [values.rounds, values.calls, values.warm, values.lanes].map(Number);
/** Milliseconds of measuring after which no further round begins. */
const LONGEST = Number(values.minutes) * 60_000;
const SPEAKERS = 50;
const RESAMPLES = 10_000;
/** Ticks of the kernel's accounts in a second (`getconf CLK_TCK`; Linux has this one everywhere). */
const TICKS = 100;
const KINDS = /** @type {const} */ (['identify', 'verify', 'enrol']);
/** What was asked for: the ratios at most. */
const MOST = { identify: 1.1, verify: 1.1, enrol: 1.2 };

/** @typedef {(typeof KINDS)[number]} Kind */
/** @typedef {Awaited<ReturnType<typeof serve>>} Served */
/**
 * One of those compared; `stores`: how many of the nodes have a database of their own; `roots`: processes that its own descend from.
 * @typedef {{ name: string, nodes: Served[], stores: number, roots: number[] }} Setup
 */

const machine = describeMachine();
const next = random(Number(values.seed));
const recordings = new Recordings(next);
const folder = mkdtempSync(join(tmpdir(), 'timbre-database-cost-'));
/** @type {Cluster[]} */
const clusters = [];
/** @type {Served[]} */
const services = [];
/** @type {Setup[]} */
const setups = [];

try {
  for (const count of [1, 3]) {
    const nodes = await Promise.all(Array.from({ length: count }, (_, i) => node(`sqlite-${count}-${i}`)));
    setups.push({ name: `SQLite, ${count} service${count > 1 ? 's' : ''}`, nodes, stores: count, roots: [] });
  }
  for (const count of [1, 3]) {
    // As a server that people's data is on; SQLite waits for the disk, too.
    const cluster = await Cluster.start({ settings: { fsync: 'on' } });
    clusters.push(cluster);
    const settings = { TIMBRE_DATABASE_URL: cluster.url(), TIMBRE_DATA_KEY: newKey() };
    const nodes = await Promise.all(Array.from({ length: count }, (_, i) => node(`postgres-${count}-${i}`, settings)));
    const pid = Number(readFileSync(join(cluster.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    setups.push({ name: `PostgreSQL, ${count} node${count > 1 ? 's' : ''}`, nodes, stores: 1, roots: [pid] });
  }
  for (const setup of setups) {
    setup.roots.push(...setup.nodes.map(({ pid }) => pid));
    await fill(setup);
    process.stderr.write(`${setup.name} is warm\n`);
  }
  const results = await measure();
  const report = describe(results);
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  for (const one of services) if (one.ended() === undefined) await one.stop();
  for (const cluster of clusters) await cluster.remove();
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} name @param {Record<string, string>} [settings] */
async function node(name, settings = {}) {
  const own = join(folder, name);
  mkdirSync(own);
  // Requests are counted, as they are by default, and none is refused.
  const limits = { TIMBRE_RATE_LIMIT: '1000000000', TIMBRE_ENROLLMENT_SECONDS: '1' };
  const one = await serve(own, { ...PATIENT, ...limits, ...settings });
  services.push(one);
  return one;
}

/**
 * A call at one node; throws where the answer is no.
 * @param {Served} to
 * @param {string} path
 * @param {RequestInit} init
 */
async function call({ url, key }, path, init) {
  const response = await fetch(url + path, { ...init, headers: { ...init.headers, 'x-api-key': key } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
}

/**
 * @param {Served} to
 * @param {Kind} kind
 * @param {string} speaker
 * @param {import('../reliability/recordings.mjs').Recording} recording
 */
function make(to, kind, speaker, recording) {
  const path = { identify: 'identify', verify: `speakers/${speaker}/verify`, enrol: `speakers/${speaker}/enrollments` };
  return call(to, `/v1/${path[kind]}`, formOf([recording]));
}

/** People, and calls of each kind at each node. @param {Setup} setup */
async function fill({ nodes, stores }) {
  for (const to of nodes.slice(0, stores)) {
    for (let i = 0; i < SPEAKERS; i++) {
      await call(to, '/v1/speakers', jsonOf({ id: `speaker-${i}` }));
      await make(to, 'enrol', `speaker-${i}`, recordings.next());
    }
  }
  for (const to of nodes) {
    // Whom nobody is compared with: each setup has as many recordings of each speaker when it is measured.
    for (let i = 0; i < warm; i += 10) {
      const id = `warm-${nodes.indexOf(to)}-${i}`;
      await call(to, '/v1/speakers', jsonOf({ id }));
      for (const kind of ['enrol', 'verify', 'identify']) {
        await inTurn(lanes, 10, () => make(to, /** @type {Kind} */ (kind), id, recordings.next()));
      }
      await call(to, `/v1/speakers/${id}`, { method: 'DELETE' });
    }
  }
}

/** @returns {Promise<Record<Kind, number[][]>>} milliseconds of processors for a call, by round and setup */
async function measure() {
  const started = performance.now();
  /** @type {Record<Kind, number[][]>} */
  const results = { identify: [], verify: [], enrol: [] };
  for (let round = 0; round < rounds && (round < 2 || performance.now() - started < LONGEST); round++) {
    for (const kind of KINDS) {
      const given = Array.from({ length: calls }, () => recordings.next());
      /** @type {number[]} */
      const row = [];
      for (const at of inAnyOrder(setups.length)) {
        const { nodes, roots } = /** @type {Setup} */ (setups[at]);
        const before = processorSeconds(roots);
        await inTurn(lanes, calls, (i) => {
          const to = /** @type {Served} */ (nodes[i % nodes.length]);
          const speaker = `speaker-${(round * calls + i) % SPEAKERS}`;
          return make(to, kind, speaker, /** @type {import('../reliability/recordings.mjs').Recording} */ (given[i]));
        });
        row[at] = (1000 * (processorSeconds(roots) - before)) / calls;
      }
      results[kind].push(row);
      process.stderr.write(`round ${round + 1} ${kind}: ${row.map((ms) => ms.toFixed(1)).join(', ')} ms\n`);
    }
  }
  return results;
}

/** @param {number} count */
function inAnyOrder(count) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [/** @type {number} */ (order[j]), /** @type {number} */ (order[i])];
  }
  return order;
}

/** Of these processes, and of all that descend from them, those that have ended too. @param {readonly number[]} roots */
function processorSeconds(roots) {
  /** @type {Map<number, { parent: number, ticks: number }>} */
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let text;
    try {
      text = readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      continue; // ended meanwhile
    }
    // Behind the name, which may have any characters: state, parent, ..., utime (14th of all), stime, cutime, cstime.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
    all.set(Number(name), { parent: Number(fields[1]), ticks });
  }
  const isOwn = (/** @type {number} */ pid) => {
    for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (roots.includes(at)) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, one] of all) if (isOwn(pid)) ticks += one.ticks;
  return ticks / TICKS;
}

/**
 * The ratio of the sums of two setups, and where it lies with 95 % when rounds are drawn anew.
 * @param {number[][]} rows
 * @param {number} at
 * @param {number} to
 */
function ratioOf(rows, at, to) {
  const of = (/** @type {number[][]} */ some) => {
    const sum = (/** @type {number} */ i) => some.reduce((total, row) => total + /** @type {number} */ (row[i]), 0);
    return sum(at) / sum(to);
  };
  const drawn = Array.from({ length: RESAMPLES }, () =>
    of(rows.map(() => /** @type {number[]} */ (rows[Math.floor(next() * rows.length)]))),
  ).sort((a, b) => a - b);
  const place = (/** @type {number} */ share) => /** @type {number} */ (drawn[Math.floor(share * (RESAMPLES - 1))]);
  return `${of(rows).toFixed(2)} (${place(0.025).toFixed(2)} to ${place(0.975).toFixed(2)})`;
}

/** @param {Record<Kind, number[][]>} results */
function describe(results) {
  const mean = (/** @type {number[][]} */ rows, /** @type {number} */ at) =>
    rows.reduce((sum, row) => sum + /** @type {number} */ (row[at]), 0) / rows.length;
  const lines = KINDS.map((kind) => {
    const rows = results[kind];
    const ratios = [ratioOf(rows, 2, 0), ratioOf(rows, 3, 0), MOST[kind], ratioOf(rows, 1, 0), ratioOf(rows, 3, 1)];
    return [`| ${kind}`, ...setups.map((_, at) => mean(rows, at).toFixed(1)), ...ratios].join(' | ') + ' |';
  });
  return `# What PostgreSQL costs

\`node bench/load/database-cost.mjs --rounds ${rounds} --calls ${calls} --warm ${warm}\`

${machine}
- the real service (\`timbre serve\`, the starter model), each in a process of its own: one on SQLite; three on SQLite files of their
  own; one on PostgreSQL; three on another PostgreSQL; calls go to the three in turn; ${SPEAKERS} speakers, recordings of 3 s as WAV,
  ${lanes} calls at a time
- ${results.identify.length} rounds; in each, every one of them gets the same ${calls} calls of each kind, in an order drawn anew
- processor time of the services and of PostgreSQL's processes together, without the client; calls are counted for the limit of rates;
  \`fsync\` is on
- ratios of the sums over all rounds, with the 95 % interval of ${RESAMPLES.toLocaleString('en-GB')} draws of rounds

Milliseconds of processors for a call (S: SQLite, P: PostgreSQL, each with so many processes), and ratios:

| call | S1 | S3 | P1 | P3 | P1 to S1 | P3 to S1 | these at most, asked for | S3 to S1 | P3 to S3 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

S3 to S1 is what three processes on one machine cost whatever database they have: the calls under way are spread over three engines
and heaps. P3 to S3 is what PostgreSQL costs three nodes.
`;
}
