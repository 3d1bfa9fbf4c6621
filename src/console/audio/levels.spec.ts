import { describe, expect, test } from '@jest/globals';
import { LevelMeter } from './levels.js';

const RATE = 16_000;

function tone(seconds: number, amplitude: number): Float32Array {
  return Float32Array.from({ length: seconds * RATE }, (_, i) => amplitude * Math.sin((2 * Math.PI * 200 * i) / RATE));
}

describe('levels of a recording that is being made', () => {
  test('are those of the samples, in dB relative to full scale', () => {
    const { levelDb, seconds } = new LevelMeter(RATE).add(tone(1, 0.5));
    expect(levelDb).toBeCloseTo(20 * Math.log10(0.5 / Math.SQRT2), 1);
    expect(seconds).toBe(1);
  });

  test('count what is at full scale as clipped', () => {
    const meter = new LevelMeter(RATE);
    meter.add(tone(1, 0.5));
    expect(meter.add(new Float32Array(RATE).fill(1)).clippedShare).toBe(0.5);
  });

  test('take what stands out of the noise for speech, and neither noise nor silence', () => {
    const meter = new LevelMeter(RATE);
    meter.add(tone(2, 0.002));
    expect(meter.levels.speechSeconds).toBe(0);
    meter.add(tone(3, 0.2));
    const { speechSeconds, noiseDb } = meter.add(new Float32Array(2 * RATE));
    expect(speechSeconds).toBeCloseTo(3, 1);
    expect(noiseDb).toBeLessThan(-50);
    expect(new LevelMeter(RATE).levels.noiseDb).toBeNull();
  });

  test('are the same in whatever chunks the samples come', () => {
    const [whole, parts] = [new LevelMeter(RATE), new LevelMeter(RATE)];
    const all = tone(1, 0.3);
    whole.add(all);
    for (let i = 0; i < all.length; i += 777) parts.add(all.subarray(i, i + 777));
    expect(parts.levels).toEqual(whole.levels);
  });
});
