import { describe, expect, it } from '@jest/globals';
import { groupTrials, matcher, parseColumn, selectTrials } from './groups.js';
import { speakersOf, trialSpeakers } from './trial-scores.js';
import type { TrialList } from './trials.js';

/** Recordings a1 a2 of speaker a and so on; `cv` values for a and b, `phone` for c. */
const list: TrialList = {
  labels: Uint8Array.from([1, 0, 0, 1]),
  enrolment: Uint32Array.from([0, 0, 0, 1]),
  test: Uint32Array.from([0, 1, 2, 3]),
  enrolments: [['a1'], ['c1', 'c2']],
  enrolmentNames: ['a1', 'c'],
  tests: ['a2', 'b1', 'c1', 'c3'],
};
const values: Record<string, string> = { a1: 'cv_en', a2: 'cv_en', b1: 'cv_fr', c1: 'phone', c2: 'phone', c3: 'phone' };
const valueOf = (recording: string): string | undefined => values[recording];
const every = Uint32Array.from([0, 1, 2, 3]);

describe('groupTrials', () => {
  it('puts a trial where both of its sides belong', () => {
    const groups = groupTrials(list, every, valueOf, ['cv_*']);
    expect(groups.map(({ name, members }) => [name, [...members]])).toEqual([
      ['cv_*', [0, 1]],
      ['cv_en', [0]],
      ['phone', [3]],
    ]);
  });
});

describe('selectTrials', () => {
  it('keeps the trials of both sides and forgets the recordings of the others', () => {
    const chosen = selectTrials(list, valueOf, { patterns: ['phone', 'x'], within: false });
    expect(chosen).toEqual({
      labels: Uint8Array.from([1]),
      enrolment: Uint32Array.from([0]),
      test: Uint32Array.from([0]),
      enrolments: [['c1', 'c2']],
      enrolmentNames: ['c'],
      tests: ['c3'],
    });
  });

  it('refuses patterns that match nothing', () => {
    expect(() => selectTrials(list, valueOf, { patterns: ['tv'], within: false })).toThrow(
      'no trial has both sides in tv',
    );
  });

  it('keeps the trials whose sides have one value, of all values without a pattern', () => {
    const chosen = selectTrials(list, valueOf, { patterns: [], within: true });
    expect(chosen.tests).toEqual(['a2', 'c3']);
    expect(chosen.enrolmentNames).toEqual(['a1', 'c']);
    const ofPattern = selectTrials(list, valueOf, { patterns: ['cv_*'], within: true });
    expect(ofPattern.tests).toEqual(['a2']);
  });

  it('says when no trial has one value on both sides', () => {
    const across = {
      ...list,
      labels: list.labels.slice(0, 1),
      enrolment: list.enrolment.slice(0, 1),
      test: Uint32Array.of(1),
    };
    expect(() => selectTrials(across, valueOf, { patterns: [], within: true })).toThrow(
      'no trial has both sides with a value and the same value on both',
    );
    expect(() => selectTrials(list, () => undefined, { patterns: [], within: true })).toThrow(
      'no trial has both sides',
    );
  });
});

describe('speakersOf', () => {
  it('joins recordings by target trials and enrolments where no table names speakers', () => {
    const speaker = speakersOf(list);
    expect(speaker('a1')).toBe(speaker('a2'));
    expect(speaker('c1')).toBe(speaker('c3'));
    expect(speaker('c2')).toBe(speaker('c3'));
    expect(new Set(['a1', 'b1', 'c1'].map(speaker)).size).toBe(3);
    expect(trialSpeakers(list, every, speaker).count).toBe(3);
  });

  it('follows long chains of target trials', () => {
    const count = 1000;
    const chain: TrialList = {
      labels: new Uint8Array(count).fill(1),
      enrolment: Uint32Array.from({ length: count }, (_, i) => i),
      test: Uint32Array.from({ length: count }, (_, i) => i),
      enrolments: Array.from({ length: count }, (_, i) => [`r${i}`]),
      enrolmentNames: Array.from({ length: count }, (_, i) => `r${i}`),
      tests: Array.from({ length: count }, (_, i) => `r${i + 1}`),
    };
    const speaker = speakersOf(chain);
    expect(speaker('r0')).toBe(speaker(`r${count}`));
  });

  it('takes the names of a table first', () => {
    const speaker = speakersOf(list, new Map([['a1', 'anna']]));
    expect(speaker('a1')).toBe('anna');
  });
});

describe('patterns and columns', () => {
  it('match whole texts, * standing for anything', () => {
    expect(matcher('cv_*')('cv_en')).toBe(true);
    expect(matcher('cv_*')('a cv_en')).toBe(false);
    expect(matcher('a.c')('abc')).toBe(false);
    expect(matcher('*')('')).toBe(true);
  });

  it('split at the last colon', () => {
    expect(parseColumn('C:/x/files.tsv:source')).toEqual({ file: 'C:/x/files.tsv', column: 'source' });
    expect(() => parseColumn('files.tsv')).toThrow('FILE:COLUMN');
  });
});
