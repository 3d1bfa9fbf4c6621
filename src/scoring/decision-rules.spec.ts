import { describe, expect, test } from '@jest/globals';
import { requiredAt } from './decision-rules.js';
import { scoreAtRate } from './impostor-tail.js';

const impostorTail = { start: 1, share: 0.05, scale: 0.8, shape: 0.1, body: [], leastRate: 1e-4 };

describe('what a comparison has to reach', () => {
  test('is a cosine that was named, at whatever rate', () => {
    expect(requiredAt({ cosine: 0.4, thresholds: [], impostorTail }, 0.01)).toEqual({ on: 'cosine', value: 0.4 });
  });

  test('is what was learned for this very rate before what the tail says', () => {
    const learned = { falseAcceptRate: 0.01, cosine: 0.5, llr: 2 };
    const rules = {
      cosine: null,
      thresholds: [learned, { ...learned, falseAcceptRate: 0.001, cosine: null }],
      impostorTail,
    };
    expect(requiredAt(rules, 0.01)).toEqual({ on: 'cosine', value: 0.5 });
    expect(requiredAt(rules, 0.001)).toEqual({ on: 'llr', value: 2 });
    expect(requiredAt(rules, 0.002)).toEqual({ on: 'llr', value: scoreAtRate(impostorTail, 0.002).score });
  });

  test('is nothing where nothing was learned', () => {
    expect(requiredAt({ cosine: null, thresholds: [], impostorTail: null }, 0.01)).toBeNull();
  });
});
