// How far are a bundle's embeddings in bf16 and in int8 from those in fp32, and what does that do to its error rates?
//
//   npm run build && node bench/js/precisions.mjs [--model BUNDLE] [--data ../shared/speech] [--out FILE]
//
// Every recording of the data's trial lists is embedded each way; equal error rates are those of `timbre evaluate`,
// by cosine. Speed is in peers.md. On a processor that does not multiply in bf16 its column is left out.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { convertCheckpoint, cosine, runtimeInfo, SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'speech') },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'precisions.md') },
  },
});
const data = resolve(values.data);
const LISTS = ['dev', 'libri'];
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-precisions-'));
try {
  const int8 = join(folder, 'int8.pt');
  await convertCheckpoint({ checkpoint: values.model, id: 'int8', out: int8, precision: 'int8' });
  const { bf16 } = runtimeInfo().torch;

  /** @typedef {'fp32' | 'bf16' | 'int8'} Precision */
  /** @type {Precision[]} */
  const others = bf16 === '' ? ['int8'] : ['bf16', 'int8'];
  const bundleOf = (/** @type {Precision} */ precision) => (precision === 'int8' ? int8 : values.model);

  /**
   * @param {Precision} precision
   * @param {string[]} files
   */
  const embed = async (precision, files) => {
    const encoder = await SpeakerEncoder.load({ model: bundleOf(precision), device: 'cpu', precision });
    const info = encoder.info();
    if (info.precision !== precision) throw new Error(`nothing to measure here: ${info.deviceNote}`);
    const items = await encoder.embedBatch(files);
    await encoder.close();
    return items.map((item) => {
      if ('error' in item) throw item.error;
      return item.result.embedding;
    });
  };
  /**
   * @param {Precision} precision
   * @param {string} list
   * @returns {{ group: string, eer: number }[]}
   */
  const rates = (precision, list) => {
    const trials = join(data, `trials_${list}.txt`);
    const groups = ['--groups', `${join(data, 'files.tsv')}:source`, '--merge', 'common_voice_*'];
    const how = ['--model', bundleOf(precision), '--device', 'cpu', '--precision', precision];
    const words = ['evaluate', trials, ...how, '--norm', 'none', '--no-cache', '--json', ...groups];
    const json = execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
    return JSON.parse(json).results;
  };

  const cosines = [];
  const errors = [];
  for (const list of LISTS) {
    const trials = readFileSync(join(data, `trials_${list}.txt`), 'utf8')
      .trim()
      .split('\n');
    const files = [...new Set(trials.flatMap((line) => line.split(' ').slice(1)))].map((file) => join(data, file));
    const full = await embed('fp32', files);
    for (const precision of others) {
      const rounded = await embed(precision, files);
      const off = full.map((embedding, i) => 1 - cosine(embedding, rounded[i] ?? embedding));
      const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
      const [most, usual] = [Math.max(...off), mean].map((value) => value.toExponential(1));
      cosines.push(`| ${list} | ${files.length} | ${precision} | ${most} | ${usual} |`);
    }
    const after = others.map((precision) => rates(precision, list));
    for (const [i, { group, eer }] of rates('fp32', list).entries()) {
      const percent = (/** @type {number} */ rate) => (100 * rate).toFixed(2);
      const moved = after.map((rows) => rows[i]?.eer ?? NaN);
      errors.push(
        `| ${[`${list}, ${group}`, percent(eer), ...moved.map((rate) => `${percent(rate)} (${percent(rate - eer)})`)].join(' | ')} |`,
      );
    }
  }
  const megabytes = (/** @type {string} */ file) => (statSync(file).size / 1e6).toFixed(1);
  const report = `# bf16 and int8 beside fp32

\`node bench/js/precisions.mjs\`

${machine}
- bf16: ${bf16 === '' ? 'not on this processor, not measured' : `by ${bf16}`}
- ${values.model.replace(ROOT, '')}, ${megabytes(values.model)} MB; in int8 ${megabytes(int8)} MB

One less the cosine of a recording's embeddings, beside fp32:

| list | recordings | in | most | mean |
| --- | --- | --- | --- | --- |
${cosines.join('\n')}

Equal error rate in per cent, single utterances, cosine, by \`timbre evaluate\`, and its difference from fp32:

| trials | fp32 | ${others.join(' | ')} |
| --- | --- |${' --- |'.repeat(others.length)}
${errors.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
