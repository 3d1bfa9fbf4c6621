import { describe, expect, test } from '@jest/globals';
import { ColumnMaker, Peaks } from './peaks.js';

/** Taken while it is decoded, as the worker does. */
function pushed(rate: number, seconds: number, sampleAt: (second: number) => number, piece = 1000): Peaks {
  const [maker, peaks] = [new ColumnMaker(rate), new Peaks()];
  const samples = Float32Array.from({ length: rate * seconds }, (_, i) => sampleAt(i / rate));
  for (let i = 0; i < samples.length; i += piece) {
    maker.push(samples.subarray(i, i + piece));
    if (i % 3 === 0) peaks.add(maker.take());
  }
  maker.finish();
  peaks.add(maker.take());
  return peaks;
}

describe('peaks', () => {
  test.each([8000, 16_000, 22_050, 44_100, 11_025])('stand where the samples were, at %d samples a second', (rate) => {
    // Silence, but for the 100th second.
    const peaks = pushed(rate, 120, (second) => (second >= 100 && second < 101 ? -0.5 : 0), 777);
    expect(peaks.seconds).toBeCloseTo(120, 1);
    expect(peaks.between(100.2, 100.21)![0]).toBeCloseTo(-0.5, 2);
    expect(peaks.between(99.5, 99.9)).toEqual([0, 0]);
    expect(peaks.between(101.1, 101.2)).toEqual([0, 0]);
    // At every width.
    for (const span of [0.01, 0.1, 0.4, 1, 5, 60]) {
      expect(peaks.between(100.5 - span / 2, 100.5 + span / 2)![0]).toBeCloseTo(-0.5, 2);
    }
  });

  test('do not depend on how the samples come in pieces', () => {
    const wave = (second: number): number => Math.sin(60 * second) * Math.sin(3 * second);
    const [one, other] = [pushed(8000, 20, wave, 8000 * 20), pushed(8000, 20, wave, 13)];
    for (let at = 0; at < 20; at += 0.37) expect(one.between(at, at + 0.3)).toEqual(other.between(at, at + 0.3));
  });

  test('are nothing where nothing is decoded yet, and full scale at most', () => {
    const peaks = pushed(8000, 1, () => 3);
    expect(peaks.between(0.2, 0.4)).toEqual([1, 1]);
    expect(peaks.between(2, 3)).toBeNull();
    expect(new Peaks().between(0, 1)).toBeNull();
  });

  test('of a recording shorter than a column are there', () => {
    expect(pushed(8000, 0.005, () => 0.5).between(0, 0.01)![1]).toBeCloseTo(0.5, 1);
  });
});
