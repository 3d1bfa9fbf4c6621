import type { EmbeddingOrigin } from './embedding.js';
import type { Profile } from './profile.js';

export abstract class ProfileRepository {
  /** Puts the profile in the place of the one of the same speaker and origin. */
  abstract put(profile: Profile): Promise<void>;

  abstract find(speakerId: string, origin: EmbeddingOrigin): Promise<Profile | null>;

  abstract findMany(speakerIds: readonly string[], origin: EmbeddingOrigin): Promise<Profile[]>;

  /** The speaker's, of every model. */
  abstract ofSpeaker(speakerId: string): Promise<Profile[]>;

  /** Of every model that the speaker was enrolled with. */
  abstract origins(speakerId: string): Promise<EmbeddingOrigin[]>;

  /** Enrolled profiles of one origin in batches, for the gallery. */
  abstract enrolled(origin: EmbeddingOrigin, after: string | null, limit: number): Promise<Profile[]>;

  abstract delete(speakerId: string, origin: EmbeddingOrigin): Promise<void>;
}
