// Short utterances that wait for a worker, against the same ones after each other: what each takes of the processor.
//
//   npm run build && node bench/js/together.mjs [--model BUNDLE ...] [--seconds 0.5,1,2,3,5] [--waiting 48] [--rounds 9]
//     [--out FILE]
//
// Without --model the bundled model and a bundle of the published size (1024 channels, 20.8 M parameters, weights by
// formula). One worker. Alone: an utterance is handed in when the one before is answered. Together: all are handed in at
// once. Processor time is that of the process from samples to embeddings; ways in turns, after a round that takes memory.
import { Buffer } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runtimeInfo, SpeakerEncoder } from '../../dist/addon/index.js';
import { commandWords, describeMachine, inEveryPrecision, noise, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '0.5,1,2,3,5' },
    waiting: { type: 'string', default: '48' },
    rounds: { type: 'string', default: '9' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'together.md') },
  },
});
const lengths = values.seconds.split(',').map(Number);
const [waiting, rounds] = [Number(values.waiting), Number(values.rounds)];
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-together-'));

/** @param {number[]} ratios */
const spread = (ratios) => `${quantile(ratios, 0).toFixed(2)} to ${quantile(ratios, 1).toFixed(2)}`;

/**
 * Milliseconds of the processor that an utterance takes, and the embeddings.
 * @param {() => Promise<{ embedding: Float32Array }[]>} work
 */
async function spent(work) {
  const before = process.cpuUsage();
  const results = await work();
  const { user, system } = process.cpuUsage(before);
  const bytes = results.map(({ embedding }) =>
    Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength),
  );
  return { ms: (user + system) / 1000 / waiting, bytes: Buffer.concat(bytes) };
}

/**
 * Every length both ways, in turns.
 * @param {string} model
 * @param {'fp32' | 'bf16' | 'auto'} precision
 */
async function measure(model, precision) {
  const encoder = await SpeakerEncoder.load({ model, workers: 1, device: 'cpu', precision, queueLimit: 2 * waiting });
  /** @type {string[]} */
  const rows = [];
  for (const seconds of lengths) {
    const recordings = Array.from({ length: waiting }, (_, i) => noise(seconds - 0.01 * (i % 8)));
    const embed = (/** @type {ReturnType<typeof noise>} */ recording) =>
      encoder.embed(recording, { allowSilence: true });
    const oneByOne = async () => {
      const results = [];
      for (const recording of recordings) results.push(await embed(recording));
      return results;
    };
    /** @type {number[]} */
    const alone = [];
    /** @type {number[]} */
    const together = [];
    for (let round = 0; round <= rounds; ++round) {
      const one = await spent(oneByOne);
      const all = await spent(() => Promise.all(recordings.map(embed)));
      if (!one.bytes.equals(all.bytes)) throw new Error(`${basename(model)}, ${seconds} s: other bits together`);
      if (round === 0) continue;
      alone.push(one.ms);
      together.push(all.ms);
    }
    const ratios = alone.map((ms, i) => ms / (together[i] ?? NaN));
    rows.push(
      `| ${basename(model)} | ${encoder.info().precision} | ${seconds} | ${quantile(alone, 0.5).toPrecision(3)} | ` +
        `${quantile(together, 0.5).toPrecision(3)} | **${quantile(ratios, 0.5).toFixed(2)}** (${spread(ratios)}) |`,
    );
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  await encoder.close();
  return rows;
}

try {
  const rows = await inEveryPrecision(values.model, folder, measure);
  const report = `# Short utterances that wait

\`node bench/js/together.mjs ${commandWords()}\`: medians of ${rounds} rounds.

${machine}
- bf16: by ${runtimeInfo().torch.bf16 || 'nothing'}

Milliseconds of the processor for an utterance, from samples to embedding, one worker: handed in one after the other, and ${waiting} at once.
Both ways gave the same bits every time.

| bundle | in | s | alone | waiting | alone / waiting, and its range |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
