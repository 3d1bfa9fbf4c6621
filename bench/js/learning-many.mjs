// Profiles that learn, of many people, with everybody of the same source as a stranger who tries: by the rate of false accepts
// at which they learn.
//
//   npm run build && timbre models pull campplus-zh-en      (the calibration: open-set.mjs)
//   node bench/js/learning-many.mjs ../shared/speech --model campplus-zh-en --calibration runs/campplus.json --pool train --pool report
//
// Half of the people are enrolled, with their first recordings; their last are verified before, between and after; those between
// the first and the last are learned from, a day apart. Then the other half is. A stranger of the half that is not enrolled has
// all recordings but the last verified in turn with the person's own, each stranger against a profile of his own. It decides by
// the functions that the service decides by, in process, but does not judge the quality of recordings: to it all are good. An
// interval is the 95 % bootstrap interval over people. Embeddings are kept in --cache, so that a run that was cut short goes on
// with the next one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readCalibrationFile, Scorer, SpeakerEncoder } from '../../dist/index.js';
import { EmbeddingCache } from '../../dist/evaluation/embedding-cache.js';
import { embedRecordings } from '../../dist/evaluation/recordings.js';
import { lessonOf } from '../../dist/service/records/learning.js';
import { buildProfile, factsOf, UNCALIBRATED_OUTLIER_COSINE } from '../../dist/service/records/profile.js';
import { commandWords, describeMachine, ROOT } from './machine.mjs';
import { intervalOver, PEOPLE_OPTIONS, readPeople, shuffled, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    enrol: { type: 'string', default: '3' },
    verify: { type: 'string', default: '5' },
    least: { type: 'string', default: '14' },
    shortest: { type: 'string', default: '2' },
    accepts: { type: 'string', default: '0.01' },
    rates: { type: 'string', default: '0.01,0.001,0.0001,0.00001' },
    people: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '2' },
    cache: { type: 'string', default: join(ROOT, 'runs', 'open-set') },
  },
});
const [enrolWith, verifyWith, least, shortest, accepts] = [
  values.enrol,
  values.verify,
  values.least,
  values.shortest,
  values.accepts,
].map(Number);
const rates = values.rates.split(',').map(Number);
const data = speechFolder(positionals[0]);
/** As the service has them by default, but for the speech that makes somebody Enrolled: that of the bench over HTTP. */
const [LEAST_SPEECH_SECONDS, LEARNED_RECORDINGS, REQUIRED_SECONDS] = [1, 10, 5];
/** After how many lessons people are verified, beside before and after all. */
const BETWEEN = [4, 8];
const DAY_MS = 86_400_000;

/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('../../dist/scoring/scorer.js').Side} Side */
/** @typedef {{ enrolled: { person: Person, side: Side }[], strangers: Person[] }} Fold */
/** @typedef {import('../../dist/service/records/learning.js').Exemplar & { id: string, kind: 'enrolled' | 'learned', seconds: number }} Recording */
/** @typedef {{ side: Side, embedding: Float32Array, seconds: number }} Heard */
/** Misses and verifications before any lesson, after those of `BETWEEN` and after all; lessons learned of those given. @typedef {{ misses: [number, number][], lessons: [number, number], strangers: { id: string, recordings: number, learned: number }[] }} Result */

const able = readPeople(data, values.pool, shortest).filter(({ recordings }) => recordings.length >= least);
const people = shuffled(able).slice(0, Number(values.people));
const encoder = await SpeakerEncoder.load({ model: values.model, device: 'cpu', workers: Number(values.workers) });
const { model, manifest, embeddingDim: dim } = encoder.info();
const scorer = Scorer.of(
  manifest,
  values.calibration === undefined
    ? {}
    : { calibration: await readCalibrationFile(values.calibration, encoder.info()) },
).at(accepts);
const machine = describeMachine();
const cache = EmbeddingCache.of(values.cache, model);
const paths = people.flatMap(({ recordings }) => recordings);
const table = await embedRecordings(encoder, paths, { root: data, dim, cache });
await encoder.close();

/** @type {Map<string, Heard>} */
const heard = new Map();
for (const [path, row] of table.rows) {
  const embedding = table.vectors.slice(row * dim, (row + 1) * dim);
  const seconds = /** @type {number} */ (table.seconds[row]);
  if (seconds >= LEAST_SPEECH_SECONDS)
    heard.set(path, { embedding, seconds, side: scorer.side(embedding, { seconds }) });
}
const policy = {
  requiredSpeechSeconds: REQUIRED_SECONDS,
  outlierCosine: scorer.calibration.thresholds[0]?.cosine ?? UNCALIBRATED_OUTLIER_COSINE,
};
const halves = [people.slice(0, people.length >> 1), people.slice(people.length >> 1)];
const folds = [halves, [...halves].reverse()].map(([own = [], strangers = []]) => ({
  enrolled: own.flatMap((person) => {
    const { profile, side } = voiceOf(person.id, enrolledOf(person));
    return profile.status === 'Enrolled' && side ? [{ person, side }] : [];
  }),
  strangers,
}));
const lessons = folds.flatMap(({ enrolled }) =>
  enrolled.map(({ person }) => person.recordings.length - enrolWith - verifyWith),
);
const rows = rates.map((rate) =>
  rowOf(
    rate,
    folds.flatMap((fold) => fold.enrolled.map(({ person }) => livesOf(fold, person, rate))),
  ),
);
const report = `# Profiles that learn, of many people

\`node bench/js/learning-many.mjs ${commandWords()}\`

${machine}
- model ${model}${values.calibration === undefined ? '' : ', its calibration learned on `dev`'}; ${lessons.length} people of ${values.pool.join(' and ')} enrolled with ${enrolWith} recordings of ${shortest} s or more

Misses in per cent of verifications at ${accepts}, with the 95 % interval over people: everybody's last ${verifyWith} recordings, before any lesson,
after ${BETWEEN.join(' and ')}, and after all, ${Math.min(...lessons)} to ${Math.max(...lessons)}. A stranger of the same source tries in turn with the person, each with a profile of his own:
the recordings of strangers that were learned, the pairs of a person and a stranger, and the people whom that happened to.

| learns at | lessons learned, % | misses before | after ${BETWEEN.join(' | after ')} | after all | fewer by, points | strangers' recordings learned | pairs | people |
| ---: | ---: | ---: | ${BETWEEN.map(() => '---: | ').join('')}---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/** What somebody is enrolled with. @param {Person} person */
function enrolledOf({ recordings }) {
  return recordings.slice(0, enrolWith).flatMap((path) => recordingOf(path, 'enrolled', 0) ?? []);
}

/** @param {string} path @param {'enrolled' | 'learned'} kind @param {number} day @returns {Recording | undefined} */
function recordingOf(path, kind, day) {
  const known = heard.get(path);
  if (!known) return undefined;
  // Quality is not measured here: the same for all, it tells no exemplars apart.
  const measures = { snrDb: null, bandwidthHz: 8000 };
  return {
    id: path,
    kind,
    embedding: known.embedding,
    seconds: known.seconds,
    measures,
    createdAt: new Date(day * DAY_MS),
  };
}

/** @param {string} id @param {readonly Recording[]} recordings */
function voiceOf(id, recordings) {
  const inputs = recordings.map(({ id: enrollmentId, embedding, seconds: speechSeconds, kind }) => ({
    enrollmentId,
    embedding,
    speechSeconds,
    learned: kind === 'learned',
  }));
  const profile = buildProfile(id, { model, frontEnd: '' }, inputs, policy, new Date(0));
  return { profile, side: profile.centroid && scorer.side(profile.centroid, factsOf(profile)) };
}

/**
 * What a person's profile learns, alone and beside each stranger of the same source.
 * @param {Fold} fold @param {Person} person @param {number} rate @returns {Result}
 */
function livesOf({ enrolled, strangers }, person, rate) {
  /** @type {Map<string, ReturnType<typeof voiceOf>>} */
  const built = new Map();
  /** @type {Map<Float32Array, Side>} */
  const sides = new Map();
  const strict = scorer.at(rate);
  const voice = (/** @type {readonly Recording[]} */ of) => {
    const key = of.map(({ id }) => id).join();
    const made = built.get(key) ?? voiceOf(person.id, of);
    built.set(key, made);
    if (made.profile.centroid && made.side) sides.set(made.profile.centroid, made.side);
    return made;
  };
  const own = person.recordings.slice(enrolWith, -verifyWith);
  const verified = person.recordings.slice(-verifyWith).flatMap((path) => heard.get(path) ?? []);

  const teach = (
    /** @type {readonly string[]} */ his,
    /** @type {(given: number, profile: Recording[]) => void} */ after,
  ) => {
    let recordings = enrolledOf(person);
    let [learned, strangersLearned] = [0, 0];
    const hear = (/** @type {string | undefined} */ path, /** @type {number} */ day) => {
      const added = path === undefined ? undefined : recordingOf(path, 'learned', day);
      if (!added) return false;
      const { side } = /** @type {Heard} */ (heard.get(added.id));
      const next = nearestOther(enrolled, side, person.id);
      sides.set(next.centroid, next.side);
      const lesson = lessonOf({
        way: 'learned',
        verdict: { accepted: true, reasons: [], quality: 'GOOD' },
        added,
        recordings,
        build: (of) => voice(of).profile,
        score: (centroid) => strict.compare(side, /** @type {Side} */ (sides.get(centroid))),
        second: { centroid: next.centroid, facts: {} },
        most: LEARNED_RECORDINGS,
      });
      if (typeof lesson === 'string') return false;
      recordings = [...recordings.filter(({ id }) => !lesson.replaced.includes(id)), added];
      return true;
    };
    after(0, recordings);
    for (let i = 0; i < Math.max(own.length, his.length); i++) {
      if (hear(own[i], i + 1)) learned++;
      if (hear(his[i], i + 1)) strangersLearned++;
      after(i + 1, recordings);
    }
    return { learned, strangersLearned };
  };

  /** @type {[number, number][]} */
  const misses = [];
  const { learned } = teach([], (given, recordings) => {
    if (given !== 0 && given !== own.length && !BETWEEN.includes(given)) return;
    const { side } = voice(recordings);
    const missed = verified.filter((one) => !side || scorer.compare(one.side, side).decision !== 'ACCEPT').length;
    // Whoever has fewer lessons has had all of them by then.
    const at = given === own.length ? BETWEEN.length + 1 : given === 0 ? 0 : BETWEEN.indexOf(given) + 1;
    for (let i = at; i < BETWEEN.length + 2; i++) misses[i] = [missed, verified.length];
  });
  const trying = strangers.filter(({ source }) => source === person.source);
  return {
    misses,
    lessons: [learned, own.length],
    strangers: trying.map(({ id, recordings }) => {
      const his = recordings.slice(0, -verifyWith);
      return { id, recordings: his.length, learned: teach(his, () => undefined).strangersLearned };
    }),
  };
}

/** By cosine. @param {Fold['enrolled']} enrolled @param {Side} side @param {string} id */
function nearestOther(enrolled, side, id) {
  let [best, highest] = [/** @type {Side | undefined} */ (undefined), -Infinity];
  for (const { person, side: other } of enrolled) {
    if (person.id === id) continue;
    let cosine = 0;
    for (let d = 0; d < dim; d++)
      cosine += /** @type {number} */ (side.unit[d]) * /** @type {number} */ (other.unit[d]);
    if (cosine > highest) [best, highest] = [other, cosine];
  }
  if (!best) throw new Error('one person alone has no other');
  return { side: best, centroid: best.unit };
}

/** @param {number} rate @param {readonly Result[]} results */
function rowOf(rate, results) {
  const cell = (/** @type {(of: readonly Result[]) => number} */ statistic) =>
    `${statistic(results).toFixed(2)} [${intervalOver(results, statistic)
      .map((bound) => bound.toFixed(2))
      .join(', ')}]`;
  const share =
    (/** @type {(one: Result) => readonly [number, number]} */ of) => (/** @type {readonly Result[]} */ all) => {
      const [part, whole] = all.map(of).reduce(([k, n], [l, m]) => [k + l, n + m], [0, 0]);
      return (100 * part) / whole;
    };
  const missesAt = (/** @type {number} */ i) => share(({ misses }) => /** @type {[number, number]} */ (misses[i]));
  const last = BETWEEN.length + 1;
  const fewer = cell((of) => missesAt(0)(of) - missesAt(last)(of));
  const tried = results.flatMap((one) => one.strangers);
  const sum = (/** @type {number[]} */ of) => of.reduce((total, one) => total + one, 0);
  const misses = [0, ...BETWEEN.map((_, i) => i + 1), last].map((i) => cell(missesAt(i))).join(' | ');
  const people = results.filter((one) => one.strangers.some(({ learned }) => learned > 0)).length;
  return (
    `| ${rate} | ${cell(share(({ lessons }) => lessons))} | ${misses} | ${fewer} | ` +
    `${sum(tried.map(({ learned }) => learned))} of ${sum(tried.map(({ recordings }) => recordings))} | ` +
    `${tried.filter(({ learned }) => learned > 0).length} of ${tried.length} | ${people} of ${results.length} |`
  );
}
