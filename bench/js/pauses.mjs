// What do pauses do to error rates, and what does silence that is added to recordings?
//
//   npm run build && node bench/js/pauses.mjs [--model BUNDLE] [--data ../shared/speech] [--out FILE]
//
// Every recording of the data's list `dev` is embedded by bench/native/pauses.cpp as it is and with silence added, with
// all its pauses and by the rule of native/core/speech/pauses.h. Equal error rates are of single utterances, by
// cosine. Differences are paired: both ways on the same trials, the interval from drawing speakers with replacement.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readManifest } from '../../dist/addon/index.js';
import { bootstrapInterval, numberSpeakers } from '../../dist/evaluation/bootstrap.js';
import { equalErrorRate } from '../../dist/evaluation/metrics.js';
import { readRecordingTable, readTrials } from '../../dist/evaluation/trials.js';
import { buildPrograms } from './build.mjs';
import { describeMachine, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'speech') },
    rule: { type: 'string', multiple: true, default: [] },
    condition: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'pauses.md') },
  },
});
const data = resolve(values.data);
const KINDS = ['zero', '-70', '-50', 'room'];
/** @type {string[]} */
const added = values.condition.length > 0 ? values.condition : conditions();

function conditions() {
  const ends = KINDS.flatMap((kind) => [10, 60].map((seconds) => `both_${seconds}_${kind}`));
  const one = ['before_10_-70', 'behind_10_-70', 'before_60_-70', 'behind_60_-70', 'both_3_-70', 'both_20_-70'];
  return [...ends, ...one, ...KINDS.map((kind) => `between_10_${kind}`)];
}

const PARTS = [
  { name: 'Common Voice', match: (/** @type {string} */ source) => source.startsWith('common_voice') },
  { name: 'Common Voice French', match: (/** @type {string} */ source) => source === 'common_voice_17delta_fr' },
  { name: 'speechocean762', match: (/** @type {string} */ source) => source === 'speechocean762' },
  { name: 'wuw2 (telephone)', match: (/** @type {string} */ source) => source === 'wuw2' },
  { name: 'msc_malayalam', match: (/** @type {string} */ source) => source === 'msc_malayalam' },
  { name: 'arabic_speech_commands (one second)', match: (/** @type {string} */ s) => s === 'arabic_speech_commands' },
];

/** Seconds of speech below which a recording has little of it: those are reported apart. */
const LITTLE = 0.5;
const DRAWS = 400;

const facts = await readRecordingTable(join(data, 'files.tsv'));
const list = await readTrials(join(data, 'trials_dev.txt'));
const paths = [...facts.keys()].filter((path) => facts.get(path)?.['split'] === 'dev');
const place = new Map(paths.map((path, i) => [path, i]));
const pairs = readFileSync(join(data, 'trials_dev.txt'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' '));
if (pairs.length !== list.labels.length) throw new Error('the list was read otherwise than here');

const dim = /** @type {{ dim: number }} */ ((await readManifest(values.model))['embedding']).dim;
const rules = values.rule.length > 0 ? values.rule : ['cut'];
const ways = ['keep', ...rules.map((rule) => /** @type {string} */ (rule.split('=')[0]))];
const folder = mkdtempSync(join(tmpdir(), 'timbre-pauses-'));

/** @typedef {{ seconds: Float32Array, heard: Float32Array, vectors: Float32Array }} Embedded */

/** @type {Map<string, Embedded>} */
const embedded = new Map();
try {
  const programs = await buildPrograms(['pauses']);
  writeFileSync(join(folder, 'list'), `${paths.join('\n')}\n`);
  const words = ['--model', values.model, '--root', data, '--list', join(folder, 'list'), '--out', folder];
  for (const condition of ['as-is', ...added]) words.push('--condition', condition);
  for (const way of ['keep', ...rules]) words.push('--rule', way);
  execFileSync(join(programs, 'pauses'), words, { stdio: ['ignore', 'inherit', 'inherit'] });
  for (const condition of ['as-is', ...added]) {
    for (const way of ways) embedded.set(`${condition}.${way}`, read(join(folder, `${condition}.${way}`)));
  }
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * @param {string} file
 * @returns {Embedded} vectors of length 1
 */
function read(file) {
  const bytes = readFileSync(file);
  const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (rows.length !== paths.length * (dim + 2)) throw new Error(`${file} is not of every recording`);
  const [seconds, heard] = [new Float32Array(paths.length), new Float32Array(paths.length)];
  const vectors = new Float32Array(paths.length * dim);
  for (let i = 0; i < paths.length; i++) {
    const row = rows.subarray(i * (dim + 2), (i + 1) * (dim + 2));
    [seconds[i], heard[i]] = [row[0] ?? NaN, row[1] ?? NaN];
    const vector = row.subarray(2);
    const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    vector.forEach((x, j) => (vectors[i * dim + j] = x / norm));
  }
  return { seconds, heard, vectors };
}

/**
 * @param {Embedded} one
 * @param {number} i
 * @param {Embedded} other
 * @param {number} j
 */
function cosine(one, i, other, j) {
  let sum = 0;
  for (let d = 0; d < dim; d++) sum += (one.vectors[i * dim + d] ?? NaN) * (other.vectors[j * dim + d] ?? NaN);
  return sum;
}

/** Trials of a part, by the rows of their sides. */
const parts = PARTS.map(({ name, match }) => {
  const own = pairs.filter(([, a, b]) => [a, b].every((path) => match(facts.get(path ?? '')?.['source'] ?? '')));
  const rowsOf = (/** @type {number} */ side) => own.map((pair) => /** @type {number} */ (place.get(pair[side] ?? '')));
  const speakersOf = (/** @type {number} */ side) => own.map((pair) => facts.get(pair[side] ?? '')?.['speaker'] ?? '');
  return {
    name,
    a: rowsOf(1),
    b: rowsOf(2),
    labels: Uint8Array.from(own, ([label]) => Number(label)),
    speakers: numberSpeakers(speakersOf(1), speakersOf(2)),
  };
});

/**
 * Scores of a part's trials; a recording that could not be given this silence stands as it is.
 * @param {(typeof parts)[number]} part
 * @param {string} way
 * @param {string} of condition of the first side
 * @param {string} to and of the second
 */
function scores(part, way, of, to) {
  const side = (/** @type {string} */ condition, /** @type {number} */ row) => {
    const wanted = /** @type {Embedded} */ (embedded.get(`${condition}.${way}`));
    return Number.isNaN(wanted.seconds[row]) ? /** @type {Embedded} */ (embedded.get(`as-is.${way}`)) : wanted;
  };
  const scored = Float64Array.from(part.a, (a, i) => {
    const b = part.b[i] ?? 0;
    return cosine(side(of, a), a, side(to, b), b);
  });
  return { scores: scored, labels: part.labels };
}

const percent = (/** @type {number} */ share) => (100 * share).toFixed(2);

/**
 * Difference of two rates on the same trials, and its interval.
 * @param {(typeof parts)[number]} part
 * @param {ReturnType<typeof scores>} one
 * @param {ReturnType<typeof scores>} other
 */
function difference(part, one, other) {
  const rate = (/** @type {ReturnType<typeof scores>} */ trials, /** @type {Float64Array | undefined} */ weights) =>
    equalErrorRate(trials, weights);
  const apart = rate(one, undefined) - rate(other, undefined);
  const [low, high] = bootstrapInterval(part.speakers, (weights) => rate(one, weights) - rate(other, weights), {
    draws: DRAWS,
  });
  return `${percent(apart)} [${percent(low)}, ${percent(high)}]`;
}

/**
 * @param {string[]} header
 * @param {string[][]} rows
 */
const table = (header, rows) =>
  [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const asIs = parts.map((part) => {
  const whole = scores(part, 'keep', 'as-is', 'as-is');
  const cells = ways.slice(1).flatMap((way) => {
    const trials = scores(part, way, 'as-is', 'as-is');
    return [percent(equalErrorRate(trials)), difference(part, trials, whole)];
  });
  return [part.name, percent(equalErrorRate(whole)), ...cells];
});

const common = /** @type {(typeof parts)[number][]} */ (parts.slice(0, 2));
const withSilence = added.map((condition) => [
  condition.replaceAll('_', ' '),
  ...common.flatMap((part) =>
    ways.flatMap((way) => {
      const trials = scores(part, way, condition, condition);
      const plain = scores(part, way, 'as-is', 'as-is');
      const one = scores(part, way, 'as-is', condition);
      return [
        percent(equalErrorRate(trials)),
        percent(equalErrorRate(one)),
        ...(way === 'keep' ? [] : [difference(part, trials, plain)]),
      ];
    }),
  ),
]);

const cosines = added.flatMap((condition) =>
  ways.map((way) => {
    const plain = /** @type {Embedded} */ (embedded.get(`as-is.${way}`));
    const padded = /** @type {Embedded} */ (embedded.get(`${condition}.${way}`));
    const heard = /** @type {Embedded} */ (embedded.get(`as-is.${ways[1] ?? ''}`)).heard;
    const found = paths.flatMap((path, i) => {
      const voices = facts.get(path)?.['source']?.startsWith('common_voice') ?? false;
      return !voices || Number.isNaN(padded.seconds[i]) || (heard[i] ?? 0) < LITTLE
        ? []
        : [cosine(plain, i, padded, i)];
    });
    found.sort((x, y) => x - y);
    const median = found[Math.floor(found.length / 2)] ?? NaN;
    const below = found.filter((x) => x < 0.95).length / found.length;
    return [
      condition.replaceAll('_', ' '),
      way,
      `${found.length}`,
      median.toFixed(4),
      percent(below),
      (found[0] ?? NaN).toFixed(3),
    ];
  }),
);
const little = paths.filter((path, i) => {
  const heard = /** @type {Embedded} */ (embedded.get(`as-is.${ways[1] ?? ''}`)).heard[i] ?? 0;
  return heard < LITTLE && (facts.get(path)?.['source']?.startsWith('common_voice') ?? false);
}).length;

writeFileSync(
  values.out,
  `# Pauses

\`node bench/js/pauses.mjs\`

${describeMachine()}

Equal error rates in per cent, single utterances of \`dev\`, cosine, ${values.model.replace(ROOT, '')}. "keep" embeds recordings whole,
"cut" by the rule. Differences with their 95 % interval (paired, ${DRAWS} draws of speakers).

## Recordings as they are

${table(['part', 'keep', ...ways.slice(1).flatMap((way) => [way, `${way} - keep`])], asIs)}

## With silence added

Where, seconds on each side, and what of: digital silence, white noise of so many dBFS, or noise of the spectrum of the
recording's own pauses. "Both": silence on both sides of a trial, "one": on one. Recordings without pauses to take room
noise from stand as they are. The difference is that from the same rule without added silence.

${table(['silence', ...common.flatMap((part) => ways.flatMap((way) => [`${part.name}, ${way}: both`, 'one', ...(way === 'keep' ? [] : ['difference'])]))], withSilence)}

Cosine of a recording's embeddings with and without it, of the recordings of Common Voice in which ${LITTLE} s of speech or
more is heard (${little} have less; one in which none is heard is embedded whole):

${table(['silence', 'pauses', 'recordings', 'median', 'below 0.95, %', 'lowest'], cosines)}
`,
);
process.stderr.write(`wrote ${values.out}\n`);
