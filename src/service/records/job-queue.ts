import type { ItemOutcome, Job, JobItem } from './job.js';
import type { VoiceRecords } from './unit-of-work.js';

/** A recording of a job in somebody's hand. */
export interface Claim {
  item: JobItem;
  /** As of the job. */
  boundTo: Job['boundTo'];
  /** Names this claim; no other ever has the name. */
  lease: string;
}

/**
 * The recordings of all jobs, oldest job first. Whoever claims one has it until the lease ends, which `extend` puts off;
 * the lease of an owner that crashed ends by itself, and the recording is taken up again. An outcome is stored once: that
 * of a claim whose lease was lost is not.
 *
 * Errors of every call: those of the storage.
 */
export abstract class JobQueue {
  /** Milliseconds that a claim lasts unless it is extended. */
  abstract readonly leaseMs: number;

  /** The next recording that waits and that nobody has; null where there is none. The first starts its job. */
  abstract claim(): Promise<Claim | null>;

  /** Puts the end of these claims off; gives those that are still theirs. */
  abstract extend(claims: readonly Claim[]): Promise<Claim[]>;

  /** Gives the recording back: it waits for the next claim. Nothing happens where the claim was lost. */
  abstract release(claim: Claim): Promise<void>;

  /** Stores the outcome, within a transaction; the job as it is then, or null where the claim was lost. */
  abstract settle(records: VoiceRecords, claim: Claim, outcome: ItemOutcome, now: Date): Promise<Job | null>;
}
