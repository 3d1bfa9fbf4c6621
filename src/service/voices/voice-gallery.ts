import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Gallery } from '../../addon/gallery.js';
import { sameOrigin, type EmbeddingOrigin } from '../records/embedding.js';
import type { Profile } from '../records/profile.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { CurrentModel } from './current-model.js';
import { VoiceStore } from '../records/voice-store.js';

export interface VoiceMatch {
  speakerId: string;
  /** In [-1, 1]. */
  cosine: number;
  /** The profile's unit vector. */
  centroid: Float32Array;
  speechSeconds: number;
}

interface Entry {
  speakerId: string;
  speechSeconds: number;
}

/** Profiles read at once while the gallery is built; decrypting them holds the JS thread for some milliseconds. */
const BATCH = 200;

/**
 * Every enrolled profile of the loaded model in memory. Built from the database once the model is there, then told of
 * every change in the order in which changes become durable.
 */
@Injectable()
export class VoiceGallery implements OnApplicationBootstrap {
  private readonly logger = new Logger('Gallery');
  private gallery: Gallery | undefined;
  private origin: EmbeddingOrigin | undefined;
  private building: Promise<void> | undefined;
  private readonly entries = new Map<number, Entry>();
  private readonly keys = new Map<string, number>();
  /** Those who opted out; no change of their profiles brings them back. */
  private hidden = new Set<string>();
  private lastKey = 0;

  constructor(
    private readonly store: VoiceStore,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
  ) {}

  onApplicationBootstrap(): void {
    this.ready().then(
      () => this.logger.log({ voices: this.size, msg: `${this.size} voices can be identified` }),
      (error: unknown) => this.logger.warn(`the gallery is not built: ${String(error)}`),
    );
  }

  /** Waits until it is built. Errors: those of the model and of the storage; the next call tries again. */
  async ready(): Promise<void> {
    this.building ??= this.build().catch((error: unknown) => {
      this.building = undefined;
      throw error;
    });
    await this.building;
  }

  get size(): number {
    return this.entries.size;
  }

  /** How many of these speakers are in it. */
  countOf(speakerIds: readonly string[]): number {
    return speakerIds.filter((id) => this.keys.has(id)).length;
  }

  /** To be called when a profile has become durable. */
  follow(profile: Profile): void {
    if (!this.gallery || !this.origin || !sameOrigin(profile.origin, this.origin)) return;
    const { speakerId, centroid, speechSeconds } = profile;
    if (profile.status !== 'Enrolled' || !centroid || this.hidden.has(speakerId)) {
      this.remove(speakerId);
      return;
    }
    const key = this.keys.get(speakerId) ?? ++this.lastKey;
    this.gallery.put(key, centroid);
    this.keys.set(speakerId, key);
    this.entries.set(key, { speakerId, speechSeconds });
  }

  /** To be called when a speaker was erased. */
  forget(speakerId: string): void {
    this.hidden.delete(speakerId);
    this.remove(speakerId);
  }

  /** To be called when a speaker has opted out: nobody finds the voice from now on. */
  hide(speakerId: string): void {
    this.hidden.add(speakerId);
    this.remove(speakerId);
  }

  /** To be called when a speaker who had opted out is in again, with the speaker's profiles. */
  show(speakerId: string, profiles: readonly Profile[]): void {
    this.hidden.delete(speakerId);
    for (const profile of profiles) this.follow(profile);
  }

  /** The nearest voices, nearest first; among `candidates` where they are given. Errors: as of `ready`. */
  async search(query: Float32Array, count: number, candidates?: readonly string[]): Promise<VoiceMatch[]> {
    await this.ready();
    const keys = candidates && Uint32Array.from(candidates.flatMap((id) => this.keys.get(id) ?? []));
    const matches = (await this.gallery?.top(query, count, keys)) ?? [];
    return matches.flatMap(({ key, cosine }) => {
      const entry = this.entries.get(key);
      const centroid = this.gallery?.get(key);
      // Whoever was erased during the search is not found any more.
      return entry && centroid ? [{ ...entry, cosine, centroid }] : [];
    });
  }

  private remove(speakerId: string): void {
    const key = this.keys.get(speakerId);
    if (key === undefined) return;
    this.gallery?.remove(key);
    this.keys.delete(speakerId);
    this.entries.delete(key);
  }

  private async build(): Promise<void> {
    await this.engine.ready();
    const origin = this.model.origin();
    this.gallery = new Gallery(this.model.dimension());
    this.origin = origin;
    this.keys.clear();
    this.entries.clear();
    await this.store.read(async ({ speakers }) => {
      this.hidden = new Set(await speakers.optedOut());
    });
    for (let after: string | null = null; ;) {
      const last: string | undefined = await this.store.read(async ({ profiles }) => {
        const batch = await profiles.enrolled(origin, after, BATCH);
        // Within the read: a change that becomes durable after it is followed after it.
        for (const profile of batch) this.follow(profile);
        return batch.length < BATCH ? undefined : batch.at(-1)?.speakerId;
      });
      if (last === undefined) return;
      after = last;
    }
  }
}
