import type { Format } from '../../i18n/format.js';
import type { Messages } from '../../i18n/index.js';

/** Odds from which evidence is called so, by falling size. */
const STRENGTHS = [
  ['veryStrong', 1e4],
  ['strong', 100],
  ['moderate', 10],
  ['weak', 0],
] as const;

/** Evidence (natural log-likelihood ratio) in words. */
export function evidenceInWords(llr: number, t: Messages['decide'], format: Format): string {
  const [name] = STRENGTHS.find(([, odds]) => Math.exp(Math.abs(llr)) >= odds) ?? STRENGTHS[3];
  const ratio = format.odds(Math.abs(llr)).replace(/ : 1$/, '');
  return llr >= 0 ? t.forSame(t.strengths[name], ratio) : t.forDifferent(t.strengths[name], ratio);
}
