import { describe, expect, test } from '@jest/globals';
import type { ChannelItem, EmbedResult } from '../../addon/types.js';
import { TimbreError } from '../../errors/timbre-error.js';
import { differentVoices, DIFFERENT_BELOW } from './channel-voices.js';

/** A channel whose embedding is at an angle. */
function heard(channel: number, angle: number, seconds = 5): ChannelItem {
  const embedding = Float32Array.of(Math.cos(angle), Math.sin(angle));
  return { channel, result: { embedding, model: 'm@0123456789ab', speech: { seconds } } as EmbedResult };
}
const [ALIKE, APART] = [Math.acos(DIFFERENT_BELOW + 0.01), Math.acos(DIFFERENT_BELOW - 0.01)];

describe('channels hold different people', () => {
  test('below the threshold, and not above it', () => {
    expect(differentVoices([heard(0, 0), heard(1, ALIKE)])).toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, APART)])).toEqual({
      channels: [0, 1],
      cosine: expect.closeTo(DIFFERENT_BELOW - 0.01, 5),
    });
  });

  test('of several, those that are least alike are named', () => {
    expect(differentVoices([heard(0, 0), heard(1, APART), heard(2, -Math.PI / 2)])?.channels).toEqual([1, 2]);
  });

  test('a channel with next to no speech, or none that can be embedded, says nothing', () => {
    const silent: ChannelItem = { channel: 1, error: new TimbreError('NO_SPEECH', 'the recording is silent') };
    expect(differentVoices([heard(0, 0), heard(1, 2, 0.9)])).toBeNull();
    expect(differentVoices([heard(0, 0), heard(1, 2, 1)])).not.toBeNull();
    expect(differentVoices([heard(0, 0), silent])).toBeNull();
    expect(differentVoices([])).toBeNull();
  });
});
