import { requiredAt } from '../../../scoring/decision-rules.js';
import type { Rules } from '../decide/decide-again.js';

/** One stranger of so many is reported. */
const STRANGERS = [100, 1000, 10_000, 100_000] as const;

/** Rates of false accepts that are offered for a watch list, falling; none where the model in use decides at no rate. */
export function watchRates(rules: Rules | null): number[] {
  if (rules?.thresholdFrom !== 'calibration') return [];
  const learned = rules.thresholds.map(({ falseAcceptRate }) => falseAcceptRate);
  const all = new Set([...STRANGERS.map((strangers) => 1 / strangers), ...learned]);
  return [...all].filter((rate) => requiredAt(rules, rate) !== null).sort((a, b) => b - a);
}
