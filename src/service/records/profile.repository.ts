import type { EmbeddingOrigin } from './embedding.js';
import type { Profile, ProfileState } from './profile.js';
import type { Speaker } from './speaker.js';

/**
 * What the voice index needs of a profile, or why it cannot have it; `groups`: `Group.uid` of the speaker's, `recordings`: how
 * many count, `consented`: whether a consent is recorded.
 */
export type StoredVoice = { subject: string; speakerId: string; groups: readonly string[] } & (
  { centroid: Float32Array; speechSeconds: number; recordings: number; consented: boolean } | { error: string }
);

export abstract class ProfileRepository {
  /** Puts the profile in the place of the one of the same speaker and origin. */
  abstract put(profile: Profile): Promise<void>;

  abstract find(speakerId: string, origin: EmbeddingOrigin): Promise<Profile | null>;

  /** The same beside the speaker, in one statement mostly; null where there is no such speaker. */
  abstract withSpeaker(
    speakerId: string,
    origin: EmbeddingOrigin,
  ): Promise<{ speaker: Speaker; profile: Profile | null } | null>;

  /** Without the vector: one that does not open stops nobody who only looks. */
  abstract state(speakerId: string, origin: EmbeddingOrigin): Promise<ProfileState | null>;

  /** The same of many. */
  abstract states(speakerIds: readonly string[], origin: EmbeddingOrigin): Promise<ProfileState[]>;

  /** The speaker's, of every model. */
  abstract ofSpeaker(speakerId: string): Promise<Profile[]>;

  /** Of every model that the speaker was enrolled with. */
  abstract origins(speakerId: string): Promise<EmbeddingOrigin[]>;

  /** Of every model that anybody was enrolled with. */
  abstract allOrigins(): Promise<EmbeddingOrigin[]>;

  /**
   * The voices of one origin that can be found, in batches by speaker id: enrolled, and not opted out. One that cannot be
   * read says why, and costs the others nothing.
   */
  abstract voices(origin: EmbeddingOrigin, after: string | null, limit: number): Promise<StoredVoice[]>;

  /** The same of some speakers, by subject; who cannot be found is left out. */
  abstract voicesOf(subjects: readonly string[], origin: EmbeddingOrigin): Promise<StoredVoice[]>;

  abstract delete(speakerId: string, origin: EmbeddingOrigin): Promise<void>;
}
