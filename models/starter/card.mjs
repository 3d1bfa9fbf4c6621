// models/starter.md from the bundle's manifest, the results of measure.mjs and attempts.json.
import { readFileSync } from 'node:fs';
import { CUTS, SYSTEMS } from './measure.mjs';

/** What was tried before, or instead, and training on labels alone: measured once, on the same lists. */
const {
  attempts: ATTEMPTS,
  calibrations: CALIBRATIONS,
  labelsOnly: LABELS_ONLY,
} = JSON.parse(readFileSync(new URL('attempts.json', import.meta.url), 'utf8'));

const NAMES = {
  starter: '**starter**',
  mfcc: 'MFCC mean and deviation',
  random: 'the same network, random weights',
  teacher: 'teacher (Resemblyzer 0.1.4)',
};

/** Parts of the lists as the card names them, by the groups of `timbre evaluate`. */
const PARTS = [
  { list: 'libri', group: 'all', name: 'libri (LibriSpeech test-other)' },
  { list: 'dev', group: 'common_voice_*', name: 'dev, Common Voice' },
  { list: 'dev', group: 'common_voice_17delta_fr', name: 'dev, Common Voice French alone' },
  { list: 'dev', group: 'speechocean762', name: 'dev, speechocean762' },
  { list: 'dev', group: 'wuw2', name: 'dev, wuw2 (telephone)' },
  { list: 'dev', group: 'msc_malayalam', name: 'dev, msc_malayalam' },
  { list: 'dev', group: 'arabic_speech_commands', name: 'dev, arabic_speech_commands (one second)' },
];

/** What was asked of the model: the highest EER in per cent, of single utterances or of three enrolment utterances. */
const TARGETS = [
  { list: 'dev', group: 'common_voice_*', condition: 'single', atMost: 5.6 },
  { list: 'dev', group: 'common_voice_*', condition: 'three', atMost: 3.1 },
  { list: 'libri', group: 'all', condition: 'single', atMost: 1.4 },
  { list: 'dev', group: 'speechocean762', condition: 'single', atMost: 2.2 },
  { list: 'dev', group: 'wuw2', condition: 'single', atMost: 20 },
];

/** @returns {string} the name of a part in attempts.json */
const keyOf = ({ list, group }) => `${list}/${group}`;

const nameOf = (target) => PARTS.find((part) => keyOf(part) === keyOf(target)).name;

const percent = (share, digits = 2) => (100 * share).toFixed(digits);

function find(results, system, { list, group }, condition) {
  return results[system][list][condition].results.find((result) => result.group === group);
}

/** The part of the results that the bundle carries itself. */
export function summaryOf(results, { calibration }) {
  return PARTS.map((part) => {
    const single = find(results, 'starter', part, 'single');
    const three = find(results, 'starter', part, 'three');
    const calibrated = find(results, 'starter', part, conditionOf(calibration));
    return {
      part: part.name,
      eer: single.eer,
      eerInterval: single.eerInterval,
      eerThreeEnrolments: three?.eer ?? null,
      minDcf001: single.costs[0].minDcf,
      cllr: calibrated.cllr,
      minCllr: calibrated.minCllr,
    };
  });
}

/** @returns {string} the card */
export function cardOf(manifest, results) {
  const { training, calibration, thresholds } = manifest;
  return `${[
    `# The bundled model: starter`,
    introduction(manifest),
    `## What it is good for, and what it is not`,
    purpose(results),
    `## Error rates`,
    `Equal error rates in per cent with their 95 % interval (bootstrap over speakers), cosine, by ` +
      `\`timbre evaluate\`. "Balanced": every pair of speakers weighs the same. The model embeds recordings without ` +
      `their long pauses ([the rule](../docs/models.md#pauses)), as does the network with random weights; the other two ` +
      `embed them whole.`,
    `### Single utterances`,
    rates(results, 'single'),
    `### Three averaged enrolment utterances`,
    rates(results, 'three'),
    `### By length`,
    `Both sides cut to the seconds from the middle of the recording, where it is that long; pauses are taken out behind that.`,
    cuts(results),
    `### Against what was asked`,
    targets(results),
    `### What was tried`,
    tried(results),
    `### Against training on labels alone`,
    labelsOnly(results),
    `### Detection costs and score normalisation`,
    `Costs at target priors of 0.01 and 0.05, both errors costing 1, divided by the smaller prior. s-norm and AS-norm ` +
      `(its 200 closest) against the cohort in the bundle, ${manifest.cohort.speakers.toLocaleString('en-GB')} training speakers.`,
    costs(results),
    `## Evidence and thresholds`,
    evidence(results, calibration, thresholds),
    `## Training`,
    history(training),
    `![Loss and error rates while training](starter-training.svg)`,
    `## Data`,
    sources(training),
  ].join('\n\n')}\n`;
}

function table(header, rows) {
  return [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function introduction({ network, embedding, storage, licence, training }) {
  const size = `${network?.channels ?? 256} channels, ${embedding.dim}-dimensional embeddings`;
  return (
    `A small ECAPA-TDNN (${size}, ${storage ?? 'fp32'} weights), trained by this repository (\`models/training\`) on ` +
    `${training.hours} hours of openly licensed speech of ${training.speakers.toLocaleString('en-GB')} people. It makes ` +
    `Timbre work from the first minute, offline. Licence of the weights: ${licence}. This page is written by ` +
    `\`models/starter/make.mjs\`; every number is from \`models/starter.json\`.`
  );
}

function purpose(results) {
  const at = (list, group) => percent(find(results, 'starter', { list, group }, 'single').eer, 1);
  return [
    `- For trying Timbre, for tests, for machines without a network, and for telling a handful of people apart who ` +
      `speak sentences into ordinary microphones (${at('libri', 'all')} % EER on read books, ` +
      `${at('dev', 'common_voice_*')} % on volunteers' own devices).`,
    `- Not for telephone calls (${at('dev', 'wuw2')} %) nor for single words (${at('dev', 'arabic_speech_commands')} %): ` +
      `pull a published model (\`timbre models pull\`).`,
    `- Not for decisions about people that rest on the voice alone. It does not know recordings that are played back or ` +
      `made by a machine.`,
    `- Recordings of one speaker in these lists are mostly from one device and one sitting, so the rates flatter. ` +
      `\`libri\` has 10 speakers: its intervals are wide.`,
  ].join('\n');
}

function rates(results, condition) {
  const header = ['part', 'targets / impostors, speakers', ...SYSTEMS.map((system) => NAMES[system])];
  const rows = PARTS.flatMap((part) => {
    const own = find(results, 'starter', part, condition);
    if (!own) return [];
    const cell = (system) => {
      const { eer, eerInterval, balancedEer } = find(results, system, part, condition);
      const [low, high] = eerInterval;
      return `${percent(eer)} [${percent(low, 1)}, ${percent(high, 1)}], balanced ${percent(balancedEer)}`;
    };
    const trials = `${own.targets.toLocaleString('en-GB')} / ${own.impostors.toLocaleString('en-GB')}, ${own.speakers}`;
    return [[part.name, trials, ...SYSTEMS.map(cell)]];
  });
  return table(header, rows);
}

function cuts(results) {
  const header = ['part', 'system', ...CUTS.map((seconds) => `${seconds} s`), 'whole'];
  const cell = (result) =>
    `${percent(result.eer)} [${percent(result.eerInterval[0], 1)}, ${percent(result.eerInterval[1], 1)}]`;
  const rows = PARTS.filter(({ group }) => group !== 'common_voice_17delta_fr').flatMap((part) =>
    SYSTEMS.map((system) => [
      part.name,
      NAMES[system],
      ...[...CUTS.map((seconds) => `cut-${seconds}`), 'single'].map((condition) =>
        cell(find(results, system, part, condition)),
      ),
    ]),
  );
  return table(header, rows);
}

function targets(results) {
  const rows = TARGETS.map(({ atMost, condition, ...part }) => {
    const { eer } = find(results, 'starter', part, condition);
    return [
      `${nameOf(part)}, ${condition === 'single' ? 'single utterances' : 'three enrolment utterances'}`,
      `${atMost.toFixed(1)} %`,
      `${percent(eer)} %`,
      100 * eer <= atMost ? 'reached' : 'missed',
    ];
  });
  const baseline = comparison(
    'the MFCC baseline',
    PARTS,
    (part) => find(results, 'starter', part, 'single').eer < find(results, 'mfcc', part, 'single').eer,
  );
  return `${table(['EER', 'asked: at most', 'reached', ''], rows)}\n\n${baseline}`;
}

/** A sentence on where the model is below another. */
function comparison(other, parts, isBelow) {
  const lost = parts.filter((part) => !isBelow(part)).map(({ name }) => name);
  return lost.length === 0
    ? `The model is below ${other} on every part.`
    : `The model is below ${other} on ${parts.length - lost.length} of ${parts.length} parts, not on ${lost.join(' and ')}.`;
}

/** Equal error rates of the targets by what was trained, subtracted and embedded, the model here last. */
function tried(results) {
  const header = TARGETS.map(
    (target) => `${nameOf(target)}${target.condition === 'three' ? ', three enrolments' : ''}`,
  );
  const rows = ATTEMPTS.map((attempt) => [
    attempt.what,
    ...TARGETS.map((target) => percent(attempt[target.condition][keyOf(target)])),
  ]);
  const own = TARGETS.map((target) => percent(find(results, 'starter', target, target.condition).eer));
  return (
    `${table(['EER %', ...header], [...rows, ['**the model here**', ...own]])}\n\n` +
    `Chosen on \`dev\`, among about 400 means, maps and strengths of them (an estimate), so that its rates there flatter; ` +
    `\`libri\` was printed beside each of them, so that it is not a blind test of the choice. "Mean of sentences": of ` +
    `speakers with several recordings, by those of three seconds or more. "Sources normalised": directions in which the means of sources lie apart shrunk, as in the model here ([docs/training.md](../docs/training.md)).`
  );
}

function labelsOnly(results) {
  const cell = (share) => (share === undefined ? '-' : percent(share));
  const rows = PARTS.map((part) => [
    part.name,
    ...['single', 'three'].flatMap((condition) => [
      cell(find(results, 'starter', part, condition)?.eer),
      cell(LABELS_ONLY[condition][keyOf(part)]),
    ]),
  ]);
  const header = ['EER %', 'single: **starter**', 'labels alone', 'three enrolments: **starter**', 'labels alone'];
  const below = comparison(
    'it',
    PARTS,
    (part) => find(results, 'starter', part, 'single').eer < LABELS_ONLY.single[keyOf(part)],
  );
  return `${table(header, rows)}\n\nLabels alone: ${LABELS_ONLY.what}. ${below}`;
}

function costs(results) {
  const header = ['part', 'scores', 'EER %', 'minDCF 0.01', 'minDCF 0.05', 'FRR % at FAR 1 %'];
  const rows = PARTS.filter(({ group }) => group !== 'common_voice_17delta_fr').flatMap((part) =>
    [
      ['single', 'cosine'],
      ['s-norm', 's-norm'],
      ['as-norm', 'AS-norm'],
    ].map(([condition, name]) => {
      const result = find(results, 'starter', part, condition);
      const strict = result.table.find(({ asked }) => asked === 0.01);
      return [
        part.name,
        name,
        percent(result.eer),
        ...result.costs.map(({ minDcf }) => minDcf.toFixed(3)),
        strict ? percent(strict.frr, 1) : '-',
      ];
    }),
  );
  return table(header, rows);
}

/** The condition whose scores the calibration is for. */
function conditionOf({ norm }) {
  return norm === 'none' ? 'single' : `${norm}-norm`;
}

function evidence(results, calibration, thresholds) {
  const { learned } = calibration;
  const lines = thresholds.map(
    ({ falseAcceptRate, cosine, llr }) =>
      `- ${100 * falseAcceptRate} % of impostors accepted: ${cosine === null ? '' : `cosine ${cosine.toFixed(3)}, `}llr ${llr.toFixed(2)}`,
  );
  const rows = PARTS.map((part) => {
    const { cllr, minCllr, costs } = find(results, 'starter', part, conditionOf(calibration));
    const [first, second] = costs;
    const actual = (cost) => `${cost.actDcf.toFixed(3)} / ${cost.minDcf.toFixed(3)}`;
    return [part.name, cllr.toFixed(3), minCllr.toFixed(3), (cllr - minCllr).toFixed(3), actual(first), actual(second)];
  });
  return [
    `Scores become log-likelihood ratios (natural) by llr = ${calibration.offset.toFixed(3)} + ` +
      `${calibration.scale.toFixed(3)} x ${calibration.norm === 'none' ? 'cosine' : `${{ s: 's', as: 'AS' }[calibration.norm]}-norm score`}, learned on ` +
      `\`${learned.selected.join('`, `')}\` of \`dev\` (${learned.targets.toLocaleString('en-GB')} target and ${learned.impostors.toLocaleString('en-GB')} impostor trials ` +
      `of ${learned.speakers} speakers, both sides of one ${learned.within}; normalisation chosen on \`dev\` too; Cllr ${learned.cllr.toFixed(3)}, on speakers held out ` +
      `${learned.crossValidatedCllr.toFixed(3)}). \`libri\` was not learned from. Thresholds:`,
    lines.join('\n'),
    `They do not transfer by themselves: see [docs/accuracy.md](../docs/accuracy.md). Actual against minimum costs:`,
    table(['part', 'Cllr', 'minCllr', 'difference', 'actDCF / minDCF 0.01', 'actDCF / minDCF 0.05'], rows),
    calibrationsTried(results, calibration),
  ].join('\n\n');
}

/** Ways to calibrate by what they lose on parts that were not learned from, the bundle's last. */
function calibrationsTried(results, calibration) {
  const parts = [PARTS[0], ...PARTS.filter(({ group }) => group === 'wuw2' || group === 'msc_malayalam')];
  const rows = CALIBRATIONS.map(({ what, difference }) => [
    what,
    ...parts.map((part) => difference[keyOf(part)].toFixed(3)),
  ]);
  const own = parts.map((part) => {
    const { cllr, minCllr } = find(results, 'starter', part, conditionOf(calibration));
    return (cllr - minCllr).toFixed(3);
  });
  return [
    'Asked: at most 0.1 between Cllr and minCllr on `libri`. Ways to learn the calibration, by that difference on parts that ' +
      'none of them learned from:',
    table(['learned', ...parts.map(({ name }) => name)], [...rows, ['**the model here**', ...own]]),
    'A stranger of another source speaks another language into another microphone, and scores low: with such pairs left out, ' +
      'evidence is weaker for the strangers that are hard to tell apart. `libri` was seen beside each way. With durations it ' +
      'is better there and worse on the telephone, and an answer would need them.',
  ].join('\n\n');
}

function history({
  machine,
  minutes,
  steps,
  seed,
  startedFrom,
  commit,
  command,
  teacher,
  speakers,
  recordings,
  hours,
}) {
  const runs = [{ minutes, steps, seed }];
  for (let run = startedFrom; run; run = run.startedFrom) runs.push(run);
  const earlier = runs
    .slice(1)
    .map(
      (run) =>
        `, after a run of ${run.steps.toLocaleString('en-GB')} steps in ${run.minutes} minutes (seed ${run.seed})`,
    );
  return [
    `${recordings.toLocaleString('en-GB')} recordings (${hours} hours after trimming, each also at speeds 0.9 and 1.1 as ` +
      `further speakers) of ${speakers.toLocaleString('en-GB')} speakers; ${steps.toLocaleString('en-GB')} steps in ${minutes} ` +
      `minutes on ${machine} (seed ${seed})${earlier.join('')}. AAM-softmax and distillation, noise, babble, rooms, microphones, telephone and ` +
      `codec bands as augmentation, weights averaged, sources normalised and the mean embedding subtracted inside the module.`,
    `- Command: \`${command}\`, in \`models/\`, code of commit \`${commit}\``,
    `- Teacher: ${teacher.name} (${teacher.licence}; ${teacher.architecture}; trained on ${teacher.trainedOn}): ${teacher.use}. ` +
      `It knows the speakers of \`libri\`'s corpus, so its own rates there flatter.`,
  ].join('\n\n');
}

function sources({ sources: rows }) {
  return table(
    ['source', 'licence', 'recordings', 'hours'],
    rows.map(({ name, licence, recordings, hours }) => [
      name,
      licence,
      recordings.toLocaleString('en-GB'),
      hours.toFixed(2),
    ]),
  );
}
