import { describe, expect, it } from '@jest/globals';
import { profileOf } from '../../scoring/voice-names.js';
import { buildProfile, confidence, type Profile, type ProfileInput } from './profile.js';

const ORIGIN = { model: 'test@0123456789ab', frontEnd: 'kaldi-0123456789ab' };
const NOW = new Date(5_000);

function build(vectors: number[][], { seconds = 10, required = 20, outlierCosine = 0.3 } = {}): Profile {
  const inputs = vectors.map((vector, i): ProfileInput => {
    return { enrollmentId: `e${i}`, embedding: Float32Array.from(vector), speechSeconds: seconds };
  });
  return buildProfile('ada', ORIGIN, inputs, { requiredSpeechSeconds: required, outlierCosine }, NOW);
}

const outliers = ({ members }: Profile): string[] =>
  members.filter(({ outlier }) => outlier).map(({ enrollmentId }) => enrollmentId);

describe('buildProfile', () => {
  it('is nothing without recordings', () => {
    expect(build([])).toEqual({
      speakerId: 'ada',
      origin: ORIGIN,
      centroid: null,
      members: [],
      speechSeconds: 0,
      cohesion: null,
      confidence: 0,
      status: 'Enrolling',
      updatedAt: NOW,
    });
  });

  it('is the very vector that is made in process of the same recordings', () => {
    const recordings = [0, 1, 2].map((seed) => {
      const embedding = Float32Array.from({ length: 192 }, (_, d) => Math.sin((seed + 1) * (d + 1)) + 0.8);
      return { enrollmentId: `e${seed}`, embedding, speechSeconds: 3 + 20 * seed };
    });
    const policy = { requiredSpeechSeconds: 20, outlierCosine: 0 };
    expect(buildProfile('ada', ORIGIN, recordings, policy, NOW).centroid).toEqual(profileOf(recordings));
  });

  it('is the normalised mean of the normalised embeddings, however long they are', () => {
    const { centroid } = build([
      [100, 0],
      [0, 1],
    ]);
    expect(centroid?.[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(centroid?.[1]).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('knows the agreement of each with the mean of the others, and the mean cosine of pairs', () => {
    const at = (degrees: number): number[] => [
      Math.cos((degrees * Math.PI) / 180),
      Math.sin((degrees * Math.PI) / 180),
    ];
    const { members, cohesion } = build([at(0), at(20), at(40)]);
    const cos = (degrees: number): number => Math.cos((degrees * Math.PI) / 180);
    expect(members.map(({ agreement }) => agreement)).toEqual([
      expect.closeTo(cos(30), 6),
      expect.closeTo(cos(0), 6),
      expect.closeTo(cos(30), 6),
    ]);
    expect(cohesion).toBeCloseTo((2 * cos(20) + cos(40)) / 3, 6);
  });

  it('sets strangers aside, which then do not count', () => {
    const profile = build([
      [1, 0.1, 0],
      [0, 0, 1],
      [1, 0, 0.1],
      [1, 0, 0],
      [-1, 0.2, 0],
    ]);
    expect(outliers(profile)).toEqual(['e1', 'e4']);
    expect(profile.speechSeconds).toBe(30);
    expect(profile.members[4]?.agreement).toBeLessThan(-0.9);
    expect(profile.centroid?.[0]).toBeGreaterThan(0.99);
  });

  it('cannot tell which of two is the stranger', () => {
    const profile = build([
      [1, 0],
      [0, 1],
    ]);
    expect(outliers(profile)).toEqual([]);
    expect(profile.cohesion).toBeCloseTo(0, 6);
  });

  it('has no direction where voices cancel each other out', () => {
    const profile = build([
      [1, 0],
      [-1, 0],
    ]);
    expect(profile).toMatchObject({ centroid: null, confidence: 0, status: 'Enrolling', cohesion: -1 });
  });

  it('is enrolled from the speech required on', () => {
    expect(build([[1, 0]], { seconds: 19.99 }).status).toBe('Enrolling');
    expect(build([[1, 0]], { seconds: 20 }).status).toBe('Enrolled');
  });
});

describe('confidence', () => {
  it('is what docs/profiles.md says', () => {
    expect(confidence(0, 0, null, 20)).toBe(0);
    expect(confidence(1, 20, null, 20)).toBeCloseTo(0.3 * (1 - Math.exp(-2)), 9);
    // Three recordings of mean cosine 0.7 and 30 s: h = 2.4 / 4, reliability = 1.8 / 2.2.
    expect(confidence(3, 30, 0.7, 20)).toBeCloseTo((1.8 / 2.2) * (1 - Math.exp(-3)), 9);
  });

  it('grows with speech, with recordings and with cohesion, and stays in [0, 1]', () => {
    for (const n of [2, 3, 5, 10, 100]) {
      for (const cohesion of [0.1, 0.5, 0.9]) {
        for (const seconds of [1, 10, 100]) {
          const here = confidence(n, seconds, cohesion, 20);
          expect(here).toBeGreaterThan(0);
          expect(here).toBeLessThan(1);
          expect(confidence(n, seconds * 1.5, cohesion, 20)).toBeGreaterThanOrEqual(here);
          expect(confidence(n, seconds, cohesion + 0.05, 20)).toBeGreaterThan(here);
        }
      }
    }
    // More recordings that agree as well as the ones before.
    expect(confidence(6, 20, 0.6, 20)).toBeGreaterThan(confidence(3, 20, 0.6, 20));
  });

  it('does not go below 0 for voices that contradict each other', () => {
    expect(confidence(2, 20, -1, 20)).toBeGreaterThanOrEqual(0);
  });
});

describe('learned recordings', () => {
  const at = (degrees: number): number[] => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];

  function learning(recordings: [degrees: number, learned: boolean][], required = 20): Profile {
    const inputs = recordings.map(([degrees, learned], i): ProfileInput => {
      return { enrollmentId: `e${i}`, embedding: Float32Array.from(at(degrees)), speechSeconds: 10, learned };
    });
    return buildProfile('ada', ORIGIN, inputs, { requiredSpeechSeconds: required, outlierCosine: 0.3 }, NOW);
  }

  it('count beside those that were enrolled', () => {
    const profile = learning([
      [0, false],
      [20, true],
      [40, false],
    ]);
    expect(profile).toMatchObject({ status: 'Enrolled', speechSeconds: 30 });
    expect(profile.centroid![1]! / profile.centroid![0]!).toBeCloseTo(Math.tan((20 * Math.PI) / 180), 6);
  });

  it('never set an enrolled one aside, however many they are', () => {
    const crowd = Array.from({ length: 10 }, (): [number, boolean] => [100, true]);
    const profile = learning([[0, false], [10, false], ...crowd]);
    expect(outliers(profile)).toEqual(crowd.map((_, i) => `e${i + 2}`));
    expect(profile.centroid).toEqual(
      learning([
        [0, false],
        [10, false],
      ]).centroid,
    );
  });

  it('are judged by a single enrolled one', () => {
    const two = learning(
      [
        [0, false],
        [100, true],
      ],
      10,
    );
    expect(outliers(two)).toEqual(['e1']);
  });

  it('make nobody Enrolled, and carry nothing by themselves', () => {
    const profile = learning([
      [0, false],
      [10, true],
      [20, true],
    ]);
    expect(profile).toMatchObject({ status: 'Enrolling', speechSeconds: 10 });
    expect(profile.centroid).toEqual(learning([[0, false]]).centroid);
    expect(learning([[0, true]])).toMatchObject({ status: 'Enrolling', centroid: null, speechSeconds: 0 });
  });
});
