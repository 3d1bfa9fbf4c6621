import { describe, expect, test } from '@jest/globals';
import type { ChannelItem, EmbedResult } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { Scorer } from '../../scoring/scorer.js';
import { differentVoices, DIFFERENT_BELOW } from './channel-voices.js';

/** llr = 10 x cosine - 5 */
const scorer = Scorer.of({ calibration: { offset: -5, scale: 10, quality: {}, norm: 'none' } });
const BELOW = (DIFFERENT_BELOW + 5) / 10;

/** A channel whose embedding is at an angle. */
function heard(channel: number, angle: number, seconds = 5): ChannelItem {
  const embedding = Float32Array.of(Math.cos(angle), Math.sin(angle));
  return { channel, result: { embedding, model: 'm@0123456789ab', speech: { seconds } } as EmbedResult };
}
const [ALIKE, APART] = [Math.acos(BELOW + 0.01), Math.acos(BELOW - 0.01)];

describe('channels hold different people', () => {
  test('below the threshold, and not above it', () => {
    expect(differentVoices([heard(0, 0), heard(1, ALIKE)], scorer)).toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, APART)], scorer)).toEqual({
      channels: [0, 1],
      cosine: expect.closeTo(BELOW - 0.01, 5),
    });
  });

  test('of several, those that are least alike are named', () => {
    expect(differentVoices([heard(0, 0), heard(1, APART), heard(2, -Math.PI / 2)], scorer)?.channels).toEqual([1, 2]);
  });

  test('a model without calibration decides by its published threshold, and without one tells nothing', () => {
    const published = Scorer.of({ publishedThreshold: { cosine: 0.25 } });
    expect(differentVoices([heard(0, 0), heard(1, Math.acos(0.3))], published)).toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, Math.acos(0.2))], published)).not.toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, Math.acos(-1))], Scorer.of({}))).toBeNull();
  });

  test('a channel with next to no speech, or none that can be embedded, says nothing', () => {
    const silent: ChannelItem = { channel: 1, error: new TimbreError('NO_SPEECH', 'the recording is silent') };
    expect(differentVoices([heard(0, 0), heard(1, 2, 0.9)], scorer)).toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, 2, 1)], scorer)).not.toBeNull();
    expect(differentVoices([heard(0, 0), silent], scorer)).toBeNull();
    expect(differentVoices([], scorer)).toBeNull();
  });
});
