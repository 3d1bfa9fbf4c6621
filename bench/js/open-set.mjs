// Is it one of N people, and whom? Misses, wrong names and accepted strangers by the number of people, the recordings that
// each is enrolled with, and the seconds of speech that are heard, at the rates that the decision policy promises.
//
//   npm run build && timbre models pull campplus-zh-en
//   timbre calibrate ../shared/speech/trials_dev.txt --model campplus-zh-en --within --groups ../shared/speech/files.tsv:source \
//     --select 'common_voice_*' --select speechocean762 --profiles 3,10 --out runs/campplus.json
//   node bench/js/open-set.mjs ../shared/speech --model campplus-zh-en --calibration runs/campplus.json --pool train --pool report --pool single
//   node bench/js/open-set.mjs ../shared/speech --pool report --sizes 10,50,100
//   node bench/js/open-set.mjs ../shared/speech --pool report --sizes 10,50 --within
//   node bench/js/open-set.mjs ../shared/speech --pool dev --sizes 10,50 --each 20 --counted runner-up,all,kind,third,fifth
//
// Pools are splits of files.tsv, and `report`: the people of `train` that nothing is trained on; of them as many as --people
// says, drawn. A person is enrolled with the first recordings and heard with the last, or with the last few (--each). Who is
// enrolled is drawn, of all people or of one kind (--within); everybody else of the pools, or of the kind, is a stranger. An
// interval is the 95 % bootstrap interval over people. Embeddings are kept in --cache, so that a run that was cut short goes on
// with the next one.
//
// --counted names ways to tell how many of the people a threshold is for: `runner-up`, as the service decides, by the evidence
// for the second; `third` and `fifth`, by the evidence for those; `all`; and `kind`, those of the stranger's kind, which no
// service knows.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readCalibrationFile, Scorer, SpeakerEncoder } from '../../dist/index.js';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { EmbeddingCache } from '../../dist/evaluation/embedding-cache.js';
import { embedRecordings } from '../../dist/evaluation/recordings.js';
import { DecisionPolicy, ratePerComparison } from '../../dist/scoring/decision-policy.js';
import { impostorShare, scoreAtRate } from '../../dist/scoring/impostor-tail.js';
import { profileOf } from '../../dist/scoring/voice-names.js';
import { commandWords, describeMachine, ROOT } from './machine.mjs';
import { drawn, intervalOver, PEOPLE_OPTIONS, readPeople, shuffled, speechFolder } from './people.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...PEOPLE_OPTIONS,
    people: { type: 'string', default: 'Infinity' },
    sizes: { type: 'string', default: '10,100,1000' },
    enrol: { type: 'string', default: '1,3,10' },
    seconds: { type: 'string', default: '0.5,1,3,10' },
    rates: { type: 'string', default: '0.01,0.001' },
    each: { type: 'string', default: '1' },
    within: { type: 'boolean', default: false },
    counted: { type: 'string', default: 'runner-up' },
    requests: { type: 'string', default: '20000' },
    workers: { type: 'string', default: '2' },
    cache: { type: 'string', default: join(ROOT, 'runs', 'open-set') },
  },
});
const numbers = (/** @type {string} */ text) => text.split(',').map(Number);
const [sizes, enrol, seconds, rates] = [values.sizes, values.enrol, values.seconds, values.rates].map(numbers);
const counted = values.counted.split(',');
const data = speechFolder(positionals[0]);
/** Requests of a row, of people who are enrolled and of strangers, at least, where there are so many people. */
const REQUESTS = Number(values.requests);
const EACH = Number(values.each);
const MOST_DRAWS = 200;
/** Galleries of one kind leave so many strangers of it, at least. */
const LEAST_STRANGERS = 5;
/** The k-th of a ranking, by the way of counting. */
const BY_RANK = new Map([
  ['third', 3],
  ['fifth', 5],
]);
const HIGHEST = 5;
/** Rates of one comparison. */
const PER_COMPARISON = [0.01, 0.001, 0.0001];
const SEED = 1;

/** @typedef {import('./people.mjs').Person} Person */
/** @typedef {import('../../dist/scoring/scorer.js').Side} Side */
/** Answers to one person's requests; `names`: with whose they were answered. @typedef {{ requests: number, right: number, wrong: number, ambiguous: number, names: Set<string | undefined> }} Answers */
/** @typedef {Map<string, Answers>} Tally */
/** What was heard of somebody. @typedef {{ person: Person, side: Side }} Query */
/** Queries against profiles, row by row. @typedef {{ queries: Query[], able: Person[], profiles: Side[], cosines: Float32Array, llrs: Float32Array }} Evidence */

const all = readPeople(data, values.pool);
const people = Number(values.people) < all.length ? shuffled(all).slice(0, Number(values.people)) : all;
const encoder = await SpeakerEncoder.load({ model: values.model, device: 'cpu', workers: Number(values.workers) });
const { model, manifest, embeddingDim: dimension } = encoder.info();
const calibration =
  values.calibration === undefined ? undefined : await readCalibrationFile(values.calibration, encoder.info());
const scorer = Scorer.of(manifest, calibration === undefined ? {} : { calibration });
const { impostorTail } = scorer.rules;
if (!impostorTail) throw new Error(`nothing was learned of how high strangers score: calibrate ${model}`);
const machine = describeMachine();
const whole = await embedded(people.flatMap(({ recordings }) => enrolledOf(recordings)));
/** @type {string[]} */
const rows = [];
/** @type {string[]} */
const comparisons = [];
for (const cut of seconds ?? []) {
  const heard = await embedded(
    people.flatMap(({ recordings }) => recordings.slice(-EACH)),
    cut,
  );
  for (const count of enrol ?? []) {
    const evidence = evidenceOf(count, heard);
    comparisons.push(...ofOneComparison(evidence, count, cut));
    for (const size of sizes ?? []) rows.push(...measure(evidence, size, count, cut));
  }
}
await encoder.close();
const report = `# One of N people, or nobody

\`node bench/js/open-set.mjs ${commandWords()}\`

${machine}
- model ${model}${calibration === undefined ? '' : ', its calibration learned on `dev`'}; ${people.length} people of ${values.pool.join(' and ')}

In per cent of requests, with the 95 % interval over people where there are 30 errors or more, else the interval alone. Misses
are requests of enrolled people that were not answered with their name; of them "too close" are those where a second
person was. Promised are false accepts of strangers' requests. Pairs: of how many strangers and people they are.${values.within ? ' Galleries are of one kind, and so are the strangers: people of one language and channel.' : ''}

| gallery | people | recordings each | seconds heard | promised | counted | strangers accepted | pairs | misses | of them too close | wrong names |
| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

One comparison of a recording with the profile of somebody else, accepted at the threshold for a rate, in per cent. Kinds are
languages and channels.

| recordings each | seconds heard | promised | accepted, of one kind | accepted, of two kinds | misses |
| ---: | ---: | ---: | ---: | ---: | ---: |
${comparisons.join('\n')}
`;
process.stdout.write(report);
if (values.out !== undefined) writeFileSync(values.out, report);

/** What somebody is enrolled with in any row: one recording, at least, is left to be heard with. @param {readonly string[]} recordings */
function enrolledOf(recordings) {
  return recordings.slice(0, Math.max(0, ...(enrol ?? []).filter((count) => count < recordings.length)));
}

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
 * Everybody who is heard against everybody who can be enrolled with so many recordings.
 * @param {number} count
 * @param {Awaited<ReturnType<typeof embedded>>} heard
 * @returns {Evidence}
 */
function evidenceOf(count, heard) {
  const able = people.filter(({ recordings }) => recordings.length > count);
  const profiles = able.map(({ recordings }) => profile(recordings.slice(0, count)));
  const queries = people.flatMap((person) => {
    const { recordings } = person;
    // None that the person is enrolled with.
    const from = Math.max(recordings.length - EACH, recordings.length > count ? count : 0);
    return recordings.slice(from).flatMap((path) => {
      const found = heard(path);
      return found ? [{ person, side: scorer.side(found.embedding, { seconds: found.seconds }) }] : [];
    });
  });
  const cosines = new Float32Array(queries.length * able.length);
  const llrs = new Float32Array(cosines.length);
  for (const [row, { side }] of queries.entries()) {
    for (const [column, other] of profiles.entries()) {
      const { cosine, llr } = scorer.compare(side, other);
      cosines[row * able.length + column] = cosine;
      llrs[row * able.length + column] = llr ?? NaN;
    }
  }
  return { queries, able, profiles, cosines, llrs };
}

/** @param {readonly string[]} paths */
function profile(paths) {
  const found = paths.flatMap((path) => whole(path) ?? []);
  const speech = found.reduce((sum, { seconds: own }) => sum + (own ?? 0), 0);
  return scorer.side(profileOf(found), { seconds: speech, recordings: found.length });
}

/**
 * @param {Evidence} evidence
 * @param {number} size
 * @param {number} count recordings that each is enrolled with
 * @param {number} cut
 * @returns {string[]} a row for each kind of gallery, rate and way of counting
 */
function measure(evidence, size, count, cut) {
  const { able, queries } = evidence;
  const start = (/** @type {string} */ name) => `| ${name} | ${size} | ${count} | ${cut} |`;
  if (!values.within) {
    if (able.length < size)
      return [`${start('mixed')} | | only ${able.length} people have so many recordings | | | | |`];
    const tallies = asked(
      evidence,
      size,
      places(able, () => true),
      places(queries, () => true),
    );
    return tallies.map((tally) => row(start('mixed'), tally));
  }
  const kinds = [...new Set(able.map(({ kind }) => kind))].sort().flatMap((kind) => {
    const members = places(able, (person) => person.kind === kind);
    const own = places(queries, ({ person }) => person.kind === kind);
    const others = new Set(own.map((place) => queries[place]?.person.id)).size - size;
    return members.length >= size && others >= LEAST_STRANGERS ? [{ kind, tallies: asked(evidence, size, members, own) }] : []; // prettier-ignore
  });
  if (kinds.length === 0) return [`${start('one kind')} | | no kind has so many people | | | | |`];
  const all = (kinds[0]?.tallies ?? []).map((tally, i) => ({
    ...tally,
    own: new Map(kinds.flatMap(({ tallies }) => [...(tallies[i]?.own ?? [])])),
    strangers: new Map(kinds.flatMap(({ tallies }) => [...(tallies[i]?.strangers ?? [])])),
  }));
  return [
    ...(kinds.length > 1 ? all.map((tally) => row(start(`one of ${kinds.length} kinds`), tally)) : []),
    ...kinds.flatMap(({ kind, tallies }) => tallies.map((tally) => row(start(kind), tally))),
  ];
}

/**
 * Requests of enrolled people and of strangers to galleries that are drawn.
 * @param {Evidence} evidence
 * @param {number} size
 * @param {number[]} members places of those who may be enrolled
 * @param {number[]} asking places of those who ask
 */
function asked({ queries, able, profiles, cosines, llrs }, size, members, asking) {
  const tallies = (rates ?? []).flatMap((rate) =>
    counted.map((by) => ({ rate, by, own: /** @type {Tally} */ (new Map()), strangers: /** @type {Tally} */ (new Map()) })),
  ); // prettier-ignore
  const random = seededUniform(SEED);
  const draws = Math.min(MOST_DRAWS, Math.ceil(REQUESTS / size));
  for (let draw = 0; draw < draws; draw++) {
    const gallery = drawn(members, size, random);
    const ids = new Set(gallery.map((place) => able[place]?.id));
    const isOwn = (/** @type {number} */ place) => ids.has(queries[place]?.person.id);
    const others = asking.filter((place) => !isOwn(place));
    const strangers = drawn(others, Math.min(others.length, Math.ceil(REQUESTS / draws)), random);
    for (const place of [...asking.filter(isOwn), ...strangers]) {
      const { person, side } = /** @type {Query} */ (queries[place]);
      const ranking = nearest(cosines, place * able.length, gallery);
      const [first, second] = ranking.map((column) => scorer.compare(side, /** @type {Side} */ (profiles[column])));
      const evidence = ranking.map((column) => llrs[place * able.length + column] ?? NaN);
      const alike = gallery.filter((column) => able[column]?.kind === person.kind).length;
      for (const { rate, by, own, strangers: unknown } of tallies) {
        const decision =
          by === 'runner-up'
            ? scorer.at(rate).openSet(/** @type {NonNullable<typeof first>} */ (first), second ?? null, size).decision
            : decide(rate, evidence, countedBy(by, { evidence, alike, size }), size);
        note(isOwn(place) ? own : unknown, person.id, decision, able[ranking[0] ?? -1]?.id);
      }
    }
  }
  return tallies;
}

/** @param {number} rate @param {number[]} evidence of the ranking @param {number} people whom the threshold counts @param {number} size */
function decide(rate, [first = NaN, second], people, size) {
  const policy = new DecisionPolicy(/** @type {NonNullable<typeof impostorTail>} */ (impostorTail), rate);
  const llr = scoreAtRate(/** @type {NonNullable<typeof impostorTail>} */ (impostorTail), ratePerComparison(rate, people)).score; // prettier-ignore
  return policy.decide(first, second ?? null, { ...policy.threshold(size), llr });
}

/** @param {string} by @param {{ evidence: number[], alike: number, size: number }} of */
function countedBy(by, { evidence, alike, size }) {
  if (by === 'all') return size;
  if (by === 'kind') return Math.max(1, alike);
  const rank = BY_RANK.get(by);
  if (rank === undefined) throw new Error(`people are counted by runner-up, third, fifth, all or kind, not by ${by}`);
  const share = impostorShare(/** @type {NonNullable<typeof impostorTail>} */ (impostorTail), evidence[rank - 1] ?? Infinity); // prettier-ignore
  return Math.min(size, (rank - 1) / share);
}

/**
 * The columns of those of the gallery with the highest cosine.
 * @param {Float32Array} cosines
 * @param {number} from where the row of the query begins
 * @param {readonly number[]} gallery
 */
function nearest(cosines, from, gallery) {
  /** @type {number[]} */
  const best = [];
  for (const column of gallery) {
    const cosine = cosines[from + column] ?? NaN;
    let at = best.length;
    while (at > 0 && (cosines[from + (best[at - 1] ?? 0)] ?? NaN) < cosine) at--;
    if (at === HIGHEST) continue;
    best.splice(at, 0, column);
    if (best.length > HIGHEST) best.pop();
  }
  return best;
}

/** @param {string} start @param {{ rate: number, by: string, own: Tally, strangers: Tally }} tally */
function row(start, { rate, by, own, strangers }) {
  const accepted = rateOf(strangers, ({ right, wrong }) => right + wrong);
  const pairs = [...strangers.values()].reduce((sum, { names }) => sum + names.size, 0);
  const misses = rateOf(own, ({ requests, right }) => requests - right);
  const close = rateOf(own, ({ ambiguous }) => ambiguous);
  const wrong = rateOf(own, (answers) => answers.wrong);
  return `${start} ${100 * rate} | ${by} | ${accepted} | ${pairs} | ${misses} | ${close} | ${wrong} |`;
}

/**
 * @param {Evidence} evidence
 * @param {number} count
 * @param {number} cut
 * @returns {string[]} a row for each rate
 */
function ofOneComparison({ queries, able, llrs }, count, cut) {
  return PER_COMPARISON.map((rate) => {
    const threshold = scoreAtRate(/** @type {NonNullable<typeof impostorTail>} */ (impostorTail), rate).score;
    const [alike, others, own] = [new Map(), new Map(), new Map()];
    for (const [place, { person }] of queries.entries()) {
      for (const [column, { id, kind }] of able.entries()) {
        const tally = id === person.id ? own : kind === person.kind ? alike : others;
        const answers = tally.get(person.id) ?? { requests: 0, right: 0, wrong: 0, ambiguous: 0, names: new Set() };
        tally.set(person.id, answers);
        answers.requests++;
        if ((llrs[place * able.length + column] ?? NaN) >= threshold) answers.right++;
      }
    }
    const [same, different] = [alike, others].map((tally) => rateOf(tally, ({ right }) => right, 3));
    const missed = rateOf(own, ({ requests, right }) => requests - right);
    return `| ${count} | ${cut} | ${100 * rate} | ${same} | ${different} | ${missed} |`;
  });
}

/** @template T @param {readonly T[]} of @param {(one: T) => boolean} which */
function places(of, which) {
  return of.flatMap((one, place) => (which(one) ? [place] : []));
}

/** @param {Tally} tally @param {string} id @param {string | null} decision @param {string | undefined} who */
function note(tally, id, decision, who) {
  const answers = tally.get(id) ?? { requests: 0, right: 0, wrong: 0, ambiguous: 0, names: new Set() };
  answers.requests++;
  if (decision === 'AMBIGUOUS') answers.ambiguous++;
  if (decision === 'ACCEPT') {
    answers[who === id ? 'right' : 'wrong']++;
    answers.names.add(who);
  }
  tally.set(id, answers);
}

/** @param {Tally} tally @param {(answers: Answers) => number} errorsOf @param {number} [digits] */
function rateOf(tally, errorsOf, digits = 2) {
  const all = [...tally.values()].map((answers) => [answers.requests, errorsOf(answers)]);
  const share = (/** @type {readonly number[][]} */ of) => {
    const [requests, errors] = of.reduce(([n = 0, k = 0], [m = 0, l = 0]) => [n + m, k + l], [0, 0]);
    return (100 * errors) / requests;
  };
  const errors = all.reduce((sum, [, own = 0]) => sum + own, 0);
  const interval = `[${intervalOver(all, share)
    .map((bound) => bound.toFixed(digits))
    .join(', ')}]`;
  return errors < 30 ? interval : `${share(all).toFixed(digits)} ${interval}`;
}
