import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useApi } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Loading } from '../../ui/loading.js';
import { Notice, type Tone } from '../../ui/notice.js';
import { Table } from '../../ui/table.js';
import css from './operations.module.css';

export type Job = Answer<'listJobs'>['jobs'][number];

const TONES: Record<Job['state'], Tone> = {
  queued: 'info',
  running: 'info',
  completed: 'good',
  failed: 'bad',
  cancelled: 'warn',
};
const PAGE = 30;
const POLL_MS = 3000;

export function isFinished({ state }: Pick<Job, 'state'>): boolean {
  return state !== 'queued' && state !== 'running';
}

export function JobState({ state }: { state: Job['state'] }): ReactNode {
  const t = useMessages().operations.jobs;
  return <Badge tone={TONES[state]}>{t.states[state] ?? state}</Badge>;
}

export function JobProgress({ job: { counts } }: { job: Pick<Job, 'counts'> }): ReactNode {
  const t = useMessages().operations.jobs;
  const format = useFormat();
  const settled = counts.total - counts.waiting;
  const text = t.counts(format.number(settled), format.number(counts.total));
  return (
    <span className={css['progress']}>
      <progress max={Math.max(1, counts.total)} value={settled} aria-label={t.progress} />
      <span className="numeric">{text}</span>
      {counts.failed > 0 && <Badge tone="bad">{t.failed(format.number(counts.failed))}</Badge>}
    </span>
  );
}

export function JobsList(): ReactNode {
  const t = useMessages().operations.jobs;
  const api = useApi();
  const format = useFormat();
  const textOf = useErrorText();
  const list = useInfiniteQuery({
    queryKey: ['jobs'],
    queryFn: ({ pageParam, signal }) =>
      api.call('listJobs', { limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: POLL_MS,
  });
  if (list.isPending) return <Loading />;
  if (list.error) return <Notice tone="bad">{textOf(list.error)}</Notice>;
  const jobs = list.data.pages.flatMap((page) => page.jobs);
  if (jobs.length === 0) {
    return (
      <EmptyState title={t.none}>
        <p>{t.noneHint}</p>
      </EmptyState>
    );
  }
  return (
    <Card title={t.title}>
      <Table caption={t.title} columns={[t.job, t.state, t.progress, t.left, t.created]}>
        {jobs.map((job) => (
          <tr key={job.id}>
            <th scope="row" className="mono">
              <Link href={`/operations/jobs/${job.id}`}>{job.id.slice(0, 8)}</Link>
            </th>
            <td>
              <JobState state={job.state} />
            </td>
            <td>
              <JobProgress job={job} />
            </td>
            <td className="numeric">{job.secondsLeft === null ? '' : t.leftAbout(format.duration(job.secondsLeft))}</td>
            <td>{format.dateTime(job.createdAt)}</td>
          </tr>
        ))}
      </Table>
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t.more}
        </Button>
      )}
    </Card>
  );
}
