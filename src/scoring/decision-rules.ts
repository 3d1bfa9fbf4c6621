import type { ThresholdSource } from './decision-policy.js';
import { scoreAtRate, type ImpostorTail } from './impostor-tail.js';

/** What decisions are made by: enough to decide again, at another rate, on evidence that is there. */
export interface DecisionRules {
  /** Null: the model brings no threshold, and nothing is decided. */
  thresholdFrom: ThresholdSource | null;
  /** A cosine that was named and decides at whatever rate; null where the rate decides. */
  cosine: number | null;
  /** False accepts per request, where a request names no others. */
  falseAcceptRate: number;
  /** Learned thresholds, by falling rate. */
  thresholds: { falseAcceptRate: number; cosine: number | null; llr: number | null }[];
  /** How high strangers score, in natural log-likelihood ratios; null where that was not learned. */
  impostorTail: ImpostorTail | null;
}

/**
 * What one recording and one profile have to reach at a rate of false accepts: a cosine, or evidence (natural log-likelihood
 * ratio); null where nothing was learned for that rate.
 */
export function requiredAt(
  { cosine, thresholds, impostorTail }: Pick<DecisionRules, 'cosine' | 'thresholds' | 'impostorTail'>,
  falseAcceptRate: number,
): { on: 'cosine' | 'llr'; value: number } | null {
  if (cosine !== null) return { on: 'cosine', value: cosine };
  const chosen = thresholds.find((known) => known.falseAcceptRate === falseAcceptRate);
  if (chosen && chosen.cosine !== null) return { on: 'cosine', value: chosen.cosine };
  const llr = chosen?.llr ?? (impostorTail && scoreAtRate(impostorTail, falseAcceptRate).score);
  return llr === null ? null : { on: 'llr', value: llr };
}
