// Does memory grow? Resident memory of the process over many utterances of mixed lengths.
//
//   npm run build && node bench/js/memory.mjs [--model BUNDLE] [--utterances 10000] [--out FILE]
//
// Growth is the median of the last 1,000 utterances against that of the 1,000 after the first 1,000, in which caches
// fill. --out names the report; its plot lies beside it, as .svg.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, noise, peakMb, quantile, residentMb, ROOT, wav } from './machine.mjs';
import { linePlot } from './plots.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    utterances: { type: 'string', default: '10000' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'memory.md') },
  },
});
const count = Number(values.utterances);
const [SHORTEST, LONGEST, FILES, EVERY, WINDOW] = [0.5, 30, 120, 20, 1000];
if (!(count >= 3 * WINDOW)) throw new Error(`at least ${3 * WINDOW} utterances tell something`);

// Lehmer's generator: the same recordings in the same order every time.
let state = 7;
const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-memory-'));
try {
  const files = Array.from({ length: FILES }, (_, i) => {
    const file = join(folder, `${i}.wav`);
    writeFileSync(file, wav(noise(SHORTEST + ((LONGEST - SHORTEST) * i) / (FILES - 1))));
    return file;
  });
  const recordings = function* () {
    for (let i = 0; i < count; i++) yield files[Math.floor(random() * FILES)] ?? '';
  };
  const encoder = await SpeakerEncoder.load({ model: values.model });
  /** @type {{ done: number, resident: number, heap: number }[]} */
  const samples = [];
  const started = performance.now();
  for await (const item of encoder.embedEach(recordings())) {
    if ('error' in item) throw item.error;
    const done = item.index + 1;
    if (done % EVERY !== 0) continue;
    const { heapUsed, external } = process.memoryUsage();
    samples.push({ done, resident: residentMb(), heap: (heapUsed + external) / 1e6 });
    if (done % WINDOW === 0) process.stderr.write(`${done}: ${residentMb().toFixed(0)} MB\n`);
  }
  const seconds = (performance.now() - started) / 1000;
  const { audioSeconds } = encoder.stats();
  const { model, workers } = encoder.info();
  await encoder.close();

  /** Quantiles of the resident memory while utterances `from` to `to` were done. */
  const window = (/** @type {number} */ from, /** @type {number} */ to) => {
    const list = samples.filter(({ done }) => done > from && done <= to).map(({ resident }) => resident);
    return { middle: quantile(list, 0.5), low: Math.min(...list), high: Math.max(...list) };
  };
  const first = window(WINDOW, 2 * WINDOW).middle;
  const last = window(count - WINDOW, count).middle;
  const rows = [];
  for (let from = 0; from + WINDOW <= count; from += WINDOW) {
    const { middle, low, high } = window(from, from + WINDOW);
    const heap = samples.filter(({ done }) => done > from && done <= from + WINDOW).map((sample) => sample.heap);
    rows.push(
      `| ${from + WINDOW} | ${[middle, low, high, quantile(heap, 0.5)].map((mb) => mb.toFixed(0)).join(' | ')} |`,
    );
  }
  const plot = values.out.replace(/\.md$/, '.svg');
  const report = `# Memory over ${count} utterances

\`node bench/js/memory.mjs\`

${machine}
- model ${model}, ${workers} workers of one thread
- recordings of ${SHORTEST} to ${LONGEST} s, as WAV files, in no order: ${(audioSeconds / 3600).toFixed(1)} h of audio in ${seconds.toFixed(0)} s (${(audioSeconds / seconds).toFixed(0)} times real time)

**Growth after the first ${WINDOW}: ${((100 * (last - first)) / first).toFixed(1)} %** (median of the last ${WINDOW} utterances
${last.toFixed(0)} MB, of the second ${WINDOW} ${first.toFixed(0)} MB); at most ${peakMb().toFixed(0)} MB.

![resident memory](${basename(plot)})

Resident memory of the process, MB, sampled every ${EVERY} utterances:

| utterances | median | least | most | V8 |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  writeFileSync(values.out, report);
  writeFileSync(
    plot,
    linePlot({
      title: `Resident memory, ${model}, ${workers} workers`,
      axisX: `utterances of ${SHORTEST} to ${LONGEST} s`,
      axisY: 'MB',
      points: samples.map(({ done, resident }) => [done, resident]),
    }),
  );
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
