// How long does a model take for a few seconds of speech on one thread, beside the bundled one?
//
//   npm run build && timbre models pull campplus-zh-en
//   node bench/js/models.mjs [--model campplus-zh-en] [--beside starter] [--seconds 3] [--rounds 60] [--out FILE]
//
// Both embed the same samples in turns, from waveform to vector, pauses kept; a ratio says more than either time where
// others use the machine too.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine, quantile, ROOT } from './machine.mjs';
import { timesInTurns } from './times.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'campplus-zh-en' },
    beside: { type: 'string', default: 'starter' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '60' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'models.md') },
  },
});
const machine = describeMachine();
const names = [values.beside, values.model];
const seconds = Number(values.seconds);
const times = await timesInTurns(names, { seconds, rounds: Number(values.rounds) });
const ratios = (times[1] ?? []).map((time, i) => time / (times[0]?.[i] ?? NaN));
const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(1));
const rows = names.map((name, i) => `| ${name} | ${quantile(times[i] ?? [], 0.5).toFixed(1)} ms |`);
const report = `# Models beside the bundled one

${seconds.toFixed(1)} s of speech, from waveform to vector, one thread, median of ${values.rounds} rounds in turns.
\`node bench/js/models.mjs\`.

${machine}

| model | time |
| --- | --- |
${rows.join('\n')}

${values.model} takes ${middle} times as long as ${values.beside} (middle half of the rounds: ${low} to ${high}).
`;
writeFileSync(values.out, report);
process.stdout.write(report);
