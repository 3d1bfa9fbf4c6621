import { bootstrapInterval, pairBalancedWeights, type TrialSpeakers } from './bootstrap.js';
import { actualDcf, cllr, detectionCost, equalErrorRate, minCllr, minDcf, pointAtFar, ratesAt } from './metrics.js';
import { ScoredTrials, type OperatingPoint } from './scores.js';

/** Priors at which detection costs are stated; both errors cost 1, and costs are divided by the smaller prior. */
export const COST_PRIORS = [0.01, 0.05] as const;
/** False acceptance rates of the table. */
export const TABLE_RATES = [0.1, 0.05, 0.02, 0.01, 0.005, 0.001] as const;

export interface DetectionCosts {
  prior: number;
  minDcf: number;
  /** Null without log-likelihood ratios. */
  actDcf: number | null;
}

/** A threshold of a calibration, and the share of impostors that it was set to accept. */
export interface PromisedThreshold {
  asked: number;
  /** Natural log-likelihood ratio. */
  llr: number;
}

/** What a threshold of the calibration does to a group. */
export interface PromisedRate extends PromisedThreshold {
  /** Impostor trials that it accepts. */
  accepted: number;
  far: number;
  /** 95 %, over speakers. */
  farInterval: [low: number, high: number];
  frr: number;
}

/** Rates of one group of trials; shares in [0, 1], Cllr in bits. */
export interface GroupReport {
  group: string;
  targets: number;
  impostors: number;
  speakers: number;
  eer: number;
  /** 95 %, over speakers. */
  eerInterval: [low: number, high: number];
  /** The same with every pair of speakers weighing the same. */
  balancedEer: number;
  costs: DetectionCosts[];
  cllr: number | null;
  minCllr: number;
  /** The lowest threshold for each false acceptance rate that the list can show. */
  table: (OperatingPoint & { asked: number })[];
  /** The thresholds of the calibration; empty without log-likelihood ratios. */
  promised: PromisedRate[];
}

/** One group's trials. */
export interface GroupTrials {
  group: string;
  scores: ArrayLike<number>;
  /** Natural log-likelihood ratios; null where scores are not calibrated. */
  llrs: ArrayLike<number> | null;
  labels: ArrayLike<number>;
  speakers: TrialSpeakers;
}

export interface ReportOptions {
  /** Every pair of speakers weighs the same. */
  balanced: boolean;
  /** Of the calibration. */
  thresholds?: readonly PromisedThreshold[];
  draws?: number;
}

/** Undefined for a group without both kinds of trials: no rate exists there. */
export function reportGroup(
  trials: GroupTrials,
  { balanced, thresholds = [], draws = 400 }: ReportOptions,
): GroupReport | undefined {
  const scored = new ScoredTrials(trials.scores, trials.labels);
  if (scored.targetCount === 0 || scored.impostorCount === 0) return undefined;
  const llrs = trials.llrs && new ScoredTrials(trials.llrs, trials.labels);
  const pairWeights = pairBalancedWeights(trials.speakers);
  const weights = balanced ? pairWeights : undefined;
  const bootstrap = { draws, ...(weights && { weights }) };
  return {
    group: trials.group,
    targets: scored.targetCount,
    impostors: scored.impostorCount,
    speakers: trials.speakers.count,
    eer: equalErrorRate(scored, weights),
    eerInterval: bootstrapInterval(trials.speakers, (drawn) => equalErrorRate(scored, drawn), bootstrap),
    balancedEer: equalErrorRate(scored, pairWeights),
    costs: COST_PRIORS.map((prior) => ({
      prior,
      minDcf: minDcf(scored, detectionCost(prior), weights).value,
      actDcf: llrs && actualDcf(llrs, detectionCost(prior), weights),
    })),
    cllr: llrs && cllr(llrs, weights),
    minCllr: minCllr(scored, weights),
    // Below one impostor trial a rate is not measured but guessed.
    table: TABLE_RATES.filter((asked) => asked * scored.impostorCount >= 1).map((asked) => ({
      asked,
      ...pointAtFar(scored, asked, weights),
    })),
    promised: llrs ? thresholds.map(promisedRate) : [],
  };

  function promisedRate({ asked, llr }: PromisedThreshold): PromisedRate {
    const { far, frr } = ratesAt(llrs!, llr, weights);
    return {
      asked,
      llr,
      accepted: llrs!.scores.reduce((sum, score, i) => sum + (score >= llr && !llrs!.targets[i] ? 1 : 0), 0),
      far,
      farInterval: bootstrapInterval(trials.speakers, (drawn) => ratesAt(llrs!, llr, drawn).far, bootstrap),
      frr,
    };
  }
}
