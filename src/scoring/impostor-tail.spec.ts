import { describe, expect, it } from '@jest/globals';
import { gaussianQuantiles, normalCdf, normalQuantile } from '../evaluation/testing.js';
import { fitImpostorTail, impostorShare, parseImpostorTail, scoreAtRate, type ImpostorTail } from './impostor-tail.js';

/** `count` points that divide an exponential distribution of mean 1 into equal shares. */
const exponential = Array.from({ length: 20_000 }, (_, i) => -Math.log(1 - (i + 0.5) / 20_000));

describe('fitImpostorTail', () => {
  it('finds the exponential distribution', () => {
    const tail = fitImpostorTail(exponential);
    expect(tail.shape).toBeCloseTo(0, 1);
    expect(tail.scale).toBeCloseTo(1, 1);
    expect(tail.share).toBeCloseTo(0.05, 3);
    expect(tail.start).toBeCloseTo(-Math.log(0.05), 2);
  });

  it.each([0.05, 0.01, 1e-3, 1e-4])('promises a share %s of Gaussian strangers within a factor of two', (rate) => {
    const tail = fitImpostorTail(gaussianQuantiles(20_000, -3, 2));
    const { score } = scoreAtRate(tail, rate);
    const truth = 1 - normalCdf((score + 3) / 2);
    expect(truth / rate).toBeGreaterThan(0.5);
    expect(truth / rate).toBeLessThan(2);
  });

  it('is right below the tail, where scores were observed', () => {
    const tail = fitImpostorTail(gaussianQuantiles(20_000, 0));
    for (const rate of [0.2, 0.1, 0.3]) expect(scoreAtRate(tail, rate).score).toBeCloseTo(normalQuantile(1 - rate), 1);
    expect(scoreAtRate(tail, 0.12).extrapolated).toBe(false);
  });

  it('counts weights as trials', () => {
    const scores = gaussianQuantiles(4000, 0);
    const twice = [...scores, ...scores];
    const weights = Float64Array.from(twice, (_, i) => (i < 4000 ? 0.25 : 0.75));
    const [plain, weighted] = [fitImpostorTail(scores), fitImpostorTail(twice, { weights })];
    expect(weighted.start).toBeCloseTo(plain.start, 2);
    expect(weighted.scale).toBeCloseTo(plain.scale, 1);
    expect(weighted.shape).toBeCloseTo(plain.shape, 1);
  });

  it('takes as much for the tail as is asked, and observes what is below', () => {
    const tail = fitImpostorTail(gaussianQuantiles(20_000, 0), { tailShare: 0.02 });
    expect(tail.share).toBeCloseTo(0.02, 3);
    expect(tail.body.map(([share]) => share).slice(-2)).toEqual([0.05, 0.03]);
    for (const rate of [0.05, 0.03, 0.01, 0.001]) {
      expect(scoreAtRate(tail, rate).score).toBeCloseTo(normalQuantile(1 - rate), 1);
    }
  });

  it('shows the share above which five independent impostors score, whatever they weigh', () => {
    const scores = Array.from({ length: 2000 }, (_, i) => -i);
    const counts = new Float64Array(2000).fill(0.5);
    expect(fitImpostorTail(scores).leastRate).toBe(5 / 2000);
    expect(fitImpostorTail(scores, { counts }).leastRate).toBe(10 / 2000);
    const weights = Float64Array.from(scores, (_, i) => (i < 10 ? 2 : 1));
    expect(fitImpostorTail(scores, { counts, weights }).leastRate).toBeCloseTo(20 / 2010, 12);
  });

  it('refuses too few impostors, and impostors who all score the same', () => {
    expect(() => fitImpostorTail(gaussianQuantiles(100, 0))).toThrow('100 impostor trials are too few');
    expect(() => fitImpostorTail(new Float64Array(5000))).toThrow('show no tail');
  });
});

describe('a tail', () => {
  const counts = new Float64Array(20_000).fill(500 / 20_000);
  const gaussian = fitImpostorTail(gaussianQuantiles(20_000, -3, 2), { counts });
  const tails: [string, ImpostorTail][] = [
    ['exponential', fitImpostorTail(exponential)],
    ['Gaussian', gaussian],
    ['bounded', fitImpostorTail(Array.from({ length: 10_000 }, (_, i) => 1 - (1 - i / 10_000) ** 0.4))],
    ['heavy', fitImpostorTail(Array.from({ length: 10_000 }, (_, i) => (1 - (i + 0.5) / 10_000) ** -0.3))],
  ];

  it.each(tails)('gives for a rate the score that this share of strangers reaches: %s', (_, tail) => {
    for (const rate of [0.4, 0.2, 0.11, 0.06, 0.05, 0.02, 1e-3, 1e-5, 1e-7]) {
      expect(impostorShare(tail, scoreAtRate(tail, rate).score) / rate).toBeCloseTo(1, 6);
    }
  });

  it.each(tails)('asks for more evidence the smaller the rate: %s', (_, tail) => {
    const rates = Array.from({ length: 80 }, (__, i) => 0.5 * 0.8 ** i);
    const scores = rates.map((rate) => scoreAtRate(tail, rate).score);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
  });

  it('says which rates its trials cannot show', () => {
    expect(scoreAtRate(gaussian, 0.02).extrapolated).toBe(false);
    expect(scoreAtRate(gaussian, 0.009).extrapolated).toBe(true);
  });

  it('survives JSON, and refuses what is none', () => {
    expect(parseImpostorTail(JSON.parse(JSON.stringify(gaussian)), 'here')).toEqual(gaussian);
    for (const wrong of [
      null,
      {},
      { ...gaussian, scale: 0 },
      { ...gaussian, share: 1.5 },
      { ...gaussian, shape: 3 },
      { ...gaussian, body: [[0.1]] },
      { ...gaussian, body: [...gaussian.body].reverse() },
      { ...gaussian, leastRate: 'few' },
    ]) {
      expect(() => parseImpostorTail(wrong, 'here')).toThrow('impostor tail in here');
    }
  });
});
