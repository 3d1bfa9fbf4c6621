import { describe, expect, it } from '@jest/globals';
import { learnCalibration } from '../scoring/learn-calibration.js';
import { seededUniform } from './bootstrap.js';
import { enrolledTrials, trialsOf, type EnrolledRecording } from './enrolled-trials.js';
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
  it('compare each recording with the profile of the others of its speaker, never with itself, and that with strangers', () => {
    const { list } = enrolledTrials(people(12, 3));
    for (const [i, label] of list.labels.entries()) {
      const [profile, heard] = [list.enrolments[list.enrolment[i]!]!, list.tests[list.test[i]!]!];
      const speaker = (recording: string): number => Math.floor(Number(recording.slice(1)) / 3);
      expect(profile).toHaveLength(2);
      expect(profile).not.toContain(heard);
      expect(profile.map((recording) => speaker(recording) === speaker(heard))).toEqual([label === 1, label === 1]);
    }
    expect(list.labels.filter((label) => label === 1)).toHaveLength(36);
    expect(list.labels.filter((label) => label === 0)).toHaveLength(36 * 20);
  });

  it('draw twenty different recordings of strangers where there are more, the same each time', () => {
    const { list } = enrolledTrials(people(40, 2));
    expect(enrolledTrials(people(40, 2)).list).toEqual(list);
    const strangers = new Map<number, Set<number>>();
    for (const [i, label] of list.labels.entries()) {
      if (!label)
        strangers.set(list.enrolment[i]!, (strangers.get(list.enrolment[i]!) ?? new Set()).add(list.test[i]!));
    }
    expect([...strangers.values()].map(({ size }) => size)).toEqual(Array.from({ length: 80 }, () => 20));
    const few = enrolledTrials(people(3, 2)).list;
    expect([...few.labels].filter((label) => !label)).toHaveLength(6 * 4);
  });

  it('say nothing by the number of recordings alone: both kinds of trials have the same profiles', () => {
    const recordings = [...people(12, 5), ...people(12, 2), ...people(6, 9)].map((one, i) => {
      const speaker = `${one.speaker} of ${i < 60 ? 5 : i < 84 ? 2 : 9}`;
      return { ...one, id: `r${i}`, speaker, embedding: new Float32Array(3).fill(1) };
    });
    const { list } = enrolledTrials(recordings);
    const sizes = [0, 1].map((kind) => {
      const counts = new Map<number, number>();
      for (const [i, label] of list.labels.entries()) {
        const size = list.enrolments[list.enrolment[i]!]!.length;
        if (label === kind) counts.set(size, (counts.get(size) ?? 0) + 1);
      }
      return [...counts].map(([size, count]) => [size, count / (kind === 0 ? 20 : 1)]);
    });
    expect(sizes[0]).toEqual([
      [4, 60],
      [1, 24],
      [8, 54],
    ]);
    expect(sizes[1]).toEqual(sizes[0]);
  });

  it('teach no evidence of how many recordings there are where everybody has as many', () => {
    const random = seededUniform(4);
    const noise = (): number[] => Array.from({ length: 16 }, () => random() - 0.5);
    const recordings = Array.from({ length: 24 }, noise).flatMap((voice, speaker) =>
      Array.from({ length: 5 }, (_, i) => ({
        id: `${speaker}-${i}`,
        speaker: `${speaker}`,
        embedding: Float32Array.from(noise(), (x, d) => x + voice[d]!),
        seconds: 4,
      })),
    );
    const { list, table, speakerOf } = enrolledTrials(recordings);
    const scores = scoreTrials(list, table, 'none');
    const speakers = trialSpeakers(list, scores.trials, speakerOf);
    const options = { norm: 'none', durations: false, balanced: false } as const;
    const [knowing, plain] = [true, false].map((of) =>
      learnCalibration(scores, speakers, { ...options, recordings: of }),
    );
    expect(Math.abs(knowing!.calibration.quality['logRecordings']!)).toBeLessThan(1e-6);
    expect(knowing!.calibration.scale).toBeCloseTo(plain!.calibration.scale, 6);
    expect(knowing!.evidence.crossValidatedCllr).toBeCloseTo(plain!.evidence.crossValidatedCllr, 6);
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

  it('have no profile of who has one recording, who is a stranger all the same', () => {
    const { list } = enrolledTrials([...people(2, 2), { ...people(1, 1)[0]!, id: 'alone', speaker: 'alone' }]);
    expect(list.enrolments.flat()).not.toContain('alone');
    const alone = [...list.labels.keys()].filter((i) => list.tests[list.test[i]!] === 'alone');
    expect(alone.map((i) => list.labels[i])).toEqual([0, 0, 0, 0]);
  });

  it('are read from columns as they were scored', () => {
    const { list, table, speakerOf } = enrolledTrials(people(4, 3));
    const scores = scoreTrials(list, table, 'none');
    const speakers = trialSpeakers(list, scores.trials, speakerOf);
    const columns = {
      labels: [...scores.labels],
      scores: [...scores.scores],
      enrolmentSeconds: [...scores.secondsA],
      testSeconds: [...scores.secondsB],
      recordings: [...scores.recordings],
      enrolmentSpeakers: [...speakers.a],
      testSpeakers: [...speakers.b],
    };
    expect(trialsOf(JSON.parse(JSON.stringify(columns)) as typeof columns)).toEqual({ scores, speakers });
  });
});
