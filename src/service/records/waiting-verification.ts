import { TimbreError } from '../../errors/timbre-error.js';
import type { EmbeddingOrigin } from './embedding.js';
import type { LedgerEvidence } from './ledger.js';
import type { Measures } from './recording-quality.js';

/** What a recording that was verified is, for as long as somebody may confirm that it is the speaker's. */
export interface WaitingVerification {
  /** UUID. */
  id: string;
  speakerId: string;
  createdAt: Date;
  origin: EmbeddingOrigin;
  /** As the model gave it. */
  embedding: Float32Array;
  contentSha256: string;
  measures: Measures;
  evidence: LedgerEvidence;
}

/** All that is told of it. */
export type WaitingVerificationInfo = Pick<WaitingVerification, 'id' | 'speakerId' | 'createdAt' | 'origin'>;

export abstract class WaitingVerificationRepository {
  /** Of a speaker at most `most` wait: the oldest go. */
  abstract insert(waiting: WaitingVerification, most: number): Promise<void>;

  /** Errors: STORAGE_INVALID where it is not as it was written. */
  abstract find(id: string): Promise<WaitingVerification | null>;

  /** Oldest first. */
  abstract ofSpeaker(speakerId: string): Promise<WaitingVerificationInfo[]>;

  abstract delete(waiting: Pick<WaitingVerification, 'id' | 'speakerId'>): Promise<void>;

  /** All of a speaker's; says how many there were. */
  abstract deleteOf(speakerId: string): Promise<number>;

  /** Those made before, at most so many; says how many there were. */
  abstract trim(before: Date, limit: number): Promise<number>;

  abstract count(): Promise<number>;
}

export function verificationNotFound(id: string): TimbreError {
  return new TimbreError(
    'VERIFICATION_NOT_FOUND',
    `no verification with the id ${JSON.stringify(id.slice(0, 64))} waits to be confirmed`,
  );
}
