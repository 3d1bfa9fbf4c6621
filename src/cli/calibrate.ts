import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { TimbreError } from '../errors/timbre-error.js';
import { parseColumn } from '../evaluation/groups.js';
import { trialSpeakers } from '../evaluation/trial-scores.js';
import { findBundle, modelFolders } from '../models/cache.js';
import { learnCalibration, type LearnedCalibration } from '../scoring/learn-calibration.js';
import { writeCalibrationFile } from '../scoring/model-calibration.js';
import { encodeVectors } from '../scoring/vectors.js';
import { table, type Cli } from './cli.js';
import { addTrialOptions, runTrials, type TrialOptions } from './trial-run.js';

interface CalibrateOptions extends TrialOptions {
  durations?: true;
  out?: string;
  bundle?: string;
  json?: true;
}

const HELP = `
Fits llr = offset + scale * score by logistic regression at a prior of one half, cross-validated over speakers, and
thresholds for false acceptance rates of 1 % and 0.1 %. Refuses lists that are too small to be trusted. The file is
used where TIMBRE_CALIBRATION names it.

Examples:
  timbre calibrate trials.txt --root recordings --out calibration.json
  timbre calibrate trials.txt --model mine --bundle mine-calibrated.pt`;

export function register(program: Command, cli: Cli): void {
  addTrialOptions(
    program
      .command('calibrate')
      .description('learn what scores are worth as evidence, and thresholds, from a list of trials')
      .argument('<trials>', 'a line `label enrolment test` each, label 1 for the same speaker, 0 for different ones'),
  )
    .option('--durations', 'let the evidence depend on how much speech there is')
    .option('--out <file>', 'the calibration file (default: calibration.json, unless --bundle is given)')
    .option('--bundle <file>', 'write a copy of the model that carries the calibration')
    .option('--json', 'one JSON document')
    .addHelpText('after', HELP)
    .action((trials: string, options: CalibrateOptions) => calibrateModel(cli, trials, options));
}

async function calibrateModel(cli: Cli, trials: string, options: CalibrateOptions): Promise<void> {
  if (options.embeddings !== undefined) {
    throw new TimbreError('INVALID_ARGUMENT', 'a calibration belongs to a model: --embeddings cannot be calibrated');
  }
  if (options.bundle !== undefined && options.pauses !== undefined) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'a bundle carries the calibration of what it makes by itself: leave out --pauses, or write a file with --out',
    );
  }
  // A calibration is learned on plain scores unless another norm is asked for, whatever the model carries.
  const run = await runTrials(cli, trials, { ...options, norm: options.norm ?? 'none' });
  const speakers = trialSpeakers(run.list, run.scores.trials, run.speakerOf);
  const learned = learnCalibration(run.scores, speakers, {
    norm: run.norm,
    durations: options.durations === true,
    balanced: options.balanced === true,
  });
  const { calibration, thresholds, impostorTail } = learned;
  const about = {
    trials: basename(trials),
    sha256: createHash('sha256')
      .update(await readFile(trials))
      .digest('hex'),
    ...(options.select.length > 0 && { selected: options.select }),
    ...(options.within && { within: parseColumn(options.groups!).column }),
    ...(options.cut !== undefined && { cutSeconds: options.cut }),
    balanced: options.balanced === true,
    ...learned.evidence,
  };
  const own = options.cohort !== undefined && run.cohort ? { cohort: encodeVectors(run.cohort) } : {};
  const written: string[] = [];
  if (options.bundle !== undefined) {
    const { updateManifest } = await import('../addon/bundles.js');
    const facts = { calibration: { ...calibration, learned: about }, thresholds, impostorTail, ...own };
    await updateManifest(await findBundle(options.model, modelFolders(cli.env)), facts, options.bundle);
    written.push(options.bundle);
  }
  const file = options.out ?? (options.bundle === undefined ? 'calibration.json' : undefined);
  if (file !== undefined) {
    const learnt = { calibration, thresholds, impostorTail, ...own, learned: about };
    await writeCalibrationFile(file, { format: 1, model: run.model, ...learnt });
    written.push(file);
  }
  if (options.json)
    await cli.json({ model: run.model, calibration, thresholds, impostorTail, learned: about, written });
  else await cli.line(describe(run.model, learned, written));
}

function describe(
  model: string,
  { calibration, thresholds, evidence, points }: LearnedCalibration,
  written: string[],
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
    `wrote ${written.join(' and ')}`,
  ].join('\n');
}
