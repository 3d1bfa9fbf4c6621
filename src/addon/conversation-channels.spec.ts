import { describe, expect, test } from '@jest/globals';
import { joinChannels } from './conversation-channels.js';
import type { ConversationResult } from './types.js';

type Channel = Pick<ConversationResult, 'speakers' | 'turns'>;

/** Voices by their axis; each says when it speaks. `blend` turns it that much towards another axis. */
function channel(...voices: { axis: number; blend?: number; turns: [number, number][] }[]): Channel {
  const labels = ['A', 'B', 'C'];
  return {
    turns: voices
      .flatMap(({ turns }, i) => turns.map(([start, end]) => ({ start, end, speaker: labels[i]!, overlap: 0 })))
      .sort((a, b) => a.start - b.start),
    speakers: voices.map(({ axis, blend = 0, turns }, i) => {
      const embedding = new Float32Array(6);
      embedding[axis] = Math.sqrt(1 - blend * blend);
      embedding[5] = blend;
      const speechSeconds = turns.reduce((sum, [start, end]) => sum + end - start, 0);
      return { label: labels[i]!, speechSeconds, ownSeconds: speechSeconds, turns: turns.length, embedding };
    }),
  };
}

const shape = ({ speakers, turns }: Channel) => ({
  channels: speakers.map(({ label, channels }) => [label, channels]),
  turns: turns.map(({ start, end, speaker }) => [start, end, speaker]),
});

describe('one person a channel', () => {
  test('has the turns of each channel, and who speaks with whom', () => {
    const joined = joinChannels([channel({ axis: 0, turns: [[2, 5]] }), channel({ axis: 1, turns: [[0, 3]] })], true);
    expect(shape(joined)).toEqual({
      channels: [
        ['A', [1]],
        ['B', [0]],
      ],
      turns: [
        [0, 3, 'A'],
        [2, 5, 'B'],
      ],
    });
    expect(joined.turns.map(({ overlap }) => overlap)).toEqual([1, 1]);
    expect(joined.speakers[0]).toMatchObject({ speechSeconds: 3, ownSeconds: 2, turns: 1 });
  });

  test('loses what another channel hears of it', () => {
    const joined = joinChannels(
      [
        channel({ axis: 0, turns: [[0, 4]] }, { axis: 1, blend: 0.4, turns: [[5, 7.5]] }),
        channel({ axis: 1, turns: [[5, 8]] }, { axis: 0, blend: 0.3, turns: [[0.5, 4]] }),
      ],
      true,
    );
    expect(shape(joined)).toEqual({
      channels: [
        ['A', [0]],
        ['B', [1]],
      ],
      turns: [
        [0, 4, 'A'],
        [5, 8, 'B'],
      ],
    });
  });

  test('is one, though it was taken for two voices, and nobody where all is cross-talk', () => {
    const split = joinChannels(
      [channel({ axis: 0, turns: [[0, 2]] }, { axis: 2, turns: [[2.2, 4]] }), channel({ axis: 1, turns: [[5, 6]] })],
      true,
    );
    expect(shape(split).turns).toEqual([
      [0, 4, 'A'],
      [5, 6, 'B'],
    ]);
    const copy = channel({ axis: 0, turns: [[0, 2]] });
    expect(shape(joinChannels([copy, copy], true))).toEqual({ channels: [['A', [0]]], turns: [[0, 2, 'A']] });
    expect(joinChannels([channel(), channel()], true)).toEqual({ speakers: [], turns: [] });
  });
});

describe('several people a channel', () => {
  test('are joined where they are alike, and stay apart in one channel', () => {
    const joined = joinChannels(
      [
        channel({ axis: 0, turns: [[0, 4]] }, { axis: 1, turns: [[6, 7]] }),
        channel({ axis: 2, turns: [[4, 5]] }, { axis: 1, blend: 0.2, turns: [[6.1, 9]] }),
        channel({ axis: 3, blend: 0.6, turns: [[10, 11]] }),
      ],
      false,
    );
    expect(shape(joined)).toEqual({
      channels: [
        ['A', [0]],
        ['B', [1]],
        ['C', [1, 0]],
        ['D', [2]],
      ],
      turns: [
        [0, 4, 'A'],
        [4, 5, 'B'],
        [6, 9, 'C'],
        [10, 11, 'D'],
      ],
    });
    const alike = channel({ axis: 0, turns: [[0, 1]] }, { axis: 0, turns: [[2, 3]] });
    expect(joinChannels([alike], false).speakers).toHaveLength(2);
    expect(joinChannels([alike, alike], false).speakers).toHaveLength(2);
  });

  test('have a voice of unit length, most of it from where they speak most', () => {
    const [person] = joinChannels(
      [channel({ axis: 0, turns: [[0, 8]] }), channel({ axis: 0, blend: 0.6, turns: [[0, 2]] })],
      false,
    ).speakers;
    expect(Math.hypot(...person!.embedding)).toBeCloseTo(1, 6);
    expect(person!.embedding[5]! / person!.embedding[0]!).toBeCloseTo(1.2 / 9.6, 5);
  });
});
