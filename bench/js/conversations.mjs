// Who spoke when: error rates of Timbre and its peers on conversations with labels, by part, and times.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   node bench/js/conversations.mjs FOLDER [--models campplus-zh-en,starter] [--peers sherpa-onnx-node,senko,pyannote.audio]
//     [--workers 1] [--only NAME] [--turns FOLDER] [--kept] [--times NAME,NAME] [--out FILE]
//
// FOLDER holds folders of recordings (*.opus, *.wav, *.flac) with a NIST RTTM of the same name beside each. A file called
// ami* is of the part AMI, call* of the part call, any other of the part synthetic; real is AMI and call. What lies in the folder of --turns is
// not computed again: a run that was cut short goes on with the next one; --kept reports what lies there and computes nothing.
//
// Peers are installed where they are missing (peer-setup.mjs): no dependency of the project. A model or a peer called
// NAME@known is told how many people speak, sherpa-onnx-node@0.8 takes that threshold in place of its example's.
//
// --times measures times on the recordings whose names begin so, whatever lies in --turns, one contender after the other,
// each on the first --workers processors: on a machine that does nothing else.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { diarisationErrors, errorRate, jaccardErrorRate, sumErrors } from '../../dist/evaluation/diarisation.js';
import { readRttm, writeRttm } from '../../dist/evaluation/rttm.js';
import { contendersOf } from './conversation-contenders.mjs';
import { decoded, RATE } from './decoded.mjs';
import { describeMachine, ROOT, wav } from './machine.mjs';
import { processesOn } from './peer-processes.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'campplus-zh-en,starter' },
    peers: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    turns: { type: 'string' },
    kept: { type: 'boolean', default: false },
    times: { type: 'string', default: '' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'conversations.md') },
  },
});
const root = positionals[0];
if (root === undefined) throw new Error('name the folder with the conversations');
const machine = describeMachine();
const PARTS = ['AMI', 'call', 'real', 'synthetic'];
const COLLAR = 0.25;
/** Bytes before the samples of a WAV file. */
const WAV_HEADER = 44;

/** @param {string} list */
const namesOf = (list) => list.split(',').filter((name) => name !== '');

/** @param {number} share */
const percent = (share) => (Number.isFinite(share) ? (100 * share).toFixed(1) : '-');

/** @param {string} name */
const partsOf = (name) =>
  name.startsWith('ami') ? ['AMI', 'real'] : name.startsWith('call') ? ['call', 'real'] : ['synthetic'];

/**
 * @typedef {import('../../dist/evaluation/diarisation.js').DiarisationErrors} Errors
 * @typedef {import('../../dist/evaluation/rttm.js').SpeechSegment} SpeechSegment
 * @typedef {{ path: string, id: string, turns: SpeechSegment[], speakers: number, seconds: number }} Labelled
 * @typedef {{ model: string, turns: SpeechSegment[] }} Kept
 * @typedef {{ id: string, exact: Errors, lenient: Errors }} Row
 * @typedef {{ seconds: number, wall: number, cpu: number, peakMb: number }} Times
 */

/** @type {Labelled[]} */
const recordings = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => ['.opus', '.wav', '.flac'].includes(extname(name)) && basename(name).includes(values.only))
  .sort()
  .map((name) => {
    const path = join(root, name);
    const id = basename(name, extname(name));
    const lists = readRttm(readFileSync(path.slice(0, -extname(path).length) + '.rttm', 'utf8'), name);
    const turns = [...lists.values()].flat();
    const speakers = new Set(turns.map(({ speaker }) => speaker)).size;
    return { path, id, turns, speakers, seconds: Math.max(...turns.map(({ end }) => end)) };
  });
if (recordings.length === 0) throw new Error(`there are no recordings in ${root}`);
const timed = recordings.filter(({ id }) => namesOf(values.times).some((name) => id.startsWith(name)));

const scratch = mkdtempSync(join(tmpdir(), 'timbre-conversations-'));
const { start, stop } = processesOn(Array.from({ length: Number(values.workers) }, (_, i) => i).join(','));

/**
 * The recording as all peers take it.
 * @param {Labelled} recording
 */
function wavOf({ path, id }) {
  const file = join(scratch, `${id}.wav`);
  if (!existsSync(file)) writeFileSync(file, wav({ samples: decoded(path), sampleRate: RATE }));
  return file;
}

/**
 * @param {import('./peer-processes.mjs').Running} running
 * @param {import('./conversation-contenders.mjs').Contender} contender
 * @param {Labelled} recording
 * @returns {Promise<{ turns: SpeechSegment[], wall: number, cpu: number }>}
 */
async function ask(running, { known, decodes }, recording) {
  const order = { file: decodes ? recording.path : wavOf(recording), ...(known && { speakers: recording.speakers }) };
  const { turns, wall, cpu } = await running.ask(order);
  return {
    turns: turns.map((/** @type {import('../peers/turns.mjs').Turn} */ [begin, end, speaker]) => {
      return { start: begin, end, speaker };
    }),
    wall,
    cpu,
  };
}

/** @param {import('./conversation-contenders.mjs').Contender} contender */
async function measure(contender) {
  const { name, command, env } = contender;
  const running = await start(command, env);
  const model = running.what + (contender.known ? ', number given' : '');
  /** @type {Row[]} */
  const rows = [];
  for (const recording of recordings) {
    const file = values.turns === undefined ? undefined : join(values.turns, name, `${recording.id}.json`);
    /** @type {Kept | undefined} */
    let found = file !== undefined && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (found?.model !== model) {
      if (values.kept) continue;
      found = { model, turns: (await ask(running, contender, recording)).turns };
      if (file !== undefined) {
        mkdirSync(join(values.turns ?? '', name), { recursive: true });
        writeFileSync(file, JSON.stringify(found));
        writeFileSync(file.replace(/json$/, 'rttm'), writeRttm(recording.id, found.turns));
      }
    }
    const { turns } = found;
    rows.push({
      id: recording.id,
      exact: diarisationErrors(recording.turns, turns),
      lenient: diarisationErrors(recording.turns, turns, COLLAR),
    });
    process.stderr.write(`${name} ${recording.id} ${percent(errorRate(rows.at(-1)?.exact ?? sumErrors([])))}\n`);
  }
  await running.end();
  return { model, rows, times: timed.length > 0 ? await time(contender) : undefined };
}

/**
 * In a process of its own, the second time that it hears the first recording.
 * @param {import('./conversation-contenders.mjs').Contender} contender
 * @returns {Promise<Times>}
 */
async function time(contender) {
  const running = await start(contender.command, contender.env);
  const [first] = timed;
  if (first) await ask(running, contender, first);
  const times = { seconds: 0, wall: 0, cpu: 0 };
  for (const recording of timed) {
    const { wall, cpu } = await ask(running, contender, recording);
    times.seconds += (statSync(wavOf(recording)).size - WAV_HEADER) / (2 * RATE);
    times.wall += wall;
    times.cpu += cpu;
  }
  return { ...times, peakMb: await running.end() };
}

const measured = [];
try {
  const [models, peers] = [namesOf(values.models), namesOf(values.peers)];
  for (const contender of await contendersOf(models, peers, Number(values.workers))) {
    measured.push(await measure(contender));
  }
} finally {
  stop();
  rmSync(scratch, { recursive: true, force: true });
}

/** @param {Times | undefined} times */
const timeCells = (times) =>
  times
    ? ` ${(times.cpu / times.seconds).toFixed(3)} | ${(times.wall / times.seconds).toFixed(3)} | ${times.peakMb.toFixed(0)} |`
    : '';

/** @param {{ model: string, rows: Row[], times: Times | undefined }} of */
function lines({ model, rows, times }) {
  return PARTS.flatMap((part) => {
    const own = rows.filter(({ id }) => partsOf(id).includes(part));
    if (own.length === 0) return [];
    const exact = sumErrors(own.map((row) => row.exact));
    const lenient = sumErrors(own.map((row) => row.lenient));
    const cells = [exact.missed, exact.falseAlarm, exact.confusion].map((seconds) => percent(seconds / exact.speech));
    const count = `${exact.countRight}/${exact.recordings}, off by ${exact.countError}`;
    return `| ${model} | ${part} (${own.length}) | **${percent(errorRate(exact))}** | ${cells.join(' | ')} | ${percent(errorRate(lenient))} | ${percent(jaccardErrorRate(exact))} | ${count} |${timeCells(times)}`;
  });
}

const minutes = (recordings.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1);
const timedMinutes = (timed.reduce((sum, { seconds }) => sum + seconds, 0) / 60).toFixed(1);
const peerWords = values.peers === '' ? '' : ` --peers ${values.peers}`;
const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const columns = ['DER', 'missed', 'false alarm', 'confusion', 'DER, collar', 'JER', 'speakers'];
const timeColumns = timed.length > 0 ? ['processor', 'time', 'memory, MB'] : [];
const head = ['who', 'part (files)', ...columns, ...timeColumns];
const report = `# Who spoke when

\`node bench/js/conversations.mjs FOLDER --models ${values.models}${peerWords}\` on ${recordings.length} conversations with labels,
${minutes} minutes: extracts of AMI meetings, a telephone call, and synthetic ones made of utterances of volunteers and read books.
**The recipe's constants were chosen on these files**, and the segmentation network has seen AMI's training meetings: the
numbers flatter. Nine minutes of real conversation support no claim about meetings in general.${values.kept ? ' A row with fewer\nfiles than the part has was cut short.' : ''}

${machine}

Diarisation error rate in per cent of speech, no collar, overlap scored, times summed over files; then its parts, the same with
0.25 s left out about every boundary, the Jaccard error rate, and how often the number of speakers was right.${
  timed.length > 0
    ? ` Processor
seconds and time for a second of audio, and resident memory at most: of each in a process of its own with ${values.workers} ${values.workers === '1' ? 'thread' : 'threads'} on ${values.workers}
${values.workers === '1' ? 'processor' : 'processors'}, on ${timed.length} of the recordings (${timedMinutes} minutes).`
    : ''
}

${[head, head.map(() => '---')].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
${measured.flatMap(lines).join('\n')}
${peerNotes()}
Measured at ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);

function peerNotes() {
  if (values.peers === '') return '';
  return `
Peers have the same two networks as ${'`'}campplus-zh-en${'`'}, converted from the same weights, but for senko, which brings its own
for Silero VAD and a CAM++ with a ReLU behind its last layer. sherpa-onnx-node is called as its example does (threshold 0.5), senko as
its users do; pyannote.audio has the recipe of its speaker-diarization-3.1, with CAM++ in place of its own embedding. Its default of today
(community-1) needs weights that no package index has: this is no comparison with it. Peers' constants were chosen by their authors,
on other data.
`;
}
