export interface VoiceMatch {
  /** `Speaker.subject`. */
  subject: string;
  speakerId: string;
  /** In [-1, 1]. */
  cosine: number;
  /** The profile's unit vector. */
  centroid: Float32Array;
  speechSeconds: number;
}

/** Whom a search is among: everybody who meets all of it. */
export interface Among {
  /** Ids of speakers. */
  candidates?: readonly string[] | undefined;
  /** Members of one of these groups, by `Group.uid`. */
  groups?: readonly string[] | undefined;
}

/** The voices that can be identified: every enrolled profile of the loaded model but of those who have opted out. */
export abstract class VoiceIndex {
  /** Waits until it holds every change that was durable when this was called. Errors: those of the model and of the storage. */
  abstract ready(): Promise<void>;

  /** Waits until it has been built, with what was durable then; later it does not wait at all. Errors: as of `ready`. */
  abstract loaded(): Promise<void>;

  abstract readonly size: number;

  /** Voices whose record cannot be read: they are not found, and stop nobody else. */
  abstract readonly setAside: number;

  /** How many are in it who meet `among`. */
  abstract countOf(among: Among): number;

  /** The nearest voices of those who meet `among`, nearest first, exact. Errors: as of `ready`. */
  abstract search(query: Float32Array, count: number, among?: Among): Promise<VoiceMatch[]>;
}
