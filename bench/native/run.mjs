// Every native stage alone: builds the programs of this folder, runs them and writes their medians.
//
//   npm run bench:native -- [--model BUNDLE ...] [--repetitions 5] [--only STAGE ...] [--out FILE]
//
// Without --model the network and the engine run with models/starter.pt and with a bundle of the published size
// (1024 channels, 20.8 M parameters, weights by formula). --only runs some stages and prints their part, unless --out
// says where to.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { buildPrograms } from '../js/build.mjs';
import { describeMachine, formulaBundle, ROOT } from '../js/machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true },
    repetitions: { type: 'string', default: '5' },
    'min-time': { type: 'string', default: '0.3' },
    only: { type: 'string', multiple: true },
    out: { type: 'string' },
  },
});
const PLAIN = ['audio', 'features', 'speech', 'gallery'];
const WITH_MODEL = ['model', 'engine'];
const chosen = [...PLAIN, ...WITH_MODEL].filter((stage) => !values.only || values.only.includes(stage));
const out = values.out ?? (values.only ? undefined : join(ROOT, 'bench', 'results', 'native.md'));

/**
 * One benchmark over its repetitions; `counters` are medians, `time` is in the unit that the program chose.
 * @typedef {{ name: string, time: number, unit: string, cv: number, counters: Record<string, number> }} Row
 */

const FIELDS = new Set(
  'name family_index per_family_instance_index run_name run_type repetitions threads aggregate_name aggregate_unit iterations real_time cpu_time time_unit'.split(
    ' ',
  ),
);

/**
 * @param {string} program
 * @param {string[]} words
 * @returns {{ rows: Row[], context: Record<string, any> }}
 */
function measure(program, words = []) {
  process.stderr.write(`running ${[program, ...words].join(' ')}\n`);
  const flags = [
    `--benchmark_repetitions=${values.repetitions}`,
    `--benchmark_min_time=${values['min-time']}`,
    '--benchmark_enable_random_interleaving=true',
    '--benchmark_report_aggregates_only=true',
    '--benchmark_format=json',
  ];
  const json = execFileSync(join(programs, program), [...flags, ...words], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const { benchmarks, context } = JSON.parse(json);
  const failed = benchmarks.find((/** @type {any} */ each) => each.error_occurred);
  if (failed) throw new Error(`${failed.name}: ${failed.error_message}`);
  const of = (/** @type {string} */ kind) =>
    benchmarks.filter((/** @type {any} */ each) => each.aggregate_name === kind);
  // Processor time where all work is the calling thread's, which other work on the machine disturbs less.
  const timeOf = (/** @type {any} */ each) => (each.run_name.includes('/real_time') ? each.real_time : each.cpu_time);
  const spread = new Map(of('cv').map((/** @type {any} */ each) => [each.run_name, timeOf(each)]));
  // Their order was mixed.
  const order = (/** @type {any} */ a, /** @type {any} */ b) =>
    a.family_index - b.family_index || a.per_family_instance_index - b.per_family_instance_index;
  const rows = of('median')
    .sort(order)
    .map((/** @type {any} */ each) => ({
      name: each.run_name.replace('/real_time', ''),
      time: timeOf(each),
      unit: each.time_unit,
      cv: spread.get(each.run_name),
      counters: Object.fromEntries(Object.entries(each).filter(([key]) => !FIELDS.has(key))),
    }));
  return { rows, context };
}

const shown = (/** @type {number} */ value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);

/**
 * A Markdown table of what every benchmark of a program tells.
 * @param {Row[]} rows
 */
function table(rows) {
  const counters = [...new Set(rows.flatMap((row) => Object.keys(row.counters)))].filter(
    (name) => name !== 'items_per_second',
  );
  const cell = (/** @type {string} */ name, /** @type {number | undefined} */ value) =>
    value === undefined ? '' : name === 'bytes_per_second' ? `${(value / 2 ** 30).toFixed(1)} GiB/s` : shown(value);
  return [
    `| | time | spread | ${counters.map((name) => (name === 'bytes_per_second' ? 'read' : name)).join(' | ')} |`,
    `| --- |${' --- |'.repeat(2 + counters.length)}`,
    ...rows.map(
      ({ name, time, unit, cv, counters: of }) =>
        `| ${name} | ${shown(time)} ${unit} | ${(100 * cv).toFixed(1)} % | ${counters.map((each) => cell(each, of[each])).join(' | ')} |`,
    ),
  ].join('\n');
}

/**
 * The network and the products it is made of: each against the fastest product of as many threads.
 * @param {Row[]} rows
 */
function modelTable(rows) {
  const threadsOf = (/** @type {Row} */ { name }) => Number(/threads:(\d+)/.exec(name)?.[1] ?? 1);
  const rate = (/** @type {Row} */ row) => row.counters['GFLOP/s'] ?? NaN;
  const best = (/** @type {number} */ threads) =>
    Math.max(...rows.filter((row) => row.name.startsWith('product/') && threadsOf(row) === threads).map(rate));
  return [
    '| | threads | ms each | per second | GFLOP/s | of the best product | spread |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const threads = threadsOf(row);
      const perSecond = row.counters['per second'] ?? NaN;
      return (
        `| ${row.name.replace(/\/threads:\d+/, '')} | ${threads} | ${shown((1000 * threads) / perSecond)} | ${shown(perSecond)} ` +
        `| ${shown(rate(row))} | ${((100 * rate(row)) / best(threads)).toFixed(0)} % | ${(100 * row.cv).toFixed(1)} % |`
      );
    }),
  ].join('\n');
}

/**
 * The stages of an utterance, and what comes before the model as a share of it.
 * @param {Row[]} rows
 */
function engineTable(rows) {
  const stages = ['decode', 'resample', 'speech', 'features', 'model'];
  return [
    `| | per second | ${stages.map((stage) => `${stage} ms`).join(' | ')} | decode + resample + features of model |`,
    `| --- |${' --- |'.repeat(stages.length + 2)}`,
    ...rows.map(({ name, counters }) => {
      const ms = (/** @type {string} */ stage) => counters[`${stage} ms`] ?? NaN;
      const before = (100 * (ms('decode') + ms('resample') + ms('features'))) / ms('model');
      return `| ${name.replace('end_to_end/', '')} | ${shown(counters['per second'] ?? NaN)} | ${stages.map((stage) => shown(ms(stage))).join(' | ')} | ${before.toFixed(1)} % |`;
    }),
  ].join('\n');
}

const programs = await buildPrograms(chosen.map((stage) => `bench_${stage}`));
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'timbre-native-'));
try {
  /** @type {string[]} */
  const parts = [];
  const titles = {
    audio: 'Decoding and resampling, to 16 kHz mono',
    features: 'Features',
    speech: 'Speech activity, and the report on quality made of it',
    gallery: 'Exhaustive search of a gallery, 192 dimensions, the best 10',
  };
  for (const stage of /** @type {(keyof typeof titles)[]} */ (PLAIN)) {
    if (chosen.includes(stage)) parts.push(`## ${titles[stage]}\n\n${table(measure(`bench_${stage}`).rows)}`);
  }
  const models = chosen.some((stage) => WITH_MODEL.includes(stage))
    ? (values.model ?? [join(ROOT, 'models', 'starter.pt'), await formulaBundle(1024, folder)])
    : [];
  for (const model of models) {
    if (chosen.includes('model')) {
      const { rows, context } = measure('bench_model', [`--model=${model}`]);
      parts.push(
        `## The network of ${context.model}@${context.digest.slice(0, 12)}\n\n` +
          "One utterance a thread. `product/R x K x N`: the matrix products that dominate at 3 s, as LibTorch's linear layer\n" +
          'does them and with the weight packed once; `int8/...` the same in int8, on an AVX2 processor or better. GFLOP/s counts the products of the network at the sizes of its\n' +
          `manifest and nothing else.\n\n${modelTable(rows)}`,
      );
    }
    if (chosen.includes('engine')) {
      const { rows, context } = measure('bench_engine', [`--model=${model}`]);
      parts.push(
        `## The engine with ${context.model}@${context.digest.slice(0, 12)}, end to end\n\n` +
          `Encoded recordings in memory, four in flight for each worker; milliseconds are means of an utterance.\n\n${engineTable(rows)}`,
      );
    }
  }
  const report = `# The native stages

\`npm run bench:native\`: medians of ${values.repetitions} repetitions of at least ${values['min-time']} s each, their order mixed; spread is the standard deviation over the mean.

${machine}

${parts.join('\n\n')}
`;
  if (out) writeFileSync(out, report);
  process.stdout.write(report);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
