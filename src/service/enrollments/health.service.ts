import { Injectable } from '@nestjs/common';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import { profileHealth, type ProfileHealth } from '../records/profile-health.js';
import type { Speaker } from '../records/speaker.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { factsOf } from '../records/profile.js';
import { sideOf, VoiceIndex } from '../voices/voice-index.js';

/** The person whose profile is nearest to a profile. */
export interface NearestPerson {
  speakerId: string;
  cosine: number;
  /** Null where the model is not calibrated. */
  llr: number | null;
}

/** How profiles are doing. */
@Injectable()
export class HealthService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly engine: EmbeddingEngine,
    private readonly gallery: VoiceIndex,
  ) {}

  /** `nearest` is of those whom whoever acts may see, and null where there is none. Errors: those of the model and of the storage. */
  async of(speaker: Speaker, origin: EmbeddingOrigin): Promise<ProfileHealth & { nearest: NearestPerson | null }> {
    const { enrollments, profile } = await this.store.read(async (records) => ({
      enrollments: (await records.enrollments.ofOrigin(speaker.id, origin)).enrollments,
      profile: await records.profiles.find(speaker.id, origin),
    }));
    const health = profileHealth(profile, enrollments);
    if (!profile?.centroid) return { ...health, nearest: null };
    const { centroid } = profile;
    const [other] = await this.gallery.nearestOthers(centroid, speaker.subject, 1);
    if (!other) return { ...health, nearest: null };
    const sides = { a: factsOf(profile), b: sideOf(other) };
    const { cosine, llr } = this.engine.scorer().score(centroid, other.centroid, sides);
    return { ...health, nearest: { speakerId: other.speakerId, cosine, llr } };
  }
}
