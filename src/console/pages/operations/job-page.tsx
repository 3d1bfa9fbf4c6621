import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { TimbreError, type Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Select } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { useToast } from '../../ui/toast.js';
import { isFinished, JobProgress, JobState, type Job } from './jobs-list.js';
import { Table } from '../../ui/table.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

type Item = Answer<'getJob'>['items'][number];
type ItemState = Item['state'];

const PAGE = 100;

/** One job, followed as it happens. */
export function JobPage({ id }: { id: string }): ReactNode {
  const t = useMessages().operations.jobs;
  const api = useApi();
  const format = useFormat();
  const textOf = useErrorText();
  const [state, setState] = useState<ItemState | ''>('');
  const items = useInfiniteQuery({
    queryKey: ['job', id, state],
    queryFn: ({ pageParam, signal }) =>
      api.call(
        'getJob',
        { id, limit: PAGE, ...(state !== '' && { state }), ...(pageParam !== null && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  });
  const told = useJobEvents(id);
  const job: Job | undefined = told.job ?? items.data?.pages[0];
  if (items.error && !job) return <Notice tone="bad">{textOf(items.error)}</Notice>;
  if (!job) return <Loading />;
  const rows = (items.data?.pages.flatMap((page) => page.items) ?? []).map(
    (item) => told.items.get(item.index) ?? item,
  );
  return (
    <div className={layout['stack']}>
      <Link href="/operations/jobs" className={css['back'] ?? ''}>
        <ArrowLeft aria-hidden size={16} /> {t.all}
      </Link>
      <Card title={`${t.job} ${job.id.slice(0, 8)}`} actions={<Actions job={job} />}>
        <div className={css['row']}>
          <JobState state={job.state} />
          <JobProgress job={job} />
          {job.secondsLeft !== null && <span>{t.leftAbout(format.duration(job.secondsLeft))}</span>}
        </div>
        <p className={layout['fine']} role="status">
          {format.dateTime(job.createdAt)}
          {!isFinished(job) && <> · {told.broken ? t.notLive : t.live}</>}
        </p>
      </Card>
      <Card
        title={t.items}
        actions={
          <Select<ItemState | ''>
            compact
            label={t.filter}
            value={state}
            options={[
              ['', t.everything],
              ...(['queued', 'done', 'failed', 'cancelled'] as const).map(
                (of) => [of, t.itemStates[of] ?? of] as const,
              ),
            ]}
            onChange={setState}
          />
        }
      >
        <Table caption={t.items} columns={[t.file, t.speaker, t.outcome]}>
          {rows.map((item) => (
            <ItemRow key={item.index} item={item} />
          ))}
        </Table>
        {items.hasNextPage && (
          <Button busy={items.isFetchingNextPage} onClick={() => void items.fetchNextPage()}>
            {t.more}
          </Button>
        )}
      </Card>
    </div>
  );
}

function ItemRow({ item }: { item: Item }): ReactNode {
  const t = useMessages().operations.jobs;
  const { index, filename, path, speakerId, conversationId, state, result, error } = item;
  const notes = [result?.duplicate === true && t.duplicate, result?.accepted === false && t.notCounted].filter(Boolean);
  return (
    <tr>
      <th scope="row" className={css['wide']}>
        <bdi>{filename ?? path ?? `${index + 1}`}</bdi>
      </th>
      <td>
        {speakerId !== null && (
          <Link href={`/people/${encodeURIComponent(speakerId)}`}>
            <bdi>{speakerId}</bdi>
          </Link>
        )}
        {conversationId !== null && <Link href={`/conversations/${conversationId}`}>{t.conversation}</Link>}
      </td>
      <td className={css['long']}>
        {t.itemStates[state] ?? state}
        {notes.length > 0 && <span className="muted"> ({notes.join(', ')})</span>}
        {error && (
          <>
            {' '}
            <code>{error.code}</code> {error.message}
          </>
        )}
      </td>
    </tr>
  );
}

function Actions({ job }: { job: Job }): ReactNode {
  const t = useMessages().operations.jobs;
  const api = useApi();
  const { may } = useAccess();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const { tell, tellError } = useToast();
  const settled = (): void => void queries.invalidateQueries({ queryKey: ['job', job.id] });
  const cancel = useMutation({
    mutationFn: () => api.call('cancelJob', { id: job.id }),
    onSuccess: () => tell(t.cancelled),
    onError: tellError,
    onSettled: settled,
  });
  const remove = useMutation({
    mutationFn: () => api.call('removeJob', { id: job.id }),
    onSuccess: () => {
      tell(t.removed);
      void queries.invalidateQueries({ queryKey: ['jobs'] });
      go('/operations/jobs');
    },
    onError: tellError,
  });
  if (!may('enrol')) return null;
  return isFinished(job) ? (
    <Button kind="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
      {t.remove}
    </Button>
  ) : (
    <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>
      {t.cancel}
    </Button>
  );
}

interface Told {
  job: Job | null;
  /** By their position, as they had their outcomes. */
  items: ReadonlyMap<number, Item>;
  broken: boolean;
}

/** The events of a job, which the client goes on with where the connection breaks. */
function useJobEvents(id: string): Told {
  const api = useApi();
  const queries = useQueryClient();
  const [told, setTold] = useState<Told>({ job: null, items: new Map(), broken: false });
  useEffect(() => {
    const ends = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const { event, data } of api.follow(id, { signal: ends.signal })) {
        if (event === 'item') {
          const { job, ...item } = data as Item & { job: Job };
          setTold((before) => ({ job, items: new Map(before.items).set(item.index, item), broken: false }));
        } else {
          setTold((before) => ({ ...before, job: data as Job, broken: false }));
        }
      }
      await queries.invalidateQueries({ queryKey: ['job', id] });
    };
    follow().catch((error: unknown) => {
      if (error instanceof TimbreError && error.code === 'ABORTED') return;
      // What is shown is read again where somebody asks for it; the list tells why it is not there.
      setTold((before) => ({ ...before, broken: true }));
    });
    return () => ends.abort();
  }, [api, queries, id]);
  return told;
}
