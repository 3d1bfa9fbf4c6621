import { describe, expect, test } from '@jest/globals';
import { readTranscript } from './transcript.js';
import { writeWebVtt } from './webvtt.js';

const json = (value: unknown) => JSON.stringify(value);
const reading = (text: string | Uint8Array) => () => readTranscript(text, 'talk.txt');
const hello = { start: 0.5, end: 1.25, text: 'Hello' };

describe('a transcript', () => {
  test.each<[string, string]>([
    ['a list', json([hello])],
    [
      'segments of Whisper',
      json({ text: 'Hello', language: 'en', segments: [{ id: 0, ...hello, text: ' Hello', words: [] }] }),
    ],
    ['whisper.cpp', json({ transcription: [{ offsets: { from: 500, to: 1250 }, text: ' Hello' }] })],
    [
      'WebVTT',
      'WEBVTT - a talk\nKind: captions\n\nNOTE by hand\n\n1\n00:00.500 --> 00:01.250 align:start\n<v Ada>Hello</v>\n',
    ],
    ['SRT', '\uFEFF1\r\n00:00:00,500 --> 00:00:01,250\r\n<i>Hello</i>\r\n\r\n'],
    ['SRT without numbers', '00:00:00,500 --> 00:00:01,250\nHello'],
  ])('is read of %s', (_, text) => {
    expect(readTranscript(text)).toEqual([hello]);
    expect(readTranscript(Buffer.from(text))).toEqual([hello]);
  });

  test('has the words of Whisper, in its segments or beside them', () => {
    const words = [
      { word: ' Hello', start: 0.5, end: 0.8, probability: 0.9 },
      { word: ' you', start: 0.9, end: 1.2 },
    ];
    const read = [
      { start: 0.5, end: 0.8, text: ' Hello' },
      { start: 0.9, end: 1.2, text: ' you' },
    ];
    expect(readTranscript(json({ segments: [{ ...hello, words }] }))).toEqual([{ ...hello, words: read }]);
    expect(readTranscript(json({ words }))).toEqual(read);
    const parts = [
      { ...hello, end: 0.85 },
      { start: 0.85, end: 1.2, text: 'you' },
    ];
    expect(readTranscript(json({ segments: parts, words }))).toEqual([
      { ...parts[0], words: [read[0]] },
      { ...parts[1], words: [read[1]] },
    ]);
    // WhisperX has no times for numbers.
    const without = [words[0], { word: '42' }];
    expect(readTranscript(json({ segments: [{ ...hello, words: without }] }))[0]!.words).toEqual([
      read[0],
      { start: 0.8, end: 0.8, text: '42' },
    ]);
  });

  test('may be without a word, out of order, and of several lines', () => {
    expect(readTranscript('[]')).toEqual([]);
    expect(readTranscript(json({ segments: [] }))).toEqual([]);
    expect(readTranscript('WEBVTT')).toEqual([]);
    const srt = '2\n01:00:00,000 --> 01:00:01,5\nb &lt; c\n\n\n1\n00:00:01,000 --> 00:00:02,000\na\n<x>\n';
    expect(readTranscript(srt)).toEqual([
      { start: 3600, end: 3601.5, text: 'b &lt; c' },
      { start: 1, end: 2, text: 'a <x>' },
    ]);
    expect(readTranscript('WEBVTT\n\n00:01.000 --> 00:02.000\na &lt;b&gt; &amp;amp; <c.x>d</c>\ne')[0]!.text).toBe(
      'a <b> &amp; d e',
    );
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', ' \n', /talk.txt is empty/],
    ['prose', 'Once upon a time', /line 1, begins no transcript/],
    ['no text', Uint8Array.from([0x5b, 0xff, 0xfe]), /no text in UTF-8/],
    ['broken JSON', '[\n{"start": 0,\n"end" 1}]', /line 3, is no JSON/],
    ['JSON that ends', '[\n{"start": 0,', /line 2, is no JSON/],
    ['other JSON', json({ text: 'Hello' }), /neither segments, nor words, nor transcription/],
    ['a segment without times', json([hello, { text: 'x' }]), /\[1\]: start is no number of seconds/],
    ['a time before the recording', json([{ ...hello, start: -1 }]), /\[0\]: start is no number/],
    ['a time that is text', json([{ ...hello, end: '1' }]), /\[0\]: end is no number/],
    ['an end before the start', json([{ ...hello, end: 0.1 }]), /ends at 0.1 s, before it begins/],
    ['no words', json({ segments: [{ ...hello, words: 'x' }] }), /segments\[0\].words is no list/],
    [
      'a word that is none',
      json({ segments: [{ ...hello, words: [{ start: 1, end: 2 }] }] }),
      /segments\[0\].words\[0\]: its text/,
    ],
    ['a segment that is none', json([7]), /\[0\] is no object/],
    ['a cue without times', 'WEBVTT\n\nname\nHello\n', /line 3, is no cue of WebVTT/],
    ['times that are none', 'WEBVTT\n\n00:00.500 --> soon\nHello\n', /line 3, has no times of WebVTT/],
    ['a minute of 75 s', '1\n00:00:75,000 --> 00:01:20,000\nx', /line 2, has times that no recording has/],
    ['a cue that ends first', 'WEBVTT\n\n\n00:02.000 --> 00:01.000\nx', /line 4, ends before it begins/],
  ])('of %s is refused, with its place', (_, text, message) => {
    expect(reading(text)).toThrow(message);
  });

  test('of more than a million words is refused', () => {
    const word = '{"start":1,"end":1,"text":"x"}';
    expect(reading(`[${Array(1_000_001).fill(word).join(',')}]`)).toThrow('more than 1000000 segments and words');
  });
});

test('WebVTT says who speaks, and takes text for text', () => {
  const cue = (text: string, speaker: string | null) => ({ start: 3661.5, end: 3662, text, speaker });
  expect(writeWebVtt([cue('a --> b & <c>\n\nWEBVTT', 'Ada <x>\n'), cue('d', null)])).toBe(
    'WEBVTT\n\n01:01:01.500 --> 01:01:02.000\n<v Ada &lt;x&gt;>a --&gt; b &amp; &lt;c&gt; WEBVTT</v>\n\n' +
      '01:01:01.500 --> 01:01:02.000\nd\n',
  );
  expect(readTranscript(writeWebVtt([cue('a & <c>', 'Ada')]))).toEqual([{ start: 3661.5, end: 3662, text: 'a & <c>' }]);
});
