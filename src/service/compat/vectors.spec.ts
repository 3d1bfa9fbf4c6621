import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cosine, Mean } from './vectors.js';

const numbers = fc.double({ noNaN: true, noDefaultInfinity: true });

test('a cosine is a number in [-1, 1] whatever the sizes, symmetric, and 0 for a zero vector', () => {
  const pair = fc.integer({ min: 1, max: 8 }).chain((n) => {
    const vector = fc.array(numbers, { minLength: n, maxLength: n });
    return fc.tuple(vector, vector);
  });
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const value = cosine(a, b);
      expect(Math.abs(value)).toBeLessThanOrEqual(1);
      expect(cosine(b, a)).toBe(value);
      if (a.every((x) => x === 0)) expect(value).toBe(0);
      else expect(cosine(a, a)).toBeCloseTo(1, 12);
    }),
  );
});

function meanOf(...vectors: number[][]): number[] {
  const mean = new Mean(vectors.length);
  for (const vector of vectors) mean.add(vector);
  return mean.value;
}

test('a mean lies between its vectors, also where their sum does not fit', () => {
  expect(meanOf([1e308], [1e308], [1e308])[0]).toBeCloseTo(1e308, -296);
  expect(meanOf([1, -2], [3, 4])).toEqual([2, 1]);
  expect(meanOf([5, 6])).toEqual([5, 6]);
  expect(() => meanOf([1], [1, 2])).toThrow('same length');
});
