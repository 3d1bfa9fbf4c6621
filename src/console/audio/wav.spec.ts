import { describe, expect, test } from '@jest/globals';
import { wavOf } from './wav.js';

describe('a recording as a WAV file', () => {
  test('has the samples of all chunks, the rate and their bytes in its header', () => {
    const file = Buffer.from(wavOf([Float32Array.of(0, 0.5), Float32Array.of(-1)], 48_000));
    expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect([file.readUInt32LE(4), file.readUInt32LE(40), file.length]).toEqual([42, 6, 50]);
    expect([file.readUInt32LE(24), file.readUInt32LE(28)]).toEqual([48_000, 96_000]);
    expect([0, 1, 2].map((i) => file.readInt16LE(44 + 2 * i))).toEqual([0, 16_384, -32_767]);
  });

  test('cuts what is louder than full scale there', () => {
    const file = Buffer.from(wavOf([Float32Array.of(7, -7)], 8000));
    expect([file.readInt16LE(44), file.readInt16LE(46)]).toEqual([32_767, -32_767]);
  });
});
