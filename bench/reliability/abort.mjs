// How soon a worker is free once the call that it works on is aborted.
//
//   npm run build && node bench/reliability/abort.mjs [--seconds 300] [--rounds 40] [--out FILE]
//
// A recording is embedded again and again and aborted at times spread over all of its stages; measured is the time from
// the abort until no job runs any more. Exit status 1 where the median of a model is above 100 ms.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { convertCheckpoint, SpeakerEncoder } from '../../dist/addon/index.js';
import { describeMachine, formulaBundle, noise, quantile, ROOT, wav } from '../js/machine.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '40' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'abort.md') },
  },
});
const [seconds, rounds] = [values.seconds, values.rounds].map(Number);
const SOON = 100;

const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-abort-'));
try {
  const file = join(folder, 'long.wav');
  writeFileSync(file, wav(noise(seconds)));
  const published = await formulaBundle(1024, folder);
  const int8 = join(folder, 'int8.pt');
  await convertCheckpoint({ checkpoint: published, id: 'published-int8', out: int8, precision: 'int8' });
  const rows = [];
  let late = false;
  for (const [name, model] of [
    ['bundled', join(ROOT, 'models', 'starter.pt')],
    ['published size, fp32', published],
    ['published size, int8', int8],
  ]) {
    const encoder = await SpeakerEncoder.load({ model, workers: 1 });
    const started = performance.now();
    await encoder.embed(file);
    const whole = performance.now() - started;
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const controller = new globalThis.AbortController();
      const call = encoder.embed(file, { signal: controller.signal }).catch((/** @type {any} */ error) => error.code);
      await delay((whole * (round + 0.5)) / rounds);
      const aborted = performance.now();
      controller.abort();
      // The engine counts a job out on the worker itself, when it is free. Looking without a pause would take a processor
      // from it.
      while (encoder.stats().running > 0) await delay(1);
      times.push(performance.now() - aborted);
      const code = await call;
      if (code !== 'ABORTED' && times.at(-1) > SOON) throw new Error(`the call ended with ${code}`);
    }
    await encoder.close();
    const [middle, most] = [quantile(times, 0.5), Math.max(...times)];
    late ||= !(middle <= SOON);
    rows.push(
      `| ${name} | ${(whole / 1000).toFixed(1)} s | ${middle.toFixed(1)} ms | ${quantile(times, 0.95).toFixed(1)} ms | ${most.toFixed(1)} ms |`,
    );
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  const report = `# From an abort to a free worker

\`node bench/reliability/abort.mjs --seconds ${seconds} --rounds ${rounds}\`

${machine}
- a recording of ${seconds} s, one worker, ${rounds} aborts spread evenly over the time that it takes

| model | not aborted it takes | median | 95 % | longest |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  writeFileSync(values.out, report);
  process.stdout.write(report);
  if (late) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
