import { dirname, join, relative, resolve, sep } from 'node:path';
import { Option, type Command } from 'commander';
import type { PauseHandling } from '../addon/types.js';
import { TimbreError } from '../errors/timbre-error.js';
import { calibrate, sideQuality } from '../evaluation/calibration.js';
import { defaultCacheFolder, EmbeddingCache } from '../evaluation/embedding-cache.js';
import { parseColumn, selectTrials } from '../evaluation/groups.js';
import { toUnit, type Cohort, type Normalisation } from '../evaluation/normalise.js';
import {
  embedRecordings,
  readEmbeddings,
  type EmbeddingTable,
  type EmbedRecordingsOptions,
  type RecordingEncoder,
} from '../evaluation/recordings.js';
import { withProfiles } from '../evaluation/profile-trials.js';
import type { PromisedThreshold } from '../evaluation/report.js';
import { recordingsOf, scoreTrials, speakersOf, type TrialScores } from '../evaluation/trial-scores.js';
import { readEnrolmentMap, readRecordingTable, readTrials, type TrialList } from '../evaluation/trials.js';
import { scoreAtRate } from '../scoring/impostor-tail.js';
import {
  calibrationFor,
  modelFor,
  NOT_CALIBRATED,
  readCalibrationFile,
  type ModelCalibration,
} from '../scoring/model-calibration.js';
import type { Cli } from './cli.js';
import { withEncoder, type EncoderOptions } from './encoder.js';
import {
  allowCodeOption,
  deviceOption,
  precisionOption,
  modelOption,
  number,
  pausesOption,
  whole,
  workersOption,
} from './options.js';
import { recordingsBelow, type Given } from './recordings.js';

/** Options that `evaluate` and `calibrate` share. */
export interface TrialOptions extends EncoderOptions {
  root?: string;
  enrol?: string;
  norm?: Normalisation;
  /** Speakers of the cohort that as-norm looks at. */
  closest?: number;
  cohort?: string;
  groups?: string;
  merge: string[];
  select: string[];
  within?: true;
  balanced?: true;
  /** Trials are made with profiles of so many recordings, too. */
  profiles?: number[];
  cut?: number;
  pauses?: PauseHandling;
  embeddings?: string;
  cache: string | boolean;
}

export function addTrialOptions(command: Command): Command {
  const several = (value: string, before: string[]): string[] => [...before, value];
  return command
    .addOption(modelOption())
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(allowCodeOption())
    .addOption(workersOption())
    .option('--root <folder>', 'where the paths of the list start (default: the folder of the list)')
    .option(
      '--enrol <map>',
      'the list names enrolment ids; a line `id path path ...` of the map gives each its recordings',
    )
    .addOption(
      new Option('--norm <kind>', 'score normalisation (default: what the calibration was learned with)').choices([
        'none',
        's',
        'as',
      ]),
    )
    .addOption(
      new Option(
        '--closest <speakers>',
        'how many of the cohort as-norm looks at (default: as many as the calibration was learned with, else 200)',
      ).argParser(whole(2, 100_000)),
    )
    .option('--cohort <folder>', "recordings for score normalisation, a subfolder a speaker (default: the model's own)")
    .option('--groups <table:column>', 'rates per value of a column; the table is a TSV with a column `path`')
    .option(
      '--merge <pattern>',
      'one more group, of all values that match, such as common_voice_*; repeatable',
      several,
      [],
    )
    .option('--select <pattern>', 'only trials whose two values match; repeatable', several, [])
    .option('--within', 'only trials whose two values are the same')
    .option('--balanced', 'every pair of speakers weighs the same, whatever its number of trials')
    .addOption(
      new Option('--cut <seconds>', 'embed only so much from the middle of each recording').argParser(
        number(0.1, 3600),
      ),
    )
    .addOption(pausesOption())
    .option('--embeddings <file>', 'embeddings made elsewhere, JSON lines { path, embedding }, instead of a model')
    .option('--cache <folder>', 'where embeddings are kept between runs (default: ~/.cache/timbre/embeddings)')
    .option('--no-cache', 'keep no embeddings');
}

/** A list, scored. */
export interface TrialRun {
  /** `<id>@<digits>`, or the file of the embeddings. */
  model: string;
  /** Null where the embeddings came from a file. */
  manifest: Record<string, unknown> | null;
  list: TrialList;
  recordings: number;
  scores: TrialScores;
  norm: Normalisation;
  /** Speakers of the cohort that as-norm looked at; undefined: `AS_NORM_TOP`. */
  closest: number | undefined;
  cohort: Cohort | null;
  /** Log-likelihood ratios of the scores; null without a calibration for them. */
  llrs: Float64Array | null;
  /** Thresholds on the log-likelihood ratios; empty without them. */
  thresholds: PromisedThreshold[];
  speakerOf: (recording: string) => string;
  /** The value of the column in --groups. */
  valueOf: ((recording: string) => string | undefined) | undefined;
}

/** Reads the list, embeds what is not cached and scores every trial. */
export async function runTrials(
  cli: Cli,
  trials: string,
  options: TrialOptions,
  calibrationFile?: string,
): Promise<TrialRun> {
  const enrolmentMap = options.enrol === undefined ? undefined : await readEnrolmentMap(options.enrol);
  const groups = options.groups === undefined ? undefined : parseColumn(options.groups);
  const facts = groups && (await readRecordingTable(groups.file));
  const valueOf = facts && ((recording: string) => facts.get(recording)?.[groups.column]);
  if (facts && ![...facts.values()].some((row) => groups.column in row)) {
    throw new TimbreError('INVALID_ARGUMENT', `${groups.file} has no column "${groups.column}"`);
  }
  const selects = options.select.length > 0 || options.within === true;
  if (!valueOf && (selects || options.merge.length > 0)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      '--select, --within and --merge look at values of --groups: name a table and a column',
    );
  }
  let list = await readTrials(trials, enrolmentMap);
  if (valueOf && selects) {
    list = selectTrials(list, valueOf, { patterns: options.select, within: options.within === true });
  }
  const named = facts && new Map([...facts].flatMap(([path, row]) => (row['speaker'] ? [[path, row['speaker']]] : [])));
  const speakerOf = speakersOf(list, named);
  if (options.profiles) list = withProfiles(list, speakerOf, options.profiles);

  const paths = recordingsOf(list);
  const root = options.root ?? dirname(trials);
  const embedded =
    options.embeddings === undefined
      ? await embedByModel(cli, paths, root, options, calibrationFile)
      : await fromFile(paths, options);
  const { model, manifest, table, calibration } = embedded;
  for (const { path, error } of table.failed) cli.fail(error, path);

  const known = calibration.calibration;
  const norm = options.norm ?? known?.norm ?? 'none';
  if (options.closest !== undefined && norm !== 'as') {
    throw new TimbreError('INVALID_ARGUMENT', '--closest is of as-norm: give --norm as, too');
  }
  const closest = options.closest ?? (known?.norm === norm ? known.closest : undefined);
  const scores = scoreTrials(list, table, norm, embedded.cohort, closest);
  if (scores.skipped > 0) {
    cli.warn(`${scores.skipped} of ${list.labels.length} trials are left out: their recordings have no embedding`);
  }
  const llrs = known?.norm === norm && known.closest === closest ? llrsOf(scores, calibration) : null;
  return {
    model,
    manifest,
    list,
    recordings: paths.length,
    scores,
    norm,
    closest,
    cohort: embedded.cohort,
    llrs,
    thresholds: llrs ? thresholdsOf(calibration) : [],
    speakerOf,
    valueOf,
  };
}

interface Embedded {
  model: string;
  manifest: Record<string, unknown> | null;
  table: EmbeddingTable;
  calibration: ModelCalibration;
  cohort: Cohort | null;
}

async function fromFile(paths: string[], options: TrialOptions): Promise<Embedded> {
  for (const name of ['cut', 'pauses', 'cohort'] as const) {
    if (options[name] !== undefined) {
      throw new TimbreError('INVALID_ARGUMENT', `--${name} needs recordings: it cannot be used with --embeddings`);
    }
  }
  const file = options.embeddings!;
  const table = await readEmbeddings(file, paths);
  return { model: file, manifest: null, table, calibration: NOT_CALIBRATED, cohort: null };
}

async function embedByModel(
  cli: Cli,
  paths: string[],
  root: string,
  options: TrialOptions,
  calibrationFile: string | undefined,
): Promise<Embedded> {
  return withEncoder(cli, options, {}, async (encoder) => {
    const info = encoder.info();
    const { manifest, embeddingDim: dim } = info;
    const { pauses } = options;
    const model = modelFor(info, pauses);
    const folder = typeof options.cache === 'string' ? options.cache : defaultCacheFolder(cli.env);
    const cutSeconds = options.cut;
    const cache =
      options.cache === false
        ? undefined
        : EmbeddingCache.of(folder, model, cutSeconds === undefined ? '' : `cut-${cutSeconds}`);
    const embed = (title: string, wanted: string[], from: string): Promise<EmbeddingTable> =>
      embedWithProgress(cli, title, encoder, wanted, {
        root: from,
        dim,
        cache,
        cutSeconds,
        pauses,
        signal: cli.signal,
      });
    const table = await embed('embedding', paths, root);
    const calibration =
      calibrationFile === undefined
        ? calibrationFor(info, pauses)
        : await readCalibrationFile(calibrationFile, info, pauses);
    const cohort = options.cohort === undefined ? calibration.cohort : await cohortFrom(cli, options.cohort, embed);
    return { model, manifest, table, calibration, cohort };
  });
}

async function embedWithProgress(
  cli: Cli,
  title: string,
  encoder: RecordingEncoder,
  paths: string[],
  options: EmbedRecordingsOptions,
): Promise<EmbeddingTable> {
  const progress = cli.progress(title, paths.length, 'files');
  try {
    return await embedRecordings(encoder, paths, {
      ...options,
      onProgress: (done, cached, failed) => progress.update(done, { failed, resumed: cached }),
    });
  } finally {
    progress.stop();
  }
}

function isText({ from }: Given): boolean {
  return typeof from === 'string';
}

/** Unit means of the speakers in a folder, one subfolder each; recordings beside the subfolders are speakers of one. */
async function cohortFrom(
  cli: Cli,
  folder: string,
  embed: (title: string, paths: string[], root: string) => Promise<EmbeddingTable>,
): Promise<Cohort> {
  const found = await recordingsBelow(cli, folder);
  const [readable, others] = [found.filter(isText), found.filter((given) => !isText(given))];
  for (const { path } of others) {
    cli.fail(new TimbreError('AUDIO_NOT_FOUND', 'the name is no UTF-8; rename it to have it in a cohort'), path);
  }
  const paths = readable.map(({ path }) => relative(folder, path));
  const table = await embed('embedding the cohort', paths, resolve(folder));
  for (const { path, error } of table.failed) cli.fail(error, join(folder, path));
  const means = new Map<string, Float32Array>();
  for (const [path, row] of table.rows) {
    const speaker = path.split(sep)[0]!;
    const mean = means.get(speaker) ?? new Float32Array(table.dim);
    for (let i = 0; i < table.dim; i++) mean[i]! += table.vectors[row * table.dim + i]!;
    means.set(speaker, mean);
  }
  if (means.size < 2) throw new TimbreError('INVALID_ARGUMENT', `the cohort ${folder} has ${means.size} speakers`);
  const embeddings = new Float32Array(means.size * table.dim);
  [...means.values()].forEach((mean, row) => embeddings.set(toUnit(mean), row * table.dim));
  return { embeddings, dim: table.dim };
}

/** False acceptance rates whose thresholds are measured. */
const PROMISED_RATES = [0.01, 0.001];

function thresholdsOf({ thresholds, impostorTail }: ModelCalibration): PromisedThreshold[] {
  return PROMISED_RATES.flatMap((asked) => {
    const learned = thresholds.find(({ falseAcceptRate }) => falseAcceptRate === asked);
    const llr = learned?.llr ?? (impostorTail && scoreAtRate(impostorTail, asked).score);
    return llr === null ? [] : [{ asked, llr }];
  });
}

function llrsOf({ scores, ...sides }: TrialScores, { calibration }: ModelCalibration): Float64Array {
  return Float64Array.from(scores, (score, i) => {
    const enrolment = { seconds: sides.secondsA[i]!, recordings: sides.recordings[i]! };
    return calibrate(calibration!, score, sideQuality(enrolment, { seconds: sides.secondsB[i]!, recordings: 1 }));
  });
}
