import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { parseColumn } from '../evaluation/groups.js';
import type { TrialSpeakers } from '../evaluation/bootstrap.js';
import { aboutPeople, trialsOf } from '../evaluation/enrolled-trials.js';
import type { Cohort, Normalisation } from '../evaluation/normalise.js';
import { trialSpeakers, type TrialScores } from '../evaluation/trial-scores.js';
import { findBundle, modelFolders } from '../models/cache.js';
import { calibrationFile, learnCalibration, type LearnedCalibration } from '../scoring/learn-calibration.js';
import { writeCalibrationFile, type CalibrationFile } from '../scoring/model-calibration.js';
import { encodeVectors } from '../scoring/vectors.js';
import { mergePatch } from '../support/merge-patch.js';
import { table, type Cli } from './cli.js';
import { number } from './options.js';
import { addServiceOptions, ServiceClient, type ServiceOptions } from './service-client.js';
import { addTrialOptions, runTrials, type TrialOptions, type TrialRun } from './trial-run.js';

interface CalibrateOptions extends TrialOptions, ServiceOptions {
  fromService?: true;
  recordings: boolean;
  durations?: true;
  even?: true;
  out?: string;
  bundle?: string;
  save?: true;
  use?: true;
  note?: string;
  json?: true;
}

/** The others mean nothing without a list. */
const WITHOUT_LIST = [
  'fromService',
  'durations',
  'balanced',
  'out',
  'save',
  'use',
  'note',
  'json',
  'url',
  'keyFile',
  'dataDir',
];

const HELP = `
Fits llr = offset + scale * score by logistic regression at a prior of one half, cross-validated over speakers, and
thresholds for false acceptance rates of 1 % and 0.1 %. Refuses lists that are too small to be trusted, and those in
which same and different speakers can hardly be told apart. The file is used where TIMBRE_CALIBRATION names it. With --save
a running service keeps it as its next version, and with --use decides by it at once (\`timbre calibrations\`); that needs a key
with the scope admin.

With --from-service the trials are those of the people who are enrolled, whom the service compares itself: each recording
against the profile of its speaker's others, and that profile against twenty recordings of strangers, of 2,000 recordings at
most. It needs a key with the scope admin, and is in the audit trail.

Examples:
  timbre calibrate trials.txt --root recordings --out calibration.json
  timbre calibrate trials.txt --root recordings --profiles 3,10
  timbre calibrate trials.txt --norm as --closest 20 --groups files.tsv:source --within --even
  timbre calibrate --from-service --out calibration.json
  timbre calibrate --from-service --save --use --note 'conference rooms'
  timbre calibrate trials.txt --model mine --bundle mine-calibrated.pt`;

export function register(program: Command, cli: Cli): void {
  const command = addTrialOptions(
    program
      .command('calibrate')
      .description('learn what scores are worth as evidence, and thresholds, from a list of trials')
      .argument('[trials]', 'a line `label enrolment test` each, label 1 for the same speaker, 0 for different ones'),
  )
    .option('--from-service', 'learn from the people who are enrolled in a service')
    .option(
      '--profiles <counts>',
      'learn from profiles of so many recordings, too, and let the evidence depend on how many there are: 3,10',
      counts,
    )
    .option('--no-recordings', 'with --profiles: the evidence does not depend on how many recordings there are')
    .option('--durations', 'let the evidence depend on how much speech there is')
    .option('--even', 'every value of --groups weighs the same, whatever its number of speakers; with --within')
    .option('--out <file>', 'the calibration file (default: calibration.json, unless --bundle or --save is given)')
    .option('--bundle <file>', 'write a copy of the model that carries the calibration')
    .option('--save', 'save it in the service, as the next version')
    .option('--use', 'with --save: put it to use at once')
    .option('--note <text>', 'with --save: what it is, for people')
    .option('--json', 'one JSON document')
    .addHelpText('after', HELP);
  addServiceOptions(command).action((trials: string | undefined, options: CalibrateOptions) =>
    calibrateModel(cli, trials, options, command),
  );
}

/** Numbers between commas. */
function counts(text: string): number[] {
  return text.split(',').map(number(2, 1000));
}

/** Scored trials, and what the calibration says of where it was learned. */
interface Source {
  model: string;
  scores: TrialScores;
  speakers: TrialSpeakers;
  norm: Normalisation;
  closest?: number | undefined;
  /** The source of each trial, by number, where every one weighs the same. */
  sources?: Uint32Array | undefined;
  cohort: Cohort | null;
  about: Record<string, unknown>;
}

async function fromList(cli: Cli, trials: string, options: CalibrateOptions): Promise<Source> {
  if (options.embeddings !== undefined) {
    throw new TimbreError('INVALID_ARGUMENT', 'a calibration belongs to a model: --embeddings cannot be calibrated');
  }
  if (options.even && !options.within) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      '--even weighs trials by the value that their sides share: give --within',
    );
  }
  // A calibration is learned on plain scores unless another norm is asked for, whatever the model carries.
  const run = await runTrials(cli, trials, { ...options, norm: options.norm ?? 'none' });
  const { model, scores, norm, closest } = run;
  return {
    model,
    scores,
    speakers: trialSpeakers(run.list, scores.trials, run.speakerOf),
    norm,
    closest,
    sources: options.even ? sourceNumbers(run) : undefined,
    cohort: options.cohort === undefined ? null : run.cohort,
    about: {
      trials: basename(trials),
      sha256: createHash('sha256')
        .update(await readFile(trials))
        .digest('hex'),
      ...(options.select.length > 0 && { selected: options.select }),
      ...(options.within && { within: parseColumn(options.groups!).column }),
      ...(options.even && { even: true }),
      ...(options.cut !== undefined && { cutSeconds: options.cut }),
      ...(options.profiles && { profiles: options.profiles }),
      balanced: options.balanced === true,
    },
  };
}

/** The value of --groups of each scored trial, numbered. */
function sourceNumbers({ list, scores, valueOf }: TrialRun): Uint32Array {
  const numbers = new Map<string, number>();
  return Uint32Array.from(scores.trials, (i) => {
    const value = valueOf!(list.tests[list.test[i]!]!)!;
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  });
}

async function fromService(cli: Cli, options: CalibrateOptions, command: Command): Promise<Source> {
  const other = command.options.find((option) => {
    const name = option.attributeName();
    return !WITHOUT_LIST.includes(name) && command.getOptionValueSource(name) === 'cli';
  });
  if (other) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      `${other.long} is for a list of trials: leave it out with --from-service`,
    );
  }
  const client = new ServiceClient(cli, options);
  const { model, recordings, drawn, unreadable, trials } = await client.call('getEnrolledTrials');
  if (drawn) cli.note(`there are more than these ${recordings} recordings, which were drawn`);
  if (unreadable > 0) cli.note(`${unreadable} people are left out: their records cannot be read`);
  const about = aboutPeople(recordings, options.balanced === true);
  return { model, ...trialsOf(trials), norm: 'none', cohort: null, about };
}

async function calibrateModel(
  cli: Cli,
  trials: string | undefined,
  options: CalibrateOptions,
  command: Command,
): Promise<void> {
  if (options.bundle !== undefined && options.pauses !== undefined) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'a bundle carries the calibration of what it makes by itself: leave out --pauses, or write a file with --out',
    );
  }
  if ((trials === undefined) !== (options.fromService === true)) {
    throw new TimbreError('INVALID_ARGUMENT', 'name a list of trials, or give --from-service, and not both');
  }
  if (options.save === undefined && (options.use !== undefined || options.note !== undefined)) {
    throw new TimbreError('INVALID_ARGUMENT', '--use and --note are of a calibration that is saved: give --save, too');
  }
  const source = trials === undefined ? await fromService(cli, options, command) : await fromList(cli, trials, options);
  const { model } = source;
  const learned = learnCalibration(source.scores, source.speakers, {
    norm: source.norm,
    closest: source.closest,
    sources: source.sources,
    durations: options.durations === true,
    recordings: options.recordings && (options.fromService === true || options.profiles !== undefined),
    balanced: options.balanced === true,
  });
  const own = source.cohort ? { cohort: encodeVectors(source.cohort) } : {};
  const plain = calibrationFile(model, learned, source.about);
  const { calibration, thresholds, impostorTail, learned: about } = plain;
  const file = { ...plain, ...own };
  const written: string[] = [];
  if (options.bundle !== undefined) {
    const { readManifest, updateManifest } = await import('../addon/bundles.js');
    const from = await findBundle(options.model, modelFolders(cli.env));
    const known = (await readManifest(from))['calibration'];
    // A measure that the calibration of before looked at, and this one does not, must not stay.
    const before = typeof known === 'object' && known !== null ? { ...known } : {};
    const patch = mergePatch(before, { ...calibration, learned: about });
    await updateManifest(from, { calibration: patch, thresholds, impostorTail, ...own }, options.bundle);
    written.push(options.bundle);
  }
  const goesElsewhere = options.bundle !== undefined || options.save === true;
  const path = options.out ?? (goesElsewhere ? undefined : 'calibration.json');
  if (path !== undefined) {
    await writeCalibrationFile(path, file);
    written.push(path);
  }
  const saved = options.save === true ? await save(cli, file, options) : null;
  if (options.json) await cli.json({ model, calibration, thresholds, impostorTail, learned: about, written, saved });
  else await cli.line(describe(model, learned, [...wrote(written), ...(saved ? [describeSaved(saved)] : [])]));
}

interface Saved {
  version: number;
  inUse: boolean;
}

async function save(cli: Cli, file: CalibrationFile, options: CalibrateOptions): Promise<Saved> {
  const { note } = options;
  const { version, inUse } = await new ServiceClient(cli, options).call('saveCalibration', {
    json: {
      calibration: { ...file },
      from: options.fromService === true ? 'people' : 'file',
      use: options.use === true,
      ...(note !== undefined && { note }),
    },
  });
  return { version, inUse };
}

function describeSaved({ version, inUse }: Saved): string {
  return `saved as version ${version}, ${inUse ? 'in use' : `not in use: timbre calibrations use ${version}`}`;
}

function wrote(written: readonly string[]): string[] {
  return written.length > 0 ? [`wrote ${written.join(' and ')}`] : [];
}

function describe(
  model: string,
  { calibration, thresholds, evidence, points }: LearnedCalibration,
  outcome: readonly string[],
): string {
  const terms = Object.entries(calibration.quality).map(([name, weight]) => ` + ${weight.toFixed(3)} ${name}`);
  const rows = thresholds.map(({ falseAcceptRate, cosine, llr }, i) => [
    `${100 * falseAcceptRate} %`,
    cosine === null ? '-' : cosine.toFixed(3),
    llr!.toFixed(2),
    `${(100 * points[i]!.frr).toFixed(2)} %`,
  ]);
  return [
    `${model}, ${evidence.targets} target and ${evidence.impostors} impostor trials of ${evidence.speakers} speakers`,
    `llr = ${calibration.offset.toFixed(3)} + ${calibration.scale.toFixed(3)} score${terms.join('')}`,
    `Cllr ${evidence.cllr.toFixed(3)}, on speakers held out ${evidence.crossValidatedCllr.toFixed(3)}, at best ${evidence.minCllr.toFixed(3)} bits`,
    '',
    table([['false accepts', 'cosine', 'llr', 'false rejects'], ...rows]),
    '',
    ...outcome,
  ].join('\n');
}
