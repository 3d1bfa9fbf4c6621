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

/** The voices that can be identified: every enrolled profile of the loaded model but of those who have opted out. */
export abstract class VoiceIndex {
  /** Waits until it holds every change that was durable when this was called. Errors: those of the model and of the storage. */
  abstract ready(): Promise<void>;

  abstract readonly size: number;

  /** Voices whose record cannot be read: they are not found, and stop nobody else. */
  abstract readonly setAside: number;

  /** How many of these speakers are in it. */
  abstract countOf(speakerIds: readonly string[]): number;

  /** The nearest voices, nearest first, exact; among `candidates` where they are given. Errors: as of `ready`. */
  abstract search(query: Float32Array, count: number, candidates?: readonly string[]): Promise<VoiceMatch[]>;
}
