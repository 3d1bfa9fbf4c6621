// What it costs to decode in a process beside the engine: processor time per utterance of both together, with
// `isolation: 'process'` against `'none'`, in interleaved pairs.
//
//   npm run build && node bench/js/isolation.mjs [--recording FILE] [--pairs 30] [--utterances 60] [--out FILE]
//
// Each half of a pair is a process of its own, in turns first: it loads the bundled model on one worker, embeds the
// recording (one of set-up's, where none is named) a few times to warm up, then so many times more by its path and as many
// as bytes, and counts the user and system time of its threads and of the process that decodes. The ratio is the time with
// isolation by that without. Its interval is the 95 % bootstrap interval of the median. Exit status 1 where its upper end
// is above 1.05.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '30' },
    recording: { type: 'string', default: join(ROOT, 'samples', 'anna-1.wav') },
    utterances: { type: 'string', default: '60' },
    out: { type: 'string' },
  },
});
const [pairs, utterances] = [values.pairs, values.utterances].map(Number);
const RESAMPLES = 2000;
const MOST = 1.05;

/**
 * Milliseconds of processor time for one utterance by path, and for one as bytes.
 * @param {'none' | 'process'} isolation
 * @returns {{ path: number, bytes: number }}
 */
const measure = (isolation) => {
  const entry = pathToFileURL(join(ROOT, 'dist', 'addon', 'index.js')).href;
  const script = `
      import { readdirSync, readFileSync } from 'node:fs';
      import { SpeakerEncoder } from ${JSON.stringify(entry)};
      const encoder = await SpeakerEncoder.load({
        model: ${JSON.stringify(join(ROOT, 'models', 'starter.pt'))}, workers: 1, isolation: ${JSON.stringify(isolation)},
      });
      const path = ${JSON.stringify(resolve(values.recording))};
      const bytes = readFileSync(path);
      const children = () => readdirSync('/proc/self/task').flatMap((thread) =>
        readFileSync('/proc/self/task/' + thread + '/children', 'utf8').split(' ').filter(Boolean));
      const ofDecoders = () => children().reduce((sum, child) =>
        sum + Number(readFileSync('/proc/' + child + '/schedstat', 'utf8').split(' ')[0]) / 1e6, 0);
      const measured = async (input) => {
        for (let i = 0; i < 5; i++) await encoder.embed(input);
        const [before, theirs] = [process.cpuUsage(), ofDecoders()];
        for (let i = 0; i < ${utterances}; i++) await encoder.embed(input);
        const { user, system } = process.cpuUsage(before);
        return ((user + system) / 1000 + ofDecoders() - theirs) / ${utterances};
      };
      console.log(JSON.stringify({ path: await measured(path), bytes: await measured(bytes), decoders: children().length }));
      await encoder.close();
    `;
  const { decoders, ...times } = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  );
  if (decoders !== (isolation === 'process' ? 1 : 0)) throw new Error(`${decoders} processes decode with ${isolation}`);
  return times;
};

const [none, contained] = [
  /** @type {{ path: number, bytes: number }[]} */ ([]),
  /** @type {{ path: number, bytes: number }[]} */ ([]),
];
for (let pair = 0; pair < pairs; pair++) {
  const first = pair % 2 === 0;
  if (first) none.push(measure('none'));
  contained.push(measure('process'));
  if (!first) none.push(measure('none'));
  process.stderr.write(`${pair + 1}: ${none.at(-1)?.path.toFixed(2)} and ${contained.at(-1)?.path.toFixed(2)} ms\n`);
}

let worst = 0;
const rows = /** @type {const} */ (['path', 'bytes']).map((kind) => {
  const [before, after] = [none, contained].map((times) => times.map((one) => one[kind]));
  const ratios = (after ?? []).map((time, i) => time / (before?.[i] ?? NaN));
  const medians = Array.from({ length: RESAMPLES }, () =>
    quantile(
      ratios.map(() => ratios[Math.floor(Math.random() * ratios.length)] ?? NaN),
      0.5,
    ),
  );
  const [low, high] = [quantile(medians, 0.025), quantile(medians, 0.975)];
  worst = Math.max(worst, high);
  const cells = [quantile(before ?? [], 0.5), quantile(after ?? [], 0.5)].map((time) => `${time.toFixed(2)} ms`);
  return `| ${kind} | ${cells.join(' | ')} | ${quantile(ratios, 0.5).toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} |`;
});
const report = `# What a process for decoding costs

\`node bench/js/isolation.mjs --pairs ${pairs} --utterances ${utterances}\`

${describeMachine()}
- the bundled model, one worker; ${utterances} times ${basename(values.recording)} a process, ${pairs} interleaved pairs; processor time of both processes together

| given by | in the process | beside it | ratio of a pair, median | 95 % interval |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
if (values.out !== undefined) writeFileSync(values.out, report);
process.stdout.write(report);
if (!(worst <= MOST)) process.exitCode = 1;
