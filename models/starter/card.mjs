// models/starter.md from the bundle's manifest, what measure.mjs found, and choices.json.
import { readFileSync } from 'node:fs';
import {
  calibrationName, DEV, errorRate, grouped, LIBRI, NOT_MEASURED, percent, ratesOf, REPORTED, REPORTED_FEWER, table, TITLES,
} from './figures.mjs'; // prettier-ignore
import { CONDITIONS, COPIES, CUTS, FEWER, REPORT_FEWER } from './plan.mjs';
import { targetsOf } from './targets.mjs';

/** Choices made on `dev` that neither the run nor the bundle knows of, and what else was tried, with its error rates. */
const { choices: CHOICES, tried: TRIED } = JSON.parse(readFileSync(new URL('choices.json', import.meta.url), 'utf8'));

const OTHERS = ['starter', 'campplus', 'resemblyzer'];

/** The part of the results that the bundle carries itself. */
export function summaryOf(measured) {
  return REPORTED.flatMap(({ name, ...part }) => {
    const single = ratesOf(measured, { system: 'starter', condition: 'single', ...part });
    if (!single) return [];
    const evidence = ratesOf(measured, { system: 'starter', condition: 'single', evidence: true, ...part });
    return {
      part: part.list === 'report' ? `report, ${name}` : name,
      eer: single.eer,
      eerInterval: single.eerInterval,
      eerThreeEnrolments: ratesOf(measured, { system: 'starter', condition: 'three', ...part })?.eer ?? null,
      minDcf001: single.costs[0].minDcf,
      cllr: evidence?.cllr ?? null,
      minCllr: evidence?.minCllr ?? null,
    };
  });
}

/** @returns {string} the card */
export function cardOf(manifest, measured) {
  const { training, calibration, thresholds } = manifest;
  return `${[
    `# The bundled model: starter`,
    introduction(manifest),
    `## What it is good for, and what it is not`,
    purpose(measured),
    `## Lists`,
    lists(measured, training),
    `## Error rates`,
    `Equal error rates in per cent with their 95 % interval (bootstrap over speakers), cosine, by \`timbre evaluate\`. ` +
      `Both sides of a trial are of one part. starter, the bundle of before and CAM++ embed recordings without their ` +
      `long pauses ([the rule](../docs/models.md#pauses)), Resemblyzer embeds them whole. ` +
      `[docs/comparison.md](../docs/comparison.md) says which model to take when.`,
    `### Single utterances`,
    systems(measured, 'single'),
    `### Three averaged enrolment utterances`,
    systems(measured, 'three'),
    `### By length`,
    `Both sides cut to the seconds from the middle of the recording, where it is that long; pauses are taken out ` +
      `behind that. "Whole" is of the same trials.`,
    conditions(measured, CUTS.map((cut) => `cut-${cut}`)), // prettier-ignore
    `### With silence, and through codecs`,
    copiesNote(measured),
    conditions(measured, COPIES, { kept: true }),
    `### Against what was asked`,
    targets(measured),
    `### On \`dev\`, where choices were made`,
    dev(measured, training),
    `### Detection costs and score normalisation`,
    `Costs at target priors of 0.01 and 0.05, both errors costing 1, divided by the smaller prior.`,
    costs(measured, calibration),
    `## Evidence and thresholds`,
    evidence(measured, calibration, thresholds),
    calibrations(training, calibration),
    ...(TRIED.length > 0 ? [`## What was tried`, tried()] : []),
    `## Training`,
    history(training),
    `![Loss and error rates while training](starter-training.svg)`,
    `## Data`,
    sources(training),
  ].join('\n\n')}\n`;
}

function introduction({ network, embedding, storage, licence, training }) {
  const size = `${network.channels} channels, ${embedding.dim}-dimensional embeddings`;
  return (
    `A small ECAPA-TDNN (${size}, ${storage} weights), trained by this repository (\`models/training\`) on ` +
    `${training.hours} hours of openly licensed speech of ${grouped(training.speakers)} people. It makes ` +
    `Timbre work from the first minute, offline. Licence of the weights: ${licence}. This page is written by ` +
    `\`models/starter/make.mjs\`; every number is from \`models/starter.json\` or the bundle itself.`
  );
}

function purpose(measured) {
  const at = (list, part) => {
    const rates = ratesOf(measured, { system: 'starter', condition: 'single', list, part });
    return rates ? `${percent(rates.eer, 1)} %` : NOT_MEASURED;
  };
  return [
    `- For trying Timbre, for tests, for machines without a network, and for telling a handful of people apart who ` +
      `speak sentences into ordinary microphones (EER on read books ${at('libri', 'all')}, on volunteers' own devices ` +
      `${at('report', 'common_voice_others')}, in French ${at('report', 'common_voice_french')}).`,
    `- Telephone: ${at('report', 'wuw2')}; single words: ${at('report', '*speech_commands')}. Where that is too high, ` +
      `see [which model to take](../docs/comparison.md).`,
    `- Not for decisions about people that rest on the voice alone. It does not know recordings that are played back or ` +
      `made by a machine.`,
    `- Recordings of one speaker in these lists are mostly from one device and one sitting, so the rates flatter. ` +
      `\`libri\` has 10 speakers: its intervals are wide.`,
  ].join('\n');
}

function lists(measured, training) {
  const uses = {
    report: 'measured at the end of a run; its speakers are in no training, mean, cohort or choice',
    [REPORT_FEWER]: `the same speakers, at most ${FEWER} recordings of each, taken by a hash of their path: cuts and copies`,
    libri: 'measured at the end of a run',
    dev: 'error rates while training, calibration, and every choice',
  };
  const rows = Object.entries(uses).map(([list, use]) => {
    const facts = measured.lists[list];
    const numbers = facts
      ? [facts.speakers, facts.recordings, facts.targets, facts.impostors].map(grouped)
      : ['-', '-', '-', '-'];
    return [`\`${list}\``, ...numbers, use];
  });
  return [
    table(['list', 'speakers', 'recordings', 'target trials', 'impostor trials', 'use'], rows),
    `Trials of \`report\` are made as those of \`dev\` are ([docs/training.md](../docs/training.md#data)). Choices made on ` +
      `\`dev\`: ${choices(training)}.`,
  ].join('\n\n');
}

/** Every choice with the number of candidates, and how many there were. */
function choices({ normalisation, calibrations }) {
  const all = [
    { what: 'how sources are normalised, each of them judged with it left out', candidates: normalisation?.tried.length ?? null },
    { what: 'the calibration, by people and by parts that it is not learned on', candidates: calibrations?.length ?? null },
    ...CHOICES,
  ]; // prettier-ignore
  const counted = all.reduce((sum, { candidates }) => sum + (candidates ?? 0), 0);
  const each = all.map(
    ({ what, candidates }) =>
      `${what} (${candidates === null ? 'candidates not counted' : `${candidates} candidates`})`,
  );
  return `${each.join('; ')}; ${counted} candidates that were counted`;
}

/** A row for each part, a column for each system. */
function systems(measured, condition) {
  const rows = REPORTED.map(({ name, ...part }) => {
    const rates = OTHERS.map((system) => ratesOf(measured, { system, condition, ...part }));
    const [own] = rates;
    const trials = own ? `${grouped(own.targets)} / ${grouped(own.impostors)}, ${own.speakers}` : '-';
    const before =
      part.list === 'report'
        ? 'trained on them'
        : errorRate(ratesOf(measured, { system: 'before', condition, ...part }));
    return [name, trials, ...rates.map(errorRate), before];
  });
  const titles = [`**${TITLES.starter}**`, TITLES.campplus, TITLES.resemblyzer, TITLES.before];
  return table(['part', 'targets / impostors, speakers', ...titles], rows);
}

/** A row for each part and system, a column for each condition beside the whole recordings. */
function conditions(measured, ids, { kept = false } = {}) {
  const all = ['single', ...ids];
  const header = all.map((id) => CONDITIONS.find((condition) => condition.id === id).name);
  const rows = REPORTED_FEWER.flatMap(({ name, ...part }) => {
    const row = (title, measurement) => [
      name,
      title,
      ...all.map((condition) => errorRate(ratesOf(measured, { condition, ...measurement, ...part }))),
    ];
    const others = part.list === LIBRI.list ? [...OTHERS, 'before'] : OTHERS;
    return [
      ...others.map((system) => row(system === 'starter' ? '**starter**' : TITLES[system], { system })),
      ...(kept ? [row('starter, pauses kept', { system: 'starter', kept: true })] : []),
    ];
  });
  return table(['part', 'system', ...header], rows);
}

function copiesNote({ notMeasured }) {
  const missing = Object.entries(notMeasured).map(([id, why]) => `${id} (${why})`);
  return (
    `Both sides of a trial: hiss of -70 dBFS for so long before and behind, or through an encoder of ffmpeg and back ` +
    `(\`models/training/conditions.py\`).` +
    ` Resemblyzer, which embeds recordings whole, was given 60 s of silence on \`libri\` alone.` +
    (missing.length > 0 ? ` Not measured: ${missing.join(', ')}.` : '')
  );
}

function targets(measured) {
  const verdict = { true: 'yes', false: 'no', null: NOT_MEASURED };
  const rows = targetsOf(measured).map(({ what, asked, reached, met }) => [what, asked, reached ?? '-', verdict[met]]);
  return [
    table(['', 'asked', 'reached', 'met'], rows),
    `Error rates were asked on lists of other people, too, which are not in this repository and not measured here.`,
  ].join('\n\n');
}

function dev(measured, training) {
  const rows = DEV.flatMap(({ name, ...part }) =>
    [...OTHERS, 'before'].map((system) => [
      name,
      system === 'starter' ? '**starter**' : TITLES[system],
      ...['single', 'three', 'cut-1'].map((condition) =>
        condition === 'cut-1' && system !== 'starter' && system !== 'before'
          ? '-'
          : errorRate(ratesOf(measured, { system, condition, ...part })),
      ),
    ]),
  );
  return [
    `Rates here flatter whoever was chosen by them: both bundles.`,
    table(['part', 'system', 'single utterances', 'three enrolments', '1 s'], rows),
    normalisations(training),
  ].join('\n\n');
}

/** What `finish` tried, by sources that were left out of the estimate. */
function normalisations({ normalisation }) {
  if (!normalisation?.tried.length) return 'Nothing was normalised by sources but the mean.';
  const parts = [...new Set(normalisation.tried.flatMap(({ eer_left_out: rates }) => Object.keys(rates)))];
  const rows = normalisation.tried.map(({ strength, centred, eer_left_out: rates, mean_eer: mean }) => {
    const chosen = strength === normalisation.strength && centred === normalisation.centred;
    const what = `strength ${strength}, ${centred ? 'mean subtracted' : 'no mean subtracted'}`;
    return [
      chosen ? `**${what}**` : what,
      ...parts.map((part) => rates[part]?.toFixed(2) ?? '-'),
      Number.isFinite(mean) ? mean.toFixed(2) : '-',
    ];
  });
  return [
    'How sources are normalised ([docs/training.md](../docs/training.md)), EER in per cent of each source of `dev` with an ' +
      'estimate that left this source out; the last column is their mean by speakers. In bold what was chosen.',
    table(['', ...parts, 'mean'], rows),
  ].join('\n\n');
}

const NORMS = { none: 'cosine', s: 's-norm', as: 'AS-norm' };

function costs(measured, { norm }) {
  const kinds = [{}, ...(norm === 'none' ? [] : [{ evidence: true }])];
  const rows = REPORTED.flatMap(({ name, ...part }) =>
    kinds.map((kind) => {
      const rates = ratesOf(measured, { system: 'starter', condition: 'single', ...kind, ...part });
      const title = NORMS[kind.evidence ? norm : 'none'];
      if (!rates) return [name, title, NOT_MEASURED, '-', '-', '-'];
      const strict = rates.frrAtFar1 === null ? '-' : percent(rates.frrAtFar1, 1);
      return [name, title, percent(rates.eer), ...rates.costs.map(({ minDcf }) => minDcf.toFixed(3)), strict];
    }),
  );
  return table(['part', 'scores', 'EER %', 'minDCF 0.01', 'minDCF 0.05', 'FRR % at FAR 1 %'], rows);
}

function evidence(measured, calibration, thresholds) {
  const { learned, offset, scale, norm, closest, quality } = calibration;
  const terms = Object.entries(quality).map(
    ([name, weight]) => ` ${weight < 0 ? '-' : '+'} ${Math.abs(weight).toFixed(3)} x ${name}`,
  );
  const lines = thresholds.map(
    ({ falseAcceptRate, llr }) => `- ${100 * falseAcceptRate} % of impostors accepted: llr ${llr.toFixed(2)}`,
  ); // prettier-ignore
  const all = { list: 'report', part: 'all', name: 'report, all parts' };
  const single = [all, ...REPORTED].map(({ name, ...part }) =>
    promises(name, ratesOf(measured, { system: 'starter', condition: 'single', evidence: true, ...part })),
  );
  const three = [all, ...REPORTED].map(({ name, ...part }) =>
    promises(name, ratesOf(measured, { system: 'starter', condition: 'three', evidence: true, ...part })),
  );
  const treated = ['single', ...CUTS.map((cut) => `cut-${cut}`), ...COPIES].map((condition) =>
    promises(
      CONDITIONS.find(({ id }) => id === condition).name,
      ratesOf(measured, { system: 'starter', list: REPORT_FEWER, part: 'all', condition, evidence: true }),
    ),
  );
  const header = ['Cllr', 'min Cllr', 'accepted at 1 %', 'accepted at 0.1 %'];
  return [
    `Scores become log-likelihood ratios (natural) by llr = ${offset.toFixed(3)} + ${scale.toFixed(3)} x ${NORMS[norm]}` +
      `${terms.join('')}, learned on ${learned.selected ? `\`${learned.selected.join('`, `')}\` of ` : 'all of '}\`dev\`: a ` +
      `recording against one, and against profiles of 3 and of 10 (${grouped(learned.targets)} target and ` +
      `${grouped(learned.impostors)} impostor trials of ${learned.speakers} speakers, both sides of one ${learned.within}` +
      `${learned.even ? `, each ${learned.within} weighing the same` : ''}; Cllr ${learned.cllr.toFixed(3)}, on speakers held out ` +
      `${learned.crossValidatedCllr.toFixed(3)}). ${closest === undefined ? '' : `AS-norm looks at the ${closest} closest of the cohort. `}` +
      `Nothing of \`report\` or \`libri\` was learned from. Thresholds:`,
    lines.join('\n'),
    `What they do to other people. Impostor trials have both sides in one part. "Accepted": impostors above the threshold in ` +
      `per cent with its 95 % interval over speakers, and how many of how many trials. Single utterances:`,
    table(['part', ...header], single),
    `Three enrolment utterances:`,
    table(['part', ...header], three),
    `\`${REPORT_FEWER}\`, all parts, by what was done to both sides:`,
    table(['', ...header], treated),
  ].join('\n\n');
}

/** A row of Cllr and of what the thresholds for 1 % and 0.1 % accepted. */
function promises(name, rates) {
  if (!rates) return [name, NOT_MEASURED, '-', '-', '-'];
  const accepted = [0.01, 0.001].map((rate) => {
    const kept = rates.promised.find(({ asked }) => asked === rate);
    if (!kept) return '-';
    const [low, high] = kept.farInterval;
    return `${percent(kept.far)} [${percent(low)}, ${percent(high)}], ${grouped(kept.accepted)} of ${grouped(rates.impostors)}`;
  });
  return [name, rates.cllr.toFixed(3), rates.minCllr.toFixed(3), ...accepted];
}

/** The candidates for the calibration, by what they did to people and parts of `dev` that were left out of learning them. */
function calibrations({ calibrations: candidates }, calibration) {
  const chosen = candidates.find((candidate) => isLearnedBy(candidate, calibration));
  const cells = (rates) => rates.map(({ far, frr }) => `${percent(far)} (${percent(frr, 1)})`);
  const rows = candidates.map((candidate) => {
    const name = calibrationName(candidate);
    const { people, parts, matched } = candidate;
    return [candidate === chosen ? `**${name}**` : name, ...cells(people), ...cells(parts), ...matched.map(({ frr }) => percent(frr, 1))];
  }); // prettier-ignore
  const parts = Object.keys(chosen?.parts[0]?.byPart ?? {});
  const kinds = ['people', 'parts'];
  const byPart = parts.map((part) => [
    part,
    ...kinds.flatMap((kind) => chosen[kind].map(({ byPart: rates }) => (rates[part] ? cells([rates[part]])[0] : '-'))),
  ]);
  const header = ['people, 1 %', 'people, 0.1 %', 'parts, 1 %', 'parts, 0.1 %'];
  return [
    `The calibration was chosen among these, each learned without the people, and without the part of \`dev\`, that it is then ` +
      `judged on (\`make.mjs --only calibrate\`). Impostors accepted at the thresholds for 1 % and 0.1 % in per cent, means over parts ` +
      `and over single recordings and profiles of 3 and 10, and in brackets the targets that are missed. The last columns are the ` +
      `misses where the thresholds are moved until parts that were left out are accepted at the promised rates; the one with the ` +
      `least of these, in bold, was taken.`,
    table(['', ...header, 'misses at 1 %', 'misses at 0.1 %'], rows),
    ...(chosen ? [`The chosen one by part, single recordings:`, table(['', ...header], byPart)] : []),
  ].join('\n\n');
}

/** Whether a candidate is what the bundle's calibration was learned by. */
function isLearnedBy({ norm, closest, recordings, durations, even, on }, calibration) {
  const { quality, learned } = calibration;
  return (
    norm === calibration.norm &&
    closest === calibration.closest &&
    recordings === 'logRecordings' in quality &&
    durations === 'logShorter' in quality &&
    even === (learned.even === true) &&
    (on === undefined) === (learned.selected === undefined)
  );
}

/** EER in per cent by what was tried, of single utterances of parts of `dev`. */
function tried() {
  const rows = TRIED.map(({ what, dev: rates }) => [
    what,
    ...DEV.map(({ part }) => (rates[part] === undefined ? '-' : percent(rates[part]))),
  ]);
  return table(['EER % on `dev`', ...DEV.map(({ name }) => name)], rows);
}

function history({
  machine,
  minutes,
  steps,
  seed,
  startedFrom,
  commit,
  command,
  teachers,
  speakers,
  recordings,
  hours,
}) {
  const runs = [];
  for (let run = startedFrom; run; run = run.startedFrom) runs.push(run);
  const earlier = runs.map(
    (run) => `, after a run of ${grouped(run.steps)} steps in ${run.minutes} minutes (seed ${run.seed})`,
  );
  return [
    `${grouped(recordings)} recordings (${hours} hours after trimming, each also at other speeds as further speakers) of ` +
      `${grouped(speakers)} speakers; ${grouped(steps)} steps in ${minutes} minutes on ${machine} (seed ${seed})` +
      `${earlier.join('')}. The recipe is described in [docs/training.md](../docs/training.md); its numbers stand in the ` +
      `bundle's manifest (\`training.recipe\`).`,
    `- Command: \`${command}\`, in \`models/\`, code of commit \`${commit}\``,
    ...teachers.map(
      ({ name, licence, architecture, trainedOn }) =>
        `- Teacher: ${name} (${licence}; ${architecture}; trained on ${trainedOn}). Its embeddings of the training ` +
        `recordings are targets of a distillation loss; nothing of it is in the bundle.`,
    ),
    `Resemblyzer knows the corpus of \`libri\`, and which recordings CAM++ knows is not published: their own rates may flatter.`,
  ].join('\n\n');
}

function sources({ sources: rows }) {
  return table(
    ['source', 'licence', 'recordings', 'hours'],
    rows.map(({ name, licence, recordings, hours }) => [name, licence, grouped(recordings), hours.toFixed(2)]),
  );
}
