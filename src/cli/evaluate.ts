import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Option, type Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { pairBalancedWeights } from '../evaluation/bootstrap.js';
import { groupTrials, type Group } from '../evaluation/groups.js';
import { detSvg, histogramSvg, pngOf, type DetCurve } from '../evaluation/plots.js';
import { reportGroup, type GroupReport } from '../evaluation/report.js';
import { ScoredTrials } from '../evaluation/scores.js';
import { trialSpeakers } from '../evaluation/trial-scores.js';
import { table, type Cli } from './cli.js';
import { evaluateDiarisation } from './evaluate-diarisation.js';
import { count } from './progress.js';
import { addTrialOptions, runTrials, type TrialOptions, type TrialRun } from './trial-run.js';

interface EvaluateOptions extends TrialOptions {
  calibration?: string;
  json?: true;
  out?: string;
  diarisation?: true;
}

const HELP = `
EER, with its 95 % interval over speakers; minDCF and actDCF at target priors of 0.01 and 0.05, both errors costing 1,
divided by the cost of deciding blindly; Cllr and minCllr in bits. docs/accuracy.md says what they mean.

Of turns: the diarisation error rate without a collar, its parts, and with 0.25 s left out about every boundary; overlap is
scored. The Jaccard error rate; how many speakers were found. Times are summed over recordings.

Examples:
  timbre evaluate trials.txt --root recordings
  timbre evaluate --diarisation references/ turns/
  timbre evaluate trials_dev.txt --groups files.tsv:source --merge 'common_voice_*' --out results`;

export function register(program: Command, cli: Cli): void {
  addTrialOptions(
    program
      .command('evaluate')
      .description('error rates of a model on a list of trials')
      .argument(
        '<trials>',
        'a line `label enrolment test` each, label 1 for the same speaker, 0 for different ones; with --diarisation ' +
          'the right turns, as RTTM or a folder of them',
      )
      .argument('[turns]', 'with --diarisation: the turns that were found, as RTTM or a folder of them'),
  )
    .addOption(
      new Option('--calibration <file>', "calibration to measure instead of the model's own").env('TIMBRE_CALIBRATION'),
    )
    .option('--diarisation', 'error rates of who spoke when, in place of those of trials')
    .option('--json', 'one JSON document')
    .option('--out <folder>', 'write evaluation.json, scores.tsv, and score histogram and DET curve as SVG and PNG')
    .addHelpText('after', HELP)
    .action((trials: string, turns: string | undefined, options: EvaluateOptions) => {
      if (!options.diarisation && turns === undefined) return evaluate(cli, trials, options);
      if (options.diarisation && turns !== undefined) return evaluateDiarisation(cli, trials, turns, options);
      throw new TimbreError(
        'INVALID_ARGUMENT',
        options.diarisation
          ? '--diarisation compares two: the right turns and those that were found'
          : 'a second argument goes with --diarisation: the turns that were found',
      );
    });
}

/** The document of --json and of evaluation.json. */
interface EvaluationDocument {
  model: string;
  trials: string;
  enrolment: string | null;
  recordings: number;
  skipped: number;
  norm: string;
  cutSeconds: number | null;
  balanced: boolean;
  selected: string[];
  costs: string;
  results: GroupReport[];
}

const COSTS = 'priors 0.01 and 0.05, miss and false alarm cost 1, divided by min(prior, 1 - prior)';

async function evaluate(cli: Cli, trials: string, options: EvaluateOptions): Promise<void> {
  const run = await runTrials(
    cli,
    trials,
    options,
    options.calibration ?? (cli.env['TIMBRE_CALIBRATION'] || undefined),
  );
  const balanced = options.balanced === true;
  const everything: Group = { name: 'all', members: Uint32Array.from(run.scores.labels.keys()) };
  const groups = [
    everything,
    ...(run.valueOf ? groupTrials(run.list, run.scores.trials, run.valueOf, options.merge) : []),
  ];
  const results = groups.flatMap((group) => reportOf(run, group, balanced) ?? []);
  if (results[0]?.group !== 'all') {
    const targets = run.scores.labels.reduce((sum, label) => sum + label, 0);
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `error rates need target and impostor trials; there are ${targets} and ${run.scores.labels.length - targets}`,
    );
  }
  const document: EvaluationDocument = {
    model: run.model,
    trials: basename(trials),
    enrolment: options.enrol === undefined ? null : basename(options.enrol),
    recordings: run.recordings,
    skipped: run.scores.skipped,
    norm: run.norm,
    cutSeconds: options.cut ?? null,
    balanced,
    selected: options.select,
    costs: COSTS,
    results,
  };
  if (options.out !== undefined) await writeResults(options.out, document, run, groups, results);
  if (options.json) await cli.json(document);
  else await cli.line(describe(document));
}

function pick<T extends Float64Array | Uint8Array | Uint32Array>(values: T, members: Uint32Array): T {
  const picked = new (values.constructor as new (length: number) => T)(members.length);
  members.forEach((member, i) => (picked[i] = values[member]!));
  return picked;
}

function reportOf(run: TrialRun, { name, members }: Group, balanced: boolean): GroupReport | undefined {
  const { scores } = run;
  return reportGroup(
    {
      group: name,
      scores: pick(scores.scores, members),
      llrs: run.llrs && pick(run.llrs, members),
      labels: pick(scores.labels, members),
      speakers: trialSpeakers(run.list, pick(scores.trials, members), run.speakerOf),
    },
    { balanced, thresholds: run.thresholds },
  );
}

/** A line for each scored trial, with its evidence where there is a calibration; what the page on accuracy reads. */
function* scoresTable({ list, scores, llrs }: TrialRun): Generator<string> {
  yield `label\tenrolment\ttest\tscore${llrs ? '\tllr' : ''}\n`;
  for (const [at, i] of scores.trials.entries()) {
    const sides = [list.enrolmentNames[list.enrolment[i]!]!, list.tests[list.test[i]!]!];
    const numbers = [scores.scores[at]!, ...(llrs ? [llrs[at]!] : [])];
    yield `${[scores.labels[at]!, ...sides, ...numbers].join('\t')}\n`;
  }
}

async function writeResults(
  folder: string,
  document: EvaluationDocument,
  run: TrialRun,
  groups: readonly Group[],
  results: readonly GroupReport[],
): Promise<void> {
  const { scores } = run;
  const curves: DetCurve[] = results.map(({ group, eer }) => {
    const { members } = groups.find(({ name }) => name === group)!;
    const trials = new ScoredTrials(pick(scores.scores, members), pick(scores.labels, members));
    const speakers = trialSpeakers(run.list, pick(scores.trials, members), run.speakerOf);
    return {
      name: `${group}, EER ${percent(eer)} %`,
      trials,
      ...(document.balanced && { weights: pairBalancedWeights(speakers) }),
    };
  });
  const axis = run.norm === 'none' ? 'cosine' : `${run.norm}-norm score`;
  const plots = {
    scores: histogramSvg(curves[0]!.trials, `${document.model}, ${document.trials}`, axis),
    det: detSvg(curves, `${document.model}, ${document.trials}`),
  };
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'evaluation.json'), `${JSON.stringify(document, null, 2)}\n`);
    await writeFile(join(folder, 'scores.tsv'), scoresTable(run));
    for (const [name, svg] of Object.entries(plots)) {
      await writeFile(join(folder, `${name}.svg`), svg);
      await writeFile(join(folder, `${name}.png`), await pngOf(svg));
    }
  } catch (error) {
    throw new TimbreError('WRITE_FAILED', `cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

function percent(share: number): string {
  return (100 * share).toFixed(2);
}

const PROMISED_HEADER = ['group', 'promised FAR', 'llr', 'impostors accepted', 'FAR %', '95 %', 'FRR %'];

function describe(document: EvaluationDocument): string {
  const { results } = document;
  const optional = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
  const rows = results.map((r) => [
    r.group,
    count(r.targets),
    count(r.impostors),
    count(r.speakers),
    percent(r.eer),
    `${percent(r.eerInterval[0])} - ${percent(r.eerInterval[1])}`,
    ...(document.balanced ? [] : [percent(r.balancedEer)]),
    ...r.costs.flatMap(({ minDcf, actDcf }) => [minDcf.toFixed(3), optional(actDcf)]),
    r.minCllr.toFixed(3),
    optional(r.cllr),
  ]);
  const costNames = results[0]!.costs.flatMap(({ prior }) => [`minDCF ${prior}`, `actDCF ${prior}`]);
  const header = [
    'group',
    'targets',
    'impostors',
    'speakers',
    'EER %',
    '95 %',
    ...(document.balanced ? [] : ['balanced']),
    ...costNames,
    'minCllr',
    'Cllr',
  ];
  const thresholds = results[0]!.table.map(({ asked, threshold, far, frr }) => [
    `${100 * asked} %`,
    Number.isFinite(threshold) ? threshold.toFixed(3) : '-',
    percent(far),
    percent(frr),
  ]);
  const promised = results.flatMap(({ group, impostors, promised }) =>
    promised.map(({ asked, llr, accepted, far, farInterval, frr }) => [
      group,
      `${100 * asked} %`,
      llr.toFixed(2),
      `${count(accepted)} of ${count(impostors)}`,
      percent(far),
      `${percent(farInterval[0])} - ${percent(farInterval[1])}`,
      percent(frr),
    ]),
  );
  const how = [
    document.norm === 'none' ? 'cosine' : `${document.norm}-norm`,
    ...(document.cutSeconds === null ? [] : [`cut to ${document.cutSeconds} s`]),
    ...(document.balanced ? ['balanced over speaker pairs'] : []),
  ];
  return [
    `${document.model} on ${document.trials}: ${count(document.recordings)} recordings, ${how.join(', ')}`,
    '',
    table([header, ...rows]),
    '',
    'Of all trials:',
    table([['asked FAR', 'threshold', 'FAR %', 'FRR %'], ...thresholds]),
    ...(promised.length === 0 ? [] : ['', "At the calibration's thresholds:", table([PROMISED_HEADER, ...promised])]),
  ].join('\n');
}
