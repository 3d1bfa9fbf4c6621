// Requests made from the service's own OpenAPI document, right, nearly right and hostile, against the real service: no
// status above 499 but a documented 503 or 504, every error of one form, and a service that is alive at the end.
//
//   npm run build && node bench/reliability/http-fuzz.mjs [--requests 100000] [--seed 1] [--lanes 8] [--seconds S] [--postgres] [--out FILE]
//
// --postgres: on a PostgreSQL of its own, in the place of the file.
//
// A request is a function of seed and number: `--seed 1 --only 4711` sends that one again and prints both sides.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import {
  callsOf,
  faultsOf,
  formBody,
  isUnsendable,
  nth,
  requestsOf,
  senderTo,
} from '../../test/fuzz/http-requests.mjs';
import { Cluster } from '../../test/postgres/cluster.mjs';
import { describeMachine, noise, ROOT, wav } from '../js/machine.mjs';
import { PATIENT } from './patience.mjs';
import { serve } from './served.mjs';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '0' },
    only: { type: 'string' },
    postgres: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const [requests, seed, lanes, seconds] = [values.requests, values.seed, values.lanes, values.seconds].map(Number);
/** After so many requests the speakers are made again: most of them are soon erased by the requests themselves. */
const RENEW_EVERY = 200;
const SPEAKERS = ['ada', 'bob', 'cleo', 'dan', 'eve', 'finn'];
/** Faults that are told in full. */
const MOST_TOLD = 20;

/** @typedef {import('../../test/fuzz/http-requests.mjs').Sent} Sent */
/** @typedef {import('../../test/fuzz/http-requests.mjs').Answer} Answer */

/** Speech, as any call takes it. */
function speechOf() {
  const say = (/** @type {string} */ voice, /** @type {string} */ text) =>
    execFileSync('espeak-ng', ['-v', `en-us+${voice}`, '--stdout', text]);
  return [
    say('m1', 'The north wind and the sun were disputing which was the stronger.'),
    say('f2', 'They agreed that whoever first made the traveller take off the cloak.'),
  ];
}

/** Small recordings of hardly any speech, and what is none. */
function othersOf() {
  const clip = wav(noise(0.3));
  const corpus = join(ROOT, 'test', 'fuzz', 'corpus', 'decode');
  return [
    clip,
    clip.subarray(0, 3000),
    wav({ samples: new Float32Array(8000), sampleRate: 16_000 }),
    wav({ samples: new Float32Array(20), sampleRate: 16_000 }),
    Buffer.alloc(0),
    ...readdirSync(corpus).map((name) => readFileSync(join(corpus, name))),
  ];
}

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-http-fuzz-'));
const cluster = values.postgres ? await Cluster.start() : undefined;
const service = await serve(folder, {
  ...(cluster ? { TIMBRE_DATABASE_URL: cluster.url() } : {}),
  ...PATIENT,
  TIMBRE_ENROLLMENT_SECONDS: '1',
  TIMBRE_MAX_FILES: '3',
  AUDIO_ROOTS: folder,
});
const sender = senderTo(service.url, { key: service.key });
try {
  const document = await (await fetch(`${service.url}/docs/openapi.json`)).json();
  const calls = callsOf(document);
  const [speech, recordings] = [speechOf(), othersOf()];

  /**
   * JSON of an answer; asked again where a connection that nobody used for long was closed.
   * @param {string} method
   * @param {string} path
   * @param {{ headers: Record<string, string>, body: Buffer | undefined }} [body]
   * @returns {Promise<any>}
   */
  const ask = async (method, path, body = { headers: {}, body: undefined }) => {
    for (;;) {
      const answer = await sender.send({ call: undefined, kind: 'call', method, path, wire: undefined, ...body });
      if (answer) return answer.body === '' ? null : JSON.parse(answer.body);
    }
  };
  const json = (/** @type {unknown} */ value) => ({
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  });

  /** Speakers with a recording each, and a job. @returns {Promise<Record<string, string[]>>} ids of what is there */
  const renew = async () => {
    const enrolments = await Promise.all(
      SPEAKERS.map(async (id, i) => {
        await ask('DELETE', `/v1/speakers/${id}`);
        await ask('POST', '/v1/speakers', json({ id }));
        const audio = /** @type {Buffer} */ (speech[i % speech.length]);
        const { results = [] } = await ask('POST', `/v1/speakers/${id}/enrollments`, formBody([['audio', audio]]));
        return results.flatMap((/** @type {any} */ { enrollment }) => (enrollment?.id ? [enrollment.id] : []));
      }),
    );
    const { id } = await ask('POST', '/v1/training-sessions', json({ items: [{ speakerId: 'ada', path: folder }] }));
    return {
      '/v1/speakers/{id}': SPEAKERS,
      '/v1/speakers/{id}/enrollments/{enrollmentId}': enrolments.flat(),
      ...(id === undefined ? {} : { '/v1/jobs/{id}': [id] }),
    };
  };
  const arbitraryOf = async () => requestsOf(calls, { ids: await renew(), speech, recordings });

  if (values.only !== undefined) {
    const sent = nth(await arbitraryOf(), seed, Number(values.only));
    const answer = await sender.send(sent);
    process.stdout.write(`${described(sent)}\n\n${JSON.stringify(answer, null, 1)}\n`);
    process.stdout.write(`${answer ? faultsOf(sent, answer).join('\n') || 'nothing wrong' : 'no answer'}\n`);
  } else {
    await fuzz();
  }

  async function fuzz() {
    const started = performance.now();
    const late = () => seconds > 0 && performance.now() - started > seconds * 1000;
    /** @type {Map<string, Map<number, number>>} statuses by call */
    const seen = new Map();
    /** @type {Record<string, number>} */
    const kinds = {};
    /** @type {{ index: number, text: string, faults: string[] }[]} */
    const findings = [];
    let unanswered = 0;
    let slowest = 0;
    let done = 0;
    while (done < requests && !late() && service.ended() === undefined) {
      const arbitrary = await arbitraryOf();
      const last = Math.min(done + RENEW_EVERY, requests);
      const lane = async () => {
        while (done < last && service.ended() === undefined) {
          const index = done++;
          const sent = nth(arbitrary, seed, index);
          const began = performance.now();
          /** @type {string[]} */
          let faults = [];
          try {
            const answer = await sender.send(sent);
            if (answer) faults = faultsOf(sent, answer);
            else unanswered++;
            const name = sent.call?.operation.operationId ?? `(${sent.kind})`;
            const statuses = seen.get(name) ?? new Map();
            seen.set(name, statuses.set(answer?.status ?? 0, (statuses.get(answer?.status ?? 0) ?? 0) + 1));
          } catch (error) {
            if (isUnsendable(error)) kinds['not sent'] = (kinds['not sent'] ?? 0) + 1;
            else faults = [String(error)];
          }
          kinds[sent.kind] = (kinds[sent.kind] ?? 0) + 1;
          slowest = Math.max(slowest, performance.now() - began);
          if (faults.length > 0) {
            findings.push({ index, text: described(sent), faults });
            process.stderr.write(`${index}: ${faults.join('; ')}\n${described(sent)}\n`);
          }
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      if (done % 5000 === 0) {
        const rate = (1000 * done) / (performance.now() - started);
        const { residentMb } = service.sample();
        process.stderr.write(
          `${done} requests, ${rate.toFixed(0)}/s, ${findings.length} findings, ${residentMb.toFixed(0)} MB\n`,
        );
      }
    }
    const took = (performance.now() - started) / 1000;
    const alive = service.ended() === undefined && (await fetch(`${service.url}/health/ready`)).ok;
    const left = alive ? service.sample().temporaryFiles : 0;
    const ended = alive ? await service.stop() : service.ended();
    const errors = service.errors();
    const statuses = new Map();
    for (const of of seen.values()) for (const [status, n] of of) statuses.set(status, (statuses.get(status) ?? 0) + n);
    const failed =
      findings.length > 0 || !alive || errors.length > 0 || left > 0 || !['status 0', 'SIGTERM'].includes(ended ?? '');
    const report = `# The HTTP layer under generated requests

\`node bench/reliability/http-fuzz.mjs --requests ${requests} --seed ${seed}${values.postgres ? ' --postgres' : ''}\`

${machine}
- the real service (\`timbre serve\`, the starter model) in a process of its own, on ${values.postgres ? 'PostgreSQL' : 'its SQLite file'}; ${lanes} requests at a time
- requests from its own OpenAPI document (${calls.length} calls): ${Object.entries(kinds)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(', ')}

| | |
| --- | --- |
| requests | ${done} in ${took.toFixed(0)} s |
| statuses 500 and above other than a documented 503 or 504 | ${findings.filter(({ faults }) => faults.some((fault) => /^status [5]/.test(fault))).length} |
| other findings (undocumented status, error of another form, no answer in 60 s) | ${findings.filter(({ faults }) => !faults.some((fault) => /^status [5]/.test(fault))).length} |
| connections closed without an answer | ${unanswered} |
| errors in the service's log | ${errors.length} |
| temporary files left | ${left} |
| the service at the end | ${alive ? 'ready' : 'dead'}, stopped with ${ended} |
| longest answer | ${slowest.toFixed(0)} ms |

Answers by status${unanswered > 0 ? ' (0: closed without one; clients of broken bytes go away after 0.3 s)' : ''}: ${[
      ...statuses,
    ]
      .sort(([a], [b]) => a - b)
      .map(([status, n]) => `${status}: ${n}`)
      .join(', ')}.

| call | requests | accepted (2xx) | answers by status |
| --- | --- | --- | --- |
${[...seen]
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([name, of]) => {
    const list = [...of].sort(([a], [b]) => a - b);
    const sum = (/** @type {typeof list} */ some) => some.reduce((total, [, n]) => total + n, 0);
    const accepted = sum(list.filter(([status]) => status >= 200 && status < 300)) / sum(list);
    const statuses = list.map(([status, n]) => `${status}: ${n}`).join(', ');
    return `| ${name} | ${sum(list)} | ${(100 * accepted).toFixed(0)} % | ${statuses} |`;
  })
  .join('\n')}
${
  findings.length > 0
    ? `\n## Findings\n\n${findings
        .slice(0, MOST_TOLD)
        .map(({ index, faults, text }) => `- \`--only ${index}\`: ${faults.join('; ')}\n\n  \`${text.slice(0, 300)}\``)
        .join('\n')}\n`
    : ''
}${errors.length > 0 ? `\n## The log\n\n${errors.slice(0, MOST_TOLD).join('\n')}\n` : ''}`;
    if (values.out !== undefined) writeFileSync(values.out, report);
    process.stdout.write(report);
    if (failed) process.exitCode = 1;
  }
} finally {
  sender.close();
  if (service.ended() === undefined) await service.stop();
  await cluster?.remove();
  rmSync(folder, { recursive: true, force: true });
}

/** @param {Sent} sent */
function described({ kind, method, path, headers, body, wire }) {
  if (wire) return `wire ${JSON.stringify(wire.toString('latin1').slice(0, 300))}`;
  const text = body ? ` ${JSON.stringify(body.toString('latin1').slice(0, 300))} (${body.length} bytes)` : '';
  return `${kind} ${method} ${path.slice(0, 300)} ${JSON.stringify(headers)}${text}`;
}
