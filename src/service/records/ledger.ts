import { TimbreError } from '../../errors/timbre-error.js';
import type { EmbeddingOrigin } from './embedding.js';
import type { ExemplarKind } from './enrollment.js';

/** Everything that changes what a profile is made of. A name once used keeps its meaning. */
export const LEDGER_ACTIONS = [
  'enrolled',
  'imported',
  'named',
  'deleted',
  're-embedded',
  'learned',
  'confirmed',
  'merged',
  'merged-away',
  'split',
  'split-off',
  'frozen',
  'unfrozen',
] as const;
export type LedgerAction = (typeof LEDGER_ACTIONS)[number];

/** Those that can be taken back. */
export const UNDOABLE: readonly LedgerAction[] = [
  'learned',
  'confirmed',
  'merged',
  'merged-away',
  'split',
  'split-off',
];

/** The numbers that a recording was taken on. */
export interface LedgerEvidence {
  /** With the profile as it was then, in [-1, 1]. */
  cosine: number;
  llr: number | null;
  /** The cosine that had to be reached; null where somebody confirmed it. */
  threshold: number | null;
  falseAcceptRate: number | null;
}

/** What it takes to take an entry back, and what it was made on. */
export interface LedgerDetail {
  verificationId?: string;
  evidence?: LedgerEvidence;
  /** Learned recordings that were set aside for it. */
  replaced?: string[];
  /** `Speaker.subject` of the other person. */
  other?: string;
  /** Recordings that changed hands. */
  recordings?: string[];
  /** Recordings of the other person that were there already and stayed, set aside. */
  left?: string[];
  /** Learned recordings that were split off count as enrolled there: what they were. */
  kinds?: Record<string, ExemplarKind>;
  /** The speaker's consent was taken off, because the other person had none. */
  consentLifted?: boolean;
}

/** One change of a profile. */
export interface LedgerEntry {
  /** UUID. */
  id: string;
  speakerId: string;
  /** No two of one speaker are of the same moment. */
  at: Date;
  /** As the audit trail names who did it. */
  by: string;
  action: LedgerAction;
  /** Of the recording; null where the entry is of none or several. */
  origin: EmbeddingOrigin | null;
  enrollmentId: string | null;
  /** SHA-256 of the recording: it teaches once, whatever became of that. */
  contentSha256: string | null;
  /** UUID that the entries of both people share; null where one alone changed. */
  changeId: string | null;
  detail: LedgerDetail;
  undoneAt: Date | null;
  undoneBy: string | null;
}

export type NewLedgerEntry = Pick<LedgerEntry, 'speakerId' | 'action'> &
  Partial<Pick<LedgerEntry, 'origin' | 'enrollmentId' | 'contentSha256' | 'changeId' | 'detail'>>;

/** Place in a speaker's ledger: newest first. */
export type LedgerPlace = readonly [at: number, id: string];

export abstract class LedgerRepository {
  /** Whose it is and when is the moment's. */
  abstract append(entry: NewLedgerEntry): Promise<LedgerEntry>;

  /** Errors: STORAGE_INVALID where it is not as it was written. */
  abstract find(speakerId: string, id: string): Promise<LedgerEntry | null>;

  /** Newest first. */
  abstract page(speakerId: string, after: LedgerPlace | null, limit: number): Promise<LedgerEntry[]>;

  /** The entries of both people. Errors: as of `find`. */
  abstract ofChange(changeId: string): Promise<LedgerEntry[]>;

  /** Those by which a recording was learned, also where they were undone. Errors: as of `find`. */
  abstract thatBrought(speakerId: string, enrollmentId: string): Promise<LedgerEntry[]>;

  /** Whether the recording was ever among the speaker's, also where that was undone. */
  abstract knows(speakerId: string, contentSha256: string): Promise<boolean>;

  /** Puts this in the place of its detail. */
  abstract describe(entry: LedgerEntry, detail: LedgerDetail): Promise<void>;

  /** Notes that it was taken back, by whoever acts now. */
  abstract undone(entry: LedgerEntry, at: Date): Promise<void>;
}

export function ledgerEntryNotFound(speakerId: string, id: string): TimbreError {
  return new TimbreError(
    'LEDGER_ENTRY_NOT_FOUND',
    `the ledger of speaker ${JSON.stringify(speakerId)} has no entry with the id ${JSON.stringify(id.slice(0, 64))}`,
  );
}
