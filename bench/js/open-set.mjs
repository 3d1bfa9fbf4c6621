// Is it one of N people, and whom? Misses, wrong names and accepted strangers by the number of people, the recordings that
// each is enrolled with, and the seconds of speech that are heard, at the rates that the decision policy promises.
//
//   npm run build && timbre models pull campplus-zh-en
//   timbre calibrate ../shared/speech/trials_dev.txt --model campplus-zh-en --within --groups ../shared/speech/files.tsv:source \
//     --select 'common_voice_*' --select speechocean762 --profiles 3,10 --out runs/campplus.json
//   node bench/js/open-set.mjs ../shared/speech --model campplus-zh-en --calibration runs/campplus.json --pool train --pool report --pool single
//   node bench/js/open-set.mjs ../shared/speech --pool report --sizes 10,50,100
//
// Pools are splits of files.tsv, and `report`: the people of `train` that nothing is trained on. A person is enrolled with
// the first recordings and heard with the last. Who is enrolled is drawn; everybody else of the pools is a stranger, with
// one request each. An interval is the 95 % bootstrap interval over people. Embeddings are kept in --cache, so that a run
// that was cut short goes on with the next one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readCalibrationFile, Scorer, SpeakerEncoder } from '../../dist/index.js';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { EmbeddingCache } from '../../dist/evaluation/embedding-cache.js';
import { embedRecordings } from '../../dist/evaluation/recordings.js';
import { profileOf } from '../../dist/scoring/voice-names.js';
import { commandWords, describeMachine, ROOT } from './machine.mjs';
import { drawn, intervalOver, PEOPLE_OPTIONS, readPeople, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    sizes: { type: 'string', default: '10,100,1000' },
    enrol: { type: 'string', default: '1,3,10' },
    seconds: { type: 'string', default: '0.5,1,3,10' },
    rates: { type: 'string', default: '0.01,0.001' },
    requests: { type: 'string', default: '20000' },
    workers: { type: 'string', default: '2' },
    cache: { type: 'string', default: join(ROOT, 'runs', 'open-set') },
  },
});
const [sizes, enrol, seconds, rates] = [values.sizes, values.enrol, values.seconds, values.rates].map((text) =>
  text.split(',').map(Number),
);
const data = speechFolder(positionals[0]);
/** Requests of a row, of people who are enrolled and of strangers, at least, where there are so many people. */
const REQUESTS = Number(values.requests);
const MOST_DRAWS = 50;
const SEED = 1;

/** @typedef {import('../../dist/scoring/scorer.js').Side} Side */
/** Answers to one person's requests. @typedef {{ requests: number, right: number, wrong: number, ambiguous: number }} Answers */
/** @typedef {Map<string, Answers>} Tally */

const people = readPeople(data, values.pool).map(({ id, recordings }) => ({
  id,
  enrolled: recordings.slice(0, Math.max(0, ...(enrol ?? []).filter((count) => count < recordings.length))),
  heard: /** @type {string} */ (recordings.at(-1)),
}));
const encoder = await SpeakerEncoder.load({ model: values.model, device: 'cpu', workers: Number(values.workers) });
const { model, manifest, embeddingDim: dimension } = encoder.info();
const calibration =
  values.calibration === undefined ? undefined : await readCalibrationFile(values.calibration, encoder.info());
const machine = describeMachine();
const whole = await embedded(people.flatMap((person) => person.enrolled));
/** @type {string[]} */
const rows = [];
for (const cut of seconds ?? []) {
  const heard = await embedded(
    people.map((person) => person.heard),
    cut,
  );
  for (const count of enrol ?? []) for (const size of sizes ?? []) rows.push(...measure(size, count, cut, heard));
}
await encoder.close();
const report = `# One of N people, or nobody

\`node bench/js/open-set.mjs ${commandWords()}\`

${machine}
- model ${model}${calibration === undefined ? '' : ', its calibration learned on `dev`'}; ${people.length} people of ${values.pool.join(' and ')}

In per cent of requests, with the 95 % interval over people where there are 30 errors or more, else the interval alone. Misses
are requests of enrolled people that were not answered with their name; of them "too close" are those where a second
person was. Promised are false accepts of strangers' requests.

| people | recordings each | seconds heard | promised | strangers accepted | misses | of them too close | wrong names |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/**
 * @param {string[]} paths
 * @param {number} [cutSeconds]
 */
async function embedded(paths, cutSeconds) {
  const cache = EmbeddingCache.of(values.cache, model, cutSeconds === undefined ? '' : `cut-${cutSeconds}`);
  const table = await embedRecordings(encoder, paths, { root: data, dim: dimension, cache, cutSeconds });
  return (/** @type {string} */ path) => {
    const row = table.rows.get(path);
    if (row === undefined) return undefined;
    return { embedding: table.vectors.slice(row * dimension, (row + 1) * dimension), seconds: table.seconds[row] };
  };
}

/**
 * @param {number} size
 * @param {number} count recordings that each is enrolled with
 * @param {number} cut
 * @param {Awaited<ReturnType<typeof embedded>>} heard
 * @returns {string[]} a row for each rate
 */
function measure(size, count, cut, heard) {
  const scorer = Scorer.of(manifest, calibration === undefined ? {} : { calibration });
  const able = people.filter(({ enrolled }) => enrolled.length >= count);
  if (able.length < size)
    return [`| ${size} | ${count} | ${cut} | | only ${able.length} people have so many recordings | | | |`];
  const queries = new Map(
    people.flatMap((person) => {
      const found = heard(person.heard);
      return found ? [[person.id, scorer.side(found.embedding, { seconds: found.seconds })]] : [];
    }),
  );
  const profiles = new Map(able.map(({ id, enrolled }) => [id, profile(scorer, enrolled.slice(0, count))]));
  /** @type {{ rate: number, own: Tally, strangers: Tally }[]} */
  const tallies = (rates ?? []).map((rate) => ({ rate, own: new Map(), strangers: new Map() }));
  const random = seededUniform(SEED);
  const draws = Math.min(MOST_DRAWS, Math.ceil(REQUESTS / size));
  const heardOf = [...queries.keys()];
  for (let draw = 0; draw < draws; draw++) {
    const gallery = new Map(drawn(able, size, random).map(({ id }) => [id, /** @type {Side} */ (profiles.get(id))]));
    const others = heardOf.filter((id) => !gallery.has(id));
    const asking = drawn(others, Math.min(others.length, Math.ceil(REQUESTS / draws)), random);
    for (const id of [...gallery.keys(), ...asking]) {
      const query = queries.get(id);
      if (!query) continue;
      const [first, second] = nearest(query, gallery).map(([who, side]) => [who, scorer.compare(query, side)]);
      for (const { rate, own, strangers } of tallies) {
        const answer = scorer.at(rate).openSet(first[1], second?.[1] ?? null, size);
        note(gallery.has(id) ? own : strangers, id, answer.decision, first[0]);
      }
    }
  }
  return tallies.map(({ rate, own, strangers }) => {
    const accepted = rateOf(strangers, ({ right, wrong }) => right + wrong);
    const misses = rateOf(own, ({ requests, right }) => requests - right);
    const close = rateOf(own, ({ ambiguous }) => ambiguous);
    const wrong = rateOf(own, (answers) => answers.wrong);
    return `| ${size} | ${count} | ${cut} | ${100 * rate} | ${accepted} | ${misses} | ${close} | ${wrong} |`;
  });
}

/** @param {Scorer} scorer @param {string[]} paths */
function profile(scorer, paths) {
  const found = paths.flatMap((path) => whole(path) ?? []);
  const speech = found.reduce((sum, { seconds: own }) => sum + (own ?? 0), 0);
  return scorer.side(profileOf(found), { seconds: speech, recordings: found.length });
}

/** @param {Side} query @param {Map<string, Side>} gallery @returns {[string, Side][]} the two with the highest cosine */
function nearest(query, gallery) {
  /** @type {[string, Side, number][]} */
  const best = [];
  for (const [id, side] of gallery) {
    let cosine = 0;
    for (let i = 0; i < side.unit.length; i++) cosine += side.unit[i] * query.unit[i];
    if (best.length < 2 || cosine > best[1][2]) {
      best.push([id, side, cosine]);
      best.sort((a, b) => b[2] - a[2]);
      best.length = Math.min(best.length, 2);
    }
  }
  return best.map(([id, side]) => [id, side]);
}

/** @param {Tally} tally @param {string} id @param {string | null} decision @param {string} who */
function note(tally, id, decision, who) {
  const answers = tally.get(id) ?? { requests: 0, right: 0, wrong: 0, ambiguous: 0 };
  answers.requests++;
  if (decision === 'AMBIGUOUS') answers.ambiguous++;
  if (decision === 'ACCEPT') answers[who === id ? 'right' : 'wrong']++;
  tally.set(id, answers);
}

/** @param {Tally} tally @param {(answers: Answers) => number} errorsOf */
function rateOf(tally, errorsOf) {
  const all = [...tally.values()].map((answers) => [answers.requests, errorsOf(answers)]);
  const share = (/** @type {readonly number[][]} */ of) => {
    const [requests, errors] = of.reduce(([n = 0, k = 0], [m = 0, l = 0]) => [n + m, k + l], [0, 0]);
    return (100 * errors) / requests;
  };
  const errors = all.reduce((sum, [, own = 0]) => sum + own, 0);
  const interval = `[${intervalOver(all, share)
    .map((bound) => bound.toFixed(2))
    .join(', ')}]`;
  return errors < 30 ? interval : `${share(all).toFixed(2)} ${interval}`;
}
