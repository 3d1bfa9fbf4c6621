import { describe, expect, it } from '@jest/globals';
import { withProfiles } from './profile-trials.js';
import type { TrialList } from './trials.js';

/** Recordings are `<speaker><number>`. */
const speakerOf = (recording: string): string => recording[0]!;

function listOf(...trials: [label: number, enrolment: string, test: string][]): TrialList {
  const enrolments = [...new Set(trials.map(([, enrolment]) => enrolment))];
  const tests = [...new Set(trials.map(([, , test]) => test))];
  return {
    labels: Uint8Array.from(trials, ([label]) => label),
    enrolment: Uint32Array.from(trials, ([, enrolment]) => enrolments.indexOf(enrolment)),
    test: Uint32Array.from(trials, ([, , test]) => tests.indexOf(test)),
    enrolments: enrolments.map((one) => [one]),
    enrolmentNames: enrolments,
    tests,
  };
}

const trialsOf = ({ labels, enrolment, test, enrolments, tests }: TrialList): [number, string[], string][] =>
  [...labels].map((label, i) => [label, enrolments[enrolment[i]!]!, tests[test[i]!]!]);

describe('trials with profiles', () => {
  const list = listOf([1, 'a1', 'a2'], [1, 'a3', 'a4'], [0, 'a1', 'b1'], [0, 'b2', 'a1']);

  it('are those of the list, and each again with others of the same speaker, but for what is tested', () => {
    const trials = trialsOf(withProfiles(list, speakerOf, [3]));
    expect(trials.slice(0, 4)).toEqual(trialsOf(list));
    const added = trials.slice(4);
    // b has no third recording.
    expect(added.map(([label, [first], test]) => [label, first, test])).toEqual([
      [1, 'a1', 'a2'],
      [1, 'a3', 'a4'],
      [0, 'a1', 'b1'],
    ]);
    for (const [, recordings, test] of added) {
      expect(new Set(recordings).size).toBe(3);
      expect(recordings.map(speakerOf)).toEqual(['a', 'a', 'a']);
      expect(recordings).not.toContain(test);
    }
  });

  it('are the same every time, and share their enrolments', () => {
    const many = listOf([0, 'a1', 'b1'], [0, 'a1', 'b2'], [1, 'a1', 'a2'], [1, 'a3', 'a2']);
    const first = withProfiles(many, speakerOf, [2]);
    expect(withProfiles(many, speakerOf, [2])).toEqual(first);
    expect(first.enrolment[4]).toBe(first.enrolment[5]);
    expect(first.enrolments.length).toBeLessThanOrEqual(2 + 3);
  });

  it('are refused of lists with profiles, and of profiles of one', () => {
    expect(() => withProfiles({ ...list, enrolments: [['a1', 'a2'], ['b2']] }, speakerOf, [3])).toThrow('already');
    expect(() => withProfiles(list, speakerOf, [1])).toThrow('two recordings or more');
  });
});
