import type { EmbeddingOrigin } from './embedding.js';
import type { EmbeddedShare, UnknownVoice, UnknownVoiceState, VoiceShare, VoiceStep } from './unknown-voice.js';

/** Place in the list of a state: most speech first. */
export type UnknownVoicePlace = readonly [speechMilliseconds: number, id: string];

/** Place in a voice's ledger: newest first. */
export type VoiceStepPlace = readonly [at: number, id: string];

export type NewVoiceStep = Pick<VoiceStep, 'voiceId' | 'action'> &
  Partial<Pick<VoiceStep, 'otherId' | 'reason' | 'detail'>>;

/** A voice that others are compared with. */
export interface ComparedVoice {
  voice: UnknownVoice;
  shares: EmbeddedShare[];
}

/** Who acts while bound to groups finds those alone that were heard for whoever is bound to the same. */
export abstract class UnknownVoiceRepository {
  abstract insert(voice: UnknownVoice): Promise<void>;

  /** Errors: STORAGE_INVALID where it is not as it was written. */
  abstract find(id: string): Promise<UnknownVoice | null>;

  /** Most speech first. */
  abstract page(state: UnknownVoiceState, after: UnknownVoicePlace | null, limit: number): Promise<UnknownVoice[]>;

  abstract count(state: UnknownVoiceState): Promise<number>;

  /** Counts the version. Errors: CONFLICT where it was changed since it was read. */
  abstract update(voice: UnknownVoice): Promise<UnknownVoice>;

  /** With all that is its own, and the voices that were merged into it; false where there is none. */
  abstract delete(id: string): Promise<boolean>;

  abstract addShare(share: EmbeddedShare): Promise<void>;

  /** Of a voice, in the order in which they were heard. */
  abstract shares(voiceId: string): Promise<VoiceShare[]>;

  /** The same with what they are recognised by. Errors: STORAGE_INVALID. */
  abstract withEmbeddings(voiceId: string): Promise<EmbeddedShare[]>;

  /** Gives shares to another voice; those that are not the first one's stay. Gives the ids of those that moved. */
  abstract move(ids: readonly string[], from: string, to: string): Promise<string[]>;

  /** Leaves nothing of a voice but one embedding: its shares, its ledger and the voices that were merged into it go. */
  abstract reduce(voice: UnknownVoice, share: EmbeddedShare): Promise<void>;

  /**
   * The open and the blocked ones of an origin in the order of their ids, of whoever is bound as whoever acts: who is bound to
   * none has those of others neither. What is not as it was written, or does not open, has no shares.
   */
  abstract compared(origin: EmbeddingOrigin, after: string | null, limit: number): Promise<ComparedVoice[]>;

  /** Those that were named as a speaker, in the order of their ids. */
  abstract ofSpeaker(speakerId: string, after: string | null, limit: number): Promise<UnknownVoice[]>;

  /** Deletes open and dismissed ones that were last heard before a time, and says how many. */
  abstract trim(before: Date, limit: number): Promise<number>;

  /** Who did it and when is the moment's. */
  abstract append(step: NewVoiceStep): Promise<VoiceStep>;

  /** Of the voice, or of another with it. Errors: STORAGE_INVALID where it is not as it was written. */
  abstract findStep(voiceId: string, id: string): Promise<VoiceStep | null>;

  /** The same, newest first. */
  abstract steps(voiceId: string, after: VoiceStepPlace | null, limit: number): Promise<VoiceStep[]>;

  /** Notes that it was taken back, by whoever acts now. */
  abstract undone(step: VoiceStep, at: Date): Promise<void>;
}
