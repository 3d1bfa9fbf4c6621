import { describe, expect, it } from '@jest/globals';
import { bootstrapInterval, evenWeights, numberSpeakers, seededUniform } from './bootstrap.js';

describe('evenWeights', () => {
  it('sums to the same for every source, target and impostor trials apart, and keeps what a source weighs within', () => {
    const sources = [0, 0, 0, 1, 1, 1, 1, 1];
    const labels = [1, 0, 0, 1, 1, 0, 0, 0];
    const own = [1, 1, 3, 1, 1, 2, 1, 1];
    expect([...evenWeights(sources, labels, own)]).toEqual([1, 0.25, 0.75, 0.5, 0.5, 0.5, 0.25, 0.25]);
    expect([...evenWeights(sources, labels)].slice(5)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  });
});

/** Weighted mean of per-trial values: a statistic whose standard error is known. */
function meanOf(values: readonly number[]): (weights: Float64Array) => number {
  return (weights) => {
    let [sum, total] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      sum += weights[i]! * values[i]!;
      total += weights[i]!;
    }
    return sum / total;
  };
}

describe('bootstrapInterval', () => {
  const uniform = seededUniform(2);
  const speakers = Array.from({ length: 300 }, (_, i) => `speaker ${i}`);
  const values = speakers.map(() => uniform());
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const error = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0)) / values.length;

  it('is the mean plus and minus 1.96 standard errors where each speaker has one trial', () => {
    const [low, high] = bootstrapInterval(numberSpeakers(speakers, speakers), meanOf(values), { draws: 4000 });
    expect((mean - low) / (1.96 * error)).toBeCloseTo(1, 1);
    expect((high - mean) / (1.96 * error)).toBeCloseTo(1, 1);
  });

  it('does not shrink when every speaker repeats the same trial', () => {
    const many = [...speakers, ...speakers, ...speakers, ...speakers];
    const once = bootstrapInterval(numberSpeakers(speakers, speakers), meanOf(values));
    const repeated = bootstrapInterval(
      numberSpeakers(many, many),
      meanOf([...values, ...values, ...values, ...values]),
    );
    expect(repeated[0]).toBeCloseTo(once[0], 12);
    expect(repeated[1]).toBeCloseTo(once[1], 12);
  });

  it('counts an impostor trial as often as its pair was drawn', () => {
    const pairs = numberSpeakers(['a', 'a', 'b'], ['a', 'b', 'b']);
    const seen = new Set<string>();
    bootstrapInterval(pairs, (weights) => (seen.add([...weights].join()), 0), { draws: 50 });
    // (drawn a, drawn b) is (2, 0), (1, 1) or (0, 2).
    expect([...seen].sort()).toEqual(['0,0,2', '1,1,1', '2,0,0']);
  });

  it('is the same for one seed and another for another', () => {
    const numbered = numberSpeakers(speakers, speakers);
    const first = bootstrapInterval(numbered, meanOf(values), { seed: 4 });
    expect(bootstrapInterval(numbered, meanOf(values), { seed: 4 })).toEqual(first);
    expect(bootstrapInterval(numbered, meanOf(values), { seed: 5 })).not.toEqual(first);
  });

  it('leaves out draws without a rate', () => {
    const [low, high] = bootstrapInterval(numberSpeakers(['a', 'b'], ['a', 'b']), (w) => (w[0] === 0 ? NaN : w[0]!));
    expect([low, high]).toEqual([1, 2]);
  });
});
