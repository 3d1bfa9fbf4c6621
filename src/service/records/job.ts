import type { ErrorCode } from '../../errors/error-codes.js';
import type { GroupRef } from '../../support/group-ref.js';
import { TimbreError } from '../../errors/timbre-error.js';

/** completed: every recording has a result, some of them an error; failed: all have one. */
export const JOB_STATES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

export const ITEM_STATES = ['queued', 'done', 'failed', 'cancelled'] as const;
export type ItemState = (typeof ITEM_STATES)[number];

/** Recordings as one piece of work that outlives the request and the process: many for many speakers, or one conversation. */
export interface Job {
  /** UUID. */
  id: string;
  state: JobState;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  total: number;
  done: number;
  failed: number;
  cancelled: number;
  /** Number of the last event: one for every recording that has an outcome, and one for the end of the job. */
  lastEvent: number;
  /** Counts every change of the job, from 1. */
  version: number;
  /** Groups that whoever made it was bound to: it reaches nobody else. Null: everybody. */
  boundTo: readonly GroupRef[] | null;
}

/** One recording of a job. */
export interface JobItem {
  jobId: string;
  /** Position in the job, from 0. */
  index: number;
  /** Null once the speaker was erased, and of a conversation. */
  speakerId: string | null;
  /** The conversation that it is; null of a recording of one speaker. */
  conversationId: string | null;
  /** As the caller named the file; for people. */
  fileName: string | null;
  /** As the caller gave it, for the audio roots to check; null for an upload, which lies in the spool. */
  path: string | null;
  state: ItemState;
  result: ItemResult | null;
  error: ItemError | null;
  /** Number of the event that told its outcome. */
  event: number | null;
  settledAt: Date | null;
}

export interface ItemResult {
  enrollmentId: string;
  /** The speaker had this very file already. */
  duplicate: boolean;
  /** Whether the recording is good enough to count. */
  accepted: boolean;
}

export interface ItemError {
  code: ErrorCode;
  message: string;
}

/** `result` is null where what came of it is stored elsewhere. */
export type ItemOutcome = { result: ItemResult | null } | { error: ItemError };

/** What one recording of a new job is made of. */
export type NewItem = Pick<JobItem, 'speakerId' | 'fileName' | 'path'> & Partial<Pick<JobItem, 'conversationId'>>;

export function isFinished({ state }: Pick<Job, 'state'>): boolean {
  return state !== 'queued' && state !== 'running';
}

/** Recordings without an outcome. */
export function waiting({ total, done, failed, cancelled }: Job): number {
  return total - done - failed - cancelled;
}

export function newJob(id: string, total: number, now: Date, boundTo: readonly GroupRef[] | null = null): Job {
  const counts = { total, done: 0, failed: 0, cancelled: 0, lastEvent: 0, version: 1, boundTo };
  return { id, state: 'queued', createdAt: now, startedAt: null, finishedAt: null, ...counts };
}

/** The job after one more recording has an outcome; its number is that of the event, before the job's own end. */
export function afterItem(job: Job, outcome: ItemOutcome, now: Date): { job: Job; event: number } {
  const event = job.lastEvent + 1;
  const [done, failed] = 'error' in outcome ? [job.done, job.failed + 1] : [job.done + 1, job.failed];
  const next: Job = { ...job, state: 'running', startedAt: job.startedAt ?? now, done, failed, lastEvent: event };
  if (waiting(next) > 0) return { job: next, event };
  return { job: { ...next, state: done > 0 ? 'completed' : 'failed', finishedAt: now, lastEvent: event + 1 }, event };
}

export function afterCancel(job: Job, now: Date): Job {
  const cancelled = job.cancelled + waiting(job);
  return { ...job, state: 'cancelled', cancelled, finishedAt: now, lastEvent: job.lastEvent + 1 };
}

export function jobNotFound(id: string): TimbreError {
  return new TimbreError('JOB_NOT_FOUND', `no job has the id ${JSON.stringify(id.slice(0, 64))}`);
}
