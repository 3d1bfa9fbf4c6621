// Ten times more requests than the service can do: whoever is refused is told at once, whoever is let in gets an answer.
//
//   npm run build && node bench/reliability/overload.mjs [--factor 10] [--seconds 20] [--out FILE]
//
// First what it can do, by requests one after the other in a few lanes; then so many times that, each request sent at
// its time whatever became of the others. Exit status 1 where a request that was let in has no result, a refusal lacks
// the time to wait, or the 99 % quantile of refusals is above 50 ms.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine, quantile } from '../js/machine.mjs';
import { inLanes } from '../load/lanes.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    factor: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
    out: { type: 'string' },
  },
});
const [factor, seconds] = [values.factor, values.seconds].map(Number);
const LANES = 8;
const CLIP_SECONDS = 10;
const TEXT =
  'The north wind and the sun were disputing which was the stronger, when a traveller came along in a warm cloak. ' +
  'They agreed that whoever first made the traveller take off the cloak should be considered the stronger one.';
/** Milliseconds in which a refusal has to be there. */
const SOON = 50;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-overload-'));
const service = await serve(folder);
const agent = new Agent({ keepAlive: true });
try {
  const { headers, body } = formBody([['audio', clip(), 'clip.opus']]);

  /** @returns {Promise<{ status: number, retryAfter: number, milliseconds: number }>} */
  const send = () =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const own = { 'x-api-key': service.key, 'content-length': String(body.length) };
      const options = { agent, method: 'POST', headers: { ...headers, ...own } };
      const outgoing = request(`${service.url}/v1/embeddings`, options, (response) => {
        const { statusCode: status = 0, headers: of } = response;
        response.resume();
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status, retryAfter: Number(of['retry-after'] ?? 0), milliseconds: performance.now() - began }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  await inLanes(LANES, 2, send);
  const { perSecond } = await inLanes(LANES, 5, send);
  const every = 1000 / (factor * perSecond);
  const count = Math.ceil((1000 * seconds) / every);
  process.stderr.write(`${perSecond.toFixed(1)} a second; now ${count} requests, one every ${every.toFixed(2)} ms\n`);

  const started = performance.now();
  /** @type {ReturnType<typeof send>[]} */
  const sent = [];
  while (sent.length < count) {
    const due = Math.min(count, Math.floor((performance.now() - started) / every) + 1);
    while (sent.length < due) sent.push(send());
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + sent.length * every - performance.now())));
  }
  const took = (performance.now() - started) / 1000;
  const settled = await Promise.allSettled(sent);
  const answers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const unanswered = settled.length - answers.length;
  const refused = answers.filter(({ status }) => status === 429);
  const done = answers.filter(({ status }) => status === 200);
  const others = answers.length - refused.length - done.length;
  const withoutTime = refused.filter(({ retryAfter }) => !(retryAfter >= 1)).length;
  const ended = await service.stop();
  const times = (/** @type {typeof answers} */ of) => {
    const all = of.map(({ milliseconds }) => milliseconds);
    const shown = [0.5, 0.99, 1].map((share) => quantile(all, share));
    return { p99: shown[1] ?? NaN, text: shown.map((ms) => `${ms.toFixed(1)} ms`).join(', ') };
  };
  const errors = service.errors();
  const report = `# ${factor} times more requests than the service can do

\`node bench/reliability/overload.mjs --factor ${factor} --seconds ${seconds}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own with its default limits; the client on the
  same processors
- \`POST /v1/embeddings\` with ${CLIP_SECONDS} s of speech, ${(body.length / 1000).toFixed(0)} kB, sent whether or not earlier ones were answered

| | |
| --- | --- |
| the service can do (${LANES} lanes, one request after the other) | ${perSecond.toFixed(1)} a second |
| sent | ${count} in ${took.toFixed(1)} s, ${(count / took).toFixed(0)} a second |
| refused with 429 | ${refused.length}, ${withoutTime} of them without \`Retry-After\` |
| **time to a refusal, median, 99 % and longest** | **${times(refused).text}** |
| let in, each answered with its result | ${done.length} |
| time to a result, median, 99 % and longest | ${times(done).text} |
| other answers, no answer | ${others}, ${unanswered} |
| errors in the service's log | ${errors.length} |
| stopped with | ${ended} |
${errors.length > 0 ? `\n## The log\n\n${errors.slice(0, 20).join('\n')}\n` : ''}`;
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  const late = !(times(refused).p99 <= SOON);
  if (others + unanswered + withoutTime + errors.length > 0 || done.length === 0 || late) process.exitCode = 1;
} finally {
  agent.destroy();
  if (service.ended() === undefined) await service.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Small for its length, so that a request is more work to do than to send. */
function clip() {
  const [spoken, out] = ['spoken.wav', 'clip.opus'].map((name) => join(folder, name));
  execFileSync('espeak-ng', ['-v', 'en-us+f2', '-w', spoken, TEXT]);
  const words = ['-t', String(CLIP_SECONDS), '-c:a', 'libopus', '-b:a', '24k'];
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', spoken, ...words, out]);
  return readFileSync(out);
}
