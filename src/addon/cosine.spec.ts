import { describe, expect, test } from '@jest/globals';
import { cosine } from './cosine.js';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe('cosine', () => {
  test('is that of the angle, whatever the lengths of the vectors', () => {
    expect(cosine(vector(1, 0), vector(0, 5))).toBe(0);
    expect(cosine(vector(3, 4), vector(30, 40))).toBe(1);
    expect(cosine(vector(3, 4), vector(-3, -4))).toBe(-1);
    expect(cosine(vector(1, 0), vector(1, 1))).toBeCloseTo(Math.SQRT1_2, 15);
  });

  test('of a zero vector is 0', () => {
    expect(cosine(vector(0, 0), vector(1, 2))).toBe(0);
  });

  test('never leaves [-1, 1] and loses nothing to large or small values', () => {
    const long = Float32Array.from({ length: 1000 }, (_, i) => 1e18 * Math.sin(i));
    expect(cosine(long, long)).toBeLessThanOrEqual(1);
    expect(cosine(long, long)).toBeCloseTo(1, 14);
    const small = long.map((x) => x * 1e-36);
    expect(cosine(long, small)).toBeCloseTo(1, 6);
  });

  test('takes results of embed(), and refuses those of two models', () => {
    const a = { embedding: vector(1, 2), model: 'm@1' };
    expect(cosine(a, { ...a })).toBeCloseTo(1, 15);
    expect(cosine(a, vector(1, 2))).toBeCloseTo(1, 15);
    expect(() => cosine(a, { ...a, model: 'm@2' })).toThrow(expect.objectContaining({ code: 'MODEL_MISMATCH' }));
  });

  test('of one model is the same whatever the model is called', () => {
    const a = { embedding: vector(1, 2), model: 'm@1' };
    expect(cosine(a, { ...a, model: 'renamed@1' })).toBe(1);
  });

  test.each([
    ['of different lengths', vector(1), vector(1, 2)],
    ['empty ones', vector(), vector()],
    ['NaN', vector(NaN, 1), vector(1, 1)],
    ['infinity', vector(1, 1), vector(Infinity, 1)],
    ['an array', [1, 2], vector(1, 2)],
    ['nothing', undefined, vector(1, 2)],
    ['double precision', Float64Array.of(1, 2), vector(1, 2)],
  ])('refuses %s', (_name, a, b) => {
    expect(() => cosine(a as Float32Array, b)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
