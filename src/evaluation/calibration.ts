import { TimbreError } from '../errors/timbre-error.js';
import { seededUniform, type TrialSpeakers } from './bootstrap.js';
import { cllr } from './metrics.js';
import { ScoredTrials } from './scores.js';

/**
 * A linear calibration of scores to log-likelihood ratios (natural log):
 * llr = offset + scale * score + sum of quality weights * quality measures.
 */
export interface Calibration {
  offset: number;
  scale: number;
  /** Weight of each quality measure, by name; empty without. */
  quality: Record<string, number>;
}

/** Applies a calibration to one score. */
export function calibrate(
  calibration: Calibration,
  score: number,
  quality: Readonly<Record<string, number>> = {},
): number {
  let llr = calibration.offset + calibration.scale * score;
  for (const [name, weight] of Object.entries(calibration.quality)) {
    const measure = quality[name];
    if (measure === undefined) {
      throw new TimbreError('INVALID_ARGUMENT', `the calibration needs the quality measure "${name}"`);
    }
    llr += weight * measure;
  }
  return llr;
}

/** Probability of "same speaker" from a log-likelihood ratio and the prior share of target trials. */
export function probability(llr: number, prior = 0.5): number {
  return 1 / (1 + Math.exp(-llr - Math.log(prior / (1 - prior))));
}

/** What is known of one side of a trial, beside its embedding. */
export interface SideMeasures {
  /** Seconds of speech; of all recordings of a profile. */
  seconds: number;
  /** Recordings that the embedding is the mean of. */
  recordings: number;
}

/** Quality measures by what they are of: how much speech the sides have, and how many recordings. */
export const SIDE_QUALITY = { durations: ['logShorter', 'logLonger'], recordings: ['logRecordings'] } as const;

type SideQuality = (typeof SIDE_QUALITY)[keyof typeof SIDE_QUALITY][number];

/**
 * Quality measures of a trial from its two sides: short recordings carry less evidence, profiles of several more, and
 * their cosines are higher. Natural logarithms of seconds, and of the product of both sides' recordings.
 */
export function sideQuality(a: SideMeasures, b: SideMeasures): Record<SideQuality, number> {
  return {
    logShorter: Math.log(Math.max(0.1, Math.min(a.seconds, b.seconds))),
    logLonger: Math.log(Math.max(0.1, Math.max(a.seconds, b.seconds))),
    logRecordings: Math.log(a.recordings * b.recordings),
  };
}

/** Whether a calibration looks at the durations of the sides. */
export function looksAtDurations({ quality }: Pick<Calibration, 'quality'>): boolean {
  return SIDE_QUALITY.durations.some((name) => name in quality);
}

export interface CalibrationData {
  scores: ArrayLike<number>;
  labels: ArrayLike<number | boolean>;
  /** One row of values per trial and measure. */
  quality?: Readonly<Record<string, ArrayLike<number>>>;
  weights?: ArrayLike<number>;
}

/** Fewest trials of each kind, and fewest speakers, from which a calibration is fitted. */
export const CALIBRATION_MINIMUM = { targets: 100, impostors: 500, speakers: 10 };

/** Refuses data too small for a calibration that could be trusted, saying how much is missing. */
export function requireEnoughForCalibration(labels: ArrayLike<number | boolean>, speakers: number): void {
  let targets = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i]) targets++;
  const have = { targets, impostors: labels.length - targets, speakers };
  const missing = (Object.keys(CALIBRATION_MINIMUM) as (keyof typeof have)[])
    .filter((kind) => have[kind] < CALIBRATION_MINIMUM[kind])
    .map(
      (kind) =>
        `${CALIBRATION_MINIMUM[kind] - have[kind]} more ${kind === 'speakers' ? kind : `${kind.slice(0, -1)} trials`}`,
    );
  if (missing.length > 0) {
    throw new TimbreError('INVALID_ARGUMENT', `too little to calibrate on: ${missing.join(', ')} are needed`);
  }
}

/**
 * Fits the linear calibration that minimises Cllr: logistic regression in which targets and impostors weigh the same
 * in sum (prior 0.5), by Newton's method with a light ridge on the standardised columns.
 */
export function fitCalibration(data: CalibrationData): Calibration {
  const names = Object.keys(data.quality ?? {});
  const columns: ArrayLike<number>[] = [data.scores, ...names.map((name) => data.quality![name]!)];
  const count = data.scores.length;
  const weightOf = (i: number): number => (data.weights ? data.weights[i]! : 1);
  const totals = [0, 0];
  for (let i = 0; i < count; i++) totals[data.labels[i] ? 1 : 0]! += weightOf(i);
  if (totals[0] === 0 || totals[1] === 0) {
    throw new TimbreError('INVALID_ARGUMENT', 'a calibration needs target and impostor trials');
  }

  const standard = columns.map((column) => standardisation(column, count));
  const size = columns.length + 1;
  const beta = new Float64Array(size);
  const ridge = 1e-6;
  for (let iteration = 0; iteration < 100; iteration++) {
    const gradient = new Float64Array(size);
    const hessian = Array.from({ length: size }, () => new Float64Array(size));
    const x = new Float64Array(size);
    for (let i = 0; i < count; i++) {
      const label = data.labels[i] ? 1 : 0;
      const weight = weightOf(i) / (2 * totals[label]!);
      x[0] = 1;
      for (let c = 0; c < columns.length; c++)
        x[c + 1] = (columns[c]![i]! - standard[c]!.mean) / standard[c]!.deviation;
      let llr = 0;
      for (let j = 0; j < size; j++) llr += beta[j]! * x[j]!;
      const p = probability(llr);
      for (let j = 0; j < size; j++) {
        gradient[j]! += weight * (p - label) * x[j]!;
        for (let k = 0; k <= j; k++) hessian[j]![k]! += weight * p * (1 - p) * x[j]! * x[k]!;
      }
    }
    for (let j = 0; j < size; j++) {
      gradient[j]! += ridge * beta[j]!;
      hessian[j]![j]! += ridge;
      for (let k = j + 1; k < size; k++) hessian[j]![k] = hessian[k]![j]!;
    }
    const step = solve(hessian, gradient);
    let largest = 0;
    for (let j = 0; j < size; j++) {
      // Separable data would send the scale to infinity; a bounded step keeps Newton inside the ridge's basin.
      const bounded = Math.max(-5, Math.min(5, step[j]!));
      beta[j]! -= bounded;
      largest = Math.max(largest, Math.abs(bounded));
    }
    if (largest < 1e-9) break;
  }

  const weights = columns.map((_, c) => beta[c + 1]! / standard[c]!.deviation);
  const offset = beta[0]! - weights.reduce((sum, weight, c) => sum + weight * standard[c]!.mean, 0);
  return { offset, scale: weights[0]!, quality: Object.fromEntries(names.map((name, q) => [name, weights[q + 1]!])) };
}

/**
 * Cllr (bits) of calibrations fitted without the speakers they are applied to: speakers are dealt into folds, a trial
 * is scored by the calibration fitted on trials with neither speaker in its fold.
 */
export function crossValidatedCllr(data: CalibrationData, speakers: TrialSpeakers, folds = 5, seed = 1): number {
  const uniform = seededUniform(seed);
  const fold = Uint8Array.from({ length: speakers.count }, () => Math.floor(uniform() * folds));
  const scores: number[] = [];
  const labels: number[] = [];
  const weights: number[] = [];
  for (let f = 0; f < folds; f++) {
    const inside: number[] = [];
    const outside: number[] = [];
    for (let i = 0; i < data.scores.length; i++) {
      const a = fold[speakers.a[i]!] === f;
      const b = fold[speakers.b[i]!] === f;
      if (a && b) inside.push(i);
      else if (!a && !b) outside.push(i);
    }
    if (inside.length === 0) continue;
    const fitted = fitCalibration(take(data, outside));
    for (const i of inside) {
      const quality = Object.fromEntries(
        Object.entries(data.quality ?? {}).map(([name, values]) => [name, values[i]!]),
      );
      scores.push(calibrate(fitted, data.scores[i]!, quality));
      labels.push(data.labels[i] ? 1 : 0);
      if (data.weights) weights.push(data.weights[i]!);
    }
  }
  return cllr(new ScoredTrials(scores, labels), data.weights && Float64Array.from(weights));
}

function take(data: CalibrationData, indices: number[]): CalibrationData {
  const pick = (values: ArrayLike<number>): Float64Array => Float64Array.from(indices, (i) => values[i]!);
  return {
    scores: pick(data.scores),
    labels: indices.map((i) => Boolean(data.labels[i])),
    ...(data.quality && {
      quality: Object.fromEntries(Object.entries(data.quality).map(([name, values]) => [name, pick(values)])),
    }),
    ...(data.weights && { weights: pick(data.weights) }),
  };
}

function standardisation(column: ArrayLike<number>, count: number): { mean: number; deviation: number } {
  let mean = 0;
  for (let i = 0; i < count; i++) mean += column[i]! / count;
  let variance = 0;
  for (let i = 0; i < count; i++) variance += (column[i]! - mean) ** 2 / count;
  const deviation = Math.sqrt(variance);
  // Of equal values the mean is rounded, and what that leaves is no deviation.
  return { mean, deviation: deviation > 1e-9 * Math.abs(mean) ? deviation : 1 };
}

/** Gaussian elimination with partial pivoting; the matrices here are at most 4 x 4 and positive definite. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
  const size = right.length;
  const rows = matrix.map((row, i) => Float64Array.from([...row, right[i]!]));
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let r = column + 1; r < size; r++) {
      if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let r = 0; r < size; r++) {
      if (r === column) continue;
      const factor = rows[r]![column]! / rows[column]![column]!;
      for (let c = column; c <= size; c++) rows[r]![c]! -= factor * rows[column]![c]!;
    }
  }
  return Float64Array.from(rows, (row, i) => row[size]! / row[i]!);
}
