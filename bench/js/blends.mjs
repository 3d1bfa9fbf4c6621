// What is decided about a recording in which two people speak, half of it each?
//
//   npm run build
//   node bench/js/blends.mjs [../shared/speech] [--pool dev] [--model starter] [--calibration FILE] [--seconds 3] [--out FILE]
//
// A person is enrolled with the first three recordings and heard with the middle of the last; the other person is the next of
// the same source. Verified against the person's profile, and against those of third people of the source; identified among all.
// Beside it the person alone: the same seconds, and twice as many, of two recordings; and both alone and third people against a
// profile that is made of the recordings of two people. Needs ffmpeg.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readCalibrationFile, Scorer, SpeakerEncoder } from '../../dist/index.js';
import { profileOf } from '../../dist/scoring/voice-names.js';
import { behind, decoded, middle, RATE } from './decoded.mjs';
import { commandWords, describeMachine } from './machine.mjs';
import { intervalOver, PEOPLE_OPTIONS, readPeople, shuffled, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    seconds: { type: 'string', default: '3' },
    enrol: { type: 'string', default: '3' },
    rates: { type: 'string', default: '0.01,0.001' },
    people: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '2' },
  },
});
const [seconds, enrolWith, most] = [values.seconds, values.enrol, values.people].map(Number);
const rates = values.rates.split(',').map(Number);
const data = speechFolder(positionals[0]);

/** @typedef {import('../../dist/scoring/scorer.js').Side} Side */
/** @typedef {'half' | 'alone' | 'blend'} Kind */
/** @typedef {{ id: string, source: string, found: Found[], profile: Side }} Enrolled */
/** @typedef {{ embedding: Float32Array, speech: { seconds: number } }} Found */
/** Who speaks, and what is heard. @typedef {{ of: string[], side: Side }} Heard */

const KINDS = /** @type {const} */ ([
  ['half', `alone, ${seconds} s`],
  ['alone', `alone, twice ${seconds} s`],
  ['blend', `two people, ${seconds} s each`],
]);

const able = readPeople(data, values.pool, seconds).filter(({ recordings }) => recordings.length >= enrolWith + 2);
const people = shuffled(able).slice(0, most);
const encoder = await SpeakerEncoder.load({ model: values.model, device: 'cpu', workers: Number(values.workers) });
const { model, manifest } = encoder.info();
const calibration =
  values.calibration === undefined ? undefined : await readCalibrationFile(values.calibration, encoder.info());
const scorer = Scorer.of(manifest, calibration ? { calibration } : {});
const machine = describeMachine();

/** @type {Enrolled[]} */
const enrolled = [];
for (const { id, source, recordings } of people) {
  const found = await Promise.all(recordings.slice(0, enrolWith).map((path) => encoder.embed(join(data, path))));
  enrolled.push({ id, source, found, profile: profileSide(found) });
}
/** Of each person who has another one of the source. @type {{ id: string, other: string, source: string, heard: Record<Kind, Heard> }[]} */
const asked = [];
for (const [at, { id, source, recordings }] of people.entries()) {
  const next = [...people.slice(at + 1), ...people].find((one) => one.source === source && one.id !== id);
  if (!next) continue;
  const [own, before, other] = [recordings.at(-1), recordings.at(-2), next.recordings.at(-1)].map((path) =>
    decoded(join(data, /** @type {string} */ (path))),
  );
  const piece = middle(own, seconds);
  const sides = await Promise.all(
    [piece, behind(piece, before, seconds), behind(piece, other, seconds)].map(async (samples) => {
      const { embedding, speech } = await encoder.embed({ samples, sampleRate: RATE }, { allowSilence: true });
      return scorer.side(embedding, { seconds: speech.seconds });
    }),
  );
  const [half, alone, blend] = /** @type {[Side, Side, Side]} */ (sides);
  asked.push({
    id,
    other: next.id,
    source,
    heard: {
      half: { of: [id], side: half },
      alone: { of: [id], side: alone },
      blend: { of: [id, next.id], side: blend },
    },
  });
}
await encoder.close();

/** @param {readonly Found[]} found */
function profileSide(found) {
  const speech = found.reduce((sum, one) => sum + one.speech.seconds, 0);
  return scorer.side(profileOf(found), { seconds: speech, recordings: found.length });
}

/** Evidence about one person, and at each of the rates whether it is accepted. @typedef {{ cosine: number, llr: number, accepted: boolean[] }} Trial */
/** What one recording comes to. @typedef {{ own: Trial[], third: Trial[], answers: ('speaks' | 'third' | 'ambiguous' | 'nobody')[] }} Outcome */
/** `both`: people alone against the profile of two of them. @typedef {Record<Kind, Outcome> & { both: Pick<Outcome, 'own' | 'third'> }} Outcomes */

const scorers = rates.map((rate) => scorer.at(rate));
const foundOf = new Map(enrolled.map(({ id, found }) => [id, found]));
const outcomes = asked.map(({ id, other, source, heard }) => {
  const of = (/** @type {Kind} */ kind) => outcomeOf(source, heard[kind]);
  const both = profileSide([id, other].flatMap((one) => foundOf.get(one) ?? []));
  const against = (/** @type {boolean} */ own) =>
    asked
      .filter((one) => one.source === source && own === (one.id === id || one.id === other))
      .map((one) => trialOf(one.heard.alone.side, both));
  return {
    half: of('half'),
    alone: of('alone'),
    blend: of('blend'),
    both: { own: against(true), third: against(false) },
  };
});

/** @param {Side} side @param {Side} profile @returns {Trial} */
function trialOf(side, profile) {
  const { cosine, llr } = scorer.compare(side, profile);
  const accepted = scorers.map((at) => at.compare(side, profile).decision === 'ACCEPT');
  return { cosine, llr: llr ?? NaN, accepted };
}

/** @param {string} source @param {Heard} heard @returns {Outcome} */
function outcomeOf(source, { of: speak, side }) {
  const trials = enrolled.map(({ id, source: own, profile }) => {
    return { id, source: own, score: scorer.compare(side, profile), trial: trialOf(side, profile) };
  });
  const [first, second] = [...trials].sort((a, b) => b.score.cosine - a.score.cosine);
  const answers = scorers.map((at) => {
    const decision = first && at.openSet(first.score, second?.score ?? null, enrolled.length).decision;
    if (decision === 'AMBIGUOUS') return 'ambiguous';
    if (decision !== 'ACCEPT') return 'nobody';
    return speak.includes(first?.id ?? '') ? 'speaks' : 'third';
  });
  return {
    own: trials.filter(({ id }) => speak.includes(id)).map(({ trial }) => trial),
    third: trials.filter((one) => one.source === source && !speak.includes(one.id)).map(({ trial }) => trial),
    answers,
  };
}

/** @param {readonly number[]} values */
const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** The line from cosines to evidence that one voice has, by least squares over people and profiles of their source. */
const line = (() => {
  const all = outcomes.flatMap(({ alone }) => [...alone.own, ...alone.third]);
  const [x, y] = [mean(all.map(({ cosine }) => cosine)), mean(all.map(({ llr }) => llr))];
  const slope =
    all.reduce((sum, { cosine, llr }) => sum + (cosine - x) * (llr - y), 0) /
    all.reduce((sum, { cosine }) => sum + (cosine - x) ** 2, 0);
  return { slope, offset: y - slope * x };
})();

/** The mean of a value over trials. @param {Kind | 'both'} kind @param {'own' | 'third'} against @param {(trial: Trial) => number} value */
const over = (kind, against, value) => (/** @type {readonly Outcomes[]} */ of) =>
  mean(of.flatMap((one) => one[kind][against].map(value)));

/** @param {Kind} kind @param {number} at @param {Outcome['answers'][number]} what */
const answered = (kind, at, what) => (/** @type {readonly Outcomes[]} */ of) =>
  (100 * of.filter((one) => one[kind].answers[at] === what).length) / of.length;

/** @param {(of: readonly Outcomes[]) => number} statistic @param {number} digits */
function cell(statistic, digits) {
  const interval = intervalOver(outcomes, statistic).map((bound) => bound.toFixed(digits));
  return `${statistic(outcomes).toFixed(digits)} [${interval.join(', ')}]`;
}

const verifications = /** @type {const} */ ([
  ['own', 'who speaks'],
  ['third', 'third people'],
]).flatMap(([against, whom]) =>
  /** @type {const} */ ([...KINDS, ['both', `alone, twice ${seconds} s; the profile is of two people`]]).map(
    ([kind, title]) => {
      const accepted = rates.map((_, at) =>
        cell(
          over(kind, against, (trial) => (trial.accepted[at] ? 100 : 0)),
          1,
        ),
      );
      const [cosine, llr, surplus] = [
        (/** @type {Trial} */ trial) => trial.cosine,
        (/** @type {Trial} */ trial) => trial.llr,
        (/** @type {Trial} */ trial) => trial.llr - line.offset - line.slope * trial.cosine,
      ].map((value) => cell(over(kind, against, value), 2));
      return `| ${title} | ${whom} | ${accepted.join(' | ')} | ${cosine} | ${llr} | ${surplus} |`;
    },
  ),
);
const identifications = rates.flatMap((rate, at) =>
  KINDS.map(([kind, title]) => {
    const cells = /** @type {const} */ (['speaks', 'third', 'ambiguous', 'nobody']).map((what) =>
      cell(answered(kind, at, what), 1),
    );
    return `| ${title} | ${100 * rate} | ${cells.join(' | ')} |`;
  }),
);
const report = `# Two people in one recording

\`node bench/js/blends.mjs ${commandWords()}\`

${machine}
- model ${model}${calibration === undefined ? '' : ', its calibration learned on `dev`'}; ${asked.length} people of ${values.pool.join(' and ')}, profiles of ${enrolWith} recordings

Verified, in per cent of trials accepted, with the 95 % interval over people; third people are those of the source who do not speak. Evidence: natural
log-likelihood ratio; the surplus is what it has above that of one voice with the same cosine.

| recording | verified against | accepted at ${rates.map((rate) => `${100 * rate} %`).join(' | at ')} | cosine | evidence | surplus |
| --- | --- | ${rates.map(() => '---: | ').join('')}---: | ---: | ---: |
${verifications.join('\n')}

Identified among ${enrolled.length} people, in per cent of recordings:

| recording | promised | somebody who speaks | a third person | AMBIGUOUS | nobody |
| --- | ---: | ---: | ---: | ---: | ---: |
${identifications.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);
