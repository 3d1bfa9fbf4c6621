import { cllr, detectionCost, equalErrorRate, minCllr, minDcf } from '../../../evaluation/metrics.js';
import { operatingPoints, ScoredTrials } from '../../../evaluation/scores.js';
import { TimbreError } from '../../../client/index.js';
import { fitImpostorTail, type ImpostorTail } from '../../../scoring/impostor-tail.js';
import type { ScoredList } from './scored-list.js';

/** Priors at which detection costs are stated, as `timbre evaluate` states them. */
export const COST_PRIORS = [0.01, 0.05] as const;

const BINS = 60;

/** Every operating point, thresholds descending from "accept nobody" (infinity). */
export interface Curve {
  thresholds: Float64Array;
  /** Share of strangers accepted, and of the same people missed. */
  far: Float64Array;
  frr: Float64Array;
}

export interface Histogram {
  /** Lower edge of each bin, and the upper one of the last. */
  edges: Float64Array;
  /** Share of each kind of trials in each bin. */
  strangers: Float64Array;
  same: Float64Array;
}

/** What can be said of a list; plain data, so that a worker can make it. */
export interface Measures {
  targets: number;
  impostors: number;
  name: string | null;
  eer: number;
  /** Score at which both errors are nearest to each other. */
  eerThreshold: number;
  costs: { prior: number; minDcf: number }[];
  minCllr: number;
  /** Of log-likelihood ratios; null where the scores are something else. */
  cllr: number | null;
  /** Of people whom the calibration was not learned on; null where none was learned. */
  heldOutCllr: number | null;
  curve: Curve;
  histogram: Histogram;
  /** How high strangers score; null where there are too few of them to know. */
  tail: ImpostorTail | null;
}

/** Errors: INVALID_ARGUMENT where there are not both kinds of trials. */
export function measure({ scores, labels, name }: ScoredList): Measures {
  const trials = new ScoredTrials(scores, labels);
  trials.requireBothKinds();
  const curve = curveOf(trials);
  return {
    targets: trials.targetCount,
    impostors: trials.impostorCount,
    name,
    eer: equalErrorRate(trials),
    eerThreshold: nearestErrors(curve),
    costs: COST_PRIORS.map((prior) => ({ prior, minDcf: minDcf(trials, detectionCost(prior)).value })),
    minCllr: minCllr(trials),
    cllr: name === 'llr' ? cllr(trials) : null,
    heldOutCllr: null,
    curve,
    histogram: histogramOf(trials),
    tail: tailOf(scores, labels),
  };
}

function curveOf(trials: ScoredTrials): Curve {
  const points = operatingPoints(trials);
  return {
    thresholds: Float64Array.from(points, ({ threshold }) => threshold),
    far: Float64Array.from(points, ({ far }) => far),
    frr: Float64Array.from(points, ({ frr }) => frr),
  };
}

function nearestErrors({ thresholds, far, frr }: Curve): number {
  let best = 0;
  for (let i = 1; i < far.length; i++) {
    if (Math.abs(far[i]! - frr[i]!) < Math.abs(far[best]! - frr[best]!)) best = i;
  }
  return thresholds[best]!;
}

function histogramOf(trials: ScoredTrials): Histogram {
  const [high, low] = [trials.scores[0]!, trials.scores[trials.length - 1]!];
  const span = high - low || 1;
  const shares = [new Float64Array(BINS), new Float64Array(BINS)] as const;
  const totals = [trials.impostorCount, trials.targetCount];
  for (let i = 0; i < trials.length; i++) {
    const bin = Math.min(BINS - 1, Math.floor(((trials.scores[i]! - low) / span) * BINS));
    const kind = trials.targets[i]!;
    shares[kind === 1 ? 1 : 0][bin]! += 1 / totals[kind]!;
  }
  const edges = Float64Array.from({ length: BINS + 1 }, (_, i) => low + (i * span) / BINS);
  return { edges, strangers: shares[0], same: shares[1] };
}

function tailOf(scores: Float64Array, labels: Uint8Array): ImpostorTail | null {
  try {
    return fitImpostorTail(scores.filter((_, i) => labels[i] === 0));
  } catch (error) {
    // Too few strangers, or all of one score: decisions are read from the list itself then.
    if (error instanceof TimbreError && error.code === 'INVALID_ARGUMENT') return null;
    throw error;
  }
}
