// Kills the service again and again, at random moments of enrolments, jobs and rotations of the data key, and looks at
// what is left each time.
//
//   npm run build && node bench/reliability/kill.mjs [--kills 200] [--minutes N] [--seed 1] [--out FILE or none]
//
// After each kill, on a copy of the data: PRAGMA integrity_check, every acknowledged recording there, every profile that
// of its enrolments, every job's counts those of its recordings, nothing done twice. After each restart: the spool holds
// nothing that belongs to no recording. In the end every job and every rotation has finished.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, quantile, ROOT } from '../js/machine.mjs';
import { checkAtRest } from './at-rest.mjs';
import { pathsOf, settingsOf, toldOf, unfinishedOf } from './handed-in.mjs';
import { patience } from './patience.mjs';
import { random, Recordings } from './recordings.mjs';
import { Refusal, Service } from './service.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '600' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'kill.md') },
  },
});
const KILLS = Number(values.kills);
/** Milliseconds after which no further life begins. */
const LONGEST = Number(values.minutes) * 60_000;
/** Milliseconds after which the service is killed at the latest: from its start, or from when it took requests. */
const LONGEST_START = 1500;
const LONGEST_LIFE = 2500;
/** Share of kills that come while it starts. */
const AT_START = 0.15;
/** Jobs beyond which none is added: what one life gets done is less than what it is given. */
const JOBS_WAITING = 6;
/** Milliseconds between two rotations at most. */
const LONGEST_WITHOUT_ROTATION = 1000;

const POLICY = { requiredSpeechSeconds: 8, outlierCosine: 0.5 };

const next = random(Number(values.seed));
const recordings = new Recordings(next);
const folder = mkdtempSync(join(tmpdir(), 'timbre-kill-'));
const data = join(folder, 'data');
const root = join(folder, 'recordings');
mkdirSync(root);
const started = performance.now();

/** What the service has said that it has. */
const known = {
  /** @type {{ speakerId: string, sha256: string }[]} */
  told: [],
  /** @type {Map<string, { speakerId: string, sha256: string }[]>} */
  jobs: new Map(),
  /** Jobs that may be gone. @type {Set<string>} */
  removed: new Set(),
};
const tally = { requests: 0, cut: 0, atStart: 0, resumed: 0, cancelled: 0, uploads: 0, rotations: 0, rotating: 0 };
/** @type {number[]} */
const starts = [];
let counts = { enrolments: 0, profiles: 0, jobs: 0, items: 0, keys: 1 };
let round = 0;

try {
  const env = await environment();
  while (round < KILLS && performance.now() - started < LONGEST) {
    round++;
    await live(env);
    await look();
    if (round % 10 === 0 || round === KILLS) {
      console.error(`${round} of ${KILLS} kills, ${counts.enrolments} recordings, ${counts.jobs} jobs`);
    }
  }
  await finish(env);
  const report = describe();
  console.log(report);
  if (values.out !== 'none') writeFileSync(values.out, report);
} catch (error) {
  console.error(`after ${round} kills, seed ${values.seed}:`, error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function environment() {
  return {
    ...(await settingsOf(folder, root, POLICY)),
    TIMBRE_DATA_DIR: data,
    TIMBRE_UPLOAD_DIR: join(folder, 'uploads'),
    TIMBRE_WORKERS: '2',
    TIMBRE_RATE_LIMIT: '0',
  };
}

/** One life of the service, from its start to its end by SIGKILL. */
async function live(env) {
  const service = new Service(env);
  if (next() < AT_START) {
    tally.atStart++;
    await pause(next() * LONGEST_START);
    await service.kill();
    return;
  }
  try {
    const begun = performance.now();
    await service.ready();
    starts.push(performance.now() - begun);
    await checkSpool(service);
    const end = { at: performance.now() + next() * LONGEST_LIFE };
    const working = Promise.all([enrol(service, end), enrol(service, end), work(service, end), rotate(service, end)]);
    // What a client does is cut off by the kill; what goes wrong before is told.
    working.catch(() => undefined);
    await Promise.race([working, pause(end.at - performance.now())]);
    const unfinished = await unfinishedJobs(service).catch(() => []);
    if (unfinished.some(({ state }) => state === 'running')) tally.resumed++;
    await service.kill();
    await working;
  } finally {
    await service.kill();
  }
}

/** Single recordings, one after the other, each remembered once it is acknowledged. */
async function enrol(service, end) {
  while (performance.now() < end.at) {
    const speakerId = someSpeaker();
    const recording = recordings.next();
    const done = await attempt(async () => {
      try {
        await service.postJson('/v1/speakers', { id: speakerId });
      } catch (error) {
        if (!(error instanceof Refusal && error.code === 'SPEAKER_EXISTS')) throw error;
      }
      await service.postForm(`/v1/speakers/${speakerId}/enrollments`, [recording]);
    });
    if (!done) return;
    known.told.push({ speakerId, sha256: recording.sha256 });
  }
}

/** Jobs, of uploads and of paths; one in eight is cancelled. */
async function work(service, end) {
  while (performance.now() < end.at) {
    const items = Array.from({ length: 2 + Math.floor(next() * 5) }, () => ({
      speakerId: someSpeaker(),
      recording: recordings.next(),
    }));
    /** @type {any} */
    let job = null;
    const done = await attempt(async () => {
      if ((await unfinishedJobs(service)).length >= JOBS_WAITING) return;
      job = next() < 0.5 ? await ofUploads(service, items) : await ofPaths(service, items);
      known.jobs.set(job.id, toldOf(items));
      if (next() < 0.125) {
        // One that has just finished stays as it is.
        const { state } = await service.call(`/v1/jobs/${job.id}/cancel`, { method: 'POST' });
        if (state === 'cancelled') tally.cancelled++;
      }
    });
    if (!done) return;
    if (!job) await pause(50);
  }
}

/** Data keys, one after the other; one that was cut off goes on at the next start. */
async function rotate(service, end) {
  for (;;) {
    await pause(next() * LONGEST_WITHOUT_ROTATION);
    if (performance.now() >= end.at) return;
    if (!(await attempt(() => service.postJson('/v1/data-key/rotation', {})))) return;
    tally.rotations++;
  }
}

function ofUploads(service, items) {
  tally.uploads++;
  return service.postForm(
    '/v1/training-sessions',
    items.map(({ recording }) => recording),
    { items: JSON.stringify(items.map(({ speakerId }) => ({ speakerId }))), createSpeakers: 'true' },
  );
}

function ofPaths(service, items) {
  return service.postJson('/v1/training-sessions', { createSpeakers: true, items: pathsOf(root, items) });
}

/** False where the service was killed meanwhile: nobody knows what became of the request. */
async function attempt(request) {
  tally.requests++;
  try {
    await request();
    return true;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    tally.cut++;
    return false;
  }
}

/** New voices every ten rounds, so that no profile grows without end. */
function someSpeaker() {
  return `s${Math.floor(round / 10)}-${Math.floor(next() * 6)}`;
}

async function unfinishedJobs(service) {
  return unfinishedOf(await service.call('/v1/jobs?limit=500'));
}

/** The data as the kill left it. */
async function look() {
  // Killed before it had made anything; then nobody can have been told anything either.
  if (known.told.length === 0 && known.jobs.size === 0 && !existsSync(data)) return;
  const found = await checkAtRest(data, join(folder, 'copy'), known, POLICY);
  if (found.wrong.length > 0) throw new Error(found.wrong.join('\n'));
  counts = found.counts;
  if (counts.keys > 1) tally.rotating++;
}

/** Every file of the spool must belong to a recording that waits; one that is being removed has a moment. */
async function checkSpool(service) {
  const isOver = patience(10);
  for (;;) {
    const stray = [];
    for (const jobId of readdirSync(join(data, 'spool'))) {
      const names = filesOf(join(data, 'spool', jobId));
      const { items } = await service.call(`/v1/jobs/${jobId}?state=queued&limit=1000`).catch(() => ({ items: [] }));
      const waiting = new Set(items.flatMap(({ index }) => [String(index), `${index}.copy`]));
      stray.push(...names.filter((name) => !waiting.has(name)).map((name) => `${jobId}/${name}`));
    }
    if (stray.length === 0) return;
    if (isOver()) throw new Error(`the spool holds what nobody waits for: ${stray.join(', ')}`);
    await pause(50);
  }
}

/** Nothing for a folder whose job has just ended. */
function filesOf(path) {
  try {
    return readdirSync(path);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return [];
    throw error;
  }
}

/** Lets the service do what is left, and looks once more. */
async function finish(env) {
  const service = new Service(env);
  try {
    await service.ready();
    const isOver = patience(600);
    for (;;) {
      const left = await unfinishedJobs(service);
      const rotation = await service.call('/v1/data-key/rotation');
      if (rotation.state === 'failed') throw new Error(`a rotation failed: ${rotation.failure}`);
      if (left.length === 0 && rotation.state === 'idle') break;
      if (isOver()) throw new Error(`these do not finish: ${JSON.stringify({ left, rotation })}`);
      await pause(200);
    }
    for (const [id, items] of known.jobs) {
      if (known.removed.has(id)) continue;
      const { state, items: outcomes } = await service.call(`/v1/jobs/${id}?limit=1000`);
      if (state !== 'completed' && state !== 'cancelled') throw new Error(`job ${id} is ${state}`);
      for (const { index, state: outcome } of outcomes) if (outcome === 'done') known.told.push(items[index]);
    }
    await service.stop();
  } finally {
    await service.kill();
  }
  await look();
  if (counts.keys > 1) throw new Error('an old data key is left in the end');
  const spooled = readdirSync(join(data, 'spool'));
  if (spooled.length > 0) throw new Error(`the spool is not empty in the end: ${spooled.join(', ')}`);
}

function describe() {
  const seconds = (performance.now() - started) / 1000;
  return `# ${round} kills

\`node bench/reliability/kill.mjs --kills ${round} --seed ${values.seed}\`: the service is ended by SIGKILL at a random moment of its start or of
its work, while clients enrol recordings, hand in jobs and rotate the data key, and started again on what is left.

| | |
| --- | --- |
| kills | ${round}, ${tally.atStart} of them while it started, ${tally.resumed} with a job running, ${tally.rotating} with a rotation of the data key begun |
| requests | ${tally.requests}, ${tally.cut} of them cut off |
| recordings that were acknowledged, all there | ${known.told.length} |
| recordings in the database | ${counts.enrolments} |
| profiles, all equal to those of their enrolments made anew | ${counts.profiles} |
| jobs, all finished | ${counts.jobs} (${tally.uploads} of uploads, ${tally.cancelled} cancelled) with ${counts.items} recordings |
| rotations of the data key | ${tally.rotations} asked for; one key in the end, and everything under it |
| recordings of jobs worked on twice, or without an outcome | 0 |
| \`PRAGMA integrity_check\`, \`foreign_key_check\` | ok each time |
| spool | after each start nothing that no recording waits for; empty in the end |
| from the start to ready, median and longest | ${quantile(starts, 0.5).toFixed(0)} ms, ${quantile(starts, 1).toFixed(0)} ms |
| time | ${(seconds / 60).toFixed(1)} minutes |

What is looked at after each kill is a copy of the data folder, so that recovering it is left to the service.

${describeMachine()}
`;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));
}
