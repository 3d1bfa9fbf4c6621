// Does the event loop stay free? Delay of a 10 ms timer while the queue is full, and memory over mixed lengths.
//
//   node bench/js/event-loop.mjs [--model BUNDLE] [--seconds 30] [--utterances 1000] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, formulaBundle, noise, peakMb, quantile, residentMb, ROOT, wav } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    utterances: { type: 'string', default: '1000' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'event-loop.md') },
  },
});
const PERIOD = 10;
const IN_FLIGHT = 64;

/**
 * How late a 10 ms timer is, milliseconds, again and again until `stop`.
 * @param {() => boolean} stop
 * @returns {Promise<number[]>}
 */
function timerDelays(stop) {
  return new Promise((resolve) => {
    /** @type {number[]} */
    const delays = [];
    let due = performance.now() + PERIOD;
    const tick = () => {
      delays.push(performance.now() - due);
      if (stop()) return resolve(delays);
      due = performance.now() + PERIOD;
      setTimeout(tick, PERIOD);
    };
    setTimeout(tick, PERIOD);
  });
}

/** @param {number} seconds */
const after = (seconds) => {
  const end = performance.now() + 1000 * seconds;
  return () => performance.now() >= end;
};

/**
 * @param {string} name
 * @param {number[]} delays
 */
const row = (name, delays) =>
  `| ${name} | ${delays.length} | ${[0.5, 0.99, 1].map((share) => quantile(delays, share).toFixed(2)).join(' | ')} |`;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-bench-'));
try {
  const model = values.model ?? (await formulaBundle(1024, folder));
  const encoder = await SpeakerEncoder.load({ model });
  const { workers } = encoder.info();
  const clip = noise(3);
  await Promise.all(Array.from({ length: workers }, () => encoder.embed(clip)));

  const idle = await timerDelays(after(Number(values.seconds) / 3));
  const stop = after(Number(values.seconds));
  let embedded = 0;
  const lane = async () => {
    while (!stop()) {
      await encoder.embed(clip);
      embedded++;
    }
  };
  const started = performance.now();
  const lanes = Array.from({ length: IN_FLIGHT }, lane);
  const busy = await timerDelays(stop);
  await Promise.all(lanes);
  const seconds = (performance.now() - started) / 1000;

  // Files of 0.5 to 15 s, most of them short, in no order.
  let state = 7;
  const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
  const files = Array.from({ length: 100 }, (_, i) => {
    const file = join(folder, `${i}.wav`);
    writeFileSync(file, wav(noise(0.5 + 14.5 * random() ** 2)));
    return file;
  });
  const count = Number(values.utterances);
  const recordings = function* () {
    for (let i = 0; i < count; i++) yield files[Math.floor(random() * files.length)] ?? '';
  };
  const memory = [`| 0 | ${residentMb().toFixed(0)} |`];
  for await (const item of encoder.embedEach(recordings())) {
    if ('error' in item) throw item.error;
    const done = item.index + 1;
    if (done % 100 === 0 || done === count) memory.push(`| ${done} | ${residentMb().toFixed(0)} |`);
  }
  await encoder.close();

  const report = `# Event loop and memory

\`node bench/js/event-loop.mjs\`

${machine}
- model ${encoder.info().model}, ${workers} workers of one thread

Delay of a ${PERIOD} ms timer, ms; ${IN_FLIGHT} recordings of 3 s always in flight, ${embedded} embedded in ${seconds.toFixed(1)} s
(${((3 * embedded) / seconds).toFixed(0)} s of audio a second):

| | timers | p50 | p99 | max |
|---|---|---|---|---|
${row('nothing to do', idle)}
${row('queue full', busy)}

Resident memory of the process, MB, while recordings of 0.5 to 15 s are embedded; at most ${peakMb().toFixed(0)}:

| utterances | MB |
|---|---|
${memory.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
