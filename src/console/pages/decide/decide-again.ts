import type { Answer } from '../../../client/index.js';
import { DecisionPolicy } from '../../../scoring/decision-policy.js';
import { requiredAt, type DecisionRules } from '../../../scoring/decision-rules.js';

export type Rules = DecisionRules;

/** As the service tells them; its document says of pairs of numbers that they are lists. */
export function rulesOf(info: Answer<'getInfo'> | undefined): Rules | null {
  return (info?.decisions ?? null) as Rules | null;
}

type Verified = NonNullable<Answer<'verifySpeaker'>['score']>;

/** What was decided again: `null` where the evidence that it takes is not there. */
export interface Verdict<Decision> {
  decision: Decision | null;
  /** What had to be reached, in what `first` is counted in. */
  threshold: number | null;
  extrapolated: boolean;
}

/** Whether the rate can be chosen: otherwise one cosine decides whatever it is. */
export function rateDecides({ thresholdFrom, impostorTail }: Rules): boolean {
  return thresholdFrom === 'calibration' && impostorTail !== null;
}

/** As the service decides a claim at this rate, on evidence that it has told. */
export function verifyAgain(
  rules: Rules,
  rate: number,
  { cosine, llr }: Pick<Verified, 'cosine' | 'llr'>,
): Verdict<'ACCEPT' | 'REJECT'> {
  const required = requiredAt(rules, rate);
  if (!required) return { decision: null, threshold: null, extrapolated: false };
  const reached = required.on === 'cosine' ? cosine : llr;
  return {
    decision: reached === null ? null : reached >= required.value ? 'ACCEPT' : 'REJECT',
    threshold: required.value,
    extrapolated: rules.impostorTail !== null && rate < rules.impostorTail.leastRate,
  };
}

/**
 * As the service decides who it is among `gallerySize` people at this rate.
 * @param ranking evidence of the first and the second; empty where the service did not tell it
 */
export function identifyAgain(
  { impostorTail }: Rules,
  rate: number,
  ranking: readonly { score: { llr: number | null } }[],
  gallerySize: number,
): Verdict<'ACCEPT' | 'REJECT' | 'AMBIGUOUS'> {
  if (!impostorTail || gallerySize < 1) return { decision: null, threshold: null, extrapolated: false };
  const policy = new DecisionPolicy(impostorTail, rate);
  const [first = null, second = null] = ranking.map(({ score }) => score.llr);
  const threshold = policy.threshold(gallerySize, second);
  const decision = first === null ? null : policy.decide(first, second, threshold);
  return { decision, threshold: threshold.llr, extrapolated: threshold.extrapolated };
}
