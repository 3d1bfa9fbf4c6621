import { describe, expect, test } from '@jest/globals';
import { readRttm } from '../../../evaluation/rttm.js';
import { assign, dialogueOf, merge, rename } from './document.js';
import { calledBy, exported } from './export.js';

type Conversation = Parameters<typeof exported>[2];

const speaker = (label: string, more: object = {}): object => ({
  label,
  speakerId: null,
  name: null,
  namedBy: null,
  unknownVoiceId: null,
  decision: 'REJECT',
  reason: 'REJECT',
  missingSpeechSeconds: null,
  sameAs: null,
  score: null,
  margin: null,
  nearest: null,
  speechSeconds: 2,
  ownSeconds: 2,
  turns: 1,
  channels: null,
  ...more,
});

const answer = {
  id: '3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60',
  state: 'done',
  filename: 'a meeting.opus',
  seconds: 10,
  speakers: [
    speaker('A', { speakerId: 'ada', name: 'Ada', namedBy: 'EVIDENCE', decision: 'ACCEPT', reason: null, score: 9 }),
    speaker('B'),
  ],
  turns: [
    { start: 0, end: 2, speaker: 'A', overlap: 0 },
    { start: 3, end: 5, speaker: 'B', overlap: 0 },
  ],
} as unknown as Conversation;
const said = dialogueOf(answer);

describe('a conversation that nobody has corrected', () => {
  test('is what the service answers, in each form', () => {
    expect(JSON.parse(exported('json', said, answer).text)).toEqual(answer);
    expect(exported('rttm', said, answer)).toMatchObject({
      file: 'a meeting.rttm',
      type: 'application/x-rttm',
      text:
        'SPEAKER a_meeting 1 0.000 2.000 <NA> <NA> ada <NA> <NA>\n' +
        'SPEAKER a_meeting 1 3.000 2.000 <NA> <NA> B <NA> <NA>\n',
    });
    expect(exported('vtt', said, answer).text).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v Ada>Ada</v>\n\n00:00:03.000 --> 00:00:05.000\n<v B>B</v>\n',
    );
  });
});

describe('a correction', () => {
  test('is in every form', () => {
    const edited = rename(assign(said, 1, 'A'), 'B', '<b>Ben</b> & co');
    const json = JSON.parse(exported('json', edited, answer).text) as Conversation;
    expect(json.turns.map((turn) => turn.speaker)).toEqual(['A', 'A']);
    expect(json.speakers).toMatchObject([
      { label: 'A', speakerId: 'ada', decision: 'ACCEPT', score: 9, turns: 2, speechSeconds: 4, ownSeconds: 4 },
      { label: 'B', speakerId: null, name: '<b>Ben</b> & co', decision: null, reason: 'NOT_ASKED', turns: 0 },
    ]);
    const named = rename(said, 'B', '<b>Ben</b> & co');
    expect(exported('vtt', named, answer).text).toContain('<v &lt;b&gt;Ben&lt;/b&gt; &amp; co>');
    expect(readRttm(exported('rttm', named, answer).text, 'it').get('a_meeting')![1]!.speaker).toBe('<b>Ben</b>_&_co');
  });

  test('takes the evidence away with the name that it was for', () => {
    const json = JSON.parse(exported('json', rename(said, 'A', 'Ben'), answer).text) as Conversation;
    expect(json.speakers[0]).toMatchObject({ speakerId: null, name: 'Ben', decision: null, score: null });
  });

  test('leaves no voice behind that was merged', () => {
    const json = JSON.parse(exported('json', merge(said, 'B', 'A'), answer).text) as Conversation;
    expect(json.speakers.map(({ label }) => label)).toEqual(['A']);
  });
});

test('two voices of one name, or one called as another label, are told apart', () => {
  const voice = (label: string, name: string | null): Parameters<typeof calledBy>[1][number] => ({
    label,
    name,
    speakerId: null,
  });
  expect([
    ...calledBy('name', [voice('A', 'Ada'), voice('B', 'Ada'), voice('C', 'A'), voice('D', null)]).values(),
  ]).toEqual(['Ada (A)', 'Ada (B)', 'A (C)', 'D']);
});
