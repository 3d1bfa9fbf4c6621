import { describe, expect, it } from '@jest/globals';
import { enrolledTrials, type EnrolledRecording } from './enrolled-trials.js';
import { scoreTrials, trialSpeakers } from './trial-scores.js';

/** Everybody has a direction of their own; one of all recordings leans a little to each side. */
function people(count: number, recordings: number): EnrolledRecording[] {
  return Array.from({ length: count * recordings }, (_, i) => {
    const [speaker, take] = [Math.floor(i / recordings), i % recordings];
    const embedding = new Float32Array(count + recordings);
    embedding[speaker] = 2;
    embedding[count + take] = 1;
    return { id: `r${i}`, speaker: `s${speaker}`, embedding, seconds: 1 + take };
  });
}

describe('trials of people who are enrolled', () => {
  it('compare each recording with the profile of the others of its speaker, never with itself', () => {
    const { list } = enrolledTrials(people(12, 3));
    for (const [i, label] of list.labels.entries()) {
      const [profile, heard] = [list.enrolments[list.enrolment[i]!]!, list.tests[list.test[i]!]!];
      const own = profile.includes(`r${3 * Math.floor(Number(heard.slice(1)) / 3)}`);
      expect(profile).not.toContain(heard);
      expect(profile).toHaveLength(label ? 2 : 3);
      if (!label) expect(own).toBe(false);
    }
    expect(list.labels.filter((label) => label === 1)).toHaveLength(36);
    expect(list.labels.filter((label) => label === 0)).toHaveLength(36 * 11);
  });

  it('draw twenty different strangers where there are more, the same each time', () => {
    const { list } = enrolledTrials(people(40, 2));
    expect(enrolledTrials(people(40, 2)).list).toEqual(list);
    const strangers = new Map<number, Set<number>>();
    for (const [i, label] of list.labels.entries()) {
      if (!label) strangers.set(list.test[i]!, (strangers.get(list.test[i]!) ?? new Set()).add(list.enrolment[i]!));
    }
    expect([...strangers.values()].map(({ size }) => size)).toEqual(Array.from({ length: 80 }, () => 20));
  });

  it('are scored by the mean of the unit vectors, with the speech of both sides', () => {
    const { list, table, speakerOf } = enrolledTrials(people(3, 3));
    const scores = scoreTrials(list, table, 'none');
    expect(scores.skipped).toBe(0);
    expect(trialSpeakers(list, scores.trials, speakerOf).count).toBe(3);
    // Two of three, (4, 1, 1), against the third, (2, 0, 0, 1): 8 / (sqrt(18) sqrt(5)).
    expect(scores.scores[0]).toBeCloseTo(8 / Math.sqrt(90), 6);
    expect([scores.secondsA[0], scores.secondsB[0]]).toEqual([5, 1]);
  });

  it('have no target of who has one recording, who is a stranger all the same', () => {
    const { list } = enrolledTrials([...people(5, 2), { ...people(1, 1)[0]!, id: 'alone', speaker: 'alone' }]);
    const alone = [...list.labels.keys()].filter((i) => list.tests[list.test[i]!] === 'alone');
    expect(alone.map((i) => list.labels[i])).toEqual([0, 0, 0, 0, 0]);
  });
});
