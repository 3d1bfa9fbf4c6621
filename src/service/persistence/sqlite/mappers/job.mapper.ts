import type { Job, JobItem } from '../../../records/job.js';
import type { JobItemRow } from '../entities/job-item.entity.js';
import type { JobRow } from '../entities/job.entity.js';

export function toJob(row: JobRow): Job {
  const { createdAt, startedAt, finishedAt, ...rest } = row;
  return { ...rest, createdAt: new Date(createdAt), startedAt: toDate(startedAt), finishedAt: toDate(finishedAt) };
}

export function toJobRow(job: Job): JobRow {
  const { createdAt, startedAt, finishedAt } = job;
  return {
    ...job,
    createdAt: createdAt.getTime(),
    startedAt: startedAt?.getTime() ?? null,
    finishedAt: finishedAt?.getTime() ?? null,
  };
}

export function toJobItem(row: JobItemRow): JobItem {
  const { jobId, position, speakerId, conversationId, fileName, path, state, event, settledAt } = row;
  const { enrollmentId, duplicate, accepted, errorCode, errorMessage } = row;
  return {
    jobId,
    index: position,
    speakerId,
    conversationId,
    fileName,
    path,
    state,
    result: enrollmentId === null ? null : { enrollmentId, duplicate: duplicate ?? false, accepted: accepted ?? false },
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? 'the speaker was erased' },
    event,
    settledAt: toDate(settledAt),
  };
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}
