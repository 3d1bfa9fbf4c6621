import { expect, test } from '@jest/globals';
import type { ConversationTurn } from '../../addon/types.js';
import { voicesIn } from './voices-in-parts.js';

const speaker = (label: string) => ({
  label,
  speechSeconds: 0,
  ownSeconds: 0,
  turns: 1,
  embedding: new Float32Array(),
});
const turn = (start: number, end: number, who: string): ConversationTurn => ({ start, end, speaker: who, overlap: 0 });
const heard = {
  speakers: [speaker('A'), speaker('B')],
  turns: [turn(0, 5, 'A'), turn(5, 10, 'B'), turn(8, 12, 'A')],
};

test('voices within intervals are those who speak there, most first', () => {
  expect(voicesIn([{ start: 0, end: 5 }], heard)).toEqual([{ label: 'A', seconds: 4.5 }]);
  expect(voicesIn([{ start: 1, end: 7 }], heard)).toEqual([
    { label: 'A', seconds: 3.75 },
    { label: 'B', seconds: 1.75 },
  ]);
  // Both at a time, in the second interval.
  expect(voicesIn([{ start: 0, end: 2 }, { start: 8, end: 10 }], heard)).toEqual([
    { label: 'A', seconds: 3 },
    { label: 'B', seconds: 1.5 },
  ]); // prettier-ignore
  expect(voicesIn([{ start: 20, end: 30 }], heard)).toEqual([]);
});

test('a turn that reaches into an interval by less than half a second is no other voice', () => {
  expect(voicesIn([{ start: 0, end: 5.7 }], heard)).toMatchObject([{ label: 'A' }]);
  expect(voicesIn([{ start: 0, end: 5.8 }], heard)).toHaveLength(2);
});
