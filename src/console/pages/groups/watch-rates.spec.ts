import { describe, expect, test } from '@jest/globals';
import type { Rules } from '../decide/decide-again.js';
import { watchRates } from './watch-rates.js';

const rules: Rules = {
  thresholdFrom: 'calibration',
  cosine: null,
  falseAcceptRate: 0.01,
  thresholds: [{ falseAcceptRate: 0.005, cosine: null, llr: 2 }],
  impostorTail: null,
};
const impostorTail = { start: 0, share: 0.05, scale: 1, shape: 0, body: [], leastRate: 1e-4 };

describe('watchRates', () => {
  test('are those of which something was learned', () => {
    expect(watchRates(rules)).toEqual([0.005]);
    expect(watchRates({ ...rules, impostorTail })).toEqual([0.01, 0.005, 0.001, 0.0001, 0.00001]);
  });

  test('are none where another thing decides than a rate', () => {
    expect(watchRates(null)).toEqual([]);
    expect(watchRates({ ...rules, impostorTail, thresholdFrom: null })).toEqual([]);
    expect(watchRates({ ...rules, impostorTail, thresholdFrom: 'option', cosine: 0.5 })).toEqual([]);
  });
});
