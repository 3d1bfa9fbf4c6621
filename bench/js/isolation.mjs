// What it costs to decode in a process beside the engine: processor time per utterance of both together, with
// `isolation: 'process'` against `'none'`, in interleaved pairs.
//
//   npm run build && node bench/js/isolation.mjs [--recording FILE] [--pairs 60] [--utterances 10] [--out FILE]
//
// Two encoders of the bundled model, with one worker each, take turns in being first: each half of a pair embeds the
// recording (one of set-up's, where none is named) so many times, by its path or as bytes, and counts the user and system
// time of this process and of the one that decodes. The ratio is the time with isolation by that without. Its interval is
// the 95 % bootstrap interval of the median. Exit status 1 where its upper end is above 1.05.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '60' },
    recording: { type: 'string', default: join(ROOT, 'samples', 'anna-1.wav') },
    utterances: { type: 'string', default: '10' },
    out: { type: 'string' },
  },
});
const [pairs, utterances] = [values.pairs, values.utterances].map(Number);
const WARM_UP = 5;
const RESAMPLES = 2000;
const MOST = 1.05;

/** Ids of the processes that this one has started. */
const children = () =>
  readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );

/** Milliseconds of processor time that this process and its children have used. */
function used() {
  const { user, system } = process.cpuUsage();
  const theirs = children().map((child) => Number(readFileSync(`/proc/${child}/schedstat`, 'utf8').split(' ')[0]));
  return (user + system) / 1000 + theirs.reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0);
}

const machine = describeMachine();
const model = join(ROOT, 'models', 'starter.pt');
const none = await SpeakerEncoder.load({ model, workers: 1 });
const contained = await SpeakerEncoder.load({ model, workers: 1, isolation: 'process' });

/**
 * Milliseconds of processor time for one utterance.
 * @param {SpeakerEncoder} encoder
 * @param {string | Uint8Array} input
 */
async function measure(encoder, input) {
  const before = used();
  for (let i = 0; i < utterances; i++) await encoder.embed(input);
  return (used() - before) / utterances;
}

const bytes = readFileSync(values.recording);
const { audio } = await none.embed(bytes);
for (let i = 0; i < WARM_UP; i++) for (const encoder of [none, contained]) await encoder.embed(bytes);
if (children().length !== 1) throw new Error(`${children().length} processes decode, not one`);

let worst = 0;
const rows = [];
for (const [kind, input] of /** @type {const} */ ([
  ['its path', values.recording],
  ['bytes', bytes],
])) {
  const [without, beside] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let pair = 0; pair < pairs; pair++) {
    const first = pair % 2 === 0;
    if (first) without.push(await measure(none, input));
    beside.push(await measure(contained, input));
    if (!first) without.push(await measure(none, input));
  }
  const ratios = beside.map((time, i) => time / (without[i] ?? NaN));
  const medians = Array.from({ length: RESAMPLES }, () =>
    quantile(
      ratios.map(() => ratios[Math.floor(Math.random() * ratios.length)] ?? NaN),
      0.5,
    ),
  );
  const [low, high] = [quantile(medians, 0.025), quantile(medians, 0.975)];
  worst = Math.max(worst, high);
  const times = [without, beside].map((all) => `${quantile(all, 0.5).toFixed(2)} ms`);
  rows.push(
    `| ${kind} | ${times.join(' | ')} | ${quantile(ratios, 0.5).toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} |`,
  );
  process.stderr.write(`${rows.at(-1)}\n`);
}
await Promise.all([none.close(), contained.close()]);

const report = `# What a process for decoding costs

\`node bench/js/isolation.mjs --pairs ${pairs} --utterances ${utterances}\`

${machine}
- the bundled model, one worker; ${basename(values.recording)} (${audio.seconds.toFixed(1)} s, ${audio.format}), ${utterances} times in each half of ${pairs} interleaved pairs; processor time of both processes together

| given by | in the process | beside it | ratio of a pair, median | 95 % interval |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
if (values.out !== undefined) writeFileSync(values.out, report);
process.stdout.write(report);
if (!(worst <= MOST)) process.exitCode = 1;
