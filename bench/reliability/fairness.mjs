// Does a training session of 10,000 recordings keep those who verify waiting? Verifications one after the other while
// the service has nothing else to do, then while the job runs, then again without it.
//
//   npm run build && node bench/reliability/fairness.mjs [--recordings 10000] [--calls 200] [--out FILE]
//
// Exit status 1 where a verification beside the job takes more than twice as long, in the median or the 95 % quantile,
// or the job was done before them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine, quantile } from '../js/machine.mjs';
import { random, Recordings } from './recordings.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    recordings: { type: 'string', default: '10000' },
    calls: { type: 'string', default: '200' },
    out: { type: 'string' },
  },
});
const [count, calls] = [values.recordings, values.calls].map(Number);
const SPEAKERS = 100;
/** Milliseconds between two verifications: somebody who uses the service, not somebody who tries what it bears. */
const PAUSE = 100;
const MOST = 2;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-fairness-'));
const root = join(folder, 'recordings');
mkdirSync(root);
const recordings = new Recordings(random(1));
const service = await serve(folder, { AUDIO_ROOTS: root, TIMBRE_ENROLLMENT_SECONDS: '2' });
try {
  /** @param {string} path @param {RequestInit} [init] @returns {Promise<any>} */
  const call = async (path, init) => {
    const headers = { ...init?.headers, 'x-api-key': service.key };
    const response = await fetch(service.url + path, { ...init, headers });
    const body = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body.code}: ${body.message}`);
    return body;
  };
  const post = (/** @type {string} */ path, /** @type {unknown} */ value) =>
    call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
  const postForm = (/** @type {string} */ path) =>
    call(path, { method: 'POST', ...formBody([['audio', Buffer.from(recordings.next().bytes)]]) });

  process.stderr.write(`writing ${count} recordings\n`);
  const items = Array.from({ length: count }, (_, i) => {
    const { name, bytes } = recordings.next();
    const path = join(root, name);
    writeFileSync(path, bytes);
    return { speakerId: `speaker-${i % SPEAKERS}`, path };
  });
  await post('/v1/speakers', { id: 'ada' });
  await postForm('/v1/speakers/ada/enrollments');

  /** @param {string} name @returns {Promise<number[]>} milliseconds of each */
  const verify = async (name) => {
    /** @type {number[]} */
    const milliseconds = [];
    for (let i = 0; i < calls; i++) {
      const began = performance.now();
      await postForm('/v1/speakers/ada/verify');
      milliseconds.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    process.stderr.write(`${name}: ${quantile(milliseconds, 0.5).toFixed(1)} ms\n`);
    return milliseconds;
  };

  await verify('warming up');
  const before = await verify('idle');
  const job = await post('/v1/training-sessions', { createSpeakers: true, items });
  const beside = await verify('beside the job');
  const { state, counts } = await call(`/v1/jobs/${job.id}`);
  await call(`/v1/jobs/${job.id}/cancel`, { method: 'POST' });
  const after = await verify('idle again');
  const idle = [...before, ...after];
  const ended = await service.stop();
  const errors = service.errors();
  const row = (/** @type {string} */ name, /** @type {number[]} */ all) =>
    `| ${name} | ${[0.5, 0.95, 1].map((share) => `${quantile(all, share).toFixed(1)} ms`).join(' | ')} |`;
  const ratios = [0.5, 0.95].map((share) => quantile(beside, share) / quantile(idle, share));
  const report = `# A verification beside a training session of ${count.toLocaleString('en-GB')} recordings

\`node bench/reliability/fairness.mjs --recordings ${count} --calls ${calls}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own with its default settings; the client on the
  same processors
- 3 s of speech each, of ${SPEAKERS} speakers; ${calls} verifications one after the other, ${PAUSE} ms apart

| \`POST /v1/speakers/:id/verify\` | median | 95 % | longest |
| --- | --- | --- | --- |
${row('idle, before the job', before)}
${row('beside the job', beside)}
${row('idle, after the job was cancelled', after)}
| **beside the job, times idle** | **${ratios.map((ratio) => ratio.toFixed(2)).join('** | **')}** | |

The job had done ${counts.done} recordings by then, and ${counts.failed} had failed; it was ${state}.
${errors.length} errors in the service's log; stopped with ${ended}.
`;
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  if (state !== 'running' || counts.failed > 0 || errors.length > 0 || !ratios.every((ratio) => ratio <= MOST)) {
    process.exitCode = 1;
  }
} finally {
  if (service.ended() === undefined) await service.stop();
  rmSync(folder, { recursive: true, force: true });
}
