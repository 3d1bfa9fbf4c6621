// What do pauses do to error rates, and what does silence that is added to recordings?
//
//   npm run build && node bench/js/pauses.mjs [--model BUNDLE] [--before BUNDLE] [--data ../shared/speech] [--work FOLDER]
//       [--out FILE]
//
// Every recording of the data's lists `dev` and `libri` is embedded by bench/native/pauses.cpp as it is, those of Common
// Voice with silence added too: with all their pauses and by the rule of native/core/speech/pauses.h, with a minute of
// silence by the rule alone, since that takes hours otherwise. --before names a bundle that embeds recordings whole, to
// compare with. What was embedded is kept in --work and not embedded again. Equal error rates are of single utterances, by
// cosine. Differences are paired: both ways on the same trials, the interval from drawing speakers with replacement.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readManifest } from '../../dist/addon/index.js';
import { bootstrapInterval, numberSpeakers } from '../../dist/evaluation/bootstrap.js';
import { equalErrorRate } from '../../dist/evaluation/metrics.js';
import { ScoredTrials } from '../../dist/evaluation/scores.js';
import { readRecordingTable } from '../../dist/evaluation/trials.js';
import { buildPrograms } from './build.mjs';
import { describeMachine, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    before: { type: 'string' },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'speech') },
    rule: { type: 'string', multiple: true, default: [] },
    condition: { type: 'string', multiple: true, default: [] },
    work: { type: 'string', default: join(ROOT, '.cache', 'pauses') },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'pauses.md') },
  },
});
const data = resolve(values.data);
const KINDS = ['zero', '-70', '-50', 'room'];
/** @type {string[]} */
const added = values.condition.length > 0 ? values.condition : conditions();

function conditions() {
  const ends = KINDS.map((kind) => `both_10_${kind}`);
  const minute = ['before_60_-70', 'behind_60_-70', 'both_60_-70', 'both_60_room'];
  return [...ends, 'between_10_-70', 'between_10_room', ...minute];
}

/** A minute of silence is embedded by the rules alone. */
const isLong = (/** @type {string} */ condition) => Number(condition.split('_')[1]) >= 60;

const PARTS = [
  { name: 'Common Voice', match: (/** @type {string} */ source) => source.startsWith('common_voice') },
  { name: 'Common Voice French', match: (/** @type {string} */ source) => source === 'common_voice_17delta_fr' },
  { name: 'speechocean762', match: (/** @type {string} */ source) => source === 'speechocean762' },
  { name: 'wuw2 (telephone)', match: (/** @type {string} */ source) => source === 'wuw2' },
  { name: 'msc_malayalam', match: (/** @type {string} */ source) => source === 'msc_malayalam' },
  { name: 'arabic_speech_commands (one second)', match: (/** @type {string} */ s) => s === 'arabic_speech_commands' },
  { name: 'libri', match: (/** @type {string} */ source) => source === 'librispeech' },
];
const LISTS = ['dev', 'libri'];

/** Seconds of speech below which a recording has little of it: those are reported apart. */
const LITTLE = 0.5;
const DRAWS = 400;

const facts = await readRecordingTable(join(data, 'files.tsv'));
const paths = [...facts.keys()].filter((path) => LISTS.includes(facts.get(path)?.['split'] ?? ''));
const place = new Map(paths.map((path, i) => [path, i]));
const pairs = LISTS.flatMap((list) =>
  readFileSync(join(data, `trials_${list}.txt`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')),
);

const dim = /** @type {{ dim: number }} */ ((await readManifest(values.model))['embedding']).dim;
const rules = values.rule.length > 0 ? values.rule : ['cut'];
const ways = ['keep', ...rules.map((rule) => nameOf(rule))];

/** @typedef {{ seconds: Float32Array, heard: Float32Array, vectors: Float32Array }} Embedded */

const isCommonVoice = (/** @type {string} */ path) => facts.get(path)?.['source']?.startsWith('common_voice') ?? false;

const AS_IS = ['as-is'];
const common = paths.filter(isCommonVoice);
const short = added.filter((condition) => !isLong(condition));
/** @type {Map<string, Embedded>} by condition and name of the rule; rows are those of `paths` */
const embedded = new Map([
  ...(await embedAll(values.model, paths, AS_IS, ['keep', ...rules])),
  ...(await embedAll(values.model, common, short, ['keep', ...rules])),
  ...(await embedAll(values.model, common, added.filter(isLong), rules)),
]);
const before = values.before && (await embedAll(values.before, paths, AS_IS, ['keep'])).get('as-is.keep');

/**
 * @param {string} model
 * @param {string[]} recordings
 * @param {string[]} conditions
 * @param {string[]} rules
 * @returns {Promise<Map<string, Embedded>>}
 */
async function embedAll(model, recordings, conditions, rules) {
  const bundle = createHash('sha256').update(readFileSync(model)).digest('hex').slice(0, 12);
  const folder = join(values.work, bundle);
  mkdirSync(folder, { recursive: true });
  const bytes = recordings.length * (dim + 2) * 4;
  const isThere = (/** @type {string} */ condition) =>
    rules.every((rule) => sizeOf(join(folder, `${condition}.${nameOf(rule)}`)) === bytes);
  const missing = conditions.filter((condition) => !isThere(condition));
  if (missing.length > 0) {
    const list = join(folder, 'list');
    writeFileSync(list, `${recordings.join('\n')}\n`);
    const words = ['--model', model, '--root', data, '--list', list, '--out', folder];
    for (const condition of missing) words.push('--condition', condition);
    for (const rule of rules) words.push('--rule', rule);
    const program = join(await buildPrograms(['pauses']), 'pauses');
    execFileSync(program, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return new Map(
    conditions.flatMap((condition) =>
      rules.map((rule) => {
        const name = `${condition}.${nameOf(rule)}`;
        return [name, read(join(folder, name), recordings)];
      }),
    ),
  );
}

/** @param {string} rule */
function nameOf(rule) {
  return /** @type {string} */ (rule.split('=')[0]);
}

/** @param {string} file */
function sizeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * @param {string} file
 * @param {string[]} recordings the rows of the file
 * @returns {Embedded} vectors of length 1; NaN in the rows of others
 */
function read(file, recordings) {
  const bytes = readFileSync(file);
  const rows = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  if (rows.length !== recordings.length * (dim + 2)) throw new Error(`${file} is not of every recording`);
  const [seconds, heard] = [new Float32Array(paths.length).fill(NaN), new Float32Array(paths.length)];
  const vectors = new Float32Array(paths.length * dim);
  for (const [row, path] of recordings.entries()) {
    const i = place.get(path) ?? NaN;
    const own = rows.subarray(row * (dim + 2), (row + 1) * (dim + 2));
    [seconds[i], heard[i]] = [own[0] ?? NaN, own[1] ?? NaN];
    const vector = own.subarray(2);
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
 * Scores of a part's trials.
 * @param {(typeof parts)[number]} part
 * @param {(row: number) => Embedded} first embeddings that the first side is looked up in
 * @param {(row: number) => Embedded} second
 */
function scoresOf(part, first, second) {
  const scored = Float64Array.from(part.a, (a, i) => {
    const b = part.b[i] ?? 0;
    return cosine(first(a), a, second(b), b);
  });
  return new ScoredTrials(scored, part.labels);
}

/**
 * Scores under one rule; a recording that could not be given this silence stands as it is.
 * @param {(typeof parts)[number]} part
 * @param {string} way
 * @param {string} of condition of the first side
 * @param {string} to and of the second
 */
function scores(part, way, of, to) {
  const plain = /** @type {Embedded} */ (embedded.get(`as-is.${way}`));
  const side = (/** @type {string} */ condition) => (/** @type {number} */ row) => {
    const wanted = /** @type {Embedded} */ (embedded.get(`${condition}.${way}`));
    return Number.isNaN(wanted.seconds[row]) ? plain : wanted;
  };
  return scoresOf(part, side(of), side(to));
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
  const former = before === undefined ? undefined : scoresOf(part, all(before), all(before));
  const cells = ways.slice(1).flatMap((way) => {
    const trials = scores(part, way, 'as-is', 'as-is');
    return [
      percent(equalErrorRate(trials)),
      difference(part, trials, whole),
      ...(former ? [difference(part, trials, former)] : []),
    ];
  });
  return [part.name, ...(former ? [percent(equalErrorRate(former))] : []), percent(equalErrorRate(whole)), ...cells];
});

function all(/** @type {Embedded} */ of) {
  return () => of;
}

const voices = /** @type {(typeof parts)[number][]} */ (parts.slice(0, 2));
const withSilence = added.map((condition) => [
  condition.replaceAll('_', ' '),
  ...voices.flatMap((part) =>
    ways.flatMap((way) => {
      if (way === 'keep' && isLong(condition)) return ['-', '-'];
      const trials = scores(part, way, condition, condition);
      const plain = scores(part, way, 'as-is', 'as-is');
      const one = scores(part, way, 'as-is', condition);
      return [
        percent(equalErrorRate(trials)),
        percent(equalErrorRate(one)),
        ...(way === 'keep' ? [] : [difference(part, trials, plain), difference(part, one, plain)]),
      ];
    }),
  ),
]);

const heard = /** @type {Embedded} */ (embedded.get(`as-is.${ways[1] ?? ''}`)).heard;
const cosines = added.flatMap((condition) =>
  ways
    .filter((way) => way !== 'keep' || !isLong(condition))
    .map((way) => {
      const plain = /** @type {Embedded} */ (embedded.get(`as-is.${way}`));
      const padded = /** @type {Embedded} */ (embedded.get(`${condition}.${way}`));
      const found = paths.flatMap((path, i) =>
        !isCommonVoice(path) || Number.isNaN(padded.seconds[i]) || (heard[i] ?? 0) < LITTLE
          ? []
          : [cosine(plain, i, padded, i)],
      );
      found.sort((x, y) => x - y);
      const at = (/** @type {number} */ share) => found[Math.floor(share * found.length)] ?? NaN;
      const below = found.filter((x) => x < 0.95).length / found.length;
      return [
        condition.replaceAll('_', ' '),
        way,
        `${found.length}`,
        at(0.5).toFixed(4),
        at(0.01).toFixed(3),
        percent(below),
        at(0).toFixed(3),
      ];
    }),
);
const little = paths.filter((path, i) => (heard[i] ?? 0) < LITTLE && isCommonVoice(path)).length;

writeFileSync(
  values.out,
  `# Pauses

\`node bench/js/pauses.mjs\`

${describeMachine()}

Equal error rates in per cent, single utterances of \`dev\` and \`libri\`, cosine, ${basename(values.model)}. "keep" embeds
recordings whole, "cut" by the rule.${before ? ' "Before": the bundle of before, whole.' : ''} Differences with their 95 % interval (paired, ${DRAWS} draws of
speakers). The rule was chosen on \`dev\`, so that its rates there flatter; \`libri\` was not looked at.

## Recordings as they are

${table(['part', ...(before ? ['before'] : []), 'keep', ...ways.slice(1).flatMap((way) => [way, `${way} - keep`, ...(before ? [`${way} - before`] : [])])], asIs)}

## With silence added

Where, seconds on each side, and what of: digital silence, white noise of so many dBFS, or noise of the spectrum of the
recording's own pauses. "Both": silence on both sides of a trial, "one": on one. Recordings without pauses to take room
noise from stand as they are. The differences are those from the same rule without added silence.

${table(['silence', ...voices.flatMap((part) => ways.flatMap((way) => [`${part.name}, ${way}: both`, 'one', ...(way === 'keep' ? [] : ['both - none', 'one - none'])]))], withSilence)}

Cosine of a recording's embeddings with and without it, of the recordings of Common Voice in which ${LITTLE} s of speech or
more is heard (${little} have less; one in which none is heard is embedded whole):

${table(['silence', 'pauses', 'recordings', 'median', 'lowest 1 %', 'below 0.95, %', 'lowest'], cosines)}
`,
);
process.stderr.write(`wrote ${values.out}\n`);
