import { describe, expect, test } from '@jest/globals';
import { readScoredList } from './scored-list.js';

const read = (text: string): { scores: number[]; labels: number[]; name: string | null } => {
  const { scores, labels, name } = readScoredList(text);
  return { scores: [...scores], labels: [...labels], name };
};

const TWO = { scores: [0.9, -0.25], labels: [1, 0] };

describe('a list of scored trials', () => {
  test.each([
    ['label and score', '1 0.9\n0 -0.25\n', null],
    ['words, tabs, Windows', 'target\t0.9\r\nnontarget\t-2.5e-1\r\n', null],
    ['of a Mac of old, and a byte-order mark', '\ufeff1 0.9\r0 -0.25', null],
    [
      'as an evaluation writes it',
      'label\tenrolment\ttest\tscore\n1\ta b.wav\tc.wav\t0.9\n0\ta b.wav\td.wav\t-0.25\n',
      'score',
    ],
    ['evidence before a cosine', 'cosine,label,llr\n0.1,1,0.9\n0.2,0,-0.25\n', 'llr'],
    ['recordings between, no heading', '1 a.wav b.wav 0.9\n0 a.wav c.wav -0.25\n', null],
    ['semicolons and quotes', '"label";"score"\n"true";"0.9"\n"false";"-0.25"\n', 'score'],
    ['comments and empty lines', '# of today\n\n1 0.9\n\n0 -0.25', null],
    ['a JSON list', '[{"label":1,"score":0.9},{"label":"nontarget","score":-0.25}]', 'score'],
    ['JSON lines', '{"target":true,"llr":0.9}\n{"target":false,"llr":-0.25}\n', 'llr'],
  ])('%s', (_, text, name) => {
    expect(read(text)).toEqual({ ...TWO, name });
  });

  test.each([
    ['nothing', '', /no trials/],
    ['white space', ' \n\t\n', /no trials/],
    ['an unknown label', '1 0.9\nmaybe 0.2\n', /label of line 2 is "maybe"/],
    ['no score', '1\n0\n', /line 1 has no score/],
    ['a score that is no number', '1 0.9\n0 NaN\n', /score of line 2 is "NaN"/],
    ['an empty score', '1,0.9\n0,\n', /score of line 2 is ""/],
    ['a list without scores', '1 a.wav b.wav\n', /score of line 1 is "b.wav"/],
    ['other columns', '1 0.9\n0 a 0.2\n', /line 2 has 3 columns/],
    ['broken JSON', '[{"label":1,', /is no JSON/],
    ['JSON of something else', '{"results":[]}', /label of line 1/],
  ])('%s is refused, and says where', (_, text, message) => {
    expect(() => readScoredList(text)).toThrow(message);
  });
});
