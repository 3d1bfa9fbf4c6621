import { describe, expect, it } from '@jest/globals';
import type { Enrollment, ExemplarKind } from './enrollment.js';
import { buildProfile } from './profile.js';
import { profileHealth, type ProfileHealth } from './profile-health.js';

const ORIGIN = { model: 'test@0123456789ab', frontEnd: 'kaldi-0123456789ab' };

/** Of recordings at these angles, in degrees. */
function health(...recordings: [angle: number, kind?: ExemplarKind][]): ProfileHealth {
  const enrollments = recordings.map(([angle, kind = 'enrolled'], i) => {
    const radians = (angle * Math.PI) / 180;
    return {
      id: `e${i}`,
      kind,
      embedding: Float32Array.of(2 * Math.cos(radians), 2 * Math.sin(radians)),
    } as Enrollment;
  });
  const inputs = enrollments.map(({ id, embedding, kind }) => {
    return { enrollmentId: id, embedding, speechSeconds: 20, learned: kind !== 'enrolled' };
  });
  const policy = { requiredSpeechSeconds: 20, outlierCosine: 0.3 };
  return profileHealth(buildProfile('ada', ORIGIN, inputs, policy, new Date(0)), enrollments);
}

const off = (degrees: number): unknown => expect.closeTo(1 - Math.cos((degrees * Math.PI) / 180), 6);

describe('the health of a profile', () => {
  it('is nothing without one', () => {
    const none = { enrolled: 0, learned: 0, spread: null, drift: null, fromEnrolled: null };
    expect(profileHealth(null, [])).toEqual(none);
    expect(health()).toEqual(none);
  });

  it('has the spread of its recordings about the centroid', () => {
    expect(health([-10], [10])).toEqual({
      enrolled: 2,
      learned: 0,
      spread: off(10),
      drift: null,
      fromEnrolled: off(0),
    });
  });

  it('has the way from the earlier half to the later one, from four recordings on', () => {
    expect(health([0], [10], [40]).drift).toBeNull();
    expect(health([0], [10], [40], [50]).drift).toEqual(off(40));
    expect(health([0], [10], [80], [40], [50]).drift).toEqual(off(40));
  });

  it('says how far what was learned has moved it', () => {
    expect(health([0], [40, 'learned'])).toMatchObject({ enrolled: 1, learned: 1, fromEnrolled: off(20) });
  });

  it('counts no recording that was set aside', () => {
    expect(health([0], [5], [120, 'learned'])).toMatchObject({ enrolled: 2, learned: 0, fromEnrolled: off(0) });
  });
});
