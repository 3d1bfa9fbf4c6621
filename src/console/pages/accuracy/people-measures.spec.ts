import { describe, expect, it } from '@jest/globals';
import { seededUniform } from '../../../evaluation/bootstrap.js';
import { equalErrorRate } from '../../../evaluation/metrics.js';
import { ScoredTrials } from '../../../evaluation/scores.js';
import { gaussianQuantiles } from '../../../evaluation/testing.js';
import { measurePeople, type EnrolledTrials } from './people-measures.js';

/** Of each person so many targets, and ten times as many comparisons with strangers, whose cosines are normal. */
function enrolled(people: number, each: number): EnrolledTrials {
  const random = seededUniform(2);
  const draw = (mean: number): number[] => {
    return gaussianQuantiles(people * each, mean, 0.1).sort(() => random() - 0.5);
  };
  const targets = draw(0.5);
  const impostors = Array.from({ length: 10 }, () => draw(0.1)).flat();
  const scores = [...targets, ...impostors];
  const whose = scores.map((_, i) => i % people);
  return {
    model: 'small@0123456789ab',
    people,
    recordings: people * each,
    drawn: false,
    unreadable: 0,
    trials: {
      labels: scores.map((_, i) => (i < targets.length ? 1 : 0)),
      scores,
      enrolmentSeconds: scores.map(() => 8),
      testSeconds: scores.map(() => 4),
      recordings: scores.map(() => 2),
      enrolmentSpeakers: whose,
      testSpeakers: scores.map((_, i) =>
        i < targets.length ? whose[i]! : (whose[i]! + 1 + (i % (people - 1))) % people,
      ),
    },
  };
}

describe('measures of people who are enrolled', () => {
  it('are of evidence, with the Cllr of people held out and the tail that the calibration has', () => {
    const { measures, calibration, why } = measurePeople(enrolled(30, 5));
    expect(why).toBeNull();
    expect(measures).toMatchObject({ targets: 150, impostors: 1500, name: 'llr', cllr: null });
    // Two normal distributions four deviations apart.
    expect(measures!.eer).toBeCloseTo(0.0228, 2);
    expect(measures!.heldOutCllr).toBe(calibration!.learned['crossValidatedCllr']);
    expect(measures!.heldOutCllr!).toBeGreaterThan(calibration!.learned['minCllr'] as number);
    expect(measures!.tail).toEqual(calibration!.impostorTail);
    expect(calibration).toMatchObject({
      format: 1,
      model: 'small@0123456789ab',
      learned: { from: 'people who were enrolled', recordings: 150, balanced: false, targets: 150, speakers: 30 },
    });
  });

  it('are of cosines where too few are enrolled, and say why', () => {
    const few = enrolled(5, 5);
    const { measures, calibration, why } = measurePeople(few);
    expect(calibration).toBeNull();
    expect(why).toContain('5 more speakers');
    const { scores, labels } = few.trials;
    expect(measures).toMatchObject({ name: 'cosine', heldOutCllr: null, cllr: null, targets: 25 });
    expect(measures!.eer).toBe(equalErrorRate(new ScoredTrials(scores, labels)));
  });

  it('are none where nobody has two recordings, and say why', () => {
    const none = Object.fromEntries(Object.keys(enrolled(5, 5).trials).map((name) => [name, []]));
    const trials = none as unknown as EnrolledTrials['trials'];
    expect(measurePeople({ ...enrolled(5, 5), trials })).toEqual({
      measures: null,
      calibration: null,
      why: expect.stringContaining('100 more target trials'),
    });
  });
});
