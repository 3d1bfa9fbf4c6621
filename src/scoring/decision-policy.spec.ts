import { describe, expect, it } from '@jest/globals';
import { seededUniform } from '../evaluation/bootstrap.js';
import { gaussianQuantiles, normalQuantile } from '../evaluation/testing.js';
import { DecisionPolicy, LEAST_MARGIN, type OpenSetThreshold } from './decision-policy.js';
import { fitImpostorTail } from './impostor-tail.js';

const tail = fitImpostorTail(gaussianQuantiles(50_000, -5, 2));

/** Of scores that fall off exponentially, which the fit finds exactly. */
const exponential = fitImpostorTail(Float64Array.from({ length: 50_000 }, (_, i) => -Math.log((i + 0.5) / 50_000)));

/**
 * The share of strangers' requests that are not rejected, where `alike` people score as impostors do that the tail was learned
 * on, and the others far below.
 */
function shareAccepted(
  policy: DecisionPolicy,
  { alike, others }: { alike: number; others: number },
  thresholdFor: (second: number) => OpenSetThreshold,
): number {
  const uniform = seededUniform(5);
  const requests = Math.ceil(60 / policy.falseAcceptRate);
  let accepted = 0;
  for (let request = 0; request < requests; request++) {
    let [first, second] = [-Infinity, -Infinity];
    for (let person = 0; person < alike + others; person++) {
      const score = -Math.log(uniform() || 0.5) - (person < alike ? 0 : 30);
      if (score > first) [first, second] = [score, first];
      else if (score > second) second = score;
    }
    if (policy.decide(first, null, thresholdFor(second)) !== 'REJECT') accepted++;
  }
  return accepted / requests;
}

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

  it.each([
    [0.01, { alike: 2, others: 0 }],
    [0.01, { alike: 10, others: 0 }],
    [0.01, { alike: 100, others: 0 }],
    [0.1, { alike: 1000, others: 0 }],
    [0.01, { alike: 10, others: 90 }],
    [0.1, { alike: 10, others: 990 }],
  ])('accepts a share %s of strangers, however many of the people are of their kind: %o', (rate, people) => {
    const policy = new DecisionPolicy(exponential, rate);
    const size = people.alike + people.others;
    const accepted = shareAccepted(policy, people, (second) => policy.threshold(size, second));
    expect(accepted / rate).toBeGreaterThan(0.6);
    expect(accepted / rate).toBeLessThan(1.7);
  });

  it('is too strict among people of many kinds where it does not know the second', () => {
    const policy = new DecisionPolicy(exponential, 0.1);
    const people = { alike: 10, others: 990 };
    expect(shareAccepted(policy, people, () => policy.threshold(1000)) / 0.1).toBeLessThan(0.05);
  });

  it('counts no more people than there are, and no fewer than resemble the recording', () => {
    const policy = new DecisionPolicy(tail, 0.01);
    const among = (second: number | null): number => policy.threshold(100, second).comparable;
    expect([among(null), among(2), among(-30), policy.threshold(1, -30).comparable]).toEqual([100, 100, 2, 1]);
    // A tenth of the impostors lies above 1.28 deviations.
    expect(among(-5 + 2 * 1.2816)).toBeCloseTo(10, 0);
    const thresholds = [-30, -3, -2, -1, 0, 1].map((second) => policy.threshold(100, second).llr);
    expect(thresholds).toEqual([...thresholds].sort((a, b) => a - b));
    expect(thresholds.at(-1)).toBe(policy.threshold(100).llr);
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
