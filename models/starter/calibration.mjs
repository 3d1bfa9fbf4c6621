// The calibration of the bundled model, learned on `dev` and chosen by people and by parts of `dev` that were left out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest, updateManifest } from '../../dist/addon/bundles.js';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { numberSpeakers, seededUniform } from '../../dist/evaluation/bootstrap.js';
import { calibrate, sideQuality } from '../../dist/evaluation/calibration.js';
import { EmbeddingCache } from '../../dist/evaluation/embedding-cache.js';
import { selectTrials } from '../../dist/evaluation/groups.js';
import { withProfiles } from '../../dist/evaluation/profile-trials.js';
import { embedRecordings } from '../../dist/evaluation/recordings.js';
import { recordingsOf, scoreTrials } from '../../dist/evaluation/trial-scores.js';
import { readTrials } from '../../dist/evaluation/trials.js';
import { scoreAtRate } from '../../dist/scoring/impostor-tail.js';
import { learnEvidence, THRESHOLD_RATES } from '../../dist/scoring/learn-calibration.js';
import { calibrationOf } from '../../dist/scoring/model-calibration.js';
import { partOf, partTable, readTable } from './data.mjs';
import { calibrationName, chosen } from './figures.mjs';
import { timbre } from './tools.mjs';

/** What is compared: a recording with one, and with profiles of so many. */
const PROFILES = [3, 10];
const SIZES = [1, ...PROFILES];
/** People of every part are dealt into so many folds, so many times. */
const FOLDS = 3;
const DEALS = 2;

/**
 * `closest`: speakers of the cohort that AS-norm looks at. `recordings`, `durations`: what the evidence looks at beside the
 * score. `even`: every part of `dev` weighs the same, else every pair of people. `on`: the parts that it is learned on,
 * all where there is none.
 * @typedef {{ norm: 'none' | 'as', closest?: number, recordings: boolean, durations: boolean, even: boolean, on?: string[] }} Candidate
 */

/** What the calibration was until version 3 of the bundle was calibrated anew. */
const BEFORE = ['common_voice_french', 'common_voice_others', 'speechocean762'];
const COSINE = /** @type {const} */ ({ norm: 'none', recordings: true, durations: false, even: true });
const AS_NORM = /** @type {const} */ ({ norm: 'as', recordings: false, durations: false, even: true });

/** @type {Candidate[]} */
const CANDIDATES = [
  { ...COSINE, even: false, on: BEFORE },
  { ...COSINE, even: false },
  COSINE,
  { ...COSINE, durations: true },
  ...[10, 20, 30, 200].flatMap((closest) => [
    { ...AS_NORM, closest, recordings: true },
    { ...AS_NORM, closest },
  ]),
  { ...AS_NORM, closest: 20, even: false },
  { ...AS_NORM, closest: 20, durations: true },
];

/**
 * Tries the candidates and gives the bundle the calibration of the best. Its weights, mean and cohort stay, and with them its
 * identity.
 * @param {{ bundle: string, data: string, work: string }} options
 */
export async function calibrateBundle({ bundle, data, work }) {
  mkdirSync(work, { recursive: true });
  const rows = readTable(data).filter(({ split }) => split === 'dev');
  const identity = (await readManifest(bundle)).identity.value;
  const trials = await devTrials(bundle, { data, work, rows });
  const tried = CANDIDATES.map((candidate) => tryCalibration(candidate, trials));
  const best = chosen(tried);
  const parts = join(work, 'parts-dev.tsv');
  writeFileSync(parts, partTable(rows));
  timbre(['calibrate', join(data, 'trials_dev.txt'), '--model', bundle, '--groups', `${parts}:part`, '--within',
    '--profiles', PROFILES.join(','), ...argumentsOf(best), '--cache', join(work, 'embeddings'), '--bundle', bundle]); // prettier-ignore
  await updateManifest(bundle, { training: { calibrations: tried } }, bundle);
  const now = (await readManifest(bundle)).identity.value;
  if (now !== identity)
    throw new Error(`the identity was ${identity} and is ${now}: everybody would have to enrol anew`);
}

/** @param {Candidate} candidate */
function argumentsOf({ norm, closest, recordings, durations, even, on = [] }) {
  return [
    ...['--norm', norm],
    ...(closest === undefined ? [] : ['--closest', String(closest)]),
    ...(recordings ? [] : ['--no-recordings']),
    ...(durations ? ['--durations'] : []),
    ...(even ? ['--even'] : []),
    ...on.flatMap((part) => ['--select', part]),
  ];
}

/**
 * The trials of `dev` with both sides in one part, of single recordings and of profiles, scored as any candidate asks.
 * @returns {Promise<Trials>}
 * @typedef {{ scores: (norm: 'none' | 'as', closest?: number) => import('../../dist/evaluation/trial-scores.js').TrialScores,
 *   parts: string[], speakersA: string[], speakersB: string[] }} Trials
 */
async function devTrials(bundle, { data, work, rows }) {
  const of = new Map(rows.map((row) => [row.path, { part: partOf(row), speaker: row.speaker }]));
  const within = selectTrials(await readTrials(join(data, 'trials_dev.txt')), (path) => of.get(path)?.part, {
    patterns: [],
    within: true,
  });
  const list = withProfiles(within, (path) => of.get(path).speaker, PROFILES);
  const encoder = await SpeakerEncoder.load({ model: bundle, device: 'cpu' });
  const { model, manifest, embeddingDim: dim } = encoder.info();
  const cache = EmbeddingCache.of(join(work, 'embeddings'), model);
  const table = await embedRecordings(encoder, recordingsOf(list), { root: data, dim, cache });
  await encoder.close();
  if (table.failed.length > 0) throw new Error(`${table.failed[0].path}: ${table.failed[0].error.message}`);
  const { cohort } = calibrationOf(manifest);
  const scored = new Map();
  const tests = Array.from(list.test, (test) => of.get(list.tests[test]));
  return {
    scores: (norm, closest) => {
      const key = `${norm}-${closest}`;
      if (!scored.has(key)) scored.set(key, scoreTrials(list, table, norm, cohort, closest));
      return scored.get(key);
    },
    parts: tests.map(({ part }) => part),
    speakersA: Array.from(list.enrolment, (enrolment) => of.get(list.enrolments[enrolment][0]).speaker),
    speakersB: tests.map(({ speaker }) => speaker),
  };
}

/**
 * What a candidate does to people, and to parts, that were left out of learning it.
 * @param {Candidate} candidate
 * @param {Trials} trials
 */
function tryCalibration(candidate, trials) {
  const people = new Tally();
  const parts = new Tally();
  const { speakersA, speakersB } = trials;
  for (let deal = 0; deal < DEALS; deal++) {
    const fold = dealt(trials, deal);
    for (let out = 0; out < FOLDS; out++) {
      const inside = (i) => [fold.get(speakersA[i]), fold.get(speakersB[i])].filter((one) => one === out).length;
      leaveOut(candidate, trials, { learnedOn: (i) => inside(i) === 0, judgedOn: (i) => inside(i) === 2 }, people);
    }
  }
  for (const part of new Set(trials.parts)) {
    const own = (i) => trials.parts[i] === part;
    leaveOut(candidate, trials, { learnedOn: (i) => !own(i), judgedOn: own }, parts);
  }
  const found = { ...candidate, people: people.rates(), parts: parts.rates(), matched: parts.matched() };
  const shares = (rates) =>
    rates.map(({ far, frr }) => `${(100 * far).toFixed(2)} (${(100 * frr).toFixed(1)})`).join(', ');
  console.error(`${calibrationName(candidate)}: people ${shares(found.people)}; parts ${shares(found.parts)}; ` +
    `misses at the rates of parts ${found.matched.map(({ frr }) => (100 * frr).toFixed(1)).join(', ')}`); // prettier-ignore
  return found;
}

/** Learns on some trials and adds what comes of others to the tally. */
function leaveOut({ norm, closest, recordings, durations, even, on }, trials, { learnedOn, judgedOn }, tally) {
  const { parts, speakersA, speakersB } = trials;
  const all = trials.scores(norm, closest);
  const indices = Array.from(all.labels.keys());
  const chosenOf = indices.filter((i) => learnedOn(i) && (!on || on.includes(parts[i])));
  const numbers = new Map();
  const sources = Uint32Array.from(chosenOf, (i) => {
    if (!numbers.has(parts[i])) numbers.set(parts[i], numbers.size);
    return numbers.get(parts[i]);
  });
  const speakers = numberSpeakers(chosenOf.map((i) => speakersA[i]), chosenOf.map((i) => speakersB[i])); // prettier-ignore
  const { calibration, impostorTail } = learnEvidence(taken(all, chosenOf), speakers, {
    norm, closest, durations, recordings, balanced: false, sources: even ? sources : undefined,
  }); // prettier-ignore
  const thresholds = THRESHOLD_RATES.map((rate) => scoreAtRate(impostorTail, rate).score);
  for (const i of indices.filter(judgedOn)) {
    const enrolment = { seconds: all.secondsA[i], recordings: all.recordings[i] };
    const quality = sideQuality(enrolment, { seconds: all.secondsB[i], recordings: 1 });
    const llr = calibrate(calibration, all.scores[i], quality);
    tally.add(
      parts[i],
      all.recordings[i],
      all.labels[i] === 1,
      thresholds.map((threshold) => llr - threshold),
    );
  }
}

/** @param {import('../../dist/evaluation/trial-scores.js').TrialScores} all @param {number[]} indices */
function taken(all, indices) {
  const of = (values) => values.constructor.from(indices, (i) => values[i]);
  return {
    trials: of(all.trials),
    labels: of(all.labels),
    scores: of(all.scores),
    secondsA: of(all.secondsA),
    secondsB: of(all.secondsB),
    recordings: of(all.recordings),
    skipped: 0,
  };
}

/** The fold of every speaker, those of each part dealt out in an order that is drawn. */
function dealt({ parts, speakersB, speakersA }, deal) {
  const partOfSpeaker = new Map(parts.flatMap((part, i) => [[speakersA[i], part], [speakersB[i], part]])); // prettier-ignore
  const uniform = seededUniform(1 + deal);
  const drawn = [...partOfSpeaker].sort(([a], [b]) => (a < b ? -1 : 1)).map(([speaker, part]) => ({ speaker, part, at: uniform() })); // prettier-ignore
  const counts = new Map();
  const fold = new Map();
  for (const { speaker, part } of drawn.sort((a, b) => a.at - b.at)) {
    const count = counts.get(part) ?? deal;
    fold.set(speaker, count % FOLDS);
    counts.set(part, count + 1);
  }
  return fold;
}

/** By how much trials pass the thresholds that were learned without them, by part and by the recordings of a profile. */
class Tally {
  /** @type {Map<string, { targets: number[][], impostors: number[][] }>} by part and size, a list for each rate */
  #cells = new Map();

  /** @param {string} part @param {number} recordings @param {boolean} target @param {number[]} excess over each threshold */
  add(part, recordings, target, excess) {
    const name = `${part}/${recordings}`;
    const cell = this.#cells.get(name) ?? { targets: THRESHOLD_RATES.map(() => []), impostors: THRESHOLD_RATES.map(() => []) }; // prettier-ignore
    this.#cells.set(name, cell);
    excess.forEach((value, rate) => cell[target ? 'targets' : 'impostors'][rate].push(value));
  }

  /** Means over parts and sizes, and each part's single recordings. */
  rates() {
    return THRESHOLD_RATES.map((asked, rate) => ({
      asked,
      ...this.#mean(rate, 0),
      bySize: Object.fromEntries(SIZES.map((size) => [size, this.#mean(rate, 0, (name) => name.endsWith(`/${size}`))])),
      byPart: Object.fromEntries(
        [...this.#cells].flatMap(([name, cell]) => {
          const [part, size] = name.split('/');
          return size === '1' && cell.impostors[rate].length > 0 ? [[part, { far: passing(cell.impostors[rate], 0), frr: 1 - passing(cell.targets[rate], 0) }]] : []; // prettier-ignore
        }),
      ),
    }));
  }

  /** Misses where all thresholds are moved until the mean rate is the promised one, and by how much they are moved. */
  matched() {
    return THRESHOLD_RATES.map((asked, rate) => {
      let [low, high] = [-20, 20];
      for (let step = 0; step < 40; step++) {
        const middle = (low + high) / 2;
        if (this.#mean(rate, middle).far > asked) low = middle;
        else high = middle;
      }
      return { asked, moved: high, frr: this.#mean(rate, high).frr };
    });
  }

  #mean(rate, moved, which = () => true) {
    const cells = [...this.#cells].filter(([name, { targets, impostors }]) => which(name) && targets[rate].length > 0 && impostors[rate].length > 0).map(([, cell]) => cell); // prettier-ignore
    const mean = (of) => cells.reduce((sum, cell) => sum + of(cell) / cells.length, 0);
    return {
      far: mean(({ impostors }) => passing(impostors[rate], moved)),
      frr: mean(({ targets }) => 1 - passing(targets[rate], moved)),
    };
  }
}

/** @param {number[]} excess @param {number} moved the threshold is this much higher */
function passing(excess, moved) {
  let count = 0;
  for (const value of excess) if (value >= moved) count++;
  return count / excess.length;
}
