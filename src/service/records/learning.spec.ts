import { describe, expect, it } from '@jest/globals';
import type { Score } from '../../scoring/scorer.js';
import type { ExemplarKind } from './enrollment.js';
import {
  closeness,
  learningOf,
  learningRate,
  lessonOf,
  redundantOf,
  refusalOf,
  type Candidacy,
  type Exemplar,
} from './learning.js';
import { buildProfile } from './profile.js';
import type { Verdict } from './recording-quality.js';

const GOOD: Verdict = { accepted: true, reasons: [], quality: 'GOOD' };

function score(llr: number | null, decision: Score['decision'] = 'ACCEPT', cosine = 0.8): Score {
  return {
    cosine,
    llr,
    probability: null,
    threshold: 0.5,
    thresholdFrom: 'calibration',
    falseAcceptRate: 1e-4,
    extrapolated: false,
    decision,
  };
}

function exemplar(
  days: number,
  angle: number,
  { snrDb = 20, bandwidthHz = 8000 }: { snrDb?: number | null; bandwidthHz?: number } = {},
): Exemplar {
  return {
    embedding: Float32Array.of(3 * Math.cos(angle), 3 * Math.sin(angle)),
    measures: { snrDb, bandwidthHz },
    createdAt: new Date(days * 86_400_000),
  };
}

describe('whether a profile learns', () => {
  it('is said by the speaker, else by the groups, else by the service', () => {
    expect(learningOf(null, [], false)).toEqual({ learns: false, from: 'default' });
    expect(learningOf(null, [null, null], true)).toEqual({ learns: true, from: 'default' });
    expect(learningOf(null, [null, 'on'], false)).toEqual({ learns: true, from: 'group' });
    expect(learningOf('off', ['on'], true)).toEqual({ learns: false, from: 'speaker' });
    expect(learningOf('on', ['off'], false)).toEqual({ learns: true, from: 'speaker' });
  });

  it('is off where one of several groups says so', () => {
    expect(learningOf(null, ['on', 'off', 'on'], true)).toEqual({ learns: false, from: 'group' });
  });
});

describe('the rate of learning', () => {
  it('is a tenth of what a request accepts at most, and never below what can be asked for', () => {
    expect(learningRate(0.01, 1e-4, 1e-5)).toBe(1e-4);
    expect(learningRate(0.01, 0.1, 1e-5)).toBe(0.001);
    expect(learningRate(2e-5, 1e-4, 1e-5)).toBe(1e-5);
  });
});

describe('the gates', () => {
  const evidence = { profile: score(6), enrolled: score(6), second: score(6 - Math.log(20)) };

  it('let a good recording with strong evidence in', () => {
    expect(refusalOf('learned', GOOD, evidence)).toBeNull();
    expect(refusalOf('learned', GOOD, { ...evidence, second: null })).toBeNull();
  });

  it('keep out what is too short or of low quality, whoever confirms it', () => {
    const short: Verdict = { accepted: false, reasons: ['TOO_NOISY', 'TOO_LITTLE_SPEECH'], quality: 'POOR' };
    const noisy: Verdict = { accepted: false, reasons: ['TOO_NOISY'], quality: 'POOR' };
    for (const way of ['learned', 'confirmed'] as const) {
      expect(refusalOf(way, short, evidence)).toBe('TOO_LITTLE_SPEECH');
      expect(refusalOf(way, noisy, evidence)).toBe('LOW_QUALITY');
    }
  });

  it('take a fair recording only where somebody confirms it', () => {
    const fair: Verdict = { ...GOOD, quality: 'FAIR' };
    expect(refusalOf('learned', fair, evidence)).toBe('LOW_QUALITY');
    expect(refusalOf('confirmed', fair, evidence)).toBeNull();
  });

  it('ask for strong evidence against the profile and against the enrolled recordings', () => {
    const weak = score(3, 'REJECT');
    expect(refusalOf('learned', GOOD, { ...evidence, profile: weak })).toBe('WEAK_EVIDENCE');
    expect(refusalOf('learned', GOOD, { ...evidence, enrolled: { ...weak, llr: 6 } })).toBe('WEAK_EVIDENCE');
    expect(refusalOf('confirmed', GOOD, { ...evidence, profile: weak })).toBeNull();
  });

  it('learn nothing by themselves where there is no evidence, or no threshold for it', () => {
    expect(refusalOf('learned', GOOD, { ...evidence, profile: score(null) })).toBe('NO_EVIDENCE');
    expect(refusalOf('learned', GOOD, { ...evidence, profile: score(6, null) })).toBe('NO_EVIDENCE');
  });

  it('let nobody in whom another person comes close to, whoever confirms it', () => {
    const close = { ...evidence, second: score(6 - Math.log(20) + 1e-9) };
    for (const way of ['learned', 'confirmed'] as const) expect(refusalOf(way, GOOD, close)).toBe('SECOND_PERSON');
    // Without evidence by cosines.
    const plain = (cosine: number): Score => score(null, null, cosine);
    const by = (second: number): string | null =>
      refusalOf('confirmed', GOOD, { profile: plain(0.8), enrolled: plain(0.8), second: plain(second) });
    expect([by(0.69), by(0.71)]).toEqual([null, 'SECOND_PERSON']);
  });
});

describe('closeness', () => {
  it('is half after 30 days, after 10 dB and after an octave, and follows the cosine', () => {
    const here = exemplar(0, 0);
    expect(closeness(here, here)).toBeCloseTo(1, 6);
    expect(closeness(here, exemplar(30, 0))).toBeCloseTo(0.5, 6);
    expect(closeness(here, exemplar(0, 0, { snrDb: 10 }))).toBeCloseTo(0.5, 6);
    expect(closeness(here, exemplar(0, 0, { bandwidthHz: 4000 }))).toBeCloseTo(0.5, 6);
    expect(closeness(here, exemplar(0, Math.PI / 2))).toBeCloseTo(0.5, 6);
    expect(closeness(here, exemplar(30, Math.PI / 2, { snrDb: 10, bandwidthHz: 4000 }))).toBeCloseTo(1 / 16, 6);
    expect(closeness(here, exemplar(0, 0, { snrDb: null }))).toBeCloseTo(1, 6);
  });
});

describe('who goes', () => {
  it('is one of the two that say the same, the one nearer to the others', () => {
    // Two of the same day, and one far away before them: the earlier of the two is nearer to it.
    expect(redundantOf([exemplar(0, 0), exemplar(90, 0), exemplar(91, 0)])).toBe(1);
    expect(redundantOf([exemplar(0, 0), exemplar(1, 0), exemplar(90, 0)])).toBe(1);
  });

  it('is not the one of other surroundings, nor of another time', () => {
    const same = [exemplar(100, 0), exemplar(100.1, 0.01)];
    const other = [exemplar(10, 0), exemplar(100, 0, { snrDb: 45 }), exemplar(100, 0, { bandwidthHz: 2000 })];
    for (const one of other) expect(redundantOf([one, ...same])).not.toBe(0);
  });

  it('is the older one of those alike in everything', () => {
    expect(redundantOf([exemplar(5, 0), exemplar(5, 0)])).toBe(0);
  });
});

describe('what a profile learns of a recording', () => {
  type Recording = Exemplar & { id: string; kind: ExemplarKind };
  const REQUIRED_SECONDS = 12;
  const policy = { requiredSpeechSeconds: REQUIRED_SECONDS, outlierCosine: 0.25 };
  const recording = (kind: ExemplarKind, angle: number, days: number): Recording => ({
    ...exemplar(days, angle),
    id: `${kind} ${days}`,
    kind,
  });
  const enrolled = [0, 1, 2].map((days) => recording('enrolled', 0, days));
  const heard = recording('learned', 0.1, 9);

  /** Recordings of five seconds; accepted is what has a cosine of 0.8 with a voice. */
  function lesson(of: Partial<Candidacy<Recording>>): ReturnType<typeof lessonOf> {
    const { added = heard } = of;
    const unit = exemplar(0, Math.atan2(added.embedding[1]!, added.embedding[0]!)).embedding.map((x) => x / 3);
    return lessonOf({
      way: 'learned',
      verdict: GOOD,
      added,
      recordings: enrolled,
      build: (recordings) => {
        const inputs = recordings.map(({ id, embedding, kind }) => ({
          enrollmentId: id,
          embedding,
          speechSeconds: 5,
          learned: kind === 'learned' || kind === 'confirmed',
        }));
        return buildProfile('ada', { model: 'test', frontEnd: 'test' }, inputs, policy, new Date(0));
      },
      score: (centroid) => {
        const cosine = unit[0]! * centroid[0]! + unit[1]! * centroid[1]!;
        return score(10 * cosine, cosine >= 0.8 ? 'ACCEPT' : 'REJECT', cosine);
      },
      second: null,
      most: 3,
      ...of,
    });
  }

  it('is what its enrolled recordings let in', () => {
    expect(lesson({})).toEqual({
      replaced: [],
      evidence: { second: null, profile: expect.objectContaining({}), enrolled: expect.objectContaining({}) },
    });
    expect(lesson({ added: recording('learned', 1, 9) })).toBe('WEAK_EVIDENCE');
    expect(lesson({ recordings: enrolled.slice(1) })).toBe('NOT_ENROLLED');
  });

  it('is not what earlier lessons alone would let in', () => {
    const led = [3, 4, 5].map((days) => recording('learned', 0.6, days));
    const next = recording('learned', 0.9, 9);
    expect(lesson({ added: next, recordings: [...enrolled, ...led] })).toBe('WEAK_EVIDENCE');
    // Enrolled like that, they would.
    const asEnrolled = led.map((one) => ({ ...one, kind: 'enrolled' as const }));
    expect(lesson({ added: next, recordings: [...enrolled, ...asEnrolled] })).toMatchObject({ replaced: [] });
  });

  it('takes the place of what says the same, where there is no room', () => {
    const far = [recording('learned', 0.1, 100), recording('learned', 0.1, 200)];
    const beside = (days: number): Recording[] => [...enrolled, recording('learned', 0.1, days), ...far];
    // Of those of day 9 and of the day before or after, the one nearer to the rest goes.
    expect(lesson({ recordings: beside(10) })).toMatchObject({ replaced: ['learned 10'] });
    expect(lesson({ recordings: beside(8) })).toBe('REDUNDANT');
    expect(lesson({ recordings: [...enrolled, ...far] })).toMatchObject({ replaced: [] });
  });

  it('is nothing where the enrolled recordings set it aside, whoever confirms it, or another person is near', () => {
    expect(lesson({ way: 'confirmed', added: recording('confirmed', 1.5, 9) })).toBe('DISAGREES');
    const second = { centroid: Float32Array.of(1, 0), facts: {} };
    expect(lesson({ way: 'confirmed', second })).toBe('SECOND_PERSON');
  });
});
