import { operatingPoints, walk, type OperatingPoint, type ScoredTrials } from './scores.js';

/**
 * Equal error rate, a share in [0, 1]: where false acceptance and false rejection are equally frequent, on the
 * straight line between the two operating points around it.
 */
export function equalErrorRate(trials: ScoredTrials, weights?: Float64Array): number {
  trials.requireBothKinds();
  let previous = { far: 0, frr: 1 };
  let rate: number | undefined;
  walk(trials, weights, (_, far, frr) => {
    if (rate !== undefined) return;
    if (far >= frr) {
      const before = previous.frr - previous.far;
      const after = far - frr;
      const share = before + after > 0 ? before / (before + after) : 0;
      rate = previous.frr + share * (frr - previous.frr);
    }
    previous = { far, frr };
  });
  // Undefined only when the weights leave no target or no impostor trial.
  return rate ?? NaN;
}

/** Costs of a detection: prior of a target trial, cost of a false rejection and of a false acceptance. */
export interface DetectionCost {
  prior: number;
  missCost: number;
  falseAlarmCost: number;
}

/** NIST's costs: both errors cost 1. */
export function detectionCost(prior: number): DetectionCost {
  return { prior, missCost: 1, falseAlarmCost: 1 };
}

function costOf({ prior, missCost, falseAlarmCost }: DetectionCost, far: number, frr: number): number {
  return missCost * prior * frr + falseAlarmCost * (1 - prior) * far;
}

/** The cost of deciding without looking, by which costs are normalised. */
function defaultCost({ prior, missCost, falseAlarmCost }: DetectionCost): number {
  return Math.min(missCost * prior, falseAlarmCost * (1 - prior));
}

/** Smallest normalised detection cost over all thresholds, and the threshold that reaches it. */
export function minDcf(
  trials: ScoredTrials,
  cost: DetectionCost,
  weights?: Float64Array,
): { value: number; threshold: number } {
  trials.requireBothKinds();
  let best = { value: Infinity, threshold: Infinity };
  walk(trials, weights, (threshold, far, frr) => {
    const value = costOf(cost, far, frr);
    if (value < best.value) best = { value, threshold };
  });
  return { value: best.value / defaultCost(cost), threshold: best.threshold };
}

/** Normalised detection cost at the threshold that log-likelihood ratios should be cut at (Bayes). */
export function actualDcf(llrs: ScoredTrials, cost: DetectionCost, weights?: Float64Array): number {
  const threshold = Math.log((cost.falseAlarmCost * (1 - cost.prior)) / (cost.missCost * cost.prior));
  const { far, frr } = ratesAt(llrs, threshold, weights);
  return costOf(cost, far, frr) / defaultCost(cost);
}

/** Error rates when scores of at least `threshold` are accepted. */
export function ratesAt(trials: ScoredTrials, threshold: number, weights?: Float64Array): OperatingPoint {
  trials.requireBothKinds();
  let rates: OperatingPoint = { threshold, far: 0, frr: 1 };
  walk(trials, weights, (score, far, frr) => {
    if (score >= threshold) rates = { threshold, far, frr };
  });
  return rates;
}

/** The lowest threshold whose false acceptance rate is at most `far`, with its rates. */
export function pointAtFar(trials: ScoredTrials, far: number, weights?: Float64Array): OperatingPoint {
  let found: OperatingPoint = { threshold: Infinity, far: 0, frr: 1 };
  for (const point of operatingPoints(trials, weights)) {
    if (point.far <= far) found = point;
  }
  return found;
}

/**
 * Cllr in bits (Brümmer and du Preez, 2006): the mean cost of log-likelihood ratios over all priors; 0 is perfect, 1
 * is what "no information" costs.
 */
export function cllr(llrs: ScoredTrials, weights?: Float64Array): number {
  llrs.requireBothKinds();
  const sums = [0, 0];
  const totals = [0, 0];
  for (let i = 0; i < llrs.length; i++) {
    const weight = weights ? weights[llrs.order[i]!]! : 1;
    const target = llrs.targets[i]!;
    sums[target]! += weight * softplus(target ? -llrs.scores[i]! : llrs.scores[i]!);
    totals[target]! += weight;
  }
  return (sums[1]! / totals[1]! + sums[0]! / totals[0]!) / (2 * Math.LN2);
}

/** ln(1 + e^x) without overflow. */
export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** Cllr of the best monotone calibration of these scores, by pooling adjacent violators. */
export function minCllr(trials: ScoredTrials, weights?: Float64Array): number {
  trials.requireBothKinds();
  const targetMass: number[] = [];
  const totalMass: number[] = [];
  // Ascending scores; a block's share of targets must not fall. Trials of one score are one block.
  for (let i = trials.length - 1; i >= 0;) {
    const score = trials.scores[i];
    let target = 0;
    let total = 0;
    for (; i >= 0 && trials.scores[i] === score; i--) {
      const weight = weights ? weights[trials.order[i]!]! : 1;
      total += weight;
      if (trials.targets[i]) target += weight;
    }
    if (total === 0) continue;
    while (totalMass.length > 0 && target * totalMass.at(-1)! <= targetMass.at(-1)! * total) {
      target += targetMass.pop()!;
      total += totalMass.pop()!;
    }
    targetMass.push(target);
    totalMass.push(total);
  }
  const targets = targetMass.reduce((a, b) => a + b, 0);
  const impostors = totalMass.reduce((a, b) => a + b, 0) - targets;
  let cost = 0;
  for (let block = 0; block < totalMass.length; block++) {
    const target = targetMass[block]!;
    const impostor = totalMass[block]! - target;
    // exp(-llr) and exp(llr), the block's odds corrected by the list's.
    if (target > 0) cost += (target / targets) * Math.log2(1 + ((impostor / target) * targets) / impostors);
    if (impostor > 0) cost += (impostor / impostors) * Math.log2(1 + ((target / impostor) * impostors) / targets);
  }
  return cost / 2;
}
