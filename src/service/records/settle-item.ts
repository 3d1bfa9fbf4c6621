import { TimbreError } from '../../errors/timbre-error.js';
import { afterItem, isFinished, type ItemOutcome, type Job } from './job.js';
import type { ItemKey, JobRepository } from './job.repository.js';

/**
 * Stores a recording's outcome with what follows for its job; null where the recording does not wait any more, or where
 * `lease` is given and another claim has it.
 */
export async function settleItem(
  jobs: JobRepository,
  key: ItemKey,
  outcome: ItemOutcome,
  now: Date,
  lease?: string,
): Promise<Job | null> {
  const found = await jobs.find(key.jobId);
  if (!found || isFinished(found)) return null;
  const { job, event } = afterItem(found, outcome, now);
  if (!(await jobs.settle(key, outcome, event, now, lease))) return null;
  return jobs.update(job);
}

/**
 * Takes a speaker who is being erased out of every job: recordings that wait have failed, those that are settled lose
 * what tells of the speaker. Gives the recordings whose uploads are to be removed, and how many there were in all.
 */
export async function forgetSpeaker(
  jobs: JobRepository,
  speakerId: string,
  now: Date,
): Promise<{ uploads: ItemKey[]; recordings: number }> {
  const waiting = await jobs.waitingOf(speakerId);
  const { code, message } = new TimbreError('SPEAKER_NOT_FOUND', 'the speaker was erased');
  for (const item of waiting) await settleItem(jobs, item, { error: { code, message } }, now);
  const recordings = await jobs.forgetSpeaker(speakerId);
  const uploads = waiting.filter(({ path }) => path === null).map(({ jobId, index }) => ({ jobId, index }));
  return { uploads, recordings };
}
