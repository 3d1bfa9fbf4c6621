// How long does a model take for a few seconds of speech on one thread, beside the bundled one?
//
//   npm run build && timbre models pull campplus-zh-en
//   node bench/js/models.mjs [--model campplus-zh-en] [--beside starter] [--seconds 3] [--rounds 60] [--out FILE]
//
// Both embed the same samples in turns, from waveform to vector, pauses kept; a ratio says more than either time where
// others use the machine too.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'campplus-zh-en' },
    beside: { type: 'string', default: 'starter' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '60' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'models.md') },
  },
});
const RATE = 16_000;
const machine = describeMachine();
const words = ['-v', 'error', '-i', join(ROOT, 'samples', 'anna-1.wav'), '-t', values.seconds, '-ar', `${RATE}`];
const pcm = execFileSync('ffmpeg', [...words, '-ac', '1', '-f', 's16le', '-'], { maxBuffer: 1 << 26 });
const samples = Float32Array.from({ length: pcm.length / 2 }, (_, i) => pcm.readInt16LE(2 * i) / 32768);
const names = [values.beside, values.model];
const encoders = await Promise.all(names.map((model) => SpeakerEncoder.load({ model, device: 'cpu', workers: 1 })));

/** @param {SpeakerEncoder} encoder */
async function timed(encoder) {
  const started = performance.now();
  await encoder.embed({ samples, sampleRate: RATE }, { pauses: 'keep' });
  return performance.now() - started;
}

/** @type {number[][]} */
const times = encoders.map(() => []);
const WARM = 5;
for (let round = -WARM; round < Number(values.rounds); round++) {
  for (const [i, encoder] of encoders.entries()) {
    const time = await timed(encoder);
    if (round >= 0) times[i]?.push(time);
  }
}
await Promise.all(encoders.map((encoder) => encoder.close()));
const ratios = (times[1] ?? []).map((time, i) => time / (times[0]?.[i] ?? NaN));
const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(1));
const rows = names.map((name, i) => `| ${name} | ${quantile(times[i] ?? [], 0.5).toFixed(1)} ms |`);
const report = `# Models beside the bundled one

${(samples.length / RATE).toFixed(1)} s of speech, from waveform to vector, one thread, median of ${values.rounds} rounds in turns.
\`node bench/js/models.mjs\`.

${machine}

| model | time |
| --- | --- |
${rows.join('\n')}

${values.model} takes ${middle} times as long as ${values.beside} (middle half of the rounds: ${low} to ${high}).
`;
writeFileSync(values.out, report);
process.stdout.write(report);
