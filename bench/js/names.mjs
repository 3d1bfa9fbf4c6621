// Names for the voices of conversations: how much of enrolled people's speech gets the right name, and of strangers' any.
//
//   npm run build && timbre models pull segmentation && timbre models pull campplus-zh-en
//   python bench/python/named_conversations.py CONVERSATIONS SPEECH NAMED      (needs numpy, scipy, soundfile and ffmpeg)
//   node bench/js/names.mjs NAMED SPEECH --cache FOLDER [--model campplus-zh-en] [--workers 1] [--kept] [--out FILE] [--calibration FILE]
//
// What was computed of a recording is kept in the folder of --cache, so that a run that was cut short goes on with the next
// one; --kept computes nothing and reports what lies there. Calibrations come from the conversations of the part `learned`,
// whose people and groups of recordings are in none of those reported with them; --calibration writes that of all of them
// beside those of other models, for src/scoring/voice-calibration.data.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { SpeakerEncoder } from '../../dist/addon/index.js';
import { seededUniform } from '../../dist/evaluation/bootstrap.js';
import { fitCalibration } from '../../dist/evaluation/calibration.js';
import { readRttm } from '../../dist/evaluation/rttm.js';
import { fitImpostorTail } from '../../dist/scoring/impostor-tail.js';
import { NOT_CALIBRATED } from '../../dist/scoring/model-calibration.js';
import { largestDirections } from '../../dist/scoring/nuisance.js';
import { Scorer } from '../../dist/scoring/scorer.js';
import { encodeVectors } from '../../dist/scoring/vectors.js';
import { VOICES } from '../../dist/scoring/voice-calibration.data.js';
import { LEAST_OWN_SPEECH, nameVoices, profileOf } from '../../dist/scoring/voice-names.js';
import { describeMachine, ROOT } from './machine.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'campplus-zh-en' },
    cache: { type: 'string', default: join(ROOT, 'runs', 'names') },
    workers: { type: 'string', default: '1' },
    kept: { type: 'boolean', default: false },
    calibration: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'names.md') },
  },
});
const [named, speech] = positionals;
if (named === undefined || speech === undefined) throw new Error('name the folders of conversations and of speech');
const machine = describeMachine();
const OTHERS = 50;
const STEP = 0.01;
/** A voice is somebody's if he has that share of it. */
const PURE = 0.8;
/** Directions of nuisance that are taken out, and the lead of a name as a cosine; chosen on the part `learned`. */
const SETTINGS = [0, 3, 5, 8].flatMap((directions) => [0.05, 0.1, 0.15, 0.2].map((lead) => ({ directions, lead })));
/** Shares of time that the choice keeps to where it can: enrolled people's with a wrong name, strangers' with any. */
const [MOST_WRONG, MOST_ACCUSED] = [0.005, 0.03];
const RATES = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2];
/** Draws of who is enrolled. */
const DRAWS = 8;
/** The rate that details are of. */
const SHOWN = 0.2;

/**
 * @typedef {{ label: string, embedding: Float32Array, ownSeconds: number }} Voice
 * @typedef {{ start: number, end: number, speaker: string }} Turn
 * @typedef {{ file: string, part: string, group: string, people: Map<string, string>, truth: Turn[], turns: Turn[], voices: Voice[] }} Conversation
 * @typedef {{ id: string, group: string, pool: string, whole: Float32Array, pieces: Float32Array | undefined, recordings: Recording[] }} Person
 * @typedef {{ whole: Float32Array, pieces: Float32Array | undefined, seconds: number }} Recording
 */

/**
 * @param {string} name
 * @returns {Record<string, string>[]}
 */
function readTable(name) {
  const [head = '', ...lines] = readFileSync(join(named ?? '', name), 'utf8')
    .trim()
    .split('\n');
  const columns = head.split('\t');
  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, i) => [columns[i] ?? '', cell])));
}

/** @param {Float32Array} vector */
const encode = (vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
/** @param {string} text */
const decode = (text) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

const encoder = await SpeakerEncoder.load({ model: values.model, workers: Number(values.workers) });
const { model, modelWithPauses } = encoder.info();

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} compute
 * @returns {Promise<T | undefined>}
 */
async function cached(name, compute) {
  const file = join(values.cache, modelWithPauses, `${name}.json`);
  if (existsSync(file)) return /** @type {T} */ (JSON.parse(readFileSync(file, 'utf8')));
  if (values.kept) return undefined;
  const value = await compute();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(value));
  process.stderr.write(`${name}\n`);
  return value;
}

/** @param {string} path */
const conversationOf = (path) => async () => {
  const { turns, speakers } = await encoder.conversation(path);
  return {
    turns: turns.map(({ start, end, speaker }) => ({ start, end, speaker })),
    voices: speakers.map(({ label, ownSeconds, embedding }) => ({ label, ownSeconds, embedding: encode(embedding) })),
  };
};

/** @type {Conversation[]} */
const conversations = [];
const manifest = readTable('manifest.tsv').filter(({ file }) => existsSync(join(named, `${file}.opus`)));
for (const { file = '', part = '', group = '', people = '' } of manifest) {
  const found = await cached(file, conversationOf(join(named, `${file}.opus`)));
  if (!found) continue;
  const persons = new Map(people.split(' ').map((pair) => /** @type {[string, string]} */ (pair.split('='))));
  const truth = [...readRttm(readFileSync(join(named, `${file}.rttm`), 'utf8'), file).values()].flat();
  conversations.push({
    file,
    part,
    group,
    people: persons,
    truth: truth.map((turn) => ({ ...turn, speaker: persons.get(turn.speaker) ?? '' })),
    turns: found.turns,
    voices: found.voices.map(({ embedding, ...voice }) => ({ ...voice, embedding: decode(embedding) })),
  });
}

/** Recordings of everybody who talks, and of so many others of each kind some each. */
const [PEERS, OF_PEERS] = [12, 4];
const talking = new Set(manifest.flatMap(({ people = '' }) => people.split(' ').map((pair) => pair.split('=')[1])));
/** @type {Map<string, Map<string, number>>} */
const peers = new Map();
const recordings = readTable('enrol.tsv').filter(({ pool, group, speaker = '' }) => {
  if (talking.has(speaker)) return true;
  const kin = peers.get(`${pool} ${group}`) ?? new Map();
  peers.set(`${pool} ${group}`, kin);
  if (!kin.has(speaker) && kin.size === PEERS) return false;
  const count = (kin.get(speaker) ?? 0) + 1;
  kin.set(speaker, count);
  return count <= OF_PEERS;
});

/** @type {Map<string, Person>} */
const enrolled = new Map();
for (const { pool = '', group = '', speaker = '', path = '', seconds = '' } of recordings) {
  const recording = await cached(path.replace(/\.\w+$/, ''), async () => {
    const { embedding } = await encoder.embed(join(speech, path));
    // A voice of one: what a conversation says of the same recording.
    const compared = pool !== 'train' && talking.has(speaker);
    const { speakers } = compared ? await encoder.conversation(join(speech, path), { speakers: 1 }) : { speakers: [] };
    return { whole: encode(embedding), pieces: speakers[0] ? encode(speakers[0].embedding) : null };
  });
  if (!recording) continue;
  const person = enrolled.get(speaker) ?? {
    id: speaker,
    group,
    pool,
    whole: new Float32Array(),
    pieces: undefined,
    recordings: [],
  };
  enrolled.set(speaker, person);
  person.recordings.push({
    whole: decode(recording.whole),
    pieces: recording.pieces === null ? undefined : decode(recording.pieces),
    seconds: Number(seconds),
  });
}
await encoder.close();
for (const person of enrolled.values()) {
  person.whole = profileOf(person.recordings.map(({ whole: embedding }) => ({ embedding })));
  const pieces = person.recordings.flatMap(({ pieces: embedding }) => (embedding ? [{ embedding }] : []));
  if (pieces.length > 0) person.pieces = profileOf(pieces);
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {string} seed
 */
function shuffled(list, seed) {
  const uniform = seededUniform([...seed].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) >>> 0, 7));
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [/** @type {T} */ (order[j]), /** @type {T} */ (order[i])];
  }
  return order;
}

/**
 * Who of a conversation is enrolled, and 50 others beside them: of the same group first.
 * @param {Conversation} conversation
 * @param {number} share
 * @param {number} [draw]
 */
function galleryOf({ file, group, people }, share, draw = 0) {
  const present = [...people.values()];
  const able = shuffled(present, `${file} ${draw}`).filter((id) => enrolled.has(id));
  const known = able.slice(0, Math.round(share * present.length));
  const pool = enrolled.get(able[0] ?? '')?.pool;
  const kin = (/** @type {Person} */ person) => (person.group === group ? 0 : person.pool === pool ? 1 : 2);
  const others = shuffled([...enrolled.values()], `${file} ${draw} others`)
    .filter(({ id, pool: of }) => !present.includes(id) && (of === 'train') === (pool === 'train'))
    .sort((a, b) => kin(a) - kin(b))
    .slice(0, OTHERS);
  return {
    known: new Set(known),
    gallery: [...known.map((id) => /** @type {Person} */ (enrolled.get(id))), ...others],
  };
}

/**
 * Speech of one person in which one voice is heard, seconds, by person and voice.
 * @param {Conversation} conversation
 */
function timesOf({ truth, turns }) {
  const end = Math.max(0, ...truth.map((turn) => turn.end), ...turns.map((turn) => turn.end));
  const frames = Math.ceil(end / STEP) + 1;
  /** @param {readonly Turn[]} list */
  const grid = (list) => {
    const count = new Uint8Array(frames);
    /** @type {string[]} */
    const who = [];
    const index = new Int16Array(frames).fill(-1);
    /** @type {Map<string, Uint8Array>} */
    const rows = new Map();
    for (const { start, end: until, speaker } of list) {
      const row = rows.get(speaker) ?? new Uint8Array(frames);
      rows.set(speaker, row);
      row.fill(1, Math.round(start / STEP), Math.round(until / STEP));
    }
    for (const [speaker, row] of rows) {
      for (let t = 0; t < frames; t++) {
        if (row[t] === 0) continue;
        count[t] = (count[t] ?? 0) + 1;
        index[t] = who.length;
      }
      who.push(speaker);
    }
    return { count, index, who };
  };
  const [right, found] = [grid(truth), grid(turns)];
  /** @type {Map<string, Map<string, number>>} */
  const times = new Map(right.who.map((person) => [person, new Map()]));
  for (let t = 0; t < frames; t++) {
    if (right.count[t] !== 1 || found.count[t] !== 1) continue;
    const row = times.get(right.who[right.index[t] ?? -1] ?? '');
    const voice = found.who[found.index[t] ?? -1] ?? '';
    row?.set(voice, (row.get(voice) ?? 0) + STEP);
  }
  return times;
}
const times = new Map(conversations.map((conversation) => [conversation.file, timesOf(conversation)]));

/**
 * Voices that are one person's, and whose.
 * @param {readonly Conversation[]} from
 */
function ownedVoices(from) {
  return from.flatMap((conversation) =>
    conversation.voices.flatMap((voice) => {
      if (voice.ownSeconds < LEAST_OWN_SPEECH) return [];
      const shares = [...(times.get(conversation.file) ?? [])].map(([id, row]) => ({
        id,
        time: row.get(voice.label) ?? 0,
      }));
      const all = shares.reduce((sum, { time }) => sum + time, 0);
      const owner = shares.find(({ time }) => time >= PURE * all && all > 0)?.id;
      return owner === undefined ? [] : [{ conversation, voice, owner }];
    }),
  );
}

/** @typedef {typeof SETTINGS[number]} Setting */

/**
 * Nuisance, calibration and impostor tail of voices against profiles: the same person's and others'.
 * @param {readonly Conversation[]} from
 * @param {Setting} setting
 */
function learn(from, { directions, lead }) {
  const owned = ownedVoices(from);
  const differences = owned.flatMap(({ voice, owner }) => {
    const own = enrolled.get(owner)?.whole;
    return own ? [voice.embedding.map((value, i) => value - (own[i] ?? 0))] : [];
  });
  const profiles = [...enrolled.values()].filter(({ pool }) => pool === 'train').map(({ whole: profile }) => profile);
  const mean = profiles
    .reduce(
      (sum, profile) => sum.map((value, i) => value + (profile[i] ?? 0)),
      new Float32Array(profiles[0]?.length ?? 0),
    )
    .map((value) => value / profiles.length);
  const nuisance = { mean, directions: largestDirections(differences, directions) };
  const scorer = Scorer.of({}, { calibration: { ...NOT_CALIBRATED, nuisance } });
  /** @type {number[]} */
  const scores = [];
  /** @type {number[]} */
  const labels = [];
  for (const { conversation, voice, owner } of owned) {
    for (const person of galleryOf(conversation, 1).gallery) {
      scores.push(scorer.score(voice.embedding, person.whole).cosine);
      labels.push(person.id === owner ? 1 : 0);
    }
  }
  const calibration = fitCalibration({ scores, labels });
  const impostors = scores
    .filter((_, i) => labels[i] === 0)
    .map((score) => calibration.offset + calibration.scale * score);
  return {
    calibration: { ...calibration, norm: /** @type {const} */ ('none') },
    impostorTail: fitImpostorTail(impostors),
    nuisance,
    nameMargin: lead * calibration.scale,
  };
}

/**
 * Whoever has most of a voice.
 * @param {Conversation} conversation
 * @param {string} voice
 */
function ownerOf({ file }, voice) {
  const shares = [...(times.get(file) ?? [])].map(([person, row]) => ({ person, time: row.get(voice) ?? 0 }));
  return shares.sort((a, b) => b.time - a.time)[0]?.person;
}

/**
 * Seconds: of enrolled people right, wrong and without a name, of strangers without a name and with one, and of that
 * in voices of those who were named (`strayed`: what the conversation gave to the wrong voice, and no name is to blame for).
 * @param {Conversation} conversation
 * @param {Scorer} scorer
 * @param {number} share
 * @param {(person: Person) => Float32Array | undefined} profile
 * @param {number} draw
 */
function measure(conversation, scorer, share, profile, draw) {
  const { known, gallery } = galleryOf(conversation, share, draw);
  const people = gallery.flatMap((person) => {
    const embedding = profile(person);
    return embedding ? [{ id: person.id, embedding }] : [];
  });
  const { names } = nameVoices(conversation.voices, people, scorer);
  const sums = { right: 0, wrong: 0, unnamed: 0, strangers: 0, accused: 0, strayed: 0 };
  const given = new Map(names.map(({ label, speakerId }) => [label, speakerId]));
  for (const [person, row] of times.get(conversation.file) ?? []) {
    for (const [voice, time] of row) {
      const name = given.get(voice) ?? null;
      if (known.has(person)) sums[name === person ? 'right' : name === null ? 'unnamed' : 'wrong'] += time;
      else sums[name === null ? 'strangers' : 'accused'] += time;
      if (!known.has(person) && name !== null && ownerOf(conversation, voice) === name) sums.strayed += time;
    }
  }
  return { ...sums, names };
}

/** @typedef {{ right: number, wrong: number, unnamed: number, strangers: number, accused: number, strayed: number, reasons: Map<string, number> }} Sums */

/**
 * @param {readonly Conversation[]} from
 * @param {(conversation: Conversation) => Scorer} scorerFor
 * @param {number} share
 * @param {(person: Person) => Float32Array | undefined} profile
 * @returns {Sums}
 */
function total(from, scorerFor, share, profile) {
  /** @type {Sums} */
  const sums = { right: 0, wrong: 0, unnamed: 0, strangers: 0, accused: 0, strayed: 0, reasons: new Map() };
  for (const conversation of from) {
    const scorer = scorerFor(conversation);
    for (let draw = 0; draw < DRAWS; draw++) {
      const one = measure(conversation, scorer, share, profile, draw);
      for (const key of /** @type {const} */ (['right', 'wrong', 'unnamed', 'strangers', 'accused', 'strayed'])) {
        sums[key] += one[key];
      }
      for (const { reason } of one.names) {
        sums.reasons.set(reason ?? 'named', (sums.reasons.get(reason ?? 'named') ?? 0) + 1);
      }
    }
  }
  return sums;
}

/**
 * @param {number} part
 * @param {number} whole
 */
const percent = (part, whole) => (whole > 0 ? ((100 * part) / whole).toFixed(1) : '-');

/** @param {Sums} sums */
function cells({ right, wrong, unnamed, strangers, accused }) {
  const known = right + wrong + unnamed;
  return [
    percent(right, known),
    percent(wrong, known),
    percent(unnamed, known),
    percent(accused, strangers + accused),
  ].join(' | ');
}

const reported = conversations.filter(({ part }) => part === 'reported');
const learned = conversations.filter(({ part }) => part === 'learned');
const whole = (/** @type {Person} */ person) => person.whole;

/**
 * Scorers by calibrations that know nothing of a conversation's kind of recording.
 * @param {readonly Conversation[]} of
 * @param {Setting} setting
 */
function scorersWithoutGroup(of, setting) {
  const without = new Map(
    [...new Set(of.map(({ group }) => group))].map((group) => [
      group,
      learn(
        learned.filter((one) => one.group !== group),
        setting,
      ),
    ]),
  );
  return (/** @type {number} */ falseAcceptRate) =>
    (/** @type {Conversation} */ { group }) => {
      const found = without.get(group);
      if (!found) throw new Error(`no calibration for ${group}`);
      return Scorer.of({}, { calibration: { ...NOT_CALIBRATED, ...found }, falseAcceptRate });
    };
}

/** Each setting on the conversations that are learned from, and how far it is beyond what it may. */
const judged = SETTINGS.map((setting) => {
  const sums = total(learned, scorersWithoutGroup(learned, setting)(SHOWN), 0.5, whole);
  const known = sums.right + sums.wrong + sums.unnamed;
  const excess =
    Math.max(0, sums.wrong / known - MOST_WRONG) +
    Math.max(0, sums.accused / (sums.strangers + sums.accused) - MOST_ACCUSED);
  return { setting, sums, excess, right: sums.right / known };
});
const [chosen] = [...judged].sort((a, b) => a.excess - b.excess || b.right - a.right);
if (!chosen) throw new Error();
const scorerAt = scorersWithoutGroup(reported, chosen.setting);
const cosineScorer = Scorer.of({}, { threshold: 0.5 });

const rows = RATES.map((rate) => {
  const [half, all, none] = [0.5, 1, 0].map((share) => total(reported, scorerAt(rate), share, whole));
  if (!half || !all || !none) throw new Error();
  return `| ${rate} | ${cells(half)} | ${cells(all)} | ${percent(none.accused, none.strangers + none.accused)} |`;
});
const named5 = total(reported, () => cosineScorer, 0.5, whole);

// Pieces against whole recordings, on the people reported: no conversation is in it.
/** @type {Record<string, { same: number[], different: number[] }>} */
const agreement = {};
const paired = [...enrolled.values()].filter(({ recordings }) => recordings.every((one) => one.pieces));
/** @param {string} kind @param {'same' | 'different'} which @param {Float32Array} a @param {Float32Array} b */
function compare(kind, which, a, b) {
  const kept = (agreement[kind] ??= { same: [], different: [] });
  kept[which].push(Scorer.of({}).score(a, b).cosine);
}
for (const [i, person] of paired.entries()) {
  for (const [r, one] of person.recordings.entries()) {
    if (!one.pieces) continue;
    compare('a recording, whole and in pieces', 'same', one.whole, one.pieces);
    for (const [q, other] of paired.entries()) {
      for (const [s, another] of other.recordings.entries()) {
        if (!another.pieces || (q === i && s === r) || q < i || (q === i && s < r)) continue;
        const which = q === i ? 'same' : 'different';
        compare('two recordings, both whole', which, one.whole, another.whole);
        compare('two recordings, both in pieces', which, one.pieces, another.pieces);
        compare('two recordings, one whole, one in pieces', which, one.whole, another.pieces);
      }
    }
  }
}

/** Equal error rate, per cent. @param {{ same: number[], different: number[] }} scores */
function equalErrors({ same, different }) {
  if (same.length === 0 || different.length === 0) return '-';
  const [targets, impostors] = [Float64Array.from(same).sort(), Float64Array.from(different).sort()];
  let best = 1;
  let [i, j] = [0, 0];
  for (; i < targets.length; i++) {
    while (j < impostors.length && (impostors[j] ?? 0) < (targets[i] ?? 0)) j++;
    best = Math.min(best, Math.max(i / targets.length, 1 - j / impostors.length));
  }
  return (100 * best).toFixed(2);
}
/** @param {number[]} list */
const mean = (list) => (list.length > 0 ? (list.reduce((sum, x) => sum + x, 0) / list.length).toFixed(3) : '-');
const agreed = Object.entries(agreement).map(
  ([kind, scores]) => `| ${kind} | ${mean(scores.same)} | ${mean(scores.different)} | ${equalErrors(scores)} |`,
);

// Two voices of one conversation taken for one: their mean. Both enrolled; how often the answer says so.
const mixtures = { made: 0, mixed: 0, named: 0, other: 0 };
const honest = { asked: 0, mixed: 0 };
for (const conversation of reported) {
  const { gallery } = galleryOf(conversation, 1);
  const people = gallery.map(({ id, whole: embedding }) => ({ id, embedding }));
  const scorer = scorerAt(SHOWN)(conversation);
  const named = nameVoices(conversation.voices, people, scorer).names;
  honest.asked += named.length;
  honest.mixed += named.filter(({ reason }) => reason === 'MIXED_VOICES').length;
  const clear = conversation.voices.filter((_, i) => named[i]?.reason === null);
  for (const [i, a] of clear.entries()) {
    for (const b of clear.slice(i + 1)) {
      const embedding = profileOf([a, b]);
      const [answer] = nameVoices([{ label: 'A', ownSeconds: 60, embedding }], people, scorer).names;
      mixtures.made++;
      mixtures[answer?.reason === 'MIXED_VOICES' ? 'mixed' : answer?.reason === null ? 'named' : 'other']++;
    }
  }
}

const { nuisance, ...full } = learn(learned, chosen.setting);
const rowsOfNuisance = Float32Array.from([nuisance.mean, ...nuisance.directions].flatMap((row) => [...row]));
const shipped = { ...full, nuisance: encodeVectors({ embeddings: rowsOfNuisance, dim: nuisance.mean.length }) };
const groups = [...new Set(reported.map(({ group }) => group))].sort();
const at1 = scorerAt(SHOWN);
const byGroup = groups.map((group) => {
  const own = reported.filter((one) => one.group === group);
  const sums = total(own, at1, 0.5, whole);
  return `| ${group} (${own.length}) | ${cells(sums)} | ${percent(sums.strayed, sums.strangers + sums.accused)} |`;
});
const reasons = [...total(reported, at1, 0.5, whole).reasons].map(([reason, count]) => `${reason} ${count}`).join(', ');
const withPieces = total(reported, at1, 0.5, (person) => person.pieces ?? person.whole);
const minutes = (reported.reduce((sum, { truth }) => sum + Math.max(...truth.map(({ end }) => end)), 0) / 60).toFixed(
  0,
);
const version = execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

const report = `# Names of voices

\`node bench/js/names.mjs NAMED SPEECH --model ${values.model}\` on ${reported.length} synthetic conversations, ${minutes} minutes, by
\`bench/python/named_conversations.py\`: utterances of volunteers and read books, in rooms and over telephone lines. About 20 s of everybody
are kept back to enrol them with; of people who talk in none, ${PEERS} of each kind are enrolled with ${OF_PEERS} recordings, ${enrolled.size} people in all. Half of the people of each conversation are enrolled (${DRAWS} draws), and ${OTHERS} others,
of the same kind of recording first. Turns are those that are found, with their errors. Voices: ${modelWithPauses}; profiles: ${model}.
No real conversation is in it: recordings of the people of those at hand are missing.

Thresholds come from the rate and from a calibration learned on ${learned.length} other conversations, of other people and without those of the
same kind of recording. So do the number of directions of nuisance that are taken out beside a mean (${chosen.setting.directions}) and the lead (${chosen.setting.lead}):
of ${SETTINGS.length} settings the one that names most enrolled speech rightly there, each kind judged by calibrations of the others, with at most
${percent(MOST_WRONG, 1)} % wrong and ${percent(MOST_ACCUSED, 1)} % of strangers named where one has that (there: ${cells(chosen.sums)}). That evidence is made by taking out nuisance, and
the rule for mixed voices, were chosen with the reported conversations in view. Share of the time in which one person speaks and one
voice is found, per cent.

${machine}

| false accepts per voice | half enrolled: right | wrong | no name | strangers named | all enrolled: right | wrong | no name | strangers named | nobody enrolled: strangers named |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

At a cosine of 0.5 and a margin of 0.1 (\`--threshold 0.5\`), half enrolled: ${cells(named5)} (right, wrong, no name, strangers named).
At ${SHOWN}, half enrolled, the voices of all draws: ${reasons}. Profiles made of pieces like the voices: ${cells(withPieces)}.

| kind of recording (conversations), ${SHOWN}, half enrolled | right | wrong | no name | strangers named | of it in voices of those named |
| --- | --- | --- | --- | --- | --- |
${byGroup.join('\n')}

## Pieces and whole recordings

Voices are means of pieces of 1.5 s with all pauses, profiles are of whole recordings by the model's rule for pauses. Single recordings of
${paired.length} people, some 4 s each: cosines of the same and of different people, and the equal error rate.

| compared | same person | different people | EER, % |
| --- | --- | --- | --- |
${agreed.join('\n')}

## Mixed voices

Means of two voices of one conversation that had names each (at ${SHOWN}, all enrolled): ${mixtures.made} mixtures, of which ${mixtures.mixed} were MIXED_VOICES,
${mixtures.named} got a name and ${mixtures.other} had another reason. Of ${honest.asked} voices as they were found ${honest.mixed} were MIXED_VOICES.

Measured at ${version}.
`;
writeFileSync(values.out, report);
if (values.calibration !== undefined) {
  const idOf = (/** @type {string} */ name) => name.split('@')[0];
  const others = Object.entries(VOICES).filter(([name]) => idOf(name) !== idOf(modelWithPauses));
  const data = JSON.stringify(Object.fromEntries([...others, [modelWithPauses, shipped]]), undefined, 2);
  writeFileSync(
    values.calibration,
    `/** Written by bench/js/names.mjs --calibration, from ${learned.length} conversations; docs/conversations.md, Names. */\nexport const VOICES = ${data} as const;\n`,
  );
}
process.stdout.write(report);
