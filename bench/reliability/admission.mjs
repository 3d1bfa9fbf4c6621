// More bytes than the machine has: what is submitted at once, what is let in, and how much memory the process holds.
//
//   npm run build && node bench/reliability/admission.mjs [--calls 256] [--megabytes 256] [--recordings 16] [--out FILE]
//
// First so many calls at once with one buffer of that size, so that together they submit more than the machine has; then
// as many streams that give the same bytes; then so many recordings of 300 s on as many workers with the published network,
// whose activations are what takes memory. Exit status 1 where resident memory grows beyond what the limits allow, a call
// that was let in has no result, or one that was not is told anything but OVERLOADED.
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { clearInterval, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, formulaBundle, noise, residentMb, ROOT, wav } from '../js/machine.mjs';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '256' },
    megabytes: { type: 'string', default: '256' },
    recordings: { type: 'string', default: '16' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'admission.md') },
  },
});
const [calls, megabytes, recordings] = [values.calls, values.megabytes, values.recordings].map(Number);
const MIB = 2 ** 20;
/** What a process takes beside what is admitted: Node.js, LibTorch, one model, heaps. */
const BESIDE_MB = 700;
const SECONDS = 300;
const WORKING_BYTES = 2 ** 31;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-admission-'));
/** @type {string[]} */
const rows = [];
/** @type {string[]} */
const faults = [];

/**
 * Waits for calls; the highest resident memory meanwhile, and what became of them.
 * @param {string} what
 * @param {number} submitted bytes
 * @param {number} allowed bytes
 * @param {() => Promise<unknown>[]} begin
 */
async function watch(what, submitted, allowed, begin) {
  globalThis.gc?.();
  const before = residentMb();
  let highest = before;
  const timer = setInterval(() => (highest = Math.max(highest, residentMb())), 5);
  const started = performance.now();
  const pending = begin();
  highest = Math.max(highest, residentMb());
  const settled = await Promise.allSettled(pending);
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  const done = settled.filter(({ status }) => status === 'fulfilled').length;
  const codes = settled.flatMap((each) => (each.status === 'rejected' ? [String(each.reason.code)] : []));
  const others = codes.filter((code) => code !== 'OVERLOADED');
  const bound = before + allowed / 1e6 + BESIDE_MB;
  rows.push(
    `| ${what} | ${pending.length} | ${(submitted / 1e9).toFixed(1)} GB | ${done} | ${codes.length} | ` +
      `${(allowed / 1e9).toFixed(2)} GB | ${before.toFixed(0)} MB | **${highest.toFixed(0)} MB** | ${seconds.toFixed(1)} s |`,
  );
  process.stderr.write(`${rows.at(-1)}\n`);
  if (others.length > 0) faults.push(`${what}: ${[...new Set(others)].join(', ')}`);
  if (highest > bound) faults.push(`${what}: ${highest.toFixed(0)} MB resident where ${bound.toFixed(0)} are allowed`);
  if (done === 0) faults.push(`${what}: nothing was let in`);
}

try {
  // A recording of 16-bit samples at a high rate in many channels: long in bytes, short in time.
  const bytes = bigWav(megabytes * MIB);
  const submitted = calls * bytes.length;
  const encoder = await SpeakerEncoder.load({ model: join(ROOT, 'models', 'starter.pt') });
  const { limits, workers } = encoder.info();
  await watch('buffers, all at once', submitted, limits.maxInputBytes, () =>
    Array.from({ length: calls }, () => encoder.embed(bytes)),
  );
  await watch('streams, all at once', submitted, 2 * limits.maxInputBytes, () =>
    Array.from({ length: calls }, () => encoder.embed(streamOf(bytes))),
  );
  await encoder.close();

  const published = await formulaBundle(1024, folder);
  const many = await SpeakerEncoder.load({
    model: published,
    workers: recordings,
    limits: { maxWorkingBytes: WORKING_BYTES },
  });
  const long = wav(noise(SECONDS));
  await watch(`${SECONDS} s on ${recordings} workers`, recordings * long.length, WORKING_BYTES, () =>
    Array.from({ length: recordings }, () => many.embed(long)),
  );
  await many.close();

  const report = `# More bytes than the machine has

\`node bench/reliability/admission.mjs --calls ${calls} --megabytes ${megabytes} --recordings ${recordings}\`

${machine}
- memory of the machine ${(totalmem() / 1e9).toFixed(1)} GB; ${calls} calls with ${megabytes} MiB each are ${(submitted / 1e9).toFixed(1)} GB
- buffers and streams: the bundled model, ${workers} workers, default limits; long recordings: the published network (1024
  channels, weights by formula), \`maxWorkingBytes\` ${(WORKING_BYTES / 1e9).toFixed(2)} GB, where one recording of ${SECONDS} s takes 0.77 GB

| submitted | calls | bytes | with a result | OVERLOADED | limit | resident before | resident at most | took |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Allowed is the limit and ${BESIDE_MB} MB for everything else; a stream's bytes lie in its pieces until the collector takes them, and
in the engine's copy. Streams of one buffer share its memory: what is counted is what was read of each.
${faults.length > 0 ? `\n## Faults\n\n${faults.join('\n')}\n` : ''}`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
  if (faults.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {number} size */
function bigWav(size) {
  const [rate, channels] = [192_000, 8];
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(size - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(size - 44, 40);
  const file = Buffer.alloc(size);
  header.copy(file);
  const block = Buffer.alloc(16 * channels * 4096);
  for (let i = 0; i < block.length; i += 2) block.writeInt16LE(Math.round(8000 * Math.sin(i * i * 1e-6)), i);
  file.fill(block, 44);
  return file;
}

/** @param {Buffer} bytes */
function streamOf(bytes) {
  const PIECE = 2 ** 20;
  return Readable.from(
    (function* () {
      // Copies: what a socket or a file gives is memory of its own.
      for (let at = 0; at < bytes.length; at += PIECE) yield Buffer.from(bytes.subarray(at, at + PIECE));
    })(),
    { objectMode: false },
  );
}
