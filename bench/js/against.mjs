// Processor time per utterance against that of another checkout of this project, set up and built, in interleaved pairs.
//
//   npm run build && node bench/js/against.mjs --other FOLDER [--recording FILE] [--pairs 30] [--utterances 60] [--out FILE]
//
// Each half of a pair is a process of its own, in turns first: it loads the bundled model of its own checkout on one
// worker, embeds the recording (one of set-up's, where none is named) a few times to warm up, then so many times more, and
// counts user and system time of all its threads. The ratio is the other's time by this one's: above 1 this one is faster.
// Its interval is the 95 % bootstrap interval of the median.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    other: { type: 'string' },
    pairs: { type: 'string', default: '30' },
    recording: { type: 'string', default: join(ROOT, 'samples', 'anna-1.wav') },
    utterances: { type: 'string', default: '60' },
    out: { type: 'string' },
  },
});
const { other } = values;
if (!other) throw new Error('--other names the folder of the other checkout');
const [pairs, utterances] = [values.pairs, values.utterances].map(Number);
const RESAMPLES = 2000;

/**
 * Milliseconds of processor time for one utterance.
 * @param {string} root
 */
const measure = (root) => {
  const entry = pathToFileURL(join(root, 'dist', 'addon', 'index.js')).href;
  const script = `
      import { SpeakerEncoder } from ${JSON.stringify(entry)};
      const encoder = await SpeakerEncoder.load({ model: ${JSON.stringify(join(root, 'models', 'starter.pt'))}, workers: 1 });
      const embed = async (count) => { for (let i = 0; i < count; i++) await encoder.embed(${JSON.stringify(resolve(values.recording))}); };
      await embed(5);
      const before = process.cpuUsage();
      await embed(${utterances});
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1000 / ${utterances});
      await encoder.close();
    `;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
};

const [theirs, ours] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
for (let pair = 0; pair < pairs; pair++) {
  const first = pair % 2 === 0;
  if (first) theirs.push(measure(other));
  ours.push(measure(ROOT));
  if (!first) theirs.push(measure(other));
  process.stderr.write(`${pair + 1}: ${theirs.at(-1)?.toFixed(2)} and ${ours.at(-1)?.toFixed(2)} ms\n`);
}
const ratios = ours.map((own, i) => (theirs[i] ?? NaN) / own);
const medians = Array.from({ length: RESAMPLES }, () =>
  quantile(
    ratios.map(() => ratios[Math.floor(Math.random() * ratios.length)] ?? NaN),
    0.5,
  ),
);
const [low, high] = [quantile(medians, 0.025), quantile(medians, 0.975)];
const commit = (/** @type {string} */ root) =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const report = `# Processor time against another commit

\`node bench/js/against.mjs --other FOLDER --pairs ${pairs} --utterances ${utterances}\`

${describeMachine()}
- the other: commit ${commit(other)}; the bundled model, one worker, ${utterances} times ${basename(values.recording)} a process, ${pairs} interleaved pairs

| | the other | this | ratio of a pair, median | 95 % interval |
| --- | --- | --- | --- | --- |
| processor time per utterance | ${quantile(theirs, 0.5).toFixed(2)} ms | ${quantile(ours, 0.5).toFixed(2)} ms | ${quantile(ratios, 0.5).toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} |
`;
if (values.out !== undefined) writeFileSync(values.out, report);
process.stdout.write(report);
if (!(low > 0.95)) process.exitCode = 1;
