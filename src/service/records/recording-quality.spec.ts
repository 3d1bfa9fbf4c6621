import { describe, expect, it } from '@jest/globals';
import { judge, type Measures, type RecordingLimits } from './recording-quality.js';

const LIMITS: RecordingLimits = { minSpeechSeconds: 1, minSnrDb: 5, maxClippedShare: 0.05, minBandwidthHz: 1500 };
const CLEAN: Measures = {
  audioSeconds: 12,
  speechSeconds: 10,
  sampleRate: 16_000,
  channels: 1,
  snrDb: 30,
  clippedShare: 0,
  bandwidthHz: 7500,
  levelDb: -20,
};

describe('judge', () => {
  it.each([
    [{}, 'GOOD'],
    [{ snrDb: null }, 'GOOD'],
    [{ bandwidthHz: 3400 }, 'GOOD'],
    [{ snrDb: 10 }, 'FAIR'],
    [{ clippedShare: 0.01 }, 'FAIR'],
    [{ bandwidthHz: 2000 }, 'FAIR'],
    [{ snrDb: 5, clippedShare: 0.05, bandwidthHz: 1500, speechSeconds: 1 }, 'FAIR'],
  ] as const)('accepts %j as %s', (measures, quality) => {
    expect(judge({ ...CLEAN, ...measures }, LIMITS)).toEqual({ accepted: true, reasons: [], quality });
  });

  it('names every reason', () => {
    const bad = { ...CLEAN, speechSeconds: 0.9, snrDb: 4.9, clippedShare: 0.051, bandwidthHz: 1499 };
    expect(judge(bad, LIMITS)).toEqual({
      accepted: false,
      reasons: ['TOO_LITTLE_SPEECH', 'TOO_NOISY', 'CLIPPED', 'NARROW_BAND'],
      quality: 'POOR',
    });
  });
});
