import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { cosine } from '../../addon/cosine.js';
import { Gallery, type GalleryMatch } from '../../addon/gallery.js';
import { ChangeFeed, FEED_START, type FeedPlace } from '../records/change-feed.js';
import type { EmbeddingOrigin } from '../records/embedding.js';
import type { StoredVoice } from '../records/profile.repository.js';
import { EmbeddingEngine } from '../engine/embedding-engine.js';
import { CurrentModel } from './current-model.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import { SharedRuns } from '../../support/shared-runs.js';
import {
  meets,
  VoiceIndex,
  type Among,
  type IndexedVoice,
  type VoiceIndexReport,
  type VoiceMatch,
} from './voice-index.js';

type Entry = Omit<IndexedVoice, 'centroid'>;

/** Profiles read at once; decrypting them holds the JS thread for some milliseconds. */
const BATCH = 200;

/** Of everybody, that makes a group a large one: members one by one take as long as everybody from about a quarter on. */
const LARGE_SHARE = 0.2;
/** So many times as many of everybody are looked for as would hold enough members if these lay evenly among them. */
const SPARE = 4;

/**
 * Voices in memory: a snapshot of the database, which then follows the change feed. A compact one has their vectors rounded there,
 * and reads the profiles of those that may be nearest.
 */
export class NativeVoiceIndex extends VoiceIndex implements OnApplicationBootstrap {
  private readonly logger = new Logger('Gallery');
  private gallery: Gallery | undefined;
  private origin: EmbeddingOrigin | undefined;
  private readonly following = new SharedRuns(() => this.follow());
  /** The last change that is in it; undefined before the first snapshot. */
  private place: FeedPlace | undefined;
  private readonly entries = new Map<number, Entry>();
  /** By subject. */
  private readonly keys = new Map<string, number>();
  /** Subjects by speaker id. */
  private readonly subjects = new Map<string, string>();
  /** Keys of the members of each group, by its uid. */
  private readonly members = new Map<string, Set<number>>();
  private readonly unreadable = new Set<string>();
  private lastKey = 0;

  constructor(
    private readonly store: UnitOfWork,
    private readonly feed: ChangeFeed,
    private readonly engine: EmbeddingEngine,
    private readonly model: CurrentModel,
    private readonly kind: 'native' | 'compact' = 'native',
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.ready().then(
      () => this.logger.log({ voices: this.entries.size, msg: `${this.entries.size} voices can be identified` }),
      (error: unknown) => this.logger.warn(`the gallery is not built: ${String(error)}`),
    );
  }

  ready(): Promise<void> {
    return this.following.run();
  }

  async loaded(): Promise<void> {
    if (this.place === undefined) await this.ready();
  }

  get report(): VoiceIndexReport {
    const [voices, setAside] = [this.entries.size, this.unreadable.size];
    return { kind: this.kind, voices, setAside, missing: 0, approximate: null };
  }

  countOf(among: Among): Promise<number> {
    return Promise.resolve(this.keysAmong(among)?.length ?? this.entries.size);
  }

  async search(query: Float32Array, count: number, among: Among = {}): Promise<VoiceMatch[]> {
    await this.ready();
    const { gallery } = this;
    if (!gallery) return [];
    if (this.kind === 'compact') {
      return this.decide(await gallery.top(query, count, this.keysAmong(among)), query, count, among);
    }
    const matches =
      (await this.nearestOfLargeGroup(gallery, query, count, among)) ??
      (await gallery.top(query, count, this.keysAmong(among)));
    return matches.flatMap(({ key, cosine }) => {
      const voice = this.voice(key);
      // Whoever was erased during the search is not found any more.
      return voice ? [{ ...voice, cosine }] : [];
    });
  }

  /**
   * Of a group that has a good part of everybody: everybody is searched, faster than members one by one, for so many that
   * as many members as asked for are nearly always among them. Null for other searches, and where they were not.
   */
  private async nearestOfLargeGroup(
    gallery: Gallery,
    query: Float32Array,
    count: number,
    { candidates, groups = [] }: Among,
  ): Promise<GalleryMatch[] | null> {
    const members = candidates || groups.length !== 1 ? undefined : this.members.get(groups[0]!);
    const share = (members?.size ?? 0) / this.entries.size;
    if (!members || share < LARGE_SHARE) return null;
    const nearest = await gallery.top(query, Math.ceil((SPARE * count) / share));
    const found = nearest.filter(({ key }) => members.has(key)).slice(0, count);
    return found.length >= Math.min(count, members.size) ? found : null;
  }

  /** By the profiles of those that may be nearest, as they are by now. */
  private async decide(
    matches: readonly GalleryMatch[],
    query: Float32Array,
    count: number,
    among: Among,
  ): Promise<VoiceMatch[]> {
    const isAmong = meets(among);
    const found: VoiceMatch[] = [];
    for await (const voice of this.read(matches.map(({ key }) => key))) {
      if (isAmong(voice)) found.push({ ...voice, cosine: cosine(query, voice.centroid) });
    }
    return found.sort((a, b) => b.cosine - a.cosine).slice(0, count);
  }

  async *voices(among: Among = {}): AsyncIterable<IndexedVoice> {
    const keys = [...(this.keysAmong(among) ?? this.entries.keys())];
    if (this.kind === 'compact') {
      yield* this.read(keys);
      return;
    }
    for (const key of keys) {
      const voice = this.voice(key);
      if (voice) yield voice;
    }
  }

  /** From the database, in this order; whoever is not found any more is left out. */
  private async *read(keys: readonly number[]): AsyncIterable<IndexedVoice> {
    for (let at = 0; at < keys.length; at += BATCH) {
      const { origin } = this;
      const subjects = keys.slice(at, at + BATCH).flatMap((key) => this.entries.get(key)?.subject ?? []);
      if (!origin || subjects.length === 0) continue;
      const found = await this.stored(subjects, origin);
      for (const subject of subjects) {
        const voice = found.get(subject);
        if (!voice) continue;
        if ('error' in voice) this.put(voice);
        else yield voice;
      }
    }
  }

  /** Those of some subjects who can be found, by these. */
  private async stored(subjects: readonly string[], origin: EmbeddingOrigin): Promise<Map<string, StoredVoice>> {
    const voices = await this.store.readOne(({ profiles }) => profiles.voicesOf(subjects, origin));
    return new Map(voices.map((voice) => [voice.subject, voice]));
  }

  private voice(key: number): IndexedVoice | null {
    const entry = this.entries.get(key);
    const centroid = this.gallery?.get(key);
    return entry && centroid ? { ...entry, centroid } : null;
  }

  /** Undefined: everybody's. */
  private keysAmong({ candidates, groups }: Among): Uint32Array | undefined {
    if (candidates) {
      const keys = candidates.flatMap((id) => this.keyOf(id) ?? []);
      return Uint32Array.from(
        groups ? keys.filter((key) => groups.some((uid) => this.members.get(uid)?.has(key))) : keys,
      );
    }
    if (!groups) return undefined;
    const [first, ...others] = groups.map((uid) => this.members.get(uid) ?? new Set<number>());
    if (others.length === 0) return Uint32Array.from(first ?? []);
    return Uint32Array.from(new Set([...(first ?? []), ...others.flatMap((keys) => [...keys])]));
  }

  private keyOf(speakerId: string): number | undefined {
    return this.keys.get(this.subjects.get(speakerId) ?? '');
  }

  /** Up to what is durable now. */
  private async follow(): Promise<void> {
    if (this.place === undefined) await this.build();
    for (;;) {
      const changes = await this.feed.after(this.place ?? FEED_START, BATCH);
      if (changes === null) {
        await this.build();
        continue;
      }
      const { origin } = this;
      const last = changes.at(-1);
      if (!last || !origin) return;
      const changed = [...new Set(changes.flatMap(({ kind, about }) => (kind === 'voice' ? [about] : [])))];
      const found = await this.stored(changed, origin);
      for (const subject of changed) {
        const voice = found.get(subject);
        if (voice) this.put(voice);
        else this.remove(subject);
      }
      this.place = last;
      if (changes.length < BATCH) return;
    }
  }

  private async build(): Promise<void> {
    await this.engine.ready();
    const origin = this.model.origin();
    this.gallery = new Gallery(this.model.dimension(), { rounded: this.kind === 'compact' });
    this.origin = origin;
    for (const kept of [this.keys, this.entries, this.subjects, this.members, this.unreadable]) kept.clear();
    this.place = undefined;
    // Before the snapshot: what changes while it is read is read again.
    const place = await this.feed.head();
    for (let after: string | null = null; ;) {
      const speakerId: string | null = after;
      const batch: StoredVoice[] = await this.store.read(({ profiles }) => profiles.voices(origin, speakerId, BATCH));
      for (const voice of batch) this.put(voice);
      if (batch.length < BATCH) break;
      after = batch.at(-1)!.speakerId;
    }
    this.place = place;
  }

  private put(voice: StoredVoice): void {
    const { subject, speakerId } = voice;
    if ('error' in voice) {
      this.remove(subject);
      this.unreadable.add(subject);
      this.logger.error({ subject, msg: `a voice is set aside, nobody finds it: ${voice.error}` });
      return;
    }
    const key = this.keys.get(subject) ?? ++this.lastKey;
    this.gallery?.put(key, voice.centroid);
    this.keys.set(subject, key);
    this.subjects.set(speakerId, subject);
    this.leave(key);
    const { groups, speechSeconds, recordings, consented } = voice;
    this.entries.set(key, { subject, speakerId, speechSeconds, recordings, consented, groups });
    for (const uid of groups) this.join(uid, key);
    this.unreadable.delete(subject);
  }

  private remove(subject: string): void {
    this.unreadable.delete(subject);
    const key = this.keys.get(subject);
    if (key === undefined) return;
    this.gallery?.remove(key);
    this.keys.delete(subject);
    this.leave(key);
    const speakerId = this.entries.get(key)?.speakerId;
    // Another speaker may have the id by now.
    if (speakerId !== undefined && this.subjects.get(speakerId) === subject) this.subjects.delete(speakerId);
    this.entries.delete(key);
  }

  private join(uid: string, key: number): void {
    const keys = this.members.get(uid);
    if (keys) keys.add(key);
    else this.members.set(uid, new Set([key]));
  }

  /** Every group that the voice is in. */
  private leave(key: number): void {
    for (const uid of this.entries.get(key)?.groups ?? []) {
      const keys = this.members.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) this.members.delete(uid);
    }
  }
}
