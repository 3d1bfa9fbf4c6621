import { describe, expect, test } from '@jest/globals';
import { DecisionPolicy } from '../../../scoring/decision-policy.js';
import { pointFor, positionOf, rateAt } from './decision.js';
import { measure } from './measures.js';

/** Two normal distributions three deviations apart, by their quantiles. */
function list(targets: number, impostors: number): Parameters<typeof measure>[0] {
  const normal = (p: number): number => {
    // Newton's method on the logistic approximation is enough for a test.
    return Math.log(p / (1 - p)) / 1.702;
  };
  const scores = [
    ...Array.from({ length: targets }, (_, i) => 3 + normal((i + 0.5) / targets)),
    ...Array.from({ length: impostors }, (_, i) => normal((i + 0.5) / impostors)),
  ];
  return {
    scores: Float64Array.from(scores),
    labels: Uint8Array.from(scores, (_, i) => (i < targets ? 1 : 0)),
    name: 'llr',
  };
}

describe('what a list says', () => {
  const measures = measure(list(500, 5000));

  test('is the error rates of the evaluation, a curve from nobody to everybody, and densities', () => {
    expect(measures).toMatchObject({ targets: 500, impostors: 5000, name: 'llr' });
    expect(measures.eer).toBeCloseTo(0.0722, 3);
    const { thresholds, far, frr } = measures.curve;
    expect([thresholds[0], far[0], frr[0]]).toEqual([Infinity, 0, 1]);
    expect([far.at(-1), frr.at(-1)]).toEqual([1, 0]);
    for (const share of [measures.histogram.same, measures.histogram.strangers]) {
      expect(share.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 9);
    }
    expect(Number.isFinite(measures.cllr)).toBe(true);
    expect(measure({ ...list(10, 10), name: 'cosine' }).cllr).toBeNull();
  });

  test('needs both kinds of trials', () => {
    expect(() => measure({ ...list(10, 0), name: null })).toThrow(/10 and 0/);
  });
});

describe('where to decide', () => {
  const measures = measure(list(500, 5000));

  test('is what the service would decide by, whatever the size of the gallery', () => {
    const { tail } = measures;
    for (const size of [1, 50, 1000]) {
      const { threshold, perRequest, extrapolated } = pointFor(measures, 0.01, size);
      const policy = new DecisionPolicy(tail!, 0.01).threshold(size);
      expect({ threshold, extrapolated }).toEqual({ threshold: policy.llr, extrapolated: policy.extrapolated });
      expect(perRequest).toBe(0.01);
    }
  });

  test('rises with the gallery, and misses more', () => {
    const [one, many] = [pointFor(measures, 0.01, 1), pointFor(measures, 0.01, 100)];
    expect(many.threshold).toBeGreaterThan(one.threshold);
    expect(many.frr).toBeGreaterThan(one.frr);
    expect(one.far).toBeLessThanOrEqual(0.012);
    expect(one.far).toBeGreaterThan(0.008);
  });

  test('is the list’s own where it has too few strangers for a tail', () => {
    const few = measure(list(50, 100));
    expect(few.tail).toBeNull();
    const point = pointFor(few, 0.1, 1);
    expect(point.far).toBeCloseTo(0.1, 9);
    expect(point.perRequest).toBeCloseTo(0.1, 9);
    // One in a hundred, of ten people: nine and a half in a hundred requests.
    const ofTen = pointFor(few, 0.1, 10);
    expect(ofTen.far).toBeCloseTo(0.01, 9);
    expect(ofTen.perRequest).toBeCloseTo(1 - 0.99 ** 10, 9);
  });

  test('is where the point is dragged to', () => {
    const position = positionOf(measures.curve, 2);
    const rate = rateAt(measures, position, 3);
    expect(rate).toBeCloseTo(1 - (1 - measures.curve.far[position]!) ** 3, 9);
    // The rates that the service takes.
    expect(rateAt(measures, 0, 10)).toBe(1e-5);
    expect(rateAt(measures, measures.curve.far.length - 1, 10)).toBe(0.2);
    expect(positionOf(measures.curve, Infinity)).toBe(0);
    expect(positionOf(measures.curve, -100)).toBe(measures.curve.far.length - 1);
  });
});
