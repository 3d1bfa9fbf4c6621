import type { GroupRef } from '../../../../support/group-ref.js';
import type { Job, JobItem } from '../../../records/job.js';
import type { JobItemRow } from '../entities/job-item.entity.js';
import type { JobRow } from '../entities/job.entity.js';

export function toJob(row: JobRow): Job {
  const { createdAt, startedAt, finishedAt, boundTo, ...rest } = row;
  return {
    ...rest,
    createdAt: new Date(createdAt),
    startedAt: toDate(startedAt),
    finishedAt: toDate(finishedAt),
    boundTo: boundTo === null ? null : (JSON.parse(boundTo) as GroupRef[]),
  };
}

export function toJobRow(job: Job): JobRow {
  const { createdAt, startedAt, finishedAt } = job;
  return {
    ...job,
    createdAt: createdAt.getTime(),
    startedAt: startedAt?.getTime() ?? null,
    finishedAt: finishedAt?.getTime() ?? null,
    boundTo: boundToText(job.boundTo),
  };
}

/** The same text for the same groups. */
export function boundToText(groups: readonly GroupRef[] | null): string | null {
  if (!groups) return null;
  const inOrder = groups.map(({ uid, id }) => ({ uid, id })).sort((a, b) => (a.uid < b.uid ? -1 : 1));
  return JSON.stringify(inOrder);
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
