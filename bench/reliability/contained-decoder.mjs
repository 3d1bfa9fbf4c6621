// Damaged recordings of every format through the processes that decode: each ends with an embedding or a documented error,
// and with no process that ended.
//
//   npm run build && node bench/reliability/contained-decoder.mjs [--recordings 20000] [--seed 1] [--workers 2] [--out FILE]
//
// A recording is a function of seed and number: `--seed 1 --only 4711` sends that one again. Exit status 1 where a process
// ended, an error was another than those of recordings, or descriptors or processes are left over.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runtimeInfo, SpeakerEncoder } from '../../dist/addon/index.js';
import { corpus, mutated } from '../../test/fuzz/mutated-recordings.mjs';
import { describeMachine, residentMb, ROOT } from '../js/machine.mjs';

const { values } = parseArgs({
  options: {
    recordings: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const [recordings, seed, workers] = [values.recordings, values.seed, values.workers].map(Number);
const DOCUMENTED = /^(AUDIO_\w+|NO_SPEECH|DEADLINE_EXCEEDED)$/;
const WARM_UP = 200;
const LANES = 2 * workers;

/** The processes that decode for this one. */
function decoders() {
  const children = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.filter((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'timbre-decoder');
}

const descriptors = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== '';
    } catch {
      return false; // the one that the folder itself was read by
    }
  }).length;

const originals = corpus();
const encoder = await SpeakerEncoder.load({
  model: join(ROOT, 'models', 'starter.pt'),
  workers,
  isolation: 'process',
  limits: { maxSeconds: 10 },
});

/** @param {number} index */
const codeOf = async (index) => {
  const { bytes } = mutated(originals, seed, index);
  try {
    await encoder.embed(bytes, { timeoutMs: 60_000, allowSilence: true });
    return 'embedded';
  } catch (/** @type {any} */ error) {
    return { code: String(error.code), message: String(error.message) };
  }
};

if (values.only !== undefined) {
  process.stdout.write(`${JSON.stringify(await codeOf(Number(values.only)), null, 1)}\n`);
} else {
  await fuzz();
}
await encoder.close();

async function fuzz() {
  const machine = describeMachine();
  /** @type {Record<string, number>} */
  const codes = {};
  /** @type {string[]} */
  const findings = [];
  let done = 0;
  const until = async (/** @type {number} */ last) => {
    const lane = async () => {
      while (done < last) {
        const index = done++;
        const ended = await codeOf(index);
        const code = ended === 'embedded' ? ended : ended.code;
        codes[code] = (codes[code] ?? 0) + 1;
        if (ended === 'embedded' || DOCUMENTED.test(ended.code)) continue;
        const { name, bytes } = mutated(originals, seed, index);
        findings.push(`${index} (${name}): ${ended.code}, ${ended.message}`);
        process.stderr.write(`${findings.at(-1)}\n`);
        const folder = join(ROOT, '.cache', 'contained-decoder');
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${seed}-${index}-${name}`), bytes);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  };
  const started = performance.now();
  await until(Math.min(WARM_UP, recordings));
  const before = { descriptors: descriptors(), processes: decoders(), mb: residentMb() };
  while (done < recordings) {
    await until(Math.min(done + 1000, recordings));
    process.stderr.write(`${done} recordings, ${findings.length} findings, ${residentMb().toFixed(0)} MB\n`);
  }
  const after = { descriptors: descriptors(), processes: decoders(), mb: residentMb() };
  const same = after.processes.join() === before.processes.join();
  const failed = findings.length > 0 || after.descriptors !== before.descriptors || !same;
  const report = `# Damaged recordings through the processes that decode

\`node bench/reliability/contained-decoder.mjs --recordings ${recordings} --seed ${seed} --workers ${workers}\`

${machine}
- ${originals.length} recordings of test/fuzz/corpus/decode, each damaged in up to six places; the starter model, ${workers} workers with \`isolation: 'process'\`, ${LANES} calls at a time; ${runtimeInfo().audio.ffmpeg === '' ? 'no ffmpeg' : 'with ffmpeg'}

| | |
| --- | --- |
| recordings | ${recordings} in ${((performance.now() - started) / 1000).toFixed(0)} s |
| ended with | ${Object.entries(codes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ')} |
| findings: a process that ended, another error | ${findings.length} |
| the processes after the first ${WARM_UP} recordings and at the end | ${same ? 'the same' : 'others'} |
| descriptors, then and at the end | ${before.descriptors} and ${after.descriptors} |
| resident memory, then and at the end | ${before.mb.toFixed(0)} and ${after.mb.toFixed(0)} MB |
${findings.length > 0 ? `\n${findings.map((finding) => `- ${finding}`).join('\n')}\n` : ''}`;
  if (values.out !== undefined) writeFileSync(values.out, report);
  process.stdout.write(report);
  if (failed) process.exitCode = 1;
}
