import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { seededUniform } from '../../../../evaluation/bootstrap.js';
import { SecretRotation } from './secret-rotation.js';

const random = seededUniform(5);
const vector = (dimension: number): Float32Array => Float32Array.from({ length: dimension }, () => random() - 0.5);

function cosine(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let [sum, squares, others] = [0, 0, 0];
  for (let i = 0; i < one.length; i++) {
    sum += one[i]! * other[i]!;
    squares += one[i]! ** 2;
    others += other[i]! ** 2;
  }
  return sum / Math.sqrt(squares * others);
}

describe('a secret rotation', () => {
  it.each([1, 7, 192])('of %d dimensions keeps cosines, and makes vectors of unit length', (dimension) => {
    const rotation = new SecretRotation(randomBytes(32), dimension);
    const vectors = Array.from({ length: 8 }, () => vector(dimension));
    const turned = vectors.map((one) => rotation.turn(one));
    for (const [i, one] of vectors.entries()) {
      expect(Math.hypot(...turned[i]!)).toBeCloseTo(1, 10);
      for (const [j, other] of vectors.entries()) {
        expect(cosine(turned[i]!, turned[j]!)).toBeCloseTo(cosine(one, other), 10);
      }
    }
  });

  it('is the same for the same secret, and has nothing to do with that of another', () => {
    const secret = randomBytes(32);
    const one = vector(192);
    const turned = new SecretRotation(secret, 192).turn(one);
    expect(new SecretRotation(secret, 192).turn(one)).toEqual(turned);
    const other = Buffer.from(secret);
    other[31]! ^= 1;
    // Of vectors that are drawn from all directions, one in a hundred thousand pairs has a cosine beyond 0.32.
    for (const found of [new SecretRotation(other, 192).turn(one), one]) {
      expect(Math.abs(cosine(turned, found))).toBeLessThan(0.35);
    }
  });
});
