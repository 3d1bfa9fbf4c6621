import { describe, expect, it } from '@jest/globals';
import { pairBalancedWeights, seededUniform } from './bootstrap.js';
import {
  actualDcf,
  cllr,
  detectionCost,
  equalErrorRate,
  minCllr,
  minDcf,
  pointAtFar,
  ratesAt,
  type DetectionCost,
} from './metrics.js';
import { operatingPoints, ScoredTrials } from './scores.js';
import { gaussianQuantiles, labelled, normalCdf } from './testing.js';

function scored(targets: readonly number[], impostors: readonly number[]): ScoredTrials {
  const { scores, labels } = labelled(targets, impostors);
  return new ScoredTrials(scores, labels);
}

/** A second implementation of every rate: from the definitions, in quadratic time. */
const plain = {
  rates(scores: number[], labels: number[], threshold: number, weights: number[]): { far: number; frr: number } {
    let [accepted, impostors, rejected, targets] = [0, 0, 0, 0];
    scores.forEach((score, i) => {
      if (labels[i]) {
        targets += weights[i]!;
        if (score < threshold) rejected += weights[i]!;
      } else {
        impostors += weights[i]!;
        if (score >= threshold) accepted += weights[i]!;
      }
    });
    return { far: accepted / impostors, frr: rejected / targets };
  },
  points(scores: number[], labels: number[], weights: number[]): { far: number; frr: number }[] {
    const thresholds = [Infinity, ...[...new Set(scores)].sort((a, b) => b - a)];
    return thresholds.map((threshold) => plain.rates(scores, labels, threshold, weights));
  },
  /** Crossing of the polygon through all points with the diagonal far = frr. */
  eer(scores: number[], labels: number[], weights: number[]): number {
    const points = plain.points(scores, labels, weights);
    for (let i = 1; i < points.length; i++) {
      const [p, q] = [points[i - 1]!, points[i]!];
      if (q.far < q.frr) continue;
      const t = (p.frr - p.far) / (p.frr - p.far + q.far - q.frr);
      return p.far + t * (q.far - p.far);
    }
    return NaN;
  },
  minDcf(
    scores: number[],
    labels: number[],
    weights: number[],
    { prior, missCost, falseAlarmCost }: DetectionCost,
  ): number {
    const costs = plain
      .points(scores, labels, weights)
      .map(({ far, frr }) => missCost * prior * frr + falseAlarmCost * (1 - prior) * far);
    return Math.min(...costs) / Math.min(missCost * prior, falseAlarmCost * (1 - prior));
  },
  cllr(scores: number[], labels: number[], weights: number[]): number {
    const mean = (label: number, cost: (score: number) => number): number => {
      const of = scores.map((_, i) => i).filter((i) => labels[i] === label);
      const total = of.reduce((sum, i) => sum + weights[i]!, 0);
      return of.reduce((sum, i) => sum + weights[i]! * cost(scores[i]!), 0) / total;
    };
    return (mean(1, (x) => Math.log2(1 + Math.exp(-x))) + mean(0, (x) => Math.log2(1 + Math.exp(x)))) / 2;
  },
  /** Isotonic regression by its min-max formula instead of pooling. */
  minCllr(scores: number[], labels: number[], weights: number[]): number {
    const values = [...new Set(scores)].sort((a, b) => a - b);
    const masses = values.map((value) => {
      let [target, total] = [0, 0];
      scores.forEach((score, i) => {
        if (score !== value) return;
        total += weights[i]!;
        if (labels[i]) target += weights[i]!;
      });
      return { target, total };
    });
    const share = (from: number, to: number): number => {
      const block = masses.slice(from, to + 1);
      return block.reduce((s, m) => s + m.target, 0) / block.reduce((s, m) => s + m.total, 0);
    };
    const posteriors = values.map((_, i) => {
      let highest = -Infinity;
      for (let from = 0; from <= i; from++) {
        let lowest = Infinity;
        for (let to = i; to < values.length; to++) lowest = Math.min(lowest, share(from, to));
        highest = Math.max(highest, lowest);
      }
      return highest;
    });
    const prior = share(0, values.length - 1);
    const llrs = scores.map((score) => {
      const p = posteriors[values.indexOf(score)]!;
      return Math.log(p / (1 - p)) - Math.log(prior / (1 - prior));
    });
    return plain.cllr(llrs, labels, weights);
  },
};

/** Random lists with ties, overlaps and lopsided sizes. */
function randomLists(): { scores: number[]; labels: number[]; weights: number[] }[] {
  const uniform = seededUniform(7);
  return Array.from({ length: 30 }, (_, list) => {
    const size = 4 + Math.floor(uniform() * 60);
    const labels = Array.from({ length: size }, (_, i) => (i < 2 ? i : uniform() < 0.3 ? 1 : 0));
    const scores = labels.map((label) => Math.round((uniform() * 4 + label) * (list % 3 === 0 ? 2 : 50)) / 10);
    return { scores, labels, weights: labels.map(() => (list % 2 === 0 ? 1 : 0.1 + uniform())) };
  });
}

describe('error rates of Gaussian scores', () => {
  const separation = 2.5;
  const trials = scored(gaussianQuantiles(20_000, separation), gaussianQuantiles(20_000, 0));

  it('have the equal error rate Phi(-d / 2)', () => {
    expect(equalErrorRate(trials)).toBeCloseTo(normalCdf(-separation / 2), 4);
  });

  it('have the rates of the distribution functions at any threshold', () => {
    const { far, frr } = ratesAt(trials, 1.7);
    expect(far).toBeCloseTo(normalCdf(-1.7), 4);
    expect(frr).toBeCloseTo(normalCdf(1.7 - separation), 4);
  });

  it('have the least detection cost where the densities balance the costs', () => {
    const prior = 0.05;
    // Targets are as likely as (1 - prior) / prior impostors: d x - d^2 / 2 = ln((1 - prior) / prior).
    const threshold = separation / 2 + Math.log((1 - prior) / prior) / separation;
    const cost = prior * normalCdf(threshold - separation) + (1 - prior) * normalCdf(-threshold);
    const found = minDcf(trials, detectionCost(prior));
    expect(found.value).toBeCloseTo(cost / prior, 3);
    expect(found.threshold).toBeCloseTo(threshold, 1);
  });

  it('as their own log-likelihood ratios cost no more than the least cost', () => {
    const llr = (x: number): number => separation * x - separation ** 2 / 2;
    const llrs = scored(gaussianQuantiles(20_000, separation).map(llr), gaussianQuantiles(20_000, 0).map(llr));
    for (const prior of [0.01, 0.05, 0.5]) {
      const cost = detectionCost(prior);
      expect(actualDcf(llrs, cost)).toBeCloseTo(minDcf(trials, cost).value, 2);
    }
    expect(cllr(llrs)).toBeCloseTo(minCllr(trials), 3);
    expect(cllr(llrs)).toBeGreaterThanOrEqual(minCllr(llrs));
  });
});

describe('perfectly separated scores', () => {
  const trials = scored([3, 4, 5], [-1, 0, 1]);

  it('cost nothing', () => {
    expect(equalErrorRate(trials)).toBe(0);
    expect(minDcf(trials, detectionCost(0.01))).toEqual({ value: 0, threshold: 3 });
    expect(minCllr(trials)).toBe(0);
  });

  it('still cost something as log-likelihood ratios', () => {
    expect(cllr(trials)).toBeCloseTo(plain.cllr([3, 4, 5, -1, 0, 1], [1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]), 12);
    // The Bayes threshold is ln 99 = 4.6: two of three targets lie below.
    expect(actualDcf(trials, detectionCost(0.01))).toBeCloseTo(2 / 3, 12);
  });

  it('reversed are always wrong', () => {
    const reversed = scored([-1, 0, 1], [3, 4, 5]);
    expect(equalErrorRate(reversed)).toBe(1);
    expect(minDcf(reversed, detectionCost(0.05)).value).toBe(1);
    expect(minCllr(reversed)).toBeCloseTo(1, 12);
  });
});

describe('scores that are all equal', () => {
  const trials = scored([0, 0], [0, 0, 0]);

  it('carry no information', () => {
    expect(equalErrorRate(trials)).toBe(0.5);
    expect(minDcf(trials, detectionCost(0.01)).value).toBe(1);
    expect(cllr(trials)).toBe(1);
    expect(minCllr(trials)).toBe(1);
    expect(operatingPoints(trials)).toEqual([
      { threshold: Infinity, far: 0, frr: 1 },
      { threshold: 0, far: 1, frr: 0 },
    ]);
  });
});

describe('a second implementation from the definitions agrees on random lists', () => {
  it.each(randomLists())('list %#', ({ scores, labels, weights }) => {
    const trials = new ScoredTrials(scores, labels);
    const given = Float64Array.from(weights);
    expect(equalErrorRate(trials, given)).toBeCloseTo(plain.eer(scores, labels, weights), 10);
    for (const prior of [0.01, 0.05, 0.5]) {
      const cost = { prior, missCost: 2, falseAlarmCost: 1 };
      expect(minDcf(trials, cost, given).value).toBeCloseTo(plain.minDcf(scores, labels, weights, cost), 10);
      const { far, frr } = plain.rates(scores, labels, Math.log((1 - prior) / (2 * prior)), weights);
      const least = Math.min(2 * prior, 1 - prior);
      expect(actualDcf(trials, cost, given)).toBeCloseTo((2 * prior * frr + (1 - prior) * far) / least, 10);
    }
    expect(cllr(trials, given)).toBeCloseTo(plain.cllr(scores, labels, weights), 10);
    expect(minCllr(trials, given)).toBeCloseTo(plain.minCllr(scores, labels, weights), 10);
  });
});

describe('pointAtFar', () => {
  it('is the lowest threshold that accepts no more impostors than asked', () => {
    const trials = scored([5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(pointAtFar(trials, 0.2)).toEqual({ threshold: 9, far: 0.2, frr: 1 });
    const point = pointAtFar(trials, 0.45);
    expect(point.threshold).toBe(7);
    expect(point.far).toBeCloseTo(0.4);
    expect(point.frr).toBe(0.5);
  });

  it('rejects everybody where no threshold is strict enough', () => {
    expect(pointAtFar(scored([1], [2, 3]), 0.1)).toEqual({ threshold: Infinity, far: 0, frr: 1 });
  });
});

describe('weights', () => {
  it('of a whole number equal that many copies', () => {
    const weights = Float64Array.from([2, 1, 3, 1]);
    const weighted = scored([1, 3], [2, 0]);
    const copied = scored([1, 1, 3], [2, 2, 2, 0]);
    expect(equalErrorRate(weighted, weights)).toBeCloseTo(equalErrorRate(copied), 12);
    expect(minCllr(weighted, weights)).toBeCloseTo(minCllr(copied), 12);
    expect(cllr(weighted, weights)).toBeCloseTo(cllr(copied), 12);
  });

  it('balanced over pairs give each pair of speakers a sum of one, in either order', () => {
    const speakers = { a: Uint32Array.from([0, 0, 1, 0, 2]), b: Uint32Array.from([0, 1, 0, 1, 2]), count: 3 };
    expect([...pairBalancedWeights(speakers)]).toEqual([1, 1 / 3, 1 / 3, 1 / 3, 1]);
  });
});

describe('lists without one kind of trial', () => {
  it('are refused with their numbers', () => {
    expect(() => equalErrorRate(scored([1, 2], []))).toThrow('there are 2 and 0');
    expect(() => cllr(scored([], [1]))).toThrow('there are 0 and 1');
  });

  it('and scores that are no numbers are refused', () => {
    expect(() => new ScoredTrials([1, NaN], [1, 0])).toThrow('score 1 is NaN');
    expect(() => new ScoredTrials([1], [1, 0])).toThrow('1 scores for 2 labels');
  });
});
