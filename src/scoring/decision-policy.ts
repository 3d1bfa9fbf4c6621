import { TimbreError } from '../errors/timbre-error.js';
import { impostorShare, RATE_BOUNDS, scoreAtRate, type ImpostorTail } from './impostor-tail.js';

/** What a threshold was made from. */
export const THRESHOLD_SOURCES = ['option', 'calibration', 'published'] as const;
export type ThresholdSource = (typeof THRESHOLD_SOURCES)[number];

/** The evidence that has to be reached, and what it promises. */
export interface OpenSetThreshold {
  /** Natural log-likelihood ratio. */
  llr: number;
  /** False accepts per request: the share of strangers' requests that are answered with somebody's name. */
  falseAcceptRate: number;
  /** People who were compared. */
  gallerySize: number;
  /** As how many of them it counts, 1 to `gallerySize`: about so many resemble the recording as strangers of one kind do. */
  comparable: number;
  /** The rate lies beyond what the calibration's impostor trials can show. */
  extrapolated: boolean;
}

export type OpenSetDecision = 'ACCEPT' | 'REJECT' | 'AMBIGUOUS';

/**
 * How much more probable the first person has to be than the second before a name is given: 20 times, natural
 * logarithm. Two people closer than that are AMBIGUOUS.
 */
export const LEAST_MARGIN = Math.log(20);

/** Errors: INVALID_ARGUMENT for a rate outside of `RATE_BOUNDS`. */
export function requireRate(rate: number): number {
  if (rate >= RATE_BOUNDS.least && rate <= RATE_BOUNDS.most) return rate;
  throw new TimbreError(
    'INVALID_ARGUMENT',
    `a false acceptance rate of ${rate} was asked for; it has to lie between ${RATE_BOUNDS.least} and ${RATE_BOUNDS.most}`,
  );
}

/** The share of strangers that one comparison of `gallerySize`, any number from 1 on, may accept for a rate of false accepts per request. */
export function ratePerComparison(perRequest: number, gallerySize: number): number {
  return -Math.expm1(Math.log1p(-perRequest) / gallerySize);
}

/** The other way round: one of `gallerySize` comparisons that accepts is enough. */
export function ratePerRequest(perComparison: number, gallerySize: number): number {
  return -Math.expm1(gallerySize * Math.log1p(-perComparison));
}

/**
 * Decides open sets: is it one of N people, and whom?
 *
 * The rate is per request. A stranger is compared with N people, and one of them scoring high is enough: each comparison
 * may accept a share p of strangers with 1 - (1 - p)^n = rate, n being how many of the N resemble the stranger as much as the
 * impostors do that the tail was learned on. That is N where everybody speaks one language on one channel. In a gallery of
 * many kinds it is less, and the evidence for the second person tells: of n comparable strangers one in n scores as high, so that
 * n is about 1 / (share of impostors above the second).
 *
 * For a stranger the shares above the first and the second are the first two points of a Poisson process, the former uniform
 * below the latter; the former is at most rate x the latter in a share `rate` of requests, whatever n is. As n never
 * counts as more than N, a gallery of one kind has at most 1.37 times as many accepted (2 / e more than 1 - 1 / e). That counts the
 * comparisons as independent; where one stranger scores high against many people at once, the second shows it.
 */
export class DecisionPolicy {
  /** Errors: INVALID_ARGUMENT. */
  constructor(
    private readonly tail: ImpostorTail,
    readonly falseAcceptRate: number,
  ) {
    requireRate(falseAcceptRate);
  }

  /**
   * The evidence that the best of `gallerySize` people has to reach.
   * @param second the evidence for the second of the ranking; null where it is not known, and all of the people count
   * Errors: INVALID_ARGUMENT for a size below 1.
   */
  threshold(gallerySize: number, second: number | null = null): OpenSetThreshold {
    if (!(Number.isInteger(gallerySize) && gallerySize >= 1)) {
      throw new TimbreError('INVALID_ARGUMENT', `a gallery of ${gallerySize} people decides nothing`);
    }
    const { falseAcceptRate } = this;
    const comparable = second === null ? gallerySize : Math.min(gallerySize, 1 / impostorShare(this.tail, second));
    const { score, extrapolated } = scoreAtRate(this.tail, ratePerComparison(falseAcceptRate, comparable));
    return { llr: score, falseAcceptRate, gallerySize, comparable, extrapolated };
  }

  /**
   * Decides on the evidence for the first and the second person of the ranking.
   * @param second null where only one person was compared
   */
  decide(first: number, second: number | null, threshold: OpenSetThreshold): OpenSetDecision {
    if (!(first >= threshold.llr)) return 'REJECT';
    return second !== null && first - second < LEAST_MARGIN ? 'AMBIGUOUS' : 'ACCEPT';
  }
}
