import { describe, expect, it } from '@jest/globals';
import type { Score } from '../../scoring/scorer.js';
import { closeness, learningOf, learningRate, redundantOf, refusalOf, type Exemplar } from './learning.js';
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
