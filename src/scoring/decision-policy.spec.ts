import { describe, expect, it } from '@jest/globals';
import { seededUniform } from '../evaluation/bootstrap.js';
import { gaussianQuantiles, normalQuantile } from '../evaluation/testing.js';
import { DecisionPolicy, LEAST_MARGIN } from './decision-policy.js';
import { fitImpostorTail } from './impostor-tail.js';

const tail = fitImpostorTail(gaussianQuantiles(50_000, -5, 2));

describe('DecisionPolicy', () => {
  it.each([
    [0.01, 1],
    [0.01, 10],
    [0.01, 100],
    [0.1, 1000],
  ])('accepts a share %s of strangers among %i people', (rate, people) => {
    const policy = new DecisionPolicy(tail, rate);
    const threshold = policy.threshold(people);
    const uniform = seededUniform(5);
    const requests = Math.ceil(60 / rate);
    let accepted = 0;
    for (let request = 0; request < requests; request++) {
      let best = -Infinity;
      for (let person = 0; person < people; person++) {
        best = Math.max(best, -5 + 2 * normalQuantile(uniform() || 0.5));
      }
      if (policy.decide(best, null, threshold) !== 'REJECT') accepted++;
    }
    expect(accepted / requests / rate).toBeGreaterThan(0.5);
    expect(accepted / requests / rate).toBeLessThan(2);
  });

  it('asks for more evidence the more people there are, and says what it promises', () => {
    const policy = new DecisionPolicy(tail, 0.01);
    const thresholds = [1, 2, 10, 100, 100_000].map((people) => policy.threshold(people));
    expect(thresholds.map(({ llr }) => llr)).toEqual(thresholds.map(({ llr }) => llr).sort((a, b) => a - b));
    expect(thresholds[2]).toMatchObject({ falseAcceptRate: 0.01, gallerySize: 10, extrapolated: false });
    expect(thresholds[4]!.extrapolated).toBe(true);
  });

  it('names nobody where the second person is too close', () => {
    const policy = new DecisionPolicy(tail, 0.01);
    const threshold = policy.threshold(2);
    const { llr } = threshold;
    expect(policy.decide(llr, llr - LEAST_MARGIN - 0.01, threshold)).toBe('ACCEPT');
    expect(policy.decide(llr, llr - LEAST_MARGIN + 0.01, threshold)).toBe('AMBIGUOUS');
    expect(policy.decide(llr - 0.01, llr - 9, threshold)).toBe('REJECT');
    expect(policy.decide(NaN, null, threshold)).toBe('REJECT');
  });

  it('refuses rates and galleries that decide nothing', () => {
    for (const rate of [0, 1, NaN, -0.1, 0.21, 9e-6]) {
      expect(() => new DecisionPolicy(tail, rate)).toThrow('has to lie between');
    }
    expect(() => new DecisionPolicy(tail, 0.01).threshold(0)).toThrow('decides nothing');
    expect(() => new DecisionPolicy(tail, 0.01).threshold(1.5)).toThrow('decides nothing');
  });
});
