// A whole corpus in one embedBatch: nothing fails, memory is steady.
//
//   node bench/js/corpus.mjs LIST [--root DIR] [--channels 64 | --model BUNDLE] [--out FILE]
//
// LIST has a file's path at the start of each line (what follows a tab is left out); paths start from --root.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, formulaBundle, peakMb, residentMb, ROOT } from './machine.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    root: { type: 'string' },
    channels: { type: 'string', default: '64' },
    model: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'corpus.md') },
  },
});
const [list] = positionals;
if (list === undefined) throw new Error('which list?');
const root = values.root ?? dirname(list);
const files = readFileSync(list, 'utf8')
  .split('\n')
  .map((line) => line.split('\t')[0] ?? '')
  .filter((path) => /\.(flac|wav|mp3|ogg|opus|m4a)$/.test(path))
  .map((path) => resolve(root, path));

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-bench-'));
try {
  const model = values.model ?? (await formulaBundle(Number(values.channels), folder));
  const encoder = await SpeakerEncoder.load({ model });
  const step = Math.ceil(files.length / 20);
  /** @type {string[]} */
  const memory = [];
  const started = performance.now();
  const items = await encoder.embedBatch(files, {
    onProgress({ done, total }) {
      if (done % step !== 0 && done !== total) return;
      const { heapUsed, external } = process.memoryUsage();
      memory.push(`| ${done} | ${residentMb().toFixed(0)} | ${((heapUsed + external) / 1e6).toFixed(0)} |`);
      process.stderr.write(`${done} of ${total}\n`);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const failed = items.filter((item) => 'error' in item);
  for (const { index, error } of failed) process.stderr.write(`${files[index]}: ${error.code}: ${error.message}\n`);
  const { audioSeconds, timings, completed } = encoder.stats();
  await encoder.close();

  const stages = Object.entries(timings).map(([stage, ms]) => `${stage} ${(ms / completed).toFixed(2)}`);
  const report = `# A corpus in one batch

\`node bench/js/corpus.mjs\`

${machine}
- model ${encoder.info().model}, ${encoder.info().workers} workers of one thread

${files.length} files, ${(audioSeconds / 3600).toFixed(1)} h of audio: **${failed.length} failed**, ${seconds.toFixed(0)} s, ${(audioSeconds / seconds).toFixed(0)} times real time.
Mean ms of each stage: ${stages.join(', ')}. Resident memory, MB; at most ${peakMb().toFixed(0)}. The results stay in
V8's heap until the batch is returned, of which its own size is the last column:

| files done | resident | V8 |
|---|---|---|
${memory.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
