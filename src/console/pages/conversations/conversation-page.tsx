import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { useToast } from '../../ui/toast.js';
import { Editor } from './editor.js';
import css from './conversations.module.css';

/** As JSON; the client asks for no other form. */
export type Conversation = Answer<'getConversation'>;

const POLL_MS = 1500;

export function ConversationPage({ id }: { id: string }): ReactNode {
  const t = useMessages().conversations;
  const api = useApi();
  const format = useFormat();
  const textOf = useErrorText();
  const { data, error, isPending } = useQuery({
    queryKey: ['conversation', id],
    queryFn: ({ signal }) => api.call('getConversation', { id }, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'waiting' ? POLL_MS : false),
    // Once it is done it changes no more, and what is being corrected is not to be pulled away.
    staleTime: ({ state }) => (state.data?.state === 'waiting' ? 0 : Infinity),
  });
  const facts =
    data?.seconds == null ? undefined : `${format.duration(data.seconds)} · ${format.dateTime(data.createdAt)}`;
  return (
    <>
      <PageHeader
        title={data?.filename ?? t.list.untitled}
        lead={facts}
        above={
          <Link href="/conversations" className={css['back'] ?? ''}>
            <ArrowLeft aria-hidden size={16} /> {t.all}
          </Link>
        }
      />
      {isPending && <Loading />}
      {error && <Notice tone="bad">{textOf(error)}</Notice>}
      {data && <Body key={data.state} conversation={data} />}
    </>
  );
}

function Body({ conversation }: { conversation: Conversation }): ReactNode {
  const t = useMessages().conversations;
  const { state, error, turns } = conversation;
  if (state === 'waiting') return <Waiting conversation={conversation} />;
  if (state === 'failed') {
    return (
      <Notice tone="bad" title={t.failed}>
        {error?.message}
      </Notice>
    );
  }
  if (state === 'cancelled') return <EmptyState title={t.cancelled} />;
  return turns.length === 0 ? <EmptyState title={t.nobody} /> : <Editor conversation={conversation} />;
}

function Waiting({ conversation: { id, jobId, progress } }: { conversation: Conversation }): ReactNode {
  const t = useMessages().conversations.waiting;
  const api = useApi();
  const format = useFormat();
  const { may } = useAccess();
  const { tellError } = useToast();
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: (job: string) => api.call('cancelJob', { id: job }),
    onError: tellError,
    onSettled: () => queries.invalidateQueries({ queryKey: ['conversation', id] }),
  });
  const total = progress?.totalSeconds ?? null;
  return (
    <Card title={t.title}>
      <progress
        className={css['progress']}
        aria-label={t.title}
        max={total ?? 1}
        value={progress && total !== null ? progress.seconds : undefined}
      />
      <p role="status">
        {progress === null
          ? t.queued
          : total === null
            ? t.some(format.duration(progress.seconds))
            : t.progress(format.duration(progress.seconds), format.duration(total))}
      </p>
      <p className="muted">{t.leave}</p>
      {jobId !== null && may('enrol') && (
        <div>
          <Button busy={cancel.isPending} onClick={() => cancel.mutate(jobId)}>
            {t.cancel}
          </Button>
        </div>
      )}
    </Card>
  );
}
