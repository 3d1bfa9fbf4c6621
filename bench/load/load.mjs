// Does the service give what the addon can? Enrols, verifies and identifies over HTTP, and embeds the same recordings
// by the addon alone, in turns on the same machine: utterances a second, as ratios, and the service's event loop.
//
//   npm run build && node bench/load/load.mjs [--audio ../shared/speech/libri] [--model BUNDLE] [--rounds 5]
//     [--seconds 8] [--lanes 8] [--warm 1500] [--out FILE]
//
// --warm: requests of each call with half a second of speech before it begins, so that V8 has compiled what it will.
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
import { inLanes, inTurn } from './lanes.mjs';

const { values } = parseArgs({
  options: {
    audio: { type: 'string', default: join(ROOT, '..', 'shared', 'speech', 'libri') },
    model: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    lanes: { type: 'string', default: '8' },
    warm: { type: 'string', default: '1500' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'load.md') },
  },
});
const [rounds, seconds, lanes, warm] = [values.rounds, values.seconds, values.lanes, values.warm].map(Number);
const SPEAKERS = 100;
const [CLIP_SECONDS, WARM_SECONDS] = [3, 0.5];
const WAV_HEADER = 44;
/** Requests of a call in a row while it gets warm, and how many of them enrol the same speaker. */
const [WARM_AT_ONCE, ENROLLED] = [100, 5];

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

/** The beginning of a recording. @param {Buffer} bytes WAV, 16 kHz, mono, 16 bit @param {number} length seconds */
function shortened(bytes, length) {
  const made = Buffer.from(bytes.subarray(0, WAV_HEADER + 2 * 16_000 * length));
  made.writeUInt32LE(made.length - 8, 4);
  made.writeUInt32LE(made.length - WAV_HEADER, WAV_HEADER - 4);
  return made;
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
  const { url, key } = service.first;

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
      headers: { ...headers, 'x-api-key': key, 'content-length': body.length },
    });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    const answer = await text(response);
    if (response.statusCode >= 300) throw new Error(`${path}: ${response.statusCode} ${answer}`);
  };
  const form = (/** @type {Buffer} */ bytes) => formBody([['audio', bytes, 'clip.wav']]);
  const create = (/** @type {string} */ id) =>
    send('/v1/speakers', {
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ id })),
    });
  let serial = 0;
  /** The same clip in other bytes, so that it is not known by its hash: the last bits of a few samples. */
  const unheard = (/** @type {Buffer} */ clip) => {
    const bytes = Buffer.from(clip);
    const number = ++serial;
    for (let bit = 0; bit < 24; bit++) {
      const at = bytes.length - 2 * (bit + 1);
      bytes.writeUInt8((bytes.readUInt8(at) & 0xfe) | ((number >> bit) & 1), at);
    }
    return bytes;
  };
  /** The calls with these clips, about these speakers in turn. @param {readonly Buffer[]} clips @param {readonly string[]} ids */
  const callsOf = (clips, ids) => {
    const clip = (/** @type {number} */ i) => /** @type {Buffer} */ (clips[i % clips.length]);
    const speaker = (/** @type {number} */ i) => `/v1/speakers/${ids[i % ids.length]}`;
    return {
      enrol: (/** @type {number} */ i) => send(`${speaker(i)}/enrollments`, form(unheard(clip(i)))),
      verify: (/** @type {number} */ i) => send(`${speaker(i)}/verify`, form(clip(i))),
      identify: (/** @type {number} */ i) => send('/v1/identify', form(clip(i))),
    };
  };
  const speakers = Array.from({ length: SPEAKERS }, (_, i) => `speaker-${i}`);
  for (const id of speakers) await create(id);
  const calls = callsOf(recordings, speakers);
  for (let i = 0; i < SPEAKERS; i++) await calls.enrol(i);
  process.stderr.write(`${warm} requests of each call to get warm\n`);
  const short = recordings.map((bytes) => shortened(bytes, WARM_SECONDS));
  for (let done = 0; done < warm; done += WARM_AT_ONCE) {
    const ids = Array.from({ length: WARM_AT_ONCE / ENROLLED }, (_, i) => `warm-${done}-${i}`);
    for (const id of ids) await create(id);
    for (const call of Object.values(callsOf(short, ids))) await inTurn(lanes, WARM_AT_ONCE, call);
  }

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
  service.child.disconnect();

  const middle = (/** @type {number[]} */ list) => quantile(list, 0.5);
  const rows = Object.entries(results).map(
    ([name, { ratio, perSecond, delay, milliseconds }]) =>
      `| ${name} | ${middle(perSecond).toFixed(1)} | ${(100 * middle(ratio)).toFixed(0)} % (${ratio.map((r) => (100 * r).toFixed(0)).join(', ')}) ` +
      `| ${middle(milliseconds).toFixed(0)} | ${quantile(milliseconds, 0.99).toFixed(0)} | ${middle(delay).toFixed(1)} |`,
  );
  const report = `# The service under load

\`node bench/load/load.mjs${values.model ? ` --model ${values.model}` : ''} --warm ${warm}\`

${machine}
- model ${addon.first.model}, ${addon.first.workers} workers; ${recordings.length} clips of ${CLIP_SECONDS} s as WAV; ${lanes} requests in flight
- ${rounds} rounds of ${seconds} s; before and after each the addon alone embeds the same clips from memory in as many lanes
- the service is warm: ${warm} requests of each call with ${WARM_SECONDS} s of speech before the first round
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
