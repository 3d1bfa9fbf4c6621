import { boundUids } from '../records/bound.js';

/** An enrolled voice. */
export interface IndexedVoice {
  /** `Speaker.subject`. */
  subject: string;
  speakerId: string;
  /** The profile's unit vector. */
  centroid: Float32Array;
  speechSeconds: number;
  /** How many count in the profile. */
  recordings: number;
  /** Whether a consent is recorded. */
  consented: boolean;
  /** `Group.uid` of those that the speaker belongs to. */
  groups: readonly string[];
}

/** What is known of it as one side of a comparison. */
export function sideOf({ speechSeconds, recordings }: IndexedVoice): { seconds: number; recordings: number } {
  return { seconds: speechSeconds, recordings };
}

export interface VoiceMatch extends IndexedVoice {
  /** In [-1, 1]. */
  cosine: number;
}

/** Whom a search is among: everybody who meets all of it. */
export interface Among {
  /** Ids of speakers. */
  candidates?: readonly string[] | undefined;
  /** Members of one of these groups, by `Group.uid`. */
  groups?: readonly string[] | undefined;
}

/** Whether a voice that was read meets it. */
export function meets({ candidates, groups }: Among): (voice: IndexedVoice) => boolean {
  const ids = candidates && new Set(candidates);
  return ({ speakerId, groups: own }) =>
    (!ids || ids.has(speakerId)) && (!groups || own.some((uid) => groups.includes(uid)));
}

/** What an index knows of itself, without asking anybody. */
export interface VoiceIndexReport {
  /** Of `TIMBRE_VECTOR_INDEX`. */
  kind: 'native' | 'compact' | 'pgvector';
  /** Voices that can be found. */
  voices: number;
  /** Voices whose record cannot be read: they are not found, and stop nobody else. */
  setAside: number;
  /** Voices that it does not have yet, or not as they are now. */
  missing: number;
  /** Of searches among everybody that are not exact; null where they all are. */
  approximate: ApproximateReport | null;
}

/** How searches that are not exact do, measured on a sample of the stored voices. */
export interface ApproximateReport {
  /** Share of the nearest voices that are found. */
  recall: number;
  /** Below this share, searches are exact: they take longer, and find everybody. */
  leastRecall: number;
  inUse: boolean;
  measuredAt: Date;
}

/** The voices that can be identified: every enrolled profile of the loaded model but of those who have opted out. */
export abstract class VoiceIndex {
  /** Waits until it holds every change that was durable when this was called. Errors: those of the model and of the storage. */
  abstract ready(): Promise<void>;

  /** Waits until it has been built, with what was durable then; later it does not wait at all. Errors: as of `ready`. */
  abstract loaded(): Promise<void>;

  abstract readonly report: VoiceIndexReport;

  /** How many are in it who meet `among`. Errors: as of `ready`. */
  abstract countOf(among: Among): Promise<number>;

  /**
   * Those who meet `among`, one after the other: whoever goes meanwhile is left out, whoever comes may be. For what is no
   * cosine of the vectors as they are. Errors: as of `ready`.
   */
  abstract voices(among?: Among): AsyncIterable<IndexedVoice>;

  /**
   * The nearest voices of those who meet `among`, nearest first, with exact cosines; exact but for what `report` says of
   * searches that are not. Errors: as of `ready`.
   */
  abstract search(query: Float32Array, count: number, among?: Among): Promise<VoiceMatch[]>;

  /** The nearest voices that are not this speaker's, of those whom whoever acts may see. Errors: as of `ready`. */
  async nearestOthers(
    query: Float32Array,
    subject: string,
    count: number,
    groups = boundUids(),
  ): Promise<VoiceMatch[]> {
    // One more than asked for: the speaker's own may be among them.
    const found = await this.search(query, count + 1, { groups });
    return found.filter((match) => match.subject !== subject).slice(0, count);
  }
}
