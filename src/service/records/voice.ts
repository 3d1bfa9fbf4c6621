import type { ProfileState } from './profile.js';
import type { Speaker } from './speaker.js';

/** A speaker with the profile of the loaded model; null where nothing is enrolled. */
export interface Voice {
  speaker: Speaker;
  profile: ProfileState | null;
  /** Recordings whose audio is kept. */
  keptRecordings: number;
}
