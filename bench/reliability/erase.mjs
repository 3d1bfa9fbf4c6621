// What erasing a speaker costs where there are many: the call itself, and how long others wait while what is left of the
// erased is wiped from the database.
//
//   npm run build && node bench/reliability/erase.mjs [--profiles 100000] [--out FILE]
//
// Exit status 1 where a call fails, or the service's log holds an error.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine, quantile } from '../js/machine.mjs';
import { fill } from './fill.mjs';
import { random, Recordings } from './recordings.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: { profiles: { type: 'string', default: '100000' }, out: { type: 'string' } },
});
const profiles = Number(values.profiles);
const ERASED = 20;
/** Milliseconds for which others are watched: the file is wiped from ten seconds after the first erasure on. */
const WATCH = 30_000;
const PAUSE = 20;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-erase-'));
const recordings = new Recordings(random(2));
/** @type {Awaited<ReturnType<typeof serve>> | undefined} */
let service;
try {
  const filled = performance.now();
  await fill(folder, { people: profiles });
  process.stderr.write(`${profiles} profiles in ${((performance.now() - filled) / 1000).toFixed(0)} s\n`);

  const began = performance.now();
  service = await start();
  const startSeconds = (performance.now() - began) / 1000;
  const { databaseMb } = service.sample();
  const to = service;
  const calls = {
    'read a speaker': () => answer(to, '/v1/speakers/ada'),
    verify: () => answer(to, '/v1/speakers/ada/verify', { method: 'POST', ...form() }),
    'add and enrol': () => enrol(to, randomUUID()),
  };
  const quiet = await watch(calls, WATCH / 2);
  /** @type {number[]} */
  const erasures = [];
  const erasing = (async () => {
    for (let i = 0; i < ERASED; i++) {
      const at = performance.now();
      await answer(to, `/v1/speakers/speaker-${i * Math.floor(profiles / ERASED)}`, { method: 'DELETE' });
      erasures.push(performance.now() - at);
    }
  })();
  const [busy] = await Promise.all([watch(calls, WATCH), erasing]);
  const ended = await service.stop();
  const errors = service.errors();
  const ms = (/** @type {number} */ value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  const both = (/** @type {number[]} */ all) => `${ms(quantile(all, 0.5))}, ${ms(quantile(all, 1))}`;
  const report = `# Erasing one of ${profiles.toLocaleString('en-GB')}

\`node bench/reliability/erase.mjs --profiles ${profiles}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own; ${profiles} speakers with a recording and a
  profile each, ${databaseMb.toFixed(0)} MB of database; from its start to ready ${startSeconds.toFixed(1)} s

| | median, longest |
| --- | --- |
| \`DELETE /v1/speakers/:id\`, ${ERASED} one after the other | ${both(erasures)} |

The file's unused parts are wiped ten seconds after the first of them. Calls one after the other, ${PAUSE} ms apart:

| call | nothing erased | erasures and wiping |
| --- | --- | --- |
${Object.keys(calls)
  .map((name) => `| ${name} | ${both(quiet[name] ?? [])} | ${both(busy[name] ?? [])} |`)
  .join('\n')}

${errors.length} errors in the service's log; stopped with ${ended}.
`;
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  if (errors.length > 0) process.exitCode = 1;
} finally {
  if (service && service.ended() === undefined) await service.stop();
  rmSync(folder, { recursive: true, force: true });
}

function start() {
  return serve(folder, { TIMBRE_ENROLLMENT_SECONDS: '1' });
}

function form() {
  return formBody([['audio', Buffer.from(recordings.next().bytes)]]);
}

/** @param {{ url: string, key: string }} to @param {string} path @param {RequestInit} [init] */
async function answer(to, path, init) {
  const response = await fetch(to.url + path, { ...init, headers: { ...init?.headers, 'x-api-key': to.key } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
}

/** @param {{ url: string, key: string }} to @param {string} id */
async function enrol(to, id) {
  const headers = { 'content-type': 'application/json' };
  await answer(to, '/v1/speakers', { method: 'POST', headers, body: JSON.stringify({ id }) });
  await answer(to, `/v1/speakers/${id}/enrollments`, { method: 'POST', ...form() });
}

/**
 * Milliseconds that calls take, each in a lane of its own.
 * @param {Record<string, () => Promise<void>>} calls
 * @param {number} milliseconds
 */
async function watch(calls, milliseconds) {
  const end = performance.now() + milliseconds;
  const lanes = Object.entries(calls).map(async ([name, call]) => {
    /** @type {number[]} */
    const times = [];
    while (performance.now() < end) {
      const at = performance.now();
      await call();
      times.push(performance.now() - at);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return /** @type {const} */ ([name, times]);
  });
  return Object.fromEntries(await Promise.all(lanes));
}
