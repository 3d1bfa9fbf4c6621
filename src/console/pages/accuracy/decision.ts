import { DecisionPolicy, ratePerComparison, ratePerRequest } from '../../../scoring/decision-policy.js';
import { RATE_BOUNDS, type ImpostorTail } from '../../../scoring/impostor-tail.js';
import type { Curve, Measures } from './measures.js';

/** Tries that counts are told of. */
export const TRIES = 1000;

export interface Point {
  /** Scores of at least so much are accepted. */
  threshold: number;
  /** Share of comparisons of strangers that are accepted, as the list has it. */
  far: number;
  /** Share of comparisons of the same person that are refused. */
  frr: number;
  /** Strangers' requests that are answered with somebody's name, at the size of the gallery. */
  perRequest: number;
  /** The rate lies beyond what the list's strangers can show. */
  extrapolated: boolean;
}

/**
 * Where to decide, for a rate of false accepts per request over a gallery: by the policy for open sets of the service, on the tail
 * of the list's strangers; by the list's own strangers where they are too few for a tail.
 */
export function pointFor({ curve, tail }: Pick<Measures, 'curve' | 'tail'>, rate: number, gallerySize: number): Point {
  const wanted = clampRate(rate);
  const { threshold, extrapolated } = tail
    ? byPolicy(tail, wanted, gallerySize)
    : { threshold: observedThreshold(curve, ratePerComparison(wanted, gallerySize)), extrapolated: false };
  const at = positionOf(curve, threshold);
  const far = curve.far[at]!;
  const perRequest = tail ? wanted : ratePerRequest(far, gallerySize);
  return { threshold, far, frr: curve.frr[at]!, perRequest, extrapolated };
}

/** The rate of requests that a point of the curve stands for: where somebody drags it to. */
export function rateAt({ curve }: Pick<Measures, 'curve'>, position: number, gallerySize: number): number {
  return clampRate(ratePerRequest(curve.far[position]!, gallerySize));
}

/** Of 1,000 tries, as whole numbers for people; below one half it is "fewer than one". */
export function countOf(share: number): number {
  return Math.round(share * TRIES);
}

export function clampRate(rate: number): number {
  return Math.min(RATE_BOUNDS.most, Math.max(RATE_BOUNDS.least, rate));
}

function byPolicy(tail: ImpostorTail, rate: number, gallerySize: number): Pick<Point, 'threshold' | 'extrapolated'> {
  const { llr, extrapolated } = new DecisionPolicy(tail, rate).threshold(gallerySize);
  return { threshold: llr, extrapolated };
}

/** The lowest threshold of the list at which no more strangers are accepted. */
function observedThreshold({ thresholds, far }: Curve, share: number): number {
  let found = 0;
  while (found + 1 < far.length && far[found + 1]! <= share) found++;
  return thresholds[found]!;
}

/** The last operating point whose threshold is no lower. */
export function positionOf({ thresholds }: Curve, threshold: number): number {
  let [low, high] = [0, thresholds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle]! >= threshold) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
