import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { cosine } from '../../../../addon/cosine.js';
import type { ChangeFeed } from '../../../records/change-feed.js';
import type { EmbeddingOrigin } from '../../../records/embedding.js';
import type { StoredVoice } from '../../../records/profile.repository.js';
import { SharedRuns } from '../../../../support/shared-runs.js';
import type { IndexedModel } from '../../../voices/vector-database.js';
import {
  meets,
  VoiceIndex,
  type Among,
  type IndexedVoice,
  type VoiceIndexReport,
  type VoiceMatch,
} from '../../../voices/voice-index.js';
import { TypeOrmProfileRepository } from '../../common/repositories/typeorm-profile.repository.js';
import type { PostgresDatabase } from '../postgres-database.js';
import { ApproximateSearch, isInUse, LARGE_SET, LEAST_RECALL } from './approximate-search.js';
import { SecretRotation } from './secret-rotation.js';
import {
  beginSearch,
  countMembers,
  LARGEST_EF_SEARCH,
  members,
  membersOf,
  nearestApproximately,
  nearestExactly,
  nearestOf,
  nextDue,
  originNumber,
  putVectors,
  setsOf,
  settleDue,
  STATE,
  textOf,
  toState,
  useIndex,
  type Candidate,
  type SpaceState,
  type StateRow,
  type VectorRow,
  type VectorSet,
  type VectorSpace,
} from './vector-rows.js';
import { EVERYBODY, readSecret } from './vector-tables.js';

/** Profiles read, or written, at once; decrypting them holds the JS thread for some milliseconds. */
const BATCH = 200;

/**
 * By how much the cosine of two unit vectors may be off where both were rounded to half precision: each by 2^-11 of every
 * number at most, and by less than the rest where sums are rounded.
 */
const ROUNDING = 2 ** -10 + 2 ** -16;

/** Beside those that are asked for, so many are found at once whose exact cosines may be higher. */
const SPARE = 32;
/** Where these do not tell, so many times as many are looked for. */
const MORE = 8;

/** What was read of the database before anything can be searched. */
interface Opened {
  identity: EmbeddingOrigin;
  space: VectorSpace;
  secretId: string;
  rotation: SecretRotation;
}

type ReadVoice = Extract<StoredVoice, { centroid: Float32Array }>;

/**
 * Voices in a table of PostgreSQL, as vectors that a secret has turned. Triggers mark what has changed, and remove who may not be
 * found any more in the transaction that says so; whoever searches puts there what is marked before. A search begins with these
 * vectors, and is decided by the profiles themselves: they are read and opened in the transaction of the search.
 */
export class PgvectorVoiceIndex extends VoiceIndex implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Gallery');
  private readonly stopping = new AbortController();
  private readonly approximate: ApproximateSearch;
  private opened: Opened | undefined;
  private state: SpaceState = { secret: null, missing: 0, setAside: 0, everybody: null };
  private readonly following = new SharedRuns(() => this.follow());
  private isLoaded = false;
  private background: Promise<void> = Promise.resolve();
  private upkeep: Promise<void> | undefined;
  private lastWarning = '';
  /** Why voices could not be read, by subject. */
  private readonly told = new Map<string, string>();

  constructor(
    private readonly database: PostgresDatabase,
    private readonly feed: ChangeFeed,
    private readonly model: IndexedModel,
    /** Schema of the extension, quoted. */
    private readonly extension: string,
    large = LARGE_SET,
  ) {
    super();
    this.approximate = new ApproximateSearch(database, this.stopping.signal, large);
  }

  onApplicationBootstrap(): void {
    this.ready().then(
      () => this.logger.log({ voices: this.report.voices, msg: `${this.report.voices} voices can be identified` }),
      (error: unknown) => this.warn(error),
    );
    const follower = {
      begin: () => this.take(),
      take: () => this.take(),
      waits: (error: unknown) => this.warn(error),
    };
    this.background = this.feed.follow(follower, this.stopping.signal);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.background;
    await this.following.settled();
    await this.upkeep?.catch(() => undefined);
  }

  ready(): Promise<void> {
    return this.following.run();
  }

  async loaded(): Promise<void> {
    if (!this.isLoaded) await this.ready();
  }

  get report(): VoiceIndexReport {
    const { missing, setAside, everybody } = this.state;
    const recall = everybody?.recall ?? null;
    const approximate =
      everybody?.measuredAt && recall !== null
        ? { recall, leastRecall: LEAST_RECALL, inUse: isInUse(everybody), measuredAt: everybody.measuredAt }
        : null;
    return { kind: 'pgvector', voices: everybody?.voices ?? 0, setAside, missing, approximate };
  }

  async countOf({ candidates, groups }: Among): Promise<number> {
    const { space } = await this.open();
    const sets = groups ?? [EVERYBODY];
    return this.database.read(async (manager) => {
      if (candidates) return (await membersOf(manager, space, sets, candidates)).length;
      if (sets.length > 1) return countMembers(manager, space, sets);
      const [set] = await setsOf(manager, space, sets);
      return set?.voices ?? 0;
    });
  }

  async search(query: Float32Array, count: number, among: Among = {}): Promise<VoiceMatch[]> {
    await this.ready();
    if (count === 0) return [];
    for (;;) {
      const opened = await this.open();
      const found = await this.database.read(async (manager) => {
        const { candidates, groups = [EVERYBODY] } = among;
        const one = candidates || groups.length !== 1 ? null : groups[0]!;
        const { secret, set } = await beginSearch(manager, opened.space, one);
        // A restart of another node may have made another secret meanwhile.
        return secret === opened.secretId ? this.nearest(manager, opened, query, count, among, set) : null;
      });
      if (found) return found;
      this.opened = undefined;
    }
  }

  async *voices({ candidates, groups }: Among = {}): AsyncIterable<IndexedVoice> {
    const { space, identity } = await this.open();
    const sets = groups ?? [EVERYBODY];
    const isAmong = meets({ candidates, groups });
    const seen = sets.length > 1 ? new Set<string>() : null;
    for (const set of candidates ? [] : sets) {
      for (let after = ''; ;) {
        const place = after;
        const [page, found] = await this.database.read(async (manager) => {
          const rows = await members(manager, space, set, place, BATCH);
          const subjects = rows.map(({ subject }) => subject).filter((subject) => !seen?.has(subject));
          return [rows, await this.read(manager, subjects, identity)];
        });
        for (const voice of found) {
          if (!isAmong(voice)) continue;
          seen?.add(voice.subject);
          yield voice;
        }
        if (page.length < BATCH) break;
        after = page.at(-1)!.speakerId;
      }
    }
    for (let at = 0; candidates && at < candidates.length; at += BATCH) {
      const part = candidates.slice(at, at + BATCH);
      const found = await this.database.read(async (manager) =>
        this.read(manager, await membersOf(manager, space, sets, part), identity),
      );
      for (const voice of found) if (isAmong(voice)) yield voice;
    }
  }

  /** By profiles, as they are at the moment of the transaction; those with the highest cosines of what was rounded come first. */
  private async nearest(
    manager: EntityManager,
    { space, rotation, identity }: Opened,
    query: Float32Array,
    count: number,
    among: Among,
    set: VectorSet | null,
  ): Promise<VoiceMatch[]> {
    // What is in the table says nothing of that.
    const isAmong = meets(among);
    const text = textOf(rotation.turn(query));
    const asked = new Set<string>();
    const matches: VoiceMatch[] = [];
    /** Whoever has a lower one is not among the nearest. */
    const least = (): number => (matches[count - 1]?.cosine ?? -Infinity) - ROUNDING;
    for (let limit = count + SPARE; ; limit *= MORE) {
      const { candidates, all } = await this.candidates(manager, space, among, set, text, limit);
      const fresh = candidates.filter(({ subject }) => !asked.has(subject));
      while (fresh.length > 0 && fresh[0]!.cosine >= least()) {
        // Where all of the first are as near as they seem, nobody behind these is among the nearest.
        const farthest = (fresh[count - 1]?.cosine ?? -Infinity) - 2 * ROUNDING;
        const enough = fresh.findIndex((one) => one.cosine < farthest);
        const part = fresh.splice(0, enough < 0 ? fresh.length : enough);
        for (const { subject } of part) asked.add(subject);
        const subjects = part.map(({ subject }) => subject);
        for (const voice of await this.read(manager, subjects, identity)) {
          if (isAmong(voice)) matches.push({ ...voice, cosine: cosine(query, voice.centroid) });
        }
        matches.sort((a, b) => b.cosine - a.cosine);
        matches.splice(count);
      }
      const last = candidates.at(-1);
      if (all || !last || last.cosine < least()) return matches;
    }
  }

  /** `all`: there are no more. */
  private async candidates(
    manager: EntityManager,
    space: VectorSpace,
    { candidates, groups = [EVERYBODY] }: Among,
    set: VectorSet | null,
    query: string,
    limit: number,
  ): Promise<{ candidates: Candidate[]; all: boolean }> {
    const found = async (
      rows: Promise<Candidate[]>,
      most: number,
    ): Promise<{ candidates: Candidate[]; all: boolean }> => {
      const own = await rows;
      const unique = new Map(own.map((one) => [one.subject, one]));
      return { candidates: [...unique.values()], all: own.length < most };
    };
    // Who is in several sets comes as often.
    const most = limit * groups.length;
    if (candidates) return found(nearestOf(manager, space, groups, candidates, query, most), most);
    if (set && isInUse(set) && limit <= LARGEST_EF_SEARCH) {
      await useIndex(manager, set.efSearch!);
      return found(nearestApproximately(manager, space, set.groupUid, query, limit), limit);
    }
    return found(nearestExactly(manager, space, groups, query, most), most);
  }

  /** Those of some subjects who can be found; one that cannot be read is told, and left out. */
  private async read(
    manager: EntityManager,
    subjects: readonly string[],
    identity: EmbeddingOrigin,
  ): Promise<ReadVoice[]> {
    const { cipher, register } = this.database;
    const voices = await new TypeOrmProfileRepository(manager, cipher, register).voicesOf(subjects, identity);
    return voices.flatMap((voice) => {
      if (!('error' in voice)) return [voice];
      this.tellUnreadable(voice);
      return [];
    });
  }

  /** Up to what is durable now. */
  private async follow(): Promise<void> {
    for (;;) {
      const opened = await this.open();
      await this.look(opened);
      if (this.state.secret !== opened.secretId) {
        this.opened = undefined;
        continue;
      }
      while (this.state.missing > 0 && !this.stopping.signal.aborted) {
        const began = performance.now();
        const left = await this.fill(opened);
        await this.look(opened);
        if (!left) break;
        // As long as it took: half of the database's time is everybody else's.
        await delay(performance.now() - began, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
      this.isLoaded = true;
      return;
    }
  }

  /** Sees to the indexes of what is large, which may take hours. Errors: as of `ready`. */
  keepUp(): Promise<void> {
    this.upkeep ??= this.settleIndexes().finally(() => (this.upkeep = undefined));
    return this.upkeep;
  }

  private async settleIndexes(): Promise<void> {
    const opened = await this.open();
    if (await this.approximate.keepUp(opened.space)) await this.look(opened);
  }

  /** Puts there what has changed. */
  private async take(): Promise<void> {
    await this.ready();
    this.lastWarning = '';
    this.keepUp().catch((error: unknown) => this.warn(error));
  }

  private async open(): Promise<Opened> {
    const known = this.opened;
    if (known) return known;
    await this.model.ready();
    const identity = this.model.origin();
    const dimension = this.model.dimension();
    const [origin, { id, secret }] = await this.database.query(async (manager) => [
      await originNumber(manager, identity),
      await readSecret(manager, this.database.cipher),
    ]);
    const rotation = new SecretRotation(secret, dimension);
    secret.fill(0);
    this.opened = { identity, space: { origin, dimension, extension: this.extension }, secretId: id, rotation };
    return this.opened;
  }

  private async look({ identity, space }: Opened): Promise<void> {
    const values = [identity.model, identity.frontEnd, space.origin];
    const [row] = await this.database.statement<StateRow>(STATE, values);
    this.state = toState(row!);
  }

  /** Puts the next of what is marked in its place; false where nothing was left. */
  private fill({ identity, space, rotation, secretId }: Opened): Promise<boolean> {
    const { cipher, register } = this.database;
    return this.database.query(async (manager) => {
      const { id, secret } = await readSecret(manager, cipher);
      secret.fill(0);
      if (id !== secretId) return false;
      const due = await nextDue(manager, identity, BATCH);
      if (due.length === 0) return false;
      const profiles = new TypeOrmProfileRepository(manager, cipher, register);
      const subjects = due.map(({ subject }) => subject);
      const voices = await profiles.voicesOf(subjects, identity);
      const rows: VectorRow[] = [];
      const aside: string[] = [];
      for (const voice of voices) {
        if ('error' in voice) {
          aside.push(voice.speakerId);
          this.tellUnreadable(voice);
          continue;
        }
        const { subject, speakerId, groups, centroid } = voice;
        this.told.delete(subject);
        const vector = textOf(rotation.turn(centroid));
        for (const groupUid of [EVERYBODY, ...groups]) rows.push({ speakerId, groupUid, vector });
      }
      const ids = due.map(({ speakerId }) => speakerId);
      await putVectors(manager, space, ids, rows);
      const done = ids.filter((speakerId) => !aside.includes(speakerId));
      await settleDue(manager, identity, done, aside);
      return due.length === BATCH;
    });
  }

  /** Once, however often it is found. */
  private tellUnreadable({ subject, error }: Extract<StoredVoice, { error: string }>): void {
    if (this.told.get(subject) === error) return;
    this.told.set(subject, error);
    this.logger.error({ subject, msg: `a voice is set aside, nobody finds it: ${error}` });
  }

  /** Once, however often it is tried again. */
  private warn(error: unknown): void {
    const message = String(error);
    if (message === this.lastWarning || this.stopping.signal.aborted) return;
    this.lastWarning = message;
    this.logger.warn(`the index of voices is not up to date: ${message}`);
  }
}
