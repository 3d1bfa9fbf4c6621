// One recording at a time: what the network takes in each precision, and how much sooner an answer comes where a second
// worker is idle.
//
//   npm run build && node bench/js/cores.mjs [--model BUNDLE ...] [--beside CHECKOUT] [--seconds 1,3,10,30,60]
//     [--rounds 7] [--out FILE]
//
// Without --model the bundled model and a bundle of the published size (1024 channels, 20.8 M parameters, weights by
// formula). --beside: another checkout, built, whose addon takes the same recordings in turns with this one's. Processor
// time is that of the process for an utterance from samples to embedding, which other work on the machine disturbs less
// than the clock: what the clock says is left out where the machine was busy when it began.
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runtimeInfo, SpeakerEncoder } from '../../dist/addon/index.js';
import { commandWords, describeMachine, inEveryPrecision, noise, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    beside: { type: 'string' },
    seconds: { type: 'string', default: '1,3,10,30,60' },
    rounds: { type: 'string', default: '7' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'cores.md') },
  },
});
const lengths = values.seconds.split(',').map(Number);
const rounds = Number(values.rounds);
const machine = describeMachine();
const quiet = (loadavg()[0] ?? 0) < 1;
const folder = mkdtempSync(join(tmpdir(), 'timbre-cores-'));

/** @typedef {typeof SpeakerEncoder} Encoders */
/** @typedef {{ name: string, encoders: Encoders, workers: number }} Way */
/** @typedef {{ clock: number[], processor: number[], before: number, network: number, bytes: Buffer }} Measured */

/** @type {Encoders | undefined} */
const before = values.beside
  ? (await import(join(resolve(values.beside), 'dist', 'addon', 'index.js'))).SpeakerEncoder
  : undefined;
/** @type {Way[]} */
const ways = [
  { name: 'one', encoders: SpeakerEncoder, workers: 1 },
  { name: 'two', encoders: SpeakerEncoder, workers: 2 },
  ...(before ? [{ name: 'before', encoders: before, workers: 1 }] : []),
];

const median = (/** @type {number[]} */ of) => of.toSorted((a, b) => a - b)[of.length >> 1] ?? NaN;
const shown = (/** @type {number} */ ms) => (ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3));
const milliseconds = (/** @type {NodeJS.CpuUsage} */ { user, system }) => (user + system) / 1000;

/**
 * Every length each way, in turns.
 * @param {string} model
 * @param {'fp32' | 'bf16' | 'auto'} precision
 */
async function measure(model, precision) {
  const loaded = await Promise.all(
    ways.map((way) => way.encoders.load({ model, workers: way.workers, device: 'cpu', precision })),
  );
  const precisionUsed = loaded[0]?.info().precision;
  /** @type {string[]} */
  const rows = [];
  for (const seconds of lengths) {
    const recording = noise(seconds);
    /** @type {Measured[]} */
    const measured = ways.map(() => ({ clock: [], processor: [], before: 0, network: 0, bytes: Buffer.of() }));
    for (let round = 0; round <= rounds; ++round) {
      for (const [i, encoder] of loaded.entries()) {
        const of = /** @type {Measured} */ (measured[i]);
        const started = performance.now();
        const spent = process.cpuUsage();
        const { embedding, timings } = await encoder.embed(recording, { allowSilence: true });
        of.bytes = Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength);
        if (round === 0) continue; // the first takes memory
        of.clock.push(performance.now() - started);
        of.processor.push(milliseconds(process.cpuUsage(spent)));
        of.before += timings.speech + timings.features;
        of.network += timings.model;
      }
    }
    const [one, two, old] = /** @type {[Measured, Measured, Measured | undefined]} */ (measured);
    if (!one.bytes.equals(two.bytes)) {
      throw new Error(`${basename(model)}, ${seconds} s: two workers give other bits than one`);
    }
    const share = (100 * one.before) / (one.before + one.network);
    const [now, then] = [median(one.processor), old ? median(old.processor) : NaN];
    rows.push(
      `| ${basename(model)} | ${precisionUsed} | ${seconds} | ${shown(now)} |` +
        (old ? ` ${shown(then)} | ${(then / now).toFixed(2)} |` : '') +
        (quiet
          ? ` ${shown(median(one.clock))} | ${shown(median(two.clock))} | ${(median(two.clock) / median(one.clock)).toFixed(2)} | ` +
            `${share.toFixed(0)} % |`
          : ''),
    );
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  for (const encoder of loaded) await encoder.close();
  return rows;
}

try {
  const rows = await inEveryPrecision(values.model, folder, measure);
  const titles = [
    'bundle',
    'in',
    's',
    'processor ms',
    ...(before ? ['before', 'before / now'] : []),
    ...(quiet ? ['one worker, ms', 'two, ms', 'two / one', 'speech and features'] : []),
  ];
  const report = `# One recording, one worker and two

\`node bench/js/cores.mjs ${commandWords()}\`: medians of ${rounds} rounds, every way in turns.

${machine}
- bf16: by ${runtimeInfo().torch.bf16 || 'nothing'}

From samples to embedding, an utterance at a time. \`processor ms\`: of all threads, with one worker${before ? '; `before` the same of the other checkout' : ''}. Two workers gave the same bits
as one every time. ${quiet ? '`speech and features`: their share of what one worker does.' : 'The machine was busy, so that its clock told nothing.'}

| ${titles.join(' | ')} |
| ${titles.map(() => '---').join(' | ')} |
${rows.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
