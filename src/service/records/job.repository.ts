import type { GroupRef } from '../../support/group-ref.js';
import type { Cursor } from './cursor.js';
import type { ItemOutcome, ItemState, Job, JobItem, NewItem } from './job.js';

/** A recording of a job, and nothing about it. */
export type ItemKey = Pick<JobItem, 'jobId' | 'index'>;

export abstract class JobRepository {
  /** The job with its recordings, all waiting. */
  abstract insert(job: Job, items: readonly NewItem[]): Promise<void>;

  abstract find(id: string): Promise<Job | null>;

  /** Newest first; of those who are bound to exactly these groups, where they are given. */
  abstract page(after: Cursor | null, limit: number, boundTo?: readonly GroupRef[] | null): Promise<Job[]>;

  /** The same. */
  abstract count(boundTo?: readonly GroupRef[] | null): Promise<number>;

  /** Queued and running ones, in the order in which they are worked on: oldest first. */
  abstract unfinished(): Promise<Job[]>;

  /**
   * Stores state, times and counts, and moves the version on by one.
   * Errors: CONFLICT where the stored version is not `job.version`.
   */
  abstract update(job: Job): Promise<Job>;

  /** Deletes the job with its recordings' rows; false where there was none. */
  abstract delete(id: string): Promise<boolean>;

  /** Ids of jobs that ended before a time, oldest first. */
  abstract finishedBefore(time: Date, limit: number): Promise<string[]>;

  /** A job's recordings from a position on, of one state where it is given. */
  abstract items(jobId: string, from: number, limit: number, state?: ItemState): Promise<JobItem[]>;

  /** A job's recordings whose outcome was told after an event, in the order of their events. */
  abstract settled(jobId: string, afterEvent: number, limit: number): Promise<JobItem[]>;

  /**
   * Gives a waiting recording its outcome; false where it does not wait any more, or where `lease` is given and another
   * claim has it, and nothing is stored then.
   */
  abstract settle(key: ItemKey, outcome: ItemOutcome, event: number, now: Date, lease?: string): Promise<boolean>;

  /** Gives up all recordings of a job that wait. */
  abstract cancelItems(jobId: string, now: Date): Promise<void>;

  /** Uploads that wait in the spool, of all jobs. */
  abstract spooled(): Promise<ItemKey[]>;

  /** A speaker's recordings that wait. */
  abstract waitingOf(speakerId: string): Promise<JobItem[]>;

  /** Removes the speaker, and the names of the speaker's files, from every recording of every job; says from how many. */
  abstract forgetSpeaker(speakerId: string): Promise<number>;

  /** A speaker's recordings, whatever became of them, in the order of their jobs; after a place in it. */
  abstract ofSpeaker(speakerId: string, after: ItemKey | null, limit: number): Promise<JobItem[]>;
}
