import { describe, expect, it } from '@jest/globals';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { Gallery } from '../../src/addon/gallery.js';

describe('a gallery', () => {
  it('ranks by cosine whatever the lengths', async () => {
    const gallery = new Gallery(3);
    gallery.put(7, Float32Array.of(1, 0, 0));
    gallery.put(4_294_967_295, Float32Array.of(10, 10, 0));
    gallery.put(0, Float32Array.of(-1, 0, 0));
    const found = await gallery.top(Float32Array.of(5, 0, 0), 2);
    expect(found.map(({ key }) => key)).toEqual([7, 4_294_967_295]);
    expect(found[0]?.cosine).toBeCloseTo(1, 6);
    expect(found[1]?.cosine).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('looks at candidates only', async () => {
    const gallery = new Gallery(2);
    for (const key of [1, 2, 3]) gallery.put(key, Float32Array.of(1, key));
    const found = await gallery.top(Float32Array.of(1, 1), 5, Uint32Array.of(3, 9, 2));
    expect(found.map(({ key }) => key)).toEqual([2, 3]);
    expect(await gallery.top(Float32Array.of(1, 1), 5, new Uint32Array())).toEqual([]);
  });

  it('searches what was there when the search began', async () => {
    const gallery = new Gallery(2);
    for (let key = 0; key < 2000; key++) gallery.put(key, Float32Array.of(1, 0));
    const searches = Array.from({ length: 8 }, () => gallery.top(Float32Array.of(1, 0), 2000));
    for (let key = 0; key < 2000; key++) gallery.remove(key);
    expect(gallery.size).toBe(0);
    // A search that had not begun yet may see fewer, none sees a vector that was overwritten.
    for (const found of await Promise.all(searches)) {
      for (const { cosine } of found) expect(cosine).toBeCloseTo(1, 6);
    }
  });

  it('that rounds finds all that may be among the nearest, and says how far their cosines may be off', async () => {
    const random = seededUniform(5);
    const voice = (): Float32Array => Float32Array.from({ length: 192 }, () => random() + random() - 1);
    const [exact, rounded] = [new Gallery(192), new Gallery(192, { rounded: true })];
    for (let key = 0; key < 5000; key++) {
      const vector = voice();
      exact.put(key, vector);
      rounded.put(key, vector);
    }
    const query = voice();
    const nearest = await exact.top(query, 20);
    const found = new Map((await rounded.top(query, 20)).map((match) => [match.key, match]));
    expect(found.size).toBeLessThan(100);
    for (const { key, cosine, error } of nearest) {
      expect(error).toBe(0);
      const match = found.get(key)!;
      expect(Math.abs(match.cosine - cosine)).toBeLessThanOrEqual(match.error);
    }
    expect(rounded.get(7)![3]).toBeCloseTo(exact.get(7)![3]!, 2);
  });

  it('gives back unit vectors and forgets', () => {
    const gallery = new Gallery(2);
    gallery.put(1, Float32Array.of(3, 4));
    expect(gallery.get(1)).toEqual(Float32Array.of(0.6, 0.8));
    expect(gallery.remove(1)).toBe(true);
    expect(gallery.remove(1)).toBe(false);
    expect(gallery.get(1)).toBeNull();
  });

  it('refuses what has no direction or another length', async () => {
    const gallery = new Gallery(2);
    for (const vector of [Float32Array.of(1), Float32Array.of(0, 0), Float32Array.of(NaN, 1)]) {
      expect(() => gallery.put(1, vector)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      await expect(gallery.top(vector, 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(() => gallery.put(-1, Float32Array.of(1, 0))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
