import { describe, expect, test } from '@jest/globals';
import { largestDirections, withoutNuisance } from './nuisance.js';
import { NOT_CALIBRATED } from './model-calibration.js';
import { Scorer } from './scorer.js';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe('nuisance', () => {
  test('directions are those in which differences are largest', () => {
    const differences = [vector(3, 0.1, 0, 0), vector(-3, 0, 0.1, 0), vector(0, 1, 1, 0), vector(0.1, -1, -1, 0.2)];
    const [first, second] = largestDirections(differences, 2);
    expect(Math.abs(first![0]!)).toBeCloseTo(1, 2);
    expect(Math.abs(second![1]! + second![2]!) / Math.SQRT2).toBeCloseTo(1, 1);
    expect(first!.reduce((sum, x, i) => sum + x * second![i]!, 0)).toBeCloseTo(0, 6);
    expect(() => largestDirections(differences, 5)).toThrow('4 differences do not give 5');
    expect(() => largestDirections([vector(1, 0), vector(2, 0)], 2)).toThrow('have 1 directions');
  });

  test('is taken out of embeddings before they are compared', () => {
    const nuisance = { mean: vector(0, 0, 0, 0.5), directions: [vector(0, 0, 1, 0)] };
    const rest = withoutNuisance(vector(0, 4, 3, 0), nuisance);
    expect(rest[2]).toBeCloseTo(0, 6);
    expect(Math.hypot(...rest)).toBeCloseTo(1, 6);
    const scorer = Scorer.of({}, { calibration: { ...NOT_CALIBRATED, nuisance } });
    expect(scorer.score(vector(0, 1, 9, 0), vector(0, 1, -9, 0)).cosine).toBeGreaterThan(0);
    expect(Scorer.of({}).score(vector(0, 1, 9, 0), vector(0, 1, -9, 0)).cosine).toBeLessThan(-0.9);
    expect(() => withoutNuisance(vector(1, 2), nuisance)).toThrow('of 4 dimensions, the embedding has 2');
  });
});
