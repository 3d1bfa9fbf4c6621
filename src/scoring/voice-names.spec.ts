import { describe, expect, test } from '@jest/globals';
import { gaussianQuantiles } from '../evaluation/testing.js';
import { LEAST_MARGIN } from './decision-policy.js';
import { fitImpostorTail } from './impostor-tail.js';
import { Scorer } from './scorer.js';
import { assignNames, nameVoices, profileOf, type NameRule, type Voice } from './voice-names.js';

const rule = (candidates: boolean[], more: Partial<NameRule> = {}): NameRule => ({
  candidates,
  threshold: 4,
  margin: 3,
  leastSeconds: 2,
  different: 0,
  between: () => 9,
  ...more,
});
const voice = (label: string, evidence: number[], ownSeconds = 10): Parameters<typeof assignNames>[0][number] => ({
  label,
  ownSeconds,
  evidence,
});

describe('the assignment of names', () => {
  test('gives each voice its person, and nobody where the evidence is too little', () => {
    const outcomes = assignNames(
      [voice('A', [9, -5, 0]), voice('B', [-4, 8, 1]), voice('C', [3, 2, -8])],
      rule([true, true, true]),
    );
    expect(outcomes.map(({ person, reason }) => [person, reason])).toEqual([
      [0, null],
      [1, null],
      [null, 'REJECT'],
    ]);
    expect(outcomes[0]).toMatchObject({ nearest: 0, margin: 9, missingSeconds: 0, sameAs: null });
  });

  test('never gives two labels one name: the higher evidence has it, the other says whose it is', () => {
    const outcomes = assignNames([voice('A', [7, 0]), voice('B', [9, 0]), voice('C', [8, 0])], rule([true, true]));
    expect(outcomes.map(({ person, reason, sameAs }) => [person, reason, sameAs])).toEqual([
      [null, 'NAMED_ALREADY', 'B'],
      [0, null, null],
      [null, 'NAMED_ALREADY', 'B'],
    ]);
  });

  test('leaves the name to a voice with speech, whatever the evidence for one without', () => {
    const outcomes = assignNames([voice('A', [20], 1.2), voice('B', [5], 2)], rule([true]));
    expect(outcomes[0]).toMatchObject({ person: null, reason: 'NOT_ENOUGH_SPEECH' });
    expect(outcomes[0]!.missingSeconds).toBeCloseTo(0.8, 12);
    expect(outcomes[1]).toMatchObject({ person: 0, margin: null });
  });

  test('does not push a voice to its second best so that the sum is higher', () => {
    // The Hungarian method would give A the second person, who is not nearest, and B the first.
    const outcomes = assignNames([voice('A', [10, 6.5]), voice('B', [9, 0])], rule([true, true]));
    expect(outcomes.map(({ person }) => person)).toEqual([0, null]);
  });

  test('asks for a margin over everybody in the gallery, candidates or not', () => {
    const among = (candidates: boolean[]) =>
      [voice('A', [8, 6]), voice('B', [8, 12]), voice('C', [8, 1])].map(
        (one) => assignNames([one], rule(candidates))[0]!,
      );
    expect(among([true, false]).map(({ reason }) => reason)).toEqual(['AMBIGUOUS', 'REJECT', null]);
    expect(among([true, true]).map(({ person, reason }) => person ?? reason)).toEqual(['AMBIGUOUS', 1, 0]);
    expect(among([false, false]).map(({ reason }) => reason)).toEqual(Array(3).fill('NOT_ENROLLED'));
    expect(assignNames([voice('A', [])], rule([]))[0]).toMatchObject({ reason: 'NOT_ENROLLED', nearest: null });
  });

  test('tells a mixture of two people from two people who are alike', () => {
    const both = [voice('A', [8, 7, -9])];
    expect(assignNames(both, rule([true, true, true], { between: () => -20 }))[0]).toMatchObject({
      person: null,
      reason: 'MIXED_VOICES',
      nearest: 0,
    });
    expect(assignNames(both, rule([true, true, true]))[0]!.reason).toBe('AMBIGUOUS');
    // One of them, who fits the other no better than the profiles fit each other.
    const one = assignNames([voice('A', [20, 5, -9])], rule([true, true, true], { between: () => -1 }))[0];
    expect(one).toMatchObject({ person: 0, reason: null });
  });

  test('takes evidence that is no number for none', () => {
    expect(assignNames([voice('A', [NaN])], rule([true]))[0]!.reason).toBe('REJECT');
    expect(assignNames([voice('A', [9], NaN)], rule([true]))[0]!.reason).toBe('NOT_ENOUGH_SPEECH');
  });
});

/** A direction of its own for every person; `towards` others by a share. */
function at(weights: Record<number, number>): Float32Array {
  const vector = new Float32Array(8);
  for (const [axis, weight] of Object.entries(weights)) vector[Number(axis)] = weight;
  return vector;
}

const tail = fitImpostorTail(gaussianQuantiles(20_000, -6, 2));
const calibrated = {
  id: 'm',
  calibration: { offset: -10, scale: 25, quality: {}, norm: 'none' },
  impostorTail: tail,
};
const spoken = (label: string, embedding: Float32Array, ownSeconds = 20): Voice => ({ label, embedding, ownSeconds });
const gallery = [0, 1, 2].map((axis) => ({ id: `p${axis}`, embedding: at({ [axis]: 3 }) }));

describe('names of voices', () => {
  test('are decided by evidence, at a rate per voice over all candidates', () => {
    const scorer = Scorer.of(calibrated, { falseAcceptRate: 0.01 });
    const result = nameVoices([spoken('A', at({ 1: 9, 5: 3 })), spoken('B', at({ 6: 1 }))], gallery, scorer);
    expect(result).toMatchObject({ on: 'llr', margin: LEAST_MARGIN, falseAcceptRate: 0.01, gallerySize: 3 });
    expect(result.names[0]).toMatchObject({ label: 'A', speakerId: 'p1', reason: null });
    expect(result.names[0]!.nearest!.llr).toBeCloseTo(-10 + 25 * (9 / Math.hypot(9, 3)), 4);
    expect(result.names[1]).toMatchObject({ label: 'B', speakerId: null, reason: 'REJECT' });
    const many = nameVoices([], gallery, scorer, { compared: 5000 });
    expect(many.threshold).toBeGreaterThan(result.threshold);
    expect(many).toMatchObject({ names: [], gallerySize: 5000 });
  });

  test('are of candidates only, and others raise doubts', () => {
    const scorer = Scorer.of(calibrated);
    const between = spoken('A', at({ 0: 1, 1: 1 }));
    const alike = [gallery[0]!, { id: 'twin', embedding: at({ 0: 3, 3: 0.1 }) }];
    const named = (voice: Voice, people: typeof gallery, candidates?: string[]) =>
      nameVoices([voice], people, scorer, candidates ? { candidates } : {}).names[0]!;
    expect(named(spoken('A', at({ 0: 1 })), alike, ['p0'])).toMatchObject({ speakerId: null, reason: 'AMBIGUOUS' });
    expect(named(spoken('A', at({ 0: 1 })), gallery, ['p0']).speakerId).toBe('p0');
    expect(named(spoken('A', at({ 1: 1 })), gallery, ['p0'])).toMatchObject({ speakerId: null, reason: 'REJECT' });
    expect(named(between, gallery).reason).toBe('MIXED_VOICES');
    expect(named(between, gallery, []).reason).toBe('NOT_ENROLLED');
  });

  test('are decided by a cosine where one is named, and promise no rate then', () => {
    const scorer = Scorer.of({ id: 'm' }, { threshold: 0.5 });
    const result = nameVoices([spoken('A', at({ 0: 1, 7: 1 })), spoken('B', at({ 0: 1, 7: 2 }))], gallery, scorer);
    expect(result).toMatchObject({ on: 'cosine', threshold: 0.5, falseAcceptRate: null, extrapolated: null });
    expect(result.names.map(({ speakerId, reason }) => speakerId ?? reason)).toEqual(['p0', 'REJECT']);
  });

  test('are refused without a measure, for one id twice, and for candidates nobody knows', () => {
    const scorer = Scorer.of(calibrated);
    expect(() => nameVoices([], gallery, Scorer.of({ id: 'm', publishedThreshold: { cosine: 0.3 } }))).toThrow(
      'names need a calibration',
    );
    expect(() => nameVoices([], [...gallery, gallery[0]!], scorer)).toThrow('two people are called p0');
    expect(() => nameVoices([], gallery, scorer, { candidates: ['p9'] })).toThrow('p9 is not in the gallery');
    expect(() => nameVoices([], gallery, scorer, { compared: 2 })).toThrow('3 candidates are given');
    expect(() => nameVoices([spoken('A', new Float32Array(4))], gallery, scorer)).toThrow('different models');
  });
});

test('a profile is the mean direction of its recordings, however long they are', () => {
  const profile = profileOf([{ embedding: at({ 0: 5 }) }, { embedding: at({ 1: 0.1 }) }]);
  expect(profile[0]).toBeCloseTo(Math.SQRT1_2, 6);
  expect(profile[1]).toBeCloseTo(Math.SQRT1_2, 6);
  expect(() => profileOf([])).toThrow('one recording at least');
  expect(() => profileOf([{ embedding: at({}) }, { embedding: new Float32Array(3) }])).toThrow('different models');
  expect(() => profileOf([{ embedding: at({ 0: 1 }) }, { embedding: at({ 0: -1 }) }])).toThrow('cancel each other');
});
