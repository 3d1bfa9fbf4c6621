import { TimbreError } from '../../errors/timbre-error.js';

/** What proves that a speaker was erased, without a word of who it was. */
export interface Receipt {
  /** UUID. */
  id: string;
  /** The audit trail's name for who was erased. */
  subject: string;
  erasedAt: Date;
  /** Who did it, as in the audit trail. */
  by: string;
  /** Rows that went. */
  enrollments: number;
  profiles: number;
  consents: number;
  groups: number;
  metadata: number;
  jobRecordings: number;
  ledgerEntries: number;
  /** Verifications that waited to be confirmed. */
  waitingVerifications: number;
  /** Whose audio was kept. */
  recordings: number;
  /** That named the speaker, or told of a voice that was near, or had the speaker as a candidate. */
  conversations: number;
  /** Voices of conversations that were named as the speaker. */
  unknownVoices: number;
  /** When the database's files were wiped of every trace of it; null until then. */
  wipedAt: Date | null;
  /** Whether the service wipes them at all; otherwise they are those of a server of databases. */
  wipes: boolean;
}

export abstract class ReceiptRepository {
  abstract insert(receipt: Receipt): Promise<void>;

  abstract find(id: string): Promise<Receipt | null>;

  /** Rows that are there of a speaker in spite of the receipt, by subject. */
  abstract remains(subject: string): Promise<number>;
}

export function receiptNotFound(id: string): TimbreError {
  return new TimbreError('RECEIPT_NOT_FOUND', `no receipt has the id ${JSON.stringify(id.slice(0, 64))}`);
}
