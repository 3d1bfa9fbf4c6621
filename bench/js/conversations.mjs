// Who spoke when: error rates and time on conversations with labels, by part.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   node bench/js/conversations.mjs FOLDER [--models campplus-zh-en,starter] [--workers 1] [--only NAME] [--turns FOLDER] [--out FILE]
//
// FOLDER holds folders of recordings (*.opus, *.wav, *.flac) with a NIST RTTM of the same name beside each. A file called
// ami* is of the part AMI, call* of the part call, any other of the part synthetic; real is AMI and call.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { diarisationErrors, errorRate, jaccardErrorRate, sumErrors } from '../../dist/evaluation/diarisation.js';
import { readRttm, writeRttm } from '../../dist/evaluation/rttm.js';
import { describeMachine, peakMb, ROOT } from './machine.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'campplus-zh-en,starter' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    turns: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'conversations.md') },
  },
});
const root = positionals[0];
if (root === undefined) throw new Error('name the folder with the conversations');
const machine = describeMachine();
const PARTS = ['AMI', 'call', 'real', 'synthetic'];
const COLLAR = 0.25;

/** @param {string} name */
const partsOf = (name) =>
  name.startsWith('ami') ? ['AMI', 'real'] : name.startsWith('call') ? ['call', 'real'] : ['synthetic'];

const recordings = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => ['.opus', '.wav', '.flac'].includes(extname(name)) && basename(name).includes(values.only))
  .sort()
  .map((name) => {
    const path = join(root, name);
    const id = basename(name, extname(name));
    const lists = readRttm(readFileSync(path.slice(0, -extname(path).length) + '.rttm', 'utf8'), name);
    return { path, id, turns: [...lists.values()].flat() };
  });
if (recordings.length === 0) throw new Error(`there are no recordings in ${root}`);

/**
 * @typedef {import('../../dist/evaluation/diarisation.js').DiarisationErrors} Errors
 * @typedef {{ id: string, exact: Errors, lenient: Errors }} Row
 */

/** @param {string} model */
async function measure(model) {
  const encoder = await SpeakerEncoder.load({ model, workers: Number(values.workers) });
  /** @type {Row[]} */
  const rows = [];
  let [seconds, wall] = [0, 0];
  const before = process.cpuUsage();
  // The network is loaded by the first call.
  await encoder.conversation({ samples: new Float32Array(16_000), sampleRate: 16_000 });
  const started = process.cpuUsage(before);
  for (const { path, id, turns } of recordings) {
    const began = performance.now();
    const result = await encoder.conversation(path);
    wall += (performance.now() - began) / 1000;
    seconds += result.seconds;
    rows.push({
      id,
      exact: diarisationErrors(turns, result.turns),
      lenient: diarisationErrors(turns, result.turns, COLLAR),
    });
    if (values.turns !== undefined) {
      mkdirSync(join(values.turns, model), { recursive: true });
      writeFileSync(join(values.turns, model, `${id}.rttm`), writeRttm(id, result.turns));
    }
    process.stderr.write(`${model} ${id} ${(100 * errorRate(rows.at(-1)?.exact ?? sumErrors([]))).toFixed(1)}\n`);
  }
  const spent = process.cpuUsage(before);
  const cpu = (spent.user + spent.system - started.user - started.system) / 1e6;
  const info = encoder.info();
  await encoder.close();
  return { model: info.modelWithPauses, rows, cpu: cpu / seconds, wall: wall / seconds, seconds };
}

const measured = [];
for (const model of values.models.split(',')) measured.push(await measure(model));

/** @param {number} share */
const percent = (share) => (Number.isFinite(share) ? (100 * share).toFixed(1) : '-');

/** @param {{ model: string, rows: Row[] }} of */
function lines({ model, rows }) {
  return PARTS.flatMap((part) => {
    const own = rows.filter(({ id }) => partsOf(id).includes(part));
    if (own.length === 0) return [];
    const exact = sumErrors(own.map((row) => row.exact));
    const lenient = sumErrors(own.map((row) => row.lenient));
    const cells = [exact.missed, exact.falseAlarm, exact.confusion].map((time) => percent(time / exact.speech));
    const count = `${exact.countRight}/${exact.recordings}, off by ${exact.countError}`;
    return `| ${model} | ${part} (${own.length}) | **${percent(errorRate(exact))}** | ${cells.join(' | ')} | ${percent(errorRate(lenient))} | ${percent(jaccardErrorRate(exact))} | ${count} |`;
  });
}

const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const report = `# Who spoke when

\`node bench/js/conversations.mjs FOLDER --models ${values.models} --workers ${values.workers}\` on ${recordings.length} conversations with labels,
${((measured[0]?.seconds ?? 0) / 60).toFixed(1)} minutes: extracts of AMI meetings, a telephone call, and synthetic ones made of utterances of volunteers and read books.
**The recipe's constants were chosen on these files**, and the segmentation network has seen AMI's training meetings: the
numbers flatter. Nine minutes of real conversation support no claim about meetings in general.

${machine}

Diarisation error rate in per cent of speech, no collar, overlap scored, times summed over files; then its parts, the same with
0.25 s left out about every boundary, the Jaccard error rate, and how often the number of speakers was right.

| model | part (files) | DER | missed | false alarm | confusion | DER, collar | JER | speakers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${measured.flatMap(lines).join('\n')}

| model | processor seconds for a second of audio | time for a second of audio, ${values.workers} ${values.workers === '1' ? 'worker' : 'workers'} |
| --- | --- | --- |
${measured.map(({ model, cpu, wall }) => `| ${model} | ${cpu.toFixed(3)} | ${wall.toFixed(3)} |`).join('\n')}

Resident memory of the process at most ${peakMb().toFixed(0)} MB, models included. Measured at ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);
