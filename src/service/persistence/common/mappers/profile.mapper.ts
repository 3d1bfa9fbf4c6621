import type { Profile, ProfileState } from '../../../records/profile.js';
import type { ProfileRow } from '../entities/profile.entity.js';
import type { VectorCipher } from '../vector-cipher.js';

/** What a profile's centroid is bound to. */
export const profileOwner = ({
  speakerId,
  model,
  frontEnd,
}: Pick<ProfileRow, 'speakerId' | 'model' | 'frontEnd'>): string[] => ['profile', speakerId, model, frontEnd];

/** Errors: STORAGE_INVALID where the centroid does not open. */
export function toProfile(row: ProfileRow, cipher: VectorCipher): Profile {
  const centroid = row.centroid && cipher.openVector(row.centroid, profileOwner(row));
  return { ...toProfileState(row), centroid };
}

export function toProfileState(row: Omit<ProfileRow, 'centroid'>): ProfileState {
  const { speakerId, model, frontEnd, members, speechSeconds, cohesion, confidence, status } = row;
  return {
    speakerId,
    origin: { model, frontEnd },
    members,
    speechSeconds,
    cohesion,
    confidence,
    status,
    updatedAt: new Date(row.updatedAt),
  };
}

export function toProfileRow(profile: Profile, cipher: VectorCipher): ProfileRow {
  const { speakerId, origin, centroid, members, speechSeconds, cohesion, confidence, status, updatedAt } = profile;
  return {
    speakerId,
    ...origin,
    centroid: centroid && cipher.sealVector(centroid, profileOwner({ speakerId, ...origin })),
    members,
    speechSeconds,
    cohesion,
    confidence,
    status,
    updatedAt: updatedAt.getTime(),
  };
}
