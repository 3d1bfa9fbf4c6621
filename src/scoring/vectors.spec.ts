import { describe, expect, it } from '@jest/globals';
import { seededUniform } from '../evaluation/bootstrap.js';
import { decodeVectors, encodeVectors, fromHalf, toHalf } from './vectors.js';

describe('half precision', () => {
  it('knows every pattern: what it decodes it encodes again', () => {
    const lost: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits);
      const again = toHalf(value);
      if (Number.isNaN(value) ? !Number.isNaN(fromHalf(again)) : again !== bits) lost.push(bits);
    }
    expect(lost).toEqual([]);
  });

  it('has the values of IEEE 754', () => {
    const known: [number, number][] = [
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x0400, 2 ** -14],
      [0x0001, 2 ** -24],
      [0x3555, 0.333251953125],
      [0x7c00, Infinity],
    ];
    for (const [bits, value] of known) expect(fromHalf(bits)).toBe(value);
  });

  it('rounds to the nearest, ties to even, and to infinity beyond', () => {
    expect(toHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toHalf(2 - 2 ** -12)).toBe(0x4000);
    expect(toHalf(2 ** -14 - 2 ** -26)).toBe(0x0400);
    expect(toHalf(65519.9)).toBe(0x7bff);
    expect(toHalf(65520)).toBe(0x7c00);
    expect(toHalf(-1e9)).toBe(0xfc00);
    const uniform = seededUniform(1);
    for (let i = 0; i < 2000; i++) {
      const value = (uniform() - 0.5) * 2 ** Math.floor(20 * uniform() - 10);
      expect(Math.abs(fromHalf(toHalf(value)) - value)).toBeLessThanOrEqual(
        Math.max(Math.abs(value) * 2 ** -11, 2 ** -25),
      );
    }
  });
});

it('vectors survive encoding within half precision', () => {
  const embeddings = Float32Array.from([0.1, -0.2, 0.3, 0.9, 0, -1]);
  const decoded = decodeVectors(JSON.parse(JSON.stringify(encodeVectors({ embeddings, dim: 3 }))), 'here');
  expect(decoded.dim).toBe(3);
  embeddings.forEach((x, i) => expect(decoded.embeddings[i]).toBeCloseTo(x, 3));
});
