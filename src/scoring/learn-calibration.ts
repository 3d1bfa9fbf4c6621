import { TimbreError } from '../errors/timbre-error.js';
import { evenWeights, pairBalancedWeights, type TrialSpeakers } from '../evaluation/bootstrap.js';
import {
  calibrate,
  crossValidatedCllr,
  SIDE_QUALITY,
  sideQuality,
  fitCalibration,
  requireEnoughForCalibration,
  type CalibrationData,
} from '../evaluation/calibration.js';
import { cllr, minCllr, ratesAt } from '../evaluation/metrics.js';
import type { Normalisation } from '../evaluation/normalise.js';
import { ScoredTrials, type OperatingPoint } from '../evaluation/scores.js';
import type { TrialScores } from '../evaluation/trial-scores.js';
import { fitImpostorTail, scoreAtRate, type ImpostorTail } from './impostor-tail.js';
import type { CalibrationFile, ScoreCalibration, ScoreThreshold } from './model-calibration.js';

/** False acceptance rates that thresholds are set for. */
export const THRESHOLD_RATES = [0.01, 0.001] as const;
/** Impostor trials that have to lie above a threshold for its rate to be more than chance. */
const LEAST_FALSE_ACCEPTS = 5;

/**
 * Share of the tail where sources weigh the same and there are enough impostors: further down the mixture of those whose strangers
 * score high and low is no Pareto.
 */
const MIXED_TAIL = { share: 0.02, impostors: 5000 };

/** Cllr at best, in bits, above which scores are worth nearly nothing. */
const MOST_OVERLAP = 0.8;

export interface LearnedCalibration {
  calibration: ScoreCalibration;
  thresholds: ScoreThreshold[];
  /** How high strangers score, in natural log-likelihood ratios. */
  impostorTail: ImpostorTail;
  /** Of each trial that it was learned on. */
  llrs: Float64Array;
  /** The rates of each threshold on the trials that it was learned from. */
  points: OperatingPoint[];
  evidence: {
    targets: number;
    impostors: number;
    speakers: number;
    cllr: number;
    crossValidatedCllr: number;
    minCllr: number;
  };
}

export interface LearnOptions {
  norm: Normalisation;
  /** Speakers of the cohort that AS-norm looked at; undefined: `AS_NORM_TOP`. */
  closest?: number | undefined;
  /** Looks at how much speech the sides have. */
  durations: boolean;
  /** Looks at how many recordings the sides are of. */
  recordings: boolean;
  /** Every pair of speakers weighs the same. */
  balanced: boolean;
  /** The source of each trial, by number: every source weighs the same, whatever its number of speakers and trials. */
  sources?: Uint32Array | undefined;
}

/** What decisions need of scored trials. */
interface Learned {
  calibration: ScoreCalibration;
  impostorTail: ImpostorTail;
  /** The evidence that each trial has. */
  llrs: Float64Array;
  data: CalibrationData & { weights?: Float64Array };
}

/** Calibration and thresholds from scored trials. Errors: INVALID_ARGUMENT where they are too few, or say nothing. */
export function learnCalibration(
  trials: TrialScores,
  speakers: TrialSpeakers,
  options: LearnOptions,
): LearnedCalibration {
  const { calibration, impostorTail, llrs, data } = learnEvidence(trials, speakers, options);
  const { weights } = data;
  const scored = new ScoredTrials(llrs, trials.labels);
  const atBest = minCllr(scored, weights);
  if (atBest > MOST_OVERLAP) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'same and different speakers can hardly be told apart in this list, so that nothing can be promised: at best ' +
        `${atBest.toFixed(2)} of the 1 bit that knowing nothing costs; check labels, recordings and the model`,
    );
  }
  const points = THRESHOLD_RATES.filter((rate) => rate * scored.impostorCount >= LEAST_FALSE_ACCEPTS).map((rate) => ({
    rate,
    point: ratesAt(scored, scoreAtRate(impostorTail, rate).score, weights),
  }));
  const straight = options.norm === 'none' && !data.quality;
  return {
    calibration,
    thresholds: points.map(({ rate, point }) => ({
      falseAcceptRate: rate,
      cosine: straight ? (point.threshold - calibration.offset) / calibration.scale : null,
      llr: point.threshold,
    })),
    impostorTail,
    llrs,
    points: points.map(({ point }) => point),
    evidence: {
      targets: scored.targetCount,
      impostors: scored.impostorCount,
      speakers: speakers.count,
      cllr: cllr(scored, weights),
      crossValidatedCllr: crossValidatedCllr(data, speakers),
      minCllr: atBest,
    },
  };
}

/** As a file has it; `about`: what it was learned on, for people. */
export function calibrationFile(
  model: string,
  { calibration, thresholds, impostorTail: tail, evidence }: LearnedCalibration,
  about: Record<string, unknown>,
): CalibrationFile {
  return { format: 1, model, calibration, thresholds, impostorTail: tail, learned: { ...about, ...evidence } };
}

/**
 * The line from scores to evidence, and how high strangers score on it. Errors: INVALID_ARGUMENT where there are too few
 * trials, or same speakers score no higher than different ones.
 */
export function learnEvidence(trials: TrialScores, speakers: TrialSpeakers, options: LearnOptions): Learned {
  const { scores, labels } = trials;
  requireEnoughForCalibration(labels, speakers.count);
  const measures = (['durations', 'recordings'] as const).flatMap((of) => (options[of] ? SIDE_QUALITY[of] : []));
  const quality = measures.length > 0 ? qualityColumns(trials, measures) : undefined;
  const { sources, closest } = options;
  const own = options.balanced ? pairBalancedWeights(speakers) : undefined;
  const weights = sources ? evenWeights(sources, labels, own) : own;
  const data = { scores, labels, ...(quality && { quality }), ...(weights && { weights }) };
  const calibration = { ...fitCalibration(data), norm: options.norm, ...(closest !== undefined && { closest }) };
  if (!(calibration.scale > 0)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'same speakers score no higher than different ones in this list: check its labels, and whether the model is trained',
    );
  }

  const llrs = Float64Array.from(scores, (score, i) =>
    calibrate(calibration, score, quality && Object.fromEntries(measures.map((name) => [name, quality[name]![i]!]))),
  );
  return { calibration, impostorTail: tailOf(llrs, trials, speakers, sources), llrs, data };
}

/**
 * Every pair of speakers weighs the same, as strangers of a service are not the few who recorded most, or the same among
 * those of its source.
 */
function tailOf(
  llrs: Float64Array,
  { labels }: TrialScores,
  speakers: TrialSpeakers,
  sources: Uint32Array | undefined,
): ImpostorTail {
  const balanced = pairBalancedWeights(speakers);
  const weights = sources ? evenWeights(sources, labels, balanced) : balanced;
  const impostors = Uint32Array.from(labels.keys()).filter((i) => !labels[i]);
  const of = (values: ArrayLike<number>): Float64Array => Float64Array.from(impostors, (i) => values[i]!);
  // The weights of one pair's trials sum to 1, so that they count pairs.
  const options = { weights: of(weights), counts: of(balanced) };
  const mixed = sources !== undefined && impostors.length >= MIXED_TAIL.impostors;
  return fitImpostorTail(of(llrs), mixed ? { ...options, tailShare: MIXED_TAIL.share } : options);
}

/** The measures of each trial, by name. Errors: INVALID_ARGUMENT. */
function qualityColumns(
  { secondsA, secondsB, recordings }: TrialScores,
  names: readonly (keyof ReturnType<typeof sideQuality>)[],
): Record<string, Float64Array> {
  const rows = Array.from(secondsA, (seconds, i) =>
    sideQuality({ seconds, recordings: recordings[i]! }, { seconds: secondsB[i]!, recordings: 1 }),
  );
  if (rows.some((row) => names.some((name) => Number.isNaN(row[name])))) {
    throw new TimbreError('INVALID_ARGUMENT', 'the seconds of speech of some recordings are not known');
  }
  return Object.fromEntries(names.map((name) => [name, Float64Array.from(rows, (row) => row[name])]));
}
