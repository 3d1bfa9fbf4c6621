// Does the service give what the addon can? Enrols, verifies and identifies over HTTP, and embeds the same recordings
// by the addon alone, in turns on the same machine: utterances a second, as ratios, and the service's event loop.
//
//   npm run build && node bench/load/load.mjs [--audio ../shared/speech/libri] [--model BUNDLE] [--rounds 5]
//     [--seconds 8] [--lanes 8] [--out FILE]
//
// Without --model a bundle of the published size (20.8 M parameters) is made; its weights are a formula.
import { fork, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formBody } from '../../test/fuzz/http-requests.mjs';
import { describeMachine, formulaBundle, quantile, ROOT } from '../js/machine.mjs';
import { inLanes } from './lanes.mjs';

const { values } = parseArgs({
  options: {
    audio: { type: 'string', default: join(ROOT, '..', 'shared', 'speech', 'libri') },
    model: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    lanes: { type: 'string', default: '8' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'load.md') },
  },
});
const [rounds, seconds, lanes] = [Number(values.rounds), Number(values.seconds), Number(values.lanes)];
const SPEAKERS = 20;
const CLIP_SECONDS = 3;

/**
 * Clips of 3 s, 16 kHz, from the middle of each recording that is long enough.
 * @param {string} folder
 */
function makeClips(folder) {
  mkdirSync(folder);
  const files = readdirSync(values.audio, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  let made = 0;
  for (const { parentPath, name } of files) {
    const out = join(folder, `${String(made).padStart(3, '0')}.wav`);
    const words = [
      '-nostdin',
      '-v',
      'error',
      '-y',
      '-ss',
      '1',
      '-t',
      String(CLIP_SECONDS),
      '-i',
      join(parentPath, name),
    ];
    execFileSync('ffmpeg', [...words, '-ac', '1', '-ar', '16000', '-bitexact', out]);
    if (readFileSync(out).length >= 2 * 16_000 * CLIP_SECONDS) made++;
    if (made === 64) return;
  }
  if (made === 0) throw new Error(`${values.audio} holds no recording of ${CLIP_SECONDS + 1} s`);
}

/**
 * A child and its first message; `ask` sends one and waits for the next.
 * @param {string} script
 * @param {string[]} words
 */
async function start(script, words) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), words);
  const ended = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  // Its end matters only to whoever waits for an answer.
  ended.catch(() => undefined);
  const next = () => Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  const ask = (/** @type {any} */ message) => {
    const answer = next();
    child.send(message);
    return answer;
  };
  return { first: /** @type {any} */ (await next()), ask, child };
}

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-load-'));
try {
  const clips = join(folder, 'clips');
  makeClips(clips);
  const recordings = readdirSync(clips).map((name) => readFileSync(join(clips, name)));
  const model = values.model ?? (await formulaBundle(1024, folder));
  const addon = await start('encoder.mjs', [model, clips]);
  const service = await start('service.mjs', [model, join(folder, 'data')]);
  const { url } = service.first;

  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  /** Node's plain client: what it costs is not the service's. @param {string} path @param {{ headers: object, body: Buffer }} form */
  const send = async (path, { headers, body }) => {
    const outgoing = request({
      hostname,
      port,
      agent,
      method: 'POST',
      path,
      headers: { ...headers, 'content-length': body.length },
    });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    const answer = await text(response);
    if (response.statusCode >= 300) throw new Error(`${path}: ${response.statusCode} ${answer}`);
  };
  const form = (/** @type {Buffer} */ bytes) => formBody([['audio', bytes, 'clip.wav']]);
  for (let i = 0; i < SPEAKERS; i++) {
    const body = Buffer.from(JSON.stringify({ id: `speaker-${i}` }));
    await send('/v1/speakers', { headers: { 'content-type': 'application/json' }, body });
  }
  const clip = (/** @type {number} */ i) => /** @type {Buffer} */ (recordings[i % recordings.length]);
  let serial = 0;
  /** The same clip in other bytes, so that it is not known by its hash: the last bits of a few samples. */
  const unheard = (/** @type {number} */ i) => {
    const bytes = Buffer.from(clip(i));
    const number = ++serial;
    for (let bit = 0; bit < 24; bit++) {
      const at = bytes.length - 2 * (bit + 1);
      bytes.writeUInt8((bytes.readUInt8(at) & 0xfe) | ((number >> bit) & 1), at);
    }
    return bytes;
  };
  const calls = {
    enrol: (/** @type {number} */ i) => send(`/v1/speakers/speaker-${i % SPEAKERS}/enrollments`, form(unheard(i))),
    verify: (/** @type {number} */ i) => send(`/v1/speakers/speaker-${i % SPEAKERS}/verify`, form(clip(i))),
    identify: (/** @type {number} */ i) => send('/v1/identify', form(clip(i))),
  };
  // Every speaker enrolled, every path warm.
  for (let i = 0; i < 2 * SPEAKERS; i++) await calls.enrol(i);

  /** @type {Record<string, { ratio: number[], perSecond: number[], delay: number[], milliseconds: number[] }>} */
  const results = Object.fromEntries(
    Object.keys(calls).map((name) => [name, { ratio: [], perSecond: [], delay: [], milliseconds: [] }]),
  );
  /** @type {number[]} */
  const alone = [];
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const before = (await addon.ask({ seconds, lanes })).perSecond;
      service.child.send('watch');
      const { perSecond, milliseconds } = await inLanes(lanes, seconds, call);
      const { delayP99 } = await service.ask('delay');
      const after = (await addon.ask({ seconds, lanes })).perSecond;
      alone.push(before, after);
      results[name]?.ratio.push((2 * perSecond) / (before + after));
      results[name]?.perSecond.push(perSecond);
      results[name]?.delay.push(delayP99);
      results[name]?.milliseconds.push(...milliseconds);
      process.stderr.write(
        `round ${round + 1} ${name}: ${perSecond.toFixed(1)}/s, addon ${before.toFixed(1)} and ${after.toFixed(1)}/s\n`,
      );
    }
  }
  agent.destroy();
  addon.child.disconnect();
  service.child.send('close');

  const middle = (/** @type {number[]} */ list) => quantile(list, 0.5);
  const rows = Object.entries(results).map(
    ([name, { ratio, perSecond, delay, milliseconds }]) =>
      `| ${name} | ${middle(perSecond).toFixed(1)} | ${(100 * middle(ratio)).toFixed(0)} % (${ratio.map((r) => (100 * r).toFixed(0)).join(', ')}) ` +
      `| ${middle(milliseconds).toFixed(0)} | ${quantile(milliseconds, 0.99).toFixed(0)} | ${middle(delay).toFixed(1)} |`,
  );
  const report = `# The service under load

\`node bench/load/load.mjs${values.model ? ` --model ${values.model}` : ''}\`

${machine}
- model ${addon.first.model}, ${addon.first.workers} workers; ${recordings.length} clips of ${CLIP_SECONDS} s as WAV; ${lanes} requests in flight
- ${rounds} rounds of ${seconds} s; before and after each the addon alone embeds the same clips from memory in as many lanes
- client and service share the processors; an enrolment is on disk (\`synchronous = FULL\`) before it is answered

The addon alone: ${middle(alone).toFixed(1)} utterances a second (median).

| call | utterances a second | share of the addon alone: median (each round) | answer p50 ms | p99 ms | event loop delay p99 ms |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
