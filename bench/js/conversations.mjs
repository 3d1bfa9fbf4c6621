// Who spoke when: error rates and time on conversations with labels, by part.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   node bench/js/conversations.mjs FOLDER [--models campplus-zh-en,starter] [--workers 1] [--only NAME] [--turns FOLDER] [--out FILE]
//
// FOLDER holds folders of recordings (*.opus, *.wav, *.flac) with a NIST RTTM of the same name beside each. A file called
// ami* is of the part AMI, call* of the part call, any other of the part synthetic; real is AMI and call. What lies in the folder of --turns is
// not computed again: a run that was cut short goes on with the next one; --kept reports what lies there and computes nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    kept: { type: 'boolean', default: false },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'conversations.md') },
  },
});
const root = positionals[0];
if (root === undefined) throw new Error('name the folder with the conversations');
const machine = describeMachine();
const PARTS = ['AMI', 'call', 'real', 'synthetic'];
const COLLAR = 0.25;

/** @param {number} share */
const percent = (share) => (Number.isFinite(share) ? (100 * share).toFixed(1) : '-');

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

/**
 * @typedef {{ model: string, seconds: number, wall: number, cpu: number, turns: import('../../dist/evaluation/rttm.js').SpeechSegment[] }} Kept
 * @param {SpeakerEncoder} encoder
 * @param {string} name
 * @param {{ path: string, id: string }} recording
 * @returns {Promise<Kept | undefined>} turns and processor and wall seconds, from the folder of turns where they are there
 * already; undefined where they are not and nothing is to be computed
 */
async function turnsOf(encoder, name, { path, id }) {
  const { modelWithPauses: model } = encoder.info();
  const file = values.turns === undefined ? undefined : join(values.turns, name, `${id}.json`);
  if (file !== undefined && existsSync(file)) {
    const kept = /** @type {Kept} */ (JSON.parse(readFileSync(file, 'utf8')));
    if (kept.model === model) return kept;
  }
  if (values.kept) return undefined;
  const before = process.cpuUsage();
  const began = performance.now();
  const { seconds, turns } = await encoder.conversation(path);
  const wall = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const measured = { model, seconds, wall, cpu: (user + system) / 1e6, turns };
  if (file !== undefined) {
    mkdirSync(join(values.turns ?? '', name), { recursive: true });
    writeFileSync(file, JSON.stringify(measured));
    writeFileSync(file.replace(/json$/, 'rttm'), writeRttm(id, turns));
  }
  return measured;
}

/** @param {string} name */
async function measure(name) {
  const encoder = await SpeakerEncoder.load({ model: name, workers: Number(values.workers) });
  // The segmentation network is loaded by the first call.
  await encoder.conversation({ samples: new Float32Array(16_000), sampleRate: 16_000 });
  /** @type {Row[]} */
  const rows = [];
  let [seconds, wall, cpu] = [0, 0, 0];
  for (const recording of recordings) {
    const found = await turnsOf(encoder, name, recording);
    if (!found) continue;
    const [exact, lenient] = [0, COLLAR].map((collar) => diarisationErrors(recording.turns, found.turns, collar));
    if (!exact || !lenient) continue;
    rows.push({ id: recording.id, exact, lenient });
    seconds += found.seconds;
    wall += found.wall;
    cpu += found.cpu;
    process.stderr.write(`${name} ${recording.id} ${percent(errorRate(exact))}\n`);
  }
  const { modelWithPauses: model } = encoder.info();
  await encoder.close();
  return { model, rows, cpu: cpu / seconds, wall: wall / seconds, seconds };
}

const measured = [];
for (const model of values.models.split(',')) measured.push(await measure(model));

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
${(Math.max(...measured.map(({ seconds }) => seconds)) / 60).toFixed(1)} minutes: extracts of AMI meetings, a telephone call, and synthetic ones made of utterances of volunteers and read books.
**The recipe's constants were chosen on these files**, and the segmentation network has seen AMI's training meetings: the
numbers flatter. Nine minutes of real conversation support no claim about meetings in general.${values.kept ? ' A row with fewer\nfiles than the part has was cut short.' : ''}

${machine}

Diarisation error rate in per cent of speech, no collar, overlap scored, times summed over files; then its parts, the same with
0.25 s left out about every boundary, the Jaccard error rate, and how often the number of speakers was right.

| model | part (files) | DER | missed | false alarm | confusion | DER, collar | JER | speakers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${measured.flatMap(lines).join('\n')}

| model | processor seconds for a second of audio | time for a second of audio, ${values.workers} ${values.workers === '1' ? 'worker' : 'workers'} |
| --- | --- | --- |
${measured.map(({ model, cpu, wall }) => `| ${model} | ${cpu.toFixed(3)} | ${wall.toFixed(3)} |`).join('\n')}

${values.kept ? 'Of runs before' : `Resident memory of the process at most ${peakMb().toFixed(0)} MB, models included. Measured at`} ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);
