// When do two channels hold different people, and when does a mix of them cancel?
//
//   npm run build && node bench/js/channels.mjs [--model BUNDLE] [--data ../shared/speech] [--out FILE]
//
// Two-channel recordings are made of the data's list `dev`: of one person by two microphones, and of two people, one a
// channel. The evidence of the bundle's calibration decides (src/service/records/channel-voices.ts). The threshold is chosen
// on half of the speakers, by a hash of their names, and reported on the others. Then, of recordings of one person: the
// energy of the channels' sum over the sum of their energies, in phase and in opposite phase, and what it does to the
// embedding of the mix (native/core/audio/mixer.cpp). Needs ffmpeg.
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cosine, SpeakerEncoder } from '../../dist/addon/index.js';
import { bootstrapInterval, numberSpeakers, seededUniform } from '../../dist/evaluation/bootstrap.js';
import { readRecordingTable } from '../../dist/evaluation/trials.js';
import { Scorer } from '../../dist/scoring/scorer.js';
import { decoded, RATE } from './decoded.mjs';
import { describeMachine, quantile, ROOT } from './machine.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: join(ROOT, 'models', 'starter.pt') },
    data: { type: 'string', default: join(ROOT, '..', 'shared', 'speech') },
    out: { type: 'string', default: join(ROOT, 'bench', 'results', 'channels.md') },
  },
});
const machine = describeMachine();
const data = resolve(values.data);

const LENGTHS = [2, 4, 8];
const LONGEST = 8;
/** Of false alarms on the half that the threshold is chosen on: share of recordings of one person. */
const FALSE_ALARMS = 0.01;
/** As the service has it: a channel with less speech says nothing. */
const LEAST_SPEECH_SECONDS = 1;
const SOURCES = /^(common_voice.*|speechocean762|wuw2|msc_malayalam)$/;

/** @typedef {{ name: string, source: string, half: 0 | 1, samples: Float32Array }} Speaker */

/**
 * FNV-1a.
 * @param {string} text
 */
function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** @param {Float32Array} samples */
const energy = (samples) => samples.reduce((sum, x) => sum + x * x, 0) / samples.length;

const facts = await readRecordingTable(join(data, 'files.tsv'));
/** @type {Map<string, string[]>} */
const filesOf = new Map();
for (const [path, { split, source = '', speaker = '' }] of facts) {
  if (split === 'dev' && SOURCES.test(source)) filesOf.set(speaker, [...(filesOf.get(speaker) ?? []), path]);
}
/** @type {Speaker[]} */
const speakers = [];
for (const [name, paths] of filesOf) {
  const samples = new Float32Array(2 * LONGEST * RATE);
  let at = 0;
  for (const path of paths) {
    if (at >= samples.length) break;
    const piece = decoded(join(data, path));
    samples.set(piece.subarray(0, samples.length - at), at);
    at += piece.length;
  }
  if (at < samples.length) continue;
  const source = facts.get(paths[0] ?? '')?.['source'] ?? '';
  speakers.push({ name, source, half: /** @type {0 | 1} */ (hash(name) & 1), samples });
}
process.stderr.write(`${speakers.length} speakers with ${2 * LONGEST} s\n`);

const noises = readdirSync(join(data, 'noise'))
  .filter((name) => /\.(opus|wav|flac)$/.test(name))
  .map((name) => decoded(join(data, 'noise', name)));

/**
 * With a recording of noise, at so many dB below.
 * @param {Float32Array} samples
 * @param {number} decibels
 * @param {() => number} uniform
 */
function noisy(samples, decibels, uniform) {
  const noise = /** @type {Float32Array} */ (noises[Math.floor(uniform() * noises.length)]);
  const from = Math.floor(uniform() * noise.length);
  const piece = samples.map((_, i) => noise[(from + i) % noise.length] ?? 0);
  const gain = Math.sqrt(energy(samples) / Math.max(energy(piece), 1e-12)) * 10 ** (-decibels / 20);
  return samples.map((x, i) => x + gain * (piece[i] ?? 0));
}

/**
 * @param {Float32Array} samples
 * @param {number} milliseconds
 */
function later(samples, milliseconds) {
  const by = Math.round((milliseconds * RATE) / 1000);
  return samples.map((_, i) => samples[i - by] ?? 0);
}

/**
 * A room of sparse reflections that decay by 60 dB in half a second, at so many dB below the direct sound.
 * @param {Float32Array} samples
 * @param {number} decibels
 * @param {() => number} uniform
 */
function inRoom(samples, decibels, uniform) {
  const taps = Array.from({ length: 400 }, () => {
    const seconds = 0.003 + 0.497 * uniform();
    return { at: Math.round(seconds * RATE), gain: (uniform() < 0.5 ? -1 : 1) * 10 ** (-3 * (seconds / 0.5)) };
  });
  const norm = Math.sqrt(taps.reduce((sum, { gain }) => sum + gain * gain, 0));
  const level = 10 ** (-decibels / 20) / norm;
  const out = Float32Array.from(samples);
  for (const { at, gain } of taps) {
    for (let i = at; i < out.length; i++) out[i] = (out[i] ?? 0) + level * gain * (samples[i - at] ?? 0);
  }
  return out;
}

/**
 * @param {Float32Array} samples
 * @param {number} decibels
 */
const louder = (samples, decibels) => samples.map((x) => x * 10 ** (decibels / 20));

/** The second microphone of one person, whose first one is near and clean. */
const SECOND = /** @type {const} */ ([
  ['12 dB lower, 5 ms later', (s) => louder(later(s, 5), -12)],
  ['noise, 20 dB below', (s, uniform) => noisy(s, 20, uniform)],
  ['noise, 10 dB below', (s, uniform) => noisy(s, 10, uniform)],
  ['a room, 0 dB below', (s, uniform) => inRoom(s, 0, uniform)],
  [
    'far: a room 6 dB above, noise 10 dB below, 20 dB lower',
    (s, uniform) => louder(noisy(inRoom(s, -6, uniform), 10, uniform), -20),
  ],
]);

const encoder = await SpeakerEncoder.load({ model: values.model });
const scorer = Scorer.of(encoder.info().manifest);
/** @typedef {{ embedding: Float32Array, speech: number } | undefined} Heard */

/**
 * @param {Float32Array[]} list
 * @returns {Promise<Heard[]>}
 */
async function embed(list) {
  const inputs = list.map((samples) => ({ samples, sampleRate: RATE }));
  const items = await encoder.embedBatch(inputs);
  return items.map((item) =>
    'result' in item ? { embedding: item.result.embedding, speech: item.result.speech.seconds } : undefined,
  );
}

/**
 * @param {Heard} a
 * @param {Heard} b
 */
function alike(a, b) {
  const told = a && b && a.speech >= LEAST_SPEECH_SECONDS && b.speech >= LEAST_SPEECH_SECONDS;
  return told ? (scorer.score(a.embedding, b.embedding).llr ?? undefined) : undefined;
}

/** @typedef {{ kind: string, seconds: number, a: Speaker, b: Speaker, llr: number }} Pair */
/** @type {Pair[]} */
const one = [];
/** @type {Pair[]} */
const two = [];
let silent = 0;

/**
 * @param {Pair[]} into
 * @param {Omit<Pair, 'llr'>} pair
 * @param {number | undefined} value
 */
function keep(into, pair, value) {
  if (value === undefined) silent++;
  else into.push({ ...pair, llr: value });
}

/** @type {Map<string, Heard>} */
const near = new Map();
for (const [index, speaker] of speakers.entries()) {
  const uniform = seededUniform(index + 1);
  const whole = speaker.samples.subarray(0, LONGEST * RATE);
  const microphones = [whole, ...SECOND.map(([, make]) => make(whole, uniform))];
  for (const seconds of LENGTHS) {
    const [first, ...others] = await embed(microphones.map((samples) => samples.slice(0, seconds * RATE)));
    near.set(`${speaker.name} ${seconds}`, first);
    for (const [i, [kind]] of SECOND.entries()) {
      keep(one, { kind, seconds, a: speaker, b: speaker }, alike(first, others[i]));
    }
  }
  process.stderr.write(`\rone person: ${index + 1} of ${speakers.length}`);
}

const halves = /** @type {const} */ ([0, 1]).map((half) => speakers.filter((speaker) => speaker.half === half));
for (const half of halves) {
  for (const [i, a] of half.entries()) {
    for (const b of half.slice(i + 1)) {
      for (const seconds of LENGTHS) {
        const value = alike(near.get(`${a.name} ${seconds}`), near.get(`${b.name} ${seconds}`));
        keep(two, { kind: 'both speak', seconds, a, b }, value);
      }
    }
    // A call: who does not speak is a room's noise, or what crosses from the other.
    for (const step of [1, 5]) {
      const b = /** @type {Speaker} */ (half[(i + step) % half.length]);
      const uniform = seededUniform(1000 + i);
      for (const seconds of LENGTHS) {
        const [ofA, ofB] = [a, b].map(({ samples }) => samples.subarray(0, seconds * RATE));
        const turns = /** @param {number} cross */ (cross) => {
          const quiet = () => 0.002 * (uniform() - 0.5);
          const [left, right] = [new Float32Array(2 * seconds * RATE), new Float32Array(2 * seconds * RATE)];
          const says = [ofA, ofB];
          for (let i = 0; i < left.length; i++) {
            const turn = Math.floor(i / (RATE * 1)) % 2;
            const at = Math.floor(i / (2 * RATE)) * RATE + (i % RATE);
            const said = says[turn]?.[at] ?? 0;
            left[i] = quiet() + (turn === 0 ? said : cross * said);
            right[i] = quiet() + (turn === 1 ? said : cross * said);
          }
          return [left, right];
        };
        const [l, r, cl, cr] = await embed([...turns(0), ...turns(10 ** (-30 / 20))]);
        keep(two, { kind: 'in turns of 1 s', seconds, a, b }, alike(l, r));
        keep(two, { kind: 'in turns, heard on the other channel 30 dB below', seconds, a, b }, alike(cl, cr));
      }
    }
    process.stderr.write(`\rtwo people: ${i + 1} of ${half.length}          `);
  }
}
process.stderr.write('\n');

/**
 * @param {Pair[]} pairs
 * @param {(llr: number) => boolean} wrong
 */
function rate(pairs, wrong) {
  const share = (/** @type {Float64Array | undefined} */ weights) => {
    let [all, bad] = [0, 0];
    for (const [i, pair] of pairs.entries()) {
      const weight = weights?.[i] ?? 1;
      all += weight;
      if (wrong(pair.llr)) bad += weight;
    }
    return bad / all;
  };
  const drawn = numberSpeakers(
    pairs.map(({ a }) => a.name),
    pairs.map(({ b }) => b.name),
  );
  const [low, high] = bootstrapInterval(drawn, share, { draws: 400 });
  const percent = (/** @type {number} */ x) => (100 * x).toFixed(1);
  return `${percent(share(undefined))} [${percent(low)}, ${percent(high)}]`;
}

const chosenOn = one.filter(({ a }) => a.half === 0).map((pair) => pair.llr);
const threshold = Math.floor(10 * quantile(chosenOn, FALSE_ALARMS)) / 10;
const told = (/** @type {number} */ x) => x < threshold;

/**
 * @param {string[]} header
 * @param {string[][]} rows
 */
const table = (header, rows) =>
  [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/**
 * @param {Pair[]} pairs
 * @param {(llr: number) => boolean} wrong
 */
function rows(pairs, wrong) {
  const kinds = [...new Set(pairs.map(({ kind }) => kind))];
  return [...kinds, 'all of them'].flatMap((kind) =>
    LENGTHS.map((seconds) => {
      const own = pairs.filter((pair) => pair.seconds === seconds && (kind === 'all of them' || pair.kind === kind));
      const values = own.map((pair) => pair.llr);
      const at = (/** @type {number} */ share) => quantile(values, share).toFixed(1);
      return [kind, `${seconds}`, `${own.length}`, at(0.01), at(0.05), at(0.5), at(0.95), at(0.99), rate(own, wrong)];
    }),
  );
}
const COLUMNS = ['channels', 's', 'recordings', '1 %', '5 %', 'median', '95 %', '99 %'];

/** @param {0 | 1} half */
const sweep = [-4, -2, -1, 0, 1, 2, 3, 4].map((at) => [
  at.toFixed(1),
  ...[0, 1].flatMap((half) => [
    rate(
      one.filter(({ a }) => a.half === half),
      (x) => x < at,
    ),
    rate(
      two.filter(({ a }) => a.half === half),
      (x) => x >= at,
    ),
  ]),
]);

// What cancels: 4 s of everybody.
const SECONDS = 4;
const BINS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2.01];
/** @type {{ ratio: number, opposite: boolean, mix: number, strongest: number }[]} */
const mixes = [];
for (const [index, { samples }] of speakers.entries()) {
  const uniform = seededUniform(index + 5000);
  const left = samples.slice(0, SECONDS * RATE);
  /** @type {Float32Array[]} */
  const rights = [];
  for (const gain of [0, -3, -6, -10]) {
    for (const delay of [0, 0.125, 0.5, 2]) rights.push(louder(later(left, delay), gain));
    rights.push(louder(noisy(left, 20, uniform), gain), louder(inRoom(left, 6, uniform), gain));
  }
  rights.push(louder(noisy(inRoom(left, -6, uniform), 10, uniform), -10));
  const inputs = rights.flatMap((right) => [1, -1].map((sign) => left.map((x, i) => (x + sign * (right[i] ?? 0)) / 2)));
  const [alone, ...heard] = await embed([left, ...inputs]);
  const strongest = await embed(rights.filter((right) => energy(right) > energy(left)));
  let louderOnes = 0;
  for (const [i, right] of rights.entries()) {
    const of = energy(right) > energy(left) ? strongest[louderOnes++] : alone;
    for (const sign of [0, 1]) {
      const mixed = heard[2 * i + sign];
      const ratio = (4 * energy(/** @type {Float32Array} */ (inputs[2 * i + sign]))) / (energy(left) + energy(right));
      if (!alone || !of) continue;
      // A mix in which nothing is heard is as far away as can be.
      const mix = mixed ? cosine(mixed.embedding, alone.embedding) : 0;
      mixes.push({ ratio, opposite: sign === 1, mix, strongest: cosine(of.embedding, alone.embedding) });
    }
  }
  process.stderr.write(`\rmixes: ${index + 1} of ${speakers.length}          `);
}
process.stderr.write('\n');
const inBins = BINS.map((high, i) => {
  const low = BINS[i - 1] ?? 0;
  const own = mixes.filter(({ ratio }) => ratio >= low && ratio < high);
  const at = (/** @type {(mix: (typeof mixes)[number]) => number} */ of) =>
    own.length === 0 ? '-' : `${quantile(own.map(of), 0.05).toFixed(3)}, ${quantile(own.map(of), 0.5).toFixed(3)}`;
  const count = (/** @type {boolean} */ opposite) => `${own.filter((mix) => mix.opposite === opposite).length}`;
  const better = own.filter(({ mix, strongest }) => strongest > mix).length;
  return [
    `${low} to ${high === 2.01 ? 2 : high}`,
    count(false),
    count(true),
    at(({ mix }) => mix),
    at(({ strongest }) => strongest),
    own.length === 0 ? '-' : ((100 * better) / own.length).toFixed(0),
  ];
});
const { model } = encoder.info();
await encoder.close();

writeFileSync(
  values.out,
  `# Channels

\`node bench/js/channels.mjs\`

${machine}
- model ${model}; ${speakers.length} speakers of \`dev\` with ${2 * LONGEST} s or more (Common Voice, speechocean762, telephone,
  Malayalam): ${halves[0]?.length} to choose on, ${halves[1]?.length} to report on

## Different people

Two channels are told to hold different people where the evidence that one person speaks in both (natural log-likelihood
ratio, by the bundle's calibration) is below the threshold and each has
${LEAST_SPEECH_SECONDS} s of speech (${silent} pairs here had less and are left out). The first microphone is the recording itself.
Intervals are 95 %, by drawing speakers.

The threshold, chosen on the first half so that at most ${100 * FALSE_ALARMS} % of one person's recordings are told: **${threshold}**.

Of one person, the second half. False alarms, per cent:

${table(
  [...COLUMNS, 'told'],
  rows(
    one.filter(({ a }) => a.half === 1),
    told,
  ),
)}

Of two people, the second half. Misses, per cent:

${table(
  [...COLUMNS, 'not told'],
  rows(
    two.filter(({ a }) => a.half === 1),
    (x) => !told(x),
  ),
)}

At other thresholds, all lengths and kinds, per cent:

${table(['threshold', 'first half: false alarms', 'misses', 'second half: false alarms', 'misses'], sweep)}

## Opposite phase

The energy of the sum of two channels over the sum of their energies, of ${SECONDS} s of one person by two microphones (level 0 to
-10 dB, delay 0 to 2 ms, noise, a room), in phase and with one of them turned around: how many recordings there are, the
cosine of the mix and of the stronger channel to the first microphone (the lowest 5 %, the median), and in how many per cent
the stronger one is closer.

${table(['ratio', 'in phase', 'opposite', 'mix', 'stronger', 'stronger is closer, %'], inBins)}
`,
);
process.stderr.write(`wrote ${values.out}\n`);
