import { describe, expect, test } from '@jest/globals';
import { speakersOfWords } from './spoken-words.js';
import type { TranscriptSegment } from './transcript.js';

const turn = (start: number, end: number, speaker: string) => ({ start, end, speaker });
const turns = [turn(0, 2, 'A'), turn(2, 4, 'B'), turn(3.5, 5, 'A'), turn(8, 9, 'C')];
const said = (start: number, end: number, text: string) => ({ start, end, text });
const whose = (...words: TranscriptSegment[]) => speakersOfWords(words, turns, 10).map(({ speaker }) => speaker);

describe('the speaker of a word', () => {
  test('is who speaks most of it', () => {
    expect(whose(said(0.1, 0.5, 'a'), said(1.7, 2.2, 'b'), said(1.9, 2.5, 'c'), said(3, 3.7, 'd'))).toEqual([
      'A',
      'A',
      'B',
      'B',
    ]);
  });

  test('is that of the word before where two speak as much of it', () => {
    expect(whose(said(3.0, 3.4, 'a'), said(3.6, 3.9, 'b'))).toEqual(['B', 'B']);
    expect(whose(said(3.6, 3.9, 'b'))).toEqual(['A']);
  });

  test('is the nearest where nobody is heard, within half a second', () => {
    expect(whose(said(5.2, 5.4, 'a'), said(7.3, 7.6, 'b'), said(6, 6.5, 'c'), said(9.5, 9.9, 'd'))).toEqual([
      'A',
      null,
      'C',
      'C',
    ]);
    expect(whose(said(9.6, 9.9, 'e'))).toEqual([null]);
    expect(speakersOfWords([said(0, 1, 'a')], [], 10)[0]!.speaker).toBeNull();
  });

  test('is found for words without length, over each other and out of order', () => {
    expect(whose(said(8.5, 8.5, 'd'), said(1, 1, 'a'), said(0, 4, 'c'), said(2.5, 2.5, 'b'))).toEqual([
      'A',
      'A',
      'B',
      'C',
    ]);
  });
});

describe('a segment', () => {
  const words = [
    said(0.5, 1, ' Good'),
    said(1.2, 1.9, ' morning.'),
    said(2.1, 2.4, ' Morning,'),
    said(2.5, 3, ' Ada.'),
  ];

  test('is split where the speaker changes, and keeps its text where he does not', () => {
    const spoken = speakersOfWords([{ ...said(0.4, 3.2, 'Good  morning. Morning, Ada.'), words }], turns, 10);
    expect(spoken).toEqual([
      {
        ...said(0.5, 1.9, 'Good morning.'),
        speaker: 'A',
        words: [
          { ...said(0.5, 1, 'Good'), speaker: 'A' },
          { ...said(1.2, 1.9, 'morning.'), speaker: 'A' },
        ],
      },
      expect.objectContaining({ ...said(2.1, 3, 'Morning, Ada.'), speaker: 'B' }),
    ]);
    const whole = speakersOfWords([{ ...said(0.4, 2, 'Good  morning.'), words: words.slice(0, 2) }], turns, 10);
    expect(whole).toEqual([expect.objectContaining({ ...said(0.4, 2, 'Good  morning.'), speaker: 'A' })]);
  });

  test('is put together as its script is written', () => {
    const texts = (list: TranscriptSegment['words']) =>
      speakersOfWords([{ ...said(0, 4, ''), words: list! }], turns, 10).map(({ text }) => text);
    expect(texts([said(0, 1, 'I'), said(1, 2, 'am'), said(2, 3, 'here')])).toEqual(['I am', 'here']);
    expect(texts([said(0, 1, ' I'), said(1, 2, "'m"), said(2, 3, ' here')])).toEqual(["I'm", 'here']);
    expect(texts([said(0, 1, '你'), said(1, 2, '好'), said(2, 3, '吗')])).toEqual(['你好', '吗']);
  });
});

test('a transcript of another recording is refused; one that rounds is not', () => {
  expect(() => speakersOfWords([said(30, 31, 'far away')], turns, 10)).toThrow(
    '"far away" at 30.0 s, and the recording ends at 10.0 s',
  );
  expect(() => speakersOfWords([{ ...said(0, 31, ''), words: [said(12, 13, 'x')] }], turns, 10)).toThrow(
    'another recording',
  );
  expect(speakersOfWords([said(9.9, 30, 'and on')], turns, 10)).toHaveLength(1);
  expect(speakersOfWords([], turns, 10)).toEqual([]);
});

test('long segments over each other are as good as any', () => {
  const many = Array.from({ length: 2000 }, (_, i) => turn(2 * i, 2 * i + 1, i % 2 === 0 ? 'A' : 'B'));
  const words = Array.from({ length: 200_000 }, (_, i) => said(i / 1000, 4000, 'x'));
  const spoken = speakersOfWords(words, many, 4000);
  expect(spoken).toHaveLength(words.length);
  expect(spoken[0]!.speaker).toBe('A');
});
