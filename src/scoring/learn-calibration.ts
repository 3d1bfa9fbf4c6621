import { TimbreError } from '../errors/timbre-error.js';
import { pairBalancedWeights, type TrialSpeakers } from '../evaluation/bootstrap.js';
import {
  calibrate,
  crossValidatedCllr,
  SIDE_QUALITY,
  sideQuality,
  fitCalibration,
  requireEnoughForCalibration,
  type Calibration,
} from '../evaluation/calibration.js';
import { cllr, minCllr, pointAtFar } from '../evaluation/metrics.js';
import type { Normalisation } from '../evaluation/normalise.js';
import { ScoredTrials, type OperatingPoint } from '../evaluation/scores.js';
import type { TrialScores } from '../evaluation/trial-scores.js';
import { fitImpostorTail, type ImpostorTail } from './impostor-tail.js';
import type { CalibrationFile, ScoreThreshold } from './model-calibration.js';

/** False acceptance rates that thresholds are set for. */
export const THRESHOLD_RATES = [0.01, 0.001] as const;
/** Impostor trials that have to lie above a threshold for its rate to be more than chance. */
const LEAST_FALSE_ACCEPTS = 5;

/** Cllr at best, in bits, above which scores are worth nearly nothing. */
const MOST_OVERLAP = 0.8;

export interface LearnedCalibration {
  calibration: Calibration & { norm: Normalisation };
  thresholds: ScoreThreshold[];
  /** How high strangers score, in natural log-likelihood ratios. */
  impostorTail: ImpostorTail;
  /** Of each trial that it was learned on. */
  llrs: Float64Array;
  /** The rates of each threshold on the trials it was set on. */
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
  /** Looks at how much speech the sides have. */
  durations: boolean;
  /** Looks at how many recordings the sides are of. */
  recordings: boolean;
  balanced: boolean;
}

/** Calibration and thresholds from scored trials. Errors: INVALID_ARGUMENT where they are too few, or say nothing. */
export function learnCalibration(
  trials: TrialScores,
  speakers: TrialSpeakers,
  options: LearnOptions,
): LearnedCalibration {
  const { scores, labels } = trials;
  requireEnoughForCalibration(labels, speakers.count);
  const measures = (['durations', 'recordings'] as const).flatMap((of) => (options[of] ? SIDE_QUALITY[of] : []));
  const quality = measures.length > 0 ? qualityColumns(trials, measures) : undefined;
  const weights = options.balanced ? pairBalancedWeights(speakers) : undefined;
  const data = { scores, labels, ...(quality && { quality }), ...(weights && { weights }) };
  const calibration = { ...fitCalibration(data), norm: options.norm };
  if (!(calibration.scale > 0)) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'same speakers score no higher than different ones in this list: check its labels, and whether the model is trained',
    );
  }

  const llrs = Float64Array.from(scores, (score, i) =>
    calibrate(calibration, score, quality && Object.fromEntries(measures.map((name) => [name, quality[name]![i]!]))),
  );
  const scored = new ScoredTrials(llrs, labels);
  const points = THRESHOLD_RATES.filter((rate) => rate * scored.impostorCount >= LEAST_FALSE_ACCEPTS)
    .map((rate) => ({ rate, point: pointAtFar(scored, rate, weights) }))
    // Infinite where an impostor trial scores highest of all.
    .filter(({ point }) => Number.isFinite(point.threshold));
  const straight = options.norm === 'none' && !quality;
  const atBest = minCllr(scored, weights);
  if (atBest > MOST_OVERLAP) {
    throw new TimbreError(
      'INVALID_ARGUMENT',
      'same and different speakers can hardly be told apart in this list, so that nothing can be promised: at best ' +
        `${atBest.toFixed(2)} of the 1 bit that knowing nothing costs; check labels, recordings and the model`,
    );
  }
  return {
    calibration,
    thresholds: points.map(({ rate, point }) => ({
      falseAcceptRate: rate,
      cosine: straight ? (point.threshold - calibration.offset) / calibration.scale : null,
      llr: point.threshold,
    })),
    impostorTail: impostorTail(llrs, trials, speakers),
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

/** Every pair of speakers weighs the same, as strangers of a service are not the few who recorded most. */
function impostorTail(llrs: Float64Array, { labels }: TrialScores, speakers: TrialSpeakers): ImpostorTail {
  const balanced = pairBalancedWeights(speakers);
  const impostors = Uint32Array.from(labels.keys()).filter((i) => !labels[i]);
  const weights = Float64Array.from(impostors, (i) => balanced[i]!);
  // The weights of one pair's trials sum to 1, so that their sum counts the pairs.
  const pairs = weights.reduce((sum, weight) => sum + weight, 0);
  return fitImpostorTail(
    Float64Array.from(impostors, (i) => llrs[i]!),
    { weights, independent: pairs },
  );
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
