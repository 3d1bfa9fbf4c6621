import { describe, expect, test } from '@jest/globals';
import { assignHighest } from './assignment.js';
import { diarisationErrors, errorRate, jaccardErrorRate, sumErrors } from './diarisation.js';
import { readRttm, writeRttm, type SpeechSegment } from './rttm.js';

const said = (start: number, end: number, speaker: string): SpeechSegment => ({ start, end, speaker });

describe('errors of turns', () => {
  test('are none where the names alone differ', () => {
    const errors = diarisationErrors([said(0, 5, 'x'), said(5, 8, 'y')], [said(0, 5, 'A'), said(5, 8, 'B')]);
    expect(errors).toMatchObject({ speech: 8, missed: 0, falseAlarm: 0, confusion: 0, countError: 0, countRight: 1 });
    expect(errorRate(errors)).toBe(0);
    expect(jaccardErrorRate(errors)).toBe(0);
  });

  test('are missed, false alarm and confusion', () => {
    // x speaks from 0 to 10, y from 10 to 20. Found: A 1 to 12, B 12 to 21.
    const errors = diarisationErrors([said(0, 10, 'x'), said(10, 20, 'y')], [said(1, 12, 'A'), said(12, 21, 'B')]);
    expect(errors).toMatchObject({ speech: 20, missed: 1, falseAlarm: 1, confusion: 2 });
    expect(errorRate(errors)).toBeCloseTo(0.2, 12);
    // x and A: 9 s of 12; y and B: 8 s of 11.
    expect(jaccardErrorRate(errors)).toBeCloseTo((1 - 9 / 12 + 1 - 8 / 11) / 2, 12);
  });

  test('count overlap as often as people speak', () => {
    const reference = [said(0, 10, 'x'), said(6, 10, 'y')];
    expect(diarisationErrors(reference, [said(0, 10, 'A')])).toMatchObject({
      speech: 14,
      missed: 4,
      falseAlarm: 0,
      confusion: 0,
      countError: 1,
      countRight: 0,
    });
    // Both found in the overlap, but A goes on as a third.
    expect(diarisationErrors(reference, [said(0, 6, 'A'), said(6, 10, 'B'), said(6, 10, 'C')])).toMatchObject({
      speech: 14,
      missed: 0,
      falseAlarm: 0,
      confusion: 4,
      countError: 1,
    });
  });

  test('pair speakers by the time they have in common, not in order', () => {
    const errors = diarisationErrors([said(0, 4, 'x'), said(4, 10, 'y')], [said(0, 10, 'A'), said(20, 21, 'B')]);
    expect(errors).toMatchObject({ confusion: 4, falseAlarm: 1, missed: 0 });
  });

  test('leave out a collar on either side of every boundary of the reference', () => {
    const reference = [said(1, 4, 'x'), said(6, 9, 'y')];
    const found = [said(0.8, 4.3, 'A'), said(6, 9, 'B')];
    const errors = diarisationErrors(reference, found, 0.25);
    expect(errors.speech).toBeCloseTo(2 * 2.5, 12);
    expect(errors.falseAlarm).toBeCloseTo(0.05, 12);
    expect(errors.missed + errors.confusion).toBeCloseTo(0, 12);
    expect(diarisationErrors(reference, found).falseAlarm).toBeCloseTo(0.5, 12);
  });

  test('take segments of one speaker that touch or lie over each other once', () => {
    const reference = [said(0, 3, 'x'), said(2, 5, 'x'), said(5, 6, 'x'), said(7, 7, 'z')];
    const errors = diarisationErrors(reference, [said(0, 6, 'A')]);
    expect(errors).toMatchObject({ speech: 6, missed: 0, speakers: 1, countRight: 1 });
  });

  test('are all of the speech where nobody was found, and all that was found where nobody speaks', () => {
    expect(diarisationErrors([said(0, 3, 'x')], [])).toMatchObject({ speech: 3, missed: 3, jaccard: 1, countError: 1 });
    expect(diarisationErrors([], [said(0, 3, 'A')])).toMatchObject({ speech: 0, falseAlarm: 3, countError: 1 });
  });

  test('are summed as times', () => {
    const one = diarisationErrors([said(0, 1, 'x')], []);
    const other = diarisationErrors([said(0, 9, 'x')], [said(0, 9, 'A')]);
    expect(errorRate(sumErrors([one, other]))).toBeCloseTo(0.1, 12);
    expect(sumErrors([one, other])).toMatchObject({ recordings: 2, countRight: 1, speakers: 2 });
  });
});

describe('the assignment', () => {
  test('has the highest sum, whatever lies on each side', () => {
    expect(
      assignHighest(
        [
          [9, 8],
          [8.5, 1],
        ],
        2,
      ),
    ).toEqual([1, 0]);
    expect(assignHighest([[1], [3], [2]], 1)).toEqual([-1, 0, -1]);
    expect(assignHighest([[1, 5, 3]], 3)).toEqual([1]);
    expect(assignHighest([], 2)).toEqual([]);
  });
});

describe('an RTTM', () => {
  test('comes back as it was written', () => {
    const turns = [said(0.5, 2.25, 'A'), said(2, 3, 'B')];
    const text = writeRttm('a b', turns);
    expect(text.split('\n')[0]).toBe('SPEAKER a_b 1 0.500 1.750 <NA> <NA> A <NA> <NA>');
    expect(readRttm(text, 'x.rttm')).toEqual(new Map([['a_b', turns]]));
    expect(writeRttm('a', [said(0, 1, 'Ada Lovelace')])).toContain('<NA> Ada_Lovelace <NA>');
  });

  test('may hold other lines and several recordings', () => {
    const text =
      ';; comment\nSPKR-INFO f 1 <NA> <NA> <NA> unknown A <NA>\nSPEAKER f 1 0 1 <NA> <NA> A\r\nSPEAKER g 1 1 1 <NA> <NA> A <NA>';
    expect([...readRttm(text, 'x').keys()]).toEqual(['f', 'g']);
  });

  test('that has no such line says which', () => {
    expect(() => readRttm('\nSPEAKER f 1 0 x <NA> <NA> A <NA> <NA>', 'x.rttm')).toThrow(/^x\.rttm, line 2, is no/);
    expect(() => readRttm('SPEAKER f 1 0', 'x.rttm')).toThrow(/line 1/);
  });
});
