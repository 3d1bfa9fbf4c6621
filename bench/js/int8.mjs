// How far is a bundle's int8 from its fp32, and what does that do to its error rates?
//
//   npm run build && node bench/js/int8.mjs [--model BUNDLE] [--data ../shared/speech] [--out FILE]
//
// Every recording of the data's trial lists is embedded both ways; equal error rates are those of `timbre evaluate`,
// by cosine. Speed is in peers.md.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { convertCheckpoint, cosine, SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'speech') },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'int8.md') },
  },
});
const data = resolve(values.data);
const LISTS = ['dev', 'libri'];
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-int8-'));
try {
  const int8 = join(folder, 'int8.pt');
  await convertCheckpoint({ checkpoint: values.model, id: 'int8', out: int8, precision: 'int8' });

  /**
   * @param {string} model
   * @param {string[]} files
   */
  const embed = async (model, files) => {
    const encoder = await SpeakerEncoder.load({ model });
    const { deviceNote } = encoder.info();
    if (deviceNote.includes('int8')) throw new Error(`nothing to measure here: ${deviceNote}`);
    const items = await encoder.embedBatch(files);
    await encoder.close();
    return items.map((item) => {
      if ('error' in item) throw item.error;
      return item.result.embedding;
    });
  };
  /**
   * @param {string} model
   * @param {string} list
   * @returns {{ group: string, eer: number }[]}
   */
  const rates = (model, list) => {
    const trials = join(data, `trials_${list}.txt`);
    const groups = ['--groups', `${join(data, 'files.tsv')}:source`, '--merge', 'common_voice_*'];
    const words = ['evaluate', trials, '--model', model, '--norm', 'none', '--no-cache', '--json', ...groups];
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
    const [full, small] = [await embed(values.model, files), await embed(int8, files)];
    const each = full.map((embedding, i) => cosine(embedding, small[i] ?? embedding));
    cosines.push(`| ${list} | ${files.length} | ${Math.min(...each).toFixed(5)} | ${quantile(each, 0.5).toFixed(5)} |`);
    const after = rates(int8, list);
    for (const [i, { group, eer }] of rates(values.model, list).entries()) {
      const percent = (/** @type {number} */ rate) => (100 * rate).toFixed(2);
      const moved = 100 * ((after[i]?.eer ?? NaN) - eer);
      errors.push(`| ${list}, ${group} | ${percent(eer)} | ${percent(after[i]?.eer ?? NaN)} | ${moved.toFixed(2)} |`);
    }
  }
  const megabytes = (/** @type {string} */ file) => (statSync(file).size / 1e6).toFixed(1);
  const report = `# int8 beside fp32

\`node bench/js/int8.mjs\`

${machine}
- ${values.model.replace(ROOT, '')}, ${megabytes(values.model)} MB; in int8 ${megabytes(int8)} MB

Cosine of a recording's two embeddings:

| list | recordings | lowest | median |
| --- | --- | --- | --- |
${cosines.join('\n')}

Equal error rate in per cent, single utterances, cosine, by \`timbre evaluate\`:

| trials | fp32 | int8 | difference |
| --- | --- | --- | --- |
${errors.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
