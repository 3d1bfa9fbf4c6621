// How long does one request hold the event loop? Every call that takes a body gets the largest it takes, right and made to
// be slow, and the lists that answer get their largest page, one after the other, while the loop is watched.
//
//   npm run build && node bench/reliability/request-loop.mjs [--only TEXT] [--out FILE]
//
// The service runs in this process, its client in a worker. A hold is the time between two ticks of a 1 ms timer; what counts
// is the processor time that the thread had in it, so that another program on the machine is not taken for the service.
// Exit status 1 where one is longer than 50 ms, or a request is answered with another status than is expected of it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { clearInterval, setInterval, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import pino from 'pino';
import { startService } from '../../dist/service/app/service.js';
import { Config } from '../../dist/service/config/config.js';
import { describeMachine, noise, ROOT, wav } from '../js/machine.mjs';

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, out: { type: 'string' } } });

/** Longest that a step may hold the loop, milliseconds. */
const MOST_MS = 50;
const PERIOD_MS = 1;

/** Processor time of the main thread so far, milliseconds. */
const cpuOfThread = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;

/** Watches the loop until it is stopped, and then tells the longest hold: as time, and as processor time in it. */
function watch() {
  let [wall, cpu] = [0, 0];
  let [at, used] = [performance.now(), cpuOfThread()];
  const look = () => {
    const [now, usedNow] = [performance.now(), cpuOfThread()];
    wall = Math.max(wall, now - at - PERIOD_MS);
    cpu = Math.max(cpu, usedNow - used);
    [at, used] = [now, usedNow];
  };
  const timer = setInterval(look, PERIOD_MS);
  return () => {
    clearInterval(timer);
    look();
    return { wall, cpu };
  };
}

const MIB = 1 << 20;
/** A denormal number of this text is the slowest there is to read. */
const SLOW_NUMBER = '2.4703282292062328e-324';

/**
 * What is sent: how the worker makes it, so that making it holds nobody up. `expect`: the statuses that it may have.
 * @typedef {object} Case
 * @property {string} name
 * @property {'api' | 'sidecar'} [to]
 * @property {string} path
 * @property {string} [method]
 * @property {string} [type] content type
 * @property {string} [body] an expression that gives a string or a Buffer
 * @property {boolean} [gzip]
 * @property {number[]} expect
 * @property {boolean} [job] whether it makes a job, which is cancelled afterwards
 * @property {boolean} [people] whether the people of `enrolPeople` are to be there
 */

const list =
  'const list = (entry, count) => `[${Array.from({ length: count }, (_, i) => typeof entry === "function" ? entry(i) : entry).join(",")}]`;';
const form =
  'const form = (parts) => Buffer.concat([...parts.flatMap(([head, body]) => [Buffer.from(`--x\\r\\ncontent-disposition: form-data; ${head}\\r\\n\\r\\n`), Buffer.from(body), Buffer.from("\\r\\n")]), Buffer.from("--x--\\r\\n")]);';
const FORM = 'multipart/form-data; boundary=x';
const item = '(i) => `{"speakerId":"speaker-${i % 100}","name":"Name ${i}","path":"/srv/recordings/${i}/';

/** @type {(folder: string) => Case[]} */
const casesIn = (folder) => [
  { name: 'nothing (the watch itself)', method: 'GET', path: '/health/live', expect: [200] },
  {
    name: 'createSpeaker, 64 KiB name',
    path: '/v1/speakers',
    body: '`{"id":"x","name":"${"x".repeat(65000)}"}`',
    expect: [400],
  },
  {
    name: 'createSpeaker, 1,000 slow numbers',
    path: '/v1/speakers',
    body: `\`{"a":\${list("${SLOW_NUMBER}", 990)}}\``,
    expect: [400],
  },
  {
    name: 'createSpeaker, 490 unknown fields',
    path: '/v1/speakers',
    body: '`{${Array.from({ length: 490 }, (_, i) => `"${"k".repeat(100)}${i}":1`).join(",")}}`',
    expect: [400],
  },
  {
    name: 'updateSpeaker, 64 KiB',
    method: 'PATCH',
    path: '/v1/speakers/ada',
    body: '`{"name":"${"é".repeat(32000)}"}`',
    expect: [400],
  },
  {
    name: 'giveConsent, 64 KiB',
    method: 'PUT',
    path: '/v1/speakers/ada/consent',
    body: '`{"method":"${"x".repeat(65000)}","textVersion":"1","givenBy":"x"}`',
    expect: [400],
  },
  {
    name: 'importVectors, 100 of 1,000 numbers',
    path: '/v1/speakers/ada/vectors',
    body: 'JSON.stringify({vectors:Array.from({length:100},()=>({vector:Array.from({length:1000},(_,i)=>i/7),model:"other@0123456789ab",speechSeconds:3}))})',
    expect: [409],
  },
  {
    name: 'createTrainingSession, 10,000 paths',
    path: '/v1/training-sessions',
    body: `\`{"createSpeakers":true,"items":\${list(${item}a.wav"}\`, 10000)}}\``,
    expect: [202],
    job: true,
  },
  {
    name: 'createTrainingSession, 10,000 paths in 16 MiB',
    path: '/v1/training-sessions',
    body: `\`{"createSpeakers":true,"items":\${list(${item}\${"p".repeat(1550)}.wav"}\`, 10000)}}\``,
    expect: [202],
    job: true,
  },
  {
    name: 'the same in gzip',
    path: '/v1/training-sessions',
    gzip: true,
    body: `\`{"createSpeakers":true,"items":\${list(${item}\${"p".repeat(1550)}.wav"}\`, 10000)}}\``,
    expect: [202],
    job: true,
  },
  {
    name: 'createTrainingSession, 10,000 wrong items',
    path: '/v1/training-sessions',
    body: '`{"items":${list(`{"a":1,"b":2,"c":3}`, 10000)}}`',
    expect: [400],
  },
  {
    name: 'createTrainingSession, objects of 100,000 shapes',
    path: '/v1/training-sessions',
    body: '`{"items":${list((i) => `{"k${i}":1}`, 60000)}}`',
    expect: [413],
  },
  {
    name: 'createTrainingSession, 200,000 slow numbers',
    path: '/v1/training-sessions',
    body: `\`{"items":\${list("${SLOW_NUMBER}", 200000)}}\``,
    expect: [413],
  },
  {
    name: 'createTrainingSession, 16 MiB of escapes',
    path: '/v1/training-sessions',
    body: '`{"items":"${"\\\\u4e2d".repeat(2790000)}"}`',
    expect: [413],
  },
  {
    name: 'createTrainingSession, a form of 10,000 recordings',
    path: '/v1/training-sessions',
    type: FORM,
    body: 'form([[`name="items"`, list((i) => `{"speakerId":"form-${i % 100}"}`, 10000)], [`name="createSpeakers"`, "true"], ...Array.from({ length: 10000 }, (_, i) => [`name="audio"; filename="${i}.wav"`, "RIFF" + i])])',
    expect: [202],
    job: true,
  },
  {
    name: 'createTrainingSession, 10,000 empty parts',
    path: '/v1/training-sessions',
    type: FORM,
    body: '"--x\\r\\n".repeat(1600000)',
    expect: [413],
  },
  {
    name: 'createEmbeddings, 8 MiB of empty parts',
    path: '/v1/embeddings',
    type: FORM,
    body: '"--x\\r\\n".repeat(1600000)',
    expect: [413],
  },
  {
    name: 'createEmbeddings, 32 recordings in 500 MiB',
    path: '/v1/embeddings',
    type: FORM,
    body: `form(Array.from({ length: 32 }, () => [\`name="audio"; filename="a.wav"\`, Buffer.alloc(${15 * MIB}, "noise")]))`,
    expect: [415],
  },
  {
    name: 'compareRecordings, 256 MiB',
    path: '/v1/compare',
    type: FORM,
    body: `form(["a", "b"].map((name) => [\`name="\${name}"; filename="a.wav"\`, Buffer.alloc(${127 * MIB}, "noise")]))`,
    expect: [415],
  },
  {
    name: 'enrol, a body of 128 MiB',
    path: '/v1/speakers/ada/enrollments',
    type: 'audio/wav',
    body: `Buffer.alloc(${127 * MIB}, "noise")`,
    expect: [415],
  },
  {
    name: 'verifySpeaker, a body of 128 MiB in gzip',
    path: '/v1/speakers/ada/verify',
    type: 'audio/wav',
    gzip: true,
    body: `Buffer.alloc(${127 * MIB}, "noise")`,
    expect: [200, 415],
  },
  {
    name: 'identifySpeaker, 1,000 candidates',
    path: '/v1/identify',
    type: FORM,
    body: 'form([[`name="candidates"`, Array.from({ length: 1000 }, (_, i) => `speaker-${i}`).join(",")], [`name="audio"; filename="a.wav"`, Buffer.from(recording)]])',
    expect: [404],
  },
  {
    name: 'batch-extract-embeddings, 16 MiB of 1,1,1',
    to: 'sidecar',
    path: '/batch-extract-embeddings',
    body: '`{"audio_paths":${list("1", 8388000)}}`',
    expect: [413],
  },
  {
    name: 'batch-extract-embeddings, 1,000 paths in 4 MB',
    to: 'sidecar',
    path: '/batch-extract-embeddings',
    body: '`{"audio_paths":${list((i) => `"/nowhere/${"p".repeat(4000)}${i}"`, 1000)}}`',
    expect: [200],
  },
  {
    name: 'batch-extract-embeddings, 1,000 recordings',
    to: 'sidecar',
    path: '/batch-extract-embeddings',
    body: `\`{"audio_paths":\${list(${JSON.stringify(JSON.stringify(join(folder, 'recordings', 'short.wav')))}, 1000)}}\``,
    expect: [200],
  },
  {
    name: 'extract-embedding, 64 KiB',
    to: 'sidecar',
    path: '/extract-embedding',
    body: '`{"audio_path":"${"/x".repeat(32000)}"}`',
    expect: [404],
  },
  {
    name: 'compute-similarity, twice 8,192 slow numbers',
    to: 'sidecar',
    path: '/compute-similarity',
    body: `\`{"embedding1":\${list("${SLOW_NUMBER}", 8192)},"embedding2":\${list("${SLOW_NUMBER}", 8192)}}\``,
    expect: [200],
  },
  {
    name: 'compute-centroid, 1,300 vectors of 192',
    to: 'sidecar',
    path: '/compute-centroid',
    body: '`{"embeddings":${list(() => list((i) => String(Math.fround(Math.sin(i))), 192), 1300)}}`',
    expect: [200],
  },
  {
    name: 'compute-centroid, 250,000 slow numbers',
    to: 'sidecar',
    path: '/compute-centroid',
    body: `\`{"embeddings":\${list(() => list("${SLOW_NUMBER}", 5000), 49)}}\``,
    expect: [200],
  },
  {
    name: 'extract-embedding-buffer, 300 s of samples',
    to: 'sidecar',
    path: '/extract-embedding-buffer',
    body: '`{"audio_base64":"${Buffer.alloc(2 * 16000 * 299, "noise").toString("base64")}"}`',
    expect: [200],
  },
  {
    name: 'extract-embedding-buffer, 16 MiB of escapes',
    to: 'sidecar',
    path: '/extract-embedding-buffer',
    body: '`{"audio_base64":"${"\\\\u0041".repeat(2790000)}"}`',
    expect: [413],
  },
  {
    name: 'extract-embedding-buffer, 16 MiB of line ends',
    to: 'sidecar',
    path: '/extract-embedding-buffer',
    body: '`{"audio_base64":"${"\\\\n".repeat(8380000)}"}`',
    expect: [400],
  },
  {
    name: 'extract-embedding-and-compare, samples and a vector',
    to: 'sidecar',
    path: '/extract-embedding-and-compare',
    body: `\`{"audio_base64":"\${Buffer.alloc(2 * 16000 * 60, "noise").toString("base64")}","centroid_embedding":\${list("${SLOW_NUMBER}", 8192)}}\``,
    expect: [400],
  },
  { name: 'listSpeakers, 500', method: 'GET', path: '/v1/speakers?limit=500', expect: [200] },
  { name: 'listAudit, 1,000', method: 'GET', path: '/v1/audit?limit=1000', expect: [200] },
  { name: 'listJobs, 500', method: 'GET', path: '/v1/jobs?limit=500', expect: [200] },
  { name: 'getJob, 1,000 recordings', method: 'GET', path: '/v1/jobs/{job}?limit=1000', expect: [200] },
  {
    name: 'getEnrolledTrials, 2,000 recordings',
    method: 'GET',
    path: '/v1/calibrations/trials',
    expect: [200],
    people: true,
  },
  { name: 'the documentation', method: 'GET', path: '/docs/openapi.json', expect: [200] },
];

/** The client: makes each body, sends it, and tells the status. */
const CLIENT = `
const { parentPort, workerData: { recording } } = require('node:worker_threads');
const { gzipSync } = require('node:zlib');
${list}
${form}
parentPort.on('message', async ({ url, method, type, body, gzip }) => {
  try {
    const headers = body === undefined ? {} : { 'content-type': type };
    let bytes = body === undefined ? undefined : Buffer.from(eval(body));
    if (gzip) [bytes, headers['content-encoding']] = [gzipSync(bytes), 'gzip'];
    parentPort.postMessage({ ready: true, bytes: bytes?.length ?? 0 });
    const response = await fetch(url, { method, headers, body: bytes });
    const text = await response.text();
    parentPort.postMessage({ status: response.status, answered: text.length, text: text.slice(0, 200), location: response.headers.get('location') });
  } catch (error) {
    parentPort.postMessage({ status: 0, answered: 0, text: String(error.cause ?? error) });
  }
});
`;

/** People of 100 recordings, and of two: the most that are compared. */
const PEOPLE = [...Array.from({ length: 10 }, () => 100), ...Array.from({ length: 500 }, () => 2)];
/** Vectors of one request. */
const AT_ONCE = 100;

/** Enrols people by vectors that lie around a voice each. @param {string} url */
async function enrolPeople(url) {
  const { model } = /** @type {{ model: { name: string, embeddingDim: number } }} */ (
    await (await fetch(`${url}/v1/info`)).json()
  );
  const random = () => Array.from({ length: model.embeddingDim }, () => Math.random() - 0.5);
  /** @type {(path: string, body: object) => Promise<void>} */
  const post = async (path, body) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status !== 201) throw new Error(`${path}: ${await answer.text()}`);
    await answer.body?.cancel();
  };
  for (const [i, recordings] of PEOPLE.entries()) {
    const voice = random();
    await post('/v1/speakers', { id: `enrolled-${i}` });
    for (let from = 0; from < recordings; from += AT_ONCE) {
      const vectors = Array.from({ length: Math.min(AT_ONCE, recordings - from) }, () => ({
        vector: random().map((x, d) => Number((x + 2 * (voice[d] ?? 0)).toFixed(5))),
        model: model.name,
        speechSeconds: 8,
      }));
      await post(`/v1/speakers/enrolled-${i}/vectors`, { vectors });
    }
  }
}

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-request-loop-'));
for (const name of ['data', 'uploads', 'recordings']) mkdirSync(join(folder, name), { mode: 0o700 });
writeFileSync(join(folder, 'recordings', 'short.wav'), wav(noise(1)));
const config = Config.of({
  port: 0,
  sidecarPort: 0,
  dataDir: join(folder, 'data'),
  uploadDir: join(folder, 'uploads'),
  audioRoots: [join(folder, 'recordings')],
  modelCacheDir: fileURLToPath(new URL('models', `file://${ROOT}`)),
  requireKeys: 'never',
  consent: 'optional',
  rateLimit: 0,
  requestSeconds: 600,
});
const service = await startService(config, pino({ level: 'error' }));
const client = new Worker(CLIENT, { eval: true, workerData: { recording: wav(noise(5)) } });
/** @returns {Promise<any>} */
const told = () => new Promise((resolve) => client.once('message', resolve));
const pause = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @type {string[]} */
const rows = [];
let [failed, longest, job] = [0, 0, ''];
try {
  await service.ready();
  for (const id of ['ada'])
    await fetch(`${service.url}/v1/speakers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    });
  for (const {
    name,
    to = 'api',
    path,
    method = 'POST',
    type = 'application/json',
    body,
    gzip = false,
    expect,
    job: makesJob,
    people = false,
  } of casesIn(folder)) {
    if (!name.includes(values.only)) continue;
    if (path.includes('{job}') && job === '') continue;
    const url = (to === 'api' ? service.url : service.sidecarUrl) + path.replace('{job}', job);
    if (people) await enrolPeople(service.url);
    client.postMessage({ url, method, type, body, gzip });
    const made = await told();
    const stop = watch();
    const began = performance.now();
    const answer = made.ready ? await told() : made;
    const seconds = (performance.now() - began) / 1000;
    const { wall, cpu } = stop();
    const right = expect.includes(answer.status);
    if (!right) process.stderr.write(`${name}: ${answer.status} ${answer.text}\n`);
    if (!right || cpu > MOST_MS) failed++;
    longest = Math.max(longest, cpu);
    const size = (/** @type {number} */ bytes) =>
      bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
    rows.push(
      `| ${name} | ${size(made.bytes ?? 0)} | ${answer.status} | ${size(answer.answered)} | ${seconds.toFixed(1)} s | ${cpu.toFixed(0)} ms | ${wall.toFixed(0)} ms |`,
    );
    process.stderr.write(`${rows.at(-1)}\n`);
    if (makesJob && answer.location) {
      job = answer.location.split('/').at(-1);
      await fetch(`${service.url}/v1/jobs/${job}/cancel`, { method: 'POST' }).then(async ({ status }) => {
        if (status === 404) await fetch(`${service.url}/v1/jobs/${job}`, { method: 'DELETE' });
      });
    }
    await pause(300);
  }
} finally {
  await client.terminate();
  await service.close();
  rmSync(folder, { recursive: true, force: true });
}

const report = `# How long one request holds the event loop

\`node bench/reliability/request-loop.mjs\`

${machine}
- the service with its default limits and the starter model; one request at a time, each the largest that its call takes

A hold is what happens between two ticks of a 1 ms timer, the longest of each request: as processor time of the thread, which
is bounded by ${MOST_MS} ms, and as time, which on a busy machine is longer. **Longest: ${longest.toFixed(0)} ms.**

| request | body | status | answer | time | processor time of the longest hold | its time |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
if (values.out !== undefined) writeFileSync(values.out, report);
process.stdout.write(report);
if (failed > 0) process.exitCode = 1;
