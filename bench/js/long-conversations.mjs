// Who spoke when in hours of audio: time and memory.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   node bench/js/long-conversations.mjs FOLDER [--models campplus-zh-en,starter] [--hours 1,3] [--workers 2] [--out FILE]
//
// FOLDER holds folders of recordings as bench/js/conversations.mjs has them; they are joined, again from the first one after
// the last. Every model hears every length in a process of its own, and one minute besides, on the first --workers
// processors.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { contendersOf } from './conversation-contenders.mjs';
import { describeMachine, ROOT } from './machine.mjs';
import { processesOn } from './peer-processes.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'campplus-zh-en,starter' },
    hours: { type: 'string', default: '1,3' },
    workers: { type: 'string', default: '2' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'long-conversations.md') },
  },
});
const root = positionals[0];
if (root === undefined) throw new Error('name the folder with the conversations');
const machine = describeMachine();
const MINUTE = 1 / 60;
const lengths = [MINUTE, ...values.hours.split(',').map(Number)];
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.opus'))
  .sort()
  .map((name) => resolve(root, name));

/** @param {string} file */
const secondsOf = (file) =>
  Number(execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', file]));

/**
 * A recording of so many hours: packets of the files, one behind the other.
 * @param {number} hours
 * @param {string} folder
 */
function joined(hours, folder) {
  const list = join(folder, 'list');
  const all = files.reduce((sum, file) => sum + secondsOf(file), 0);
  const rounds = Array.from({ length: Math.ceil((hours * 3600) / all) }, () => files).flat();
  writeFileSync(list, rounds.map((file) => `file '${file.replaceAll("'", String.raw`'\''`)}'\n`).join(''));
  const out = join(folder, `${hours}.opus`);
  const words = ['-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy'];
  execFileSync('ffmpeg', [...words, '-t', String(hours * 3600), out]);
  return out;
}

/** @typedef {{ model: string, hours: number, seconds: number, wall: number, cpu: number, speakers: number, peakMb: number }} Row */

const scratch = mkdtempSync(join(tmpdir(), 'timbre-hours-'));
const workers = Number(values.workers);
const { start, stop } = processesOn(Array.from({ length: workers }, (_, i) => i).join(','));
/** @type {Row[]} */
const rows = [];
try {
  const contenders = await contendersOf(values.models.split(','), [], workers);
  for (const hours of lengths) {
    const file = joined(hours, scratch);
    const seconds = secondsOf(file);
    for (const { command } of contenders) {
      const running = await start(command);
      const { turns, wall, cpu } = await running.ask({ file });
      const speakers = new Set(turns.map((/** @type {import('../peers/turns.mjs').Turn} */ [, , who]) => who)).size;
      rows.push({ model: running.what, hours, seconds, wall, cpu, speakers, peakMb: await running.end() });
      process.stderr.write(`${running.what}, ${seconds.toFixed(0)} s of audio: ${wall.toFixed(1)} s\n`);
    }
  }
} finally {
  stop();
  rmSync(scratch, { recursive: true, force: true });
}

const lines = rows.map(({ model, hours, seconds, wall, cpu, speakers, peakMb }) => {
  const shorter = rows.filter((row) => row.model === model && row.hours < hours).at(-1);
  const growth = shorter ? ((peakMb - shorter.peakMb) / (hours - shorter.hours)).toFixed(0) : '-';
  const length = hours === MINUTE ? '1 minute' : `${hours} h`;
  return `| ${model} | ${length} | ${wall.toFixed(1)} s | ${cpu.toFixed(1)} s | ${(seconds / wall).toFixed(0)} | ${peakMb.toFixed(0)} | ${growth} | ${speakers} |`;
});
const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const report = `# Hours of conversation

\`node bench/js/long-conversations.mjs FOLDER --models ${values.models} --hours ${values.hours} --workers ${values.workers}\`: ${files.length} conversations joined, again and
again, as one recording in Opus. Each row is of a process of its own with ${values.workers} ${workers === 1 ? 'worker' : 'workers'} on as many processors, the network loaded;
memory is what of it was resident at most, models included, and its growth is against the row above of the same model.

${machine}

| model | audio | time | processor time | times real time | memory, MB | MB for an hour more | speakers found |
| --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Measured at ${version}.
`;
writeFileSync(values.out, report);
process.stdout.write(report);
