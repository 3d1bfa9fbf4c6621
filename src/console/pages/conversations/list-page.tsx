import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { AudioLines, Trash2 } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button, ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Checkbox, Select, TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice, type Tone } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { useToast } from '../../ui/toast.js';
import { FileDrop } from '../../ui/file-drop.js';
import { forgetRecording, keepRecording } from './recordings.js';
import { Table } from '../../ui/table.js';
import layout from '../../styles/layout.module.css';
import css from './conversations.module.css';

type Summary = Answer<'listConversations'>['conversations'][number];

const TONES: Record<Summary['state'], Tone> = { waiting: 'info', done: 'good', failed: 'bad', cancelled: 'warn' };
const PAGE = 30;
const MOST_SPEAKERS = 64;

export function ListPage(): ReactNode {
  const { conversations: t, unknownVoices } = useMessages();
  const { may } = useAccess();
  return (
    <>
      <PageHeader title={t.title} lead={t.lead}>
        <ButtonLink href="/unknown-voices">{unknownVoices.open}</ButtonLink>
      </PageHeader>
      <div className={layout['stack']}>
        {may('enrol') ? <NewConversation /> : <Notice tone="info">{t.add.notAllowed}</Notice>}
        <Conversations />
      </div>
    </>
  );
}

function NewConversation(): ReactNode {
  const t = useMessages().conversations.add;
  const format = useFormat();
  const api = useApi();
  const textOf = useErrorText();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const limits = useInfo()?.limits;
  const [file, setFile] = useState<File | null>(null);
  const [kind, setKind] = useState<keyof typeof t.kinds>('auto');
  const [speakers, setSpeakers] = useState('');
  const [names, setNames] = useState(true);
  const sending = useRef<AbortController | null>(null);
  // The same recording, sent again because no answer came, is one conversation.
  const attempt = useRef('');

  const largest = numberOf(limits?.['maxUploadBytes']);
  const longest = numberOf(limits?.['maxConversationSeconds']);
  const count = speakers.trim() === '' ? undefined : Number(speakers);
  const countWrong = count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MOST_SPEAKERS);
  const tooLarge = file !== null && largest !== null && file.size > largest;

  const create = useMutation({
    mutationFn: async (audio: File) => {
      sending.current = new AbortController();
      const form = { audio, kind, names: names ? ('all' as const) : ('none' as const) };
      const given = {
        form: { ...form, ...(count !== undefined && { speakers: count }) },
        'Idempotency-Key': attempt.current,
      };
      return api.call('createConversation', given, { signal: sending.current.signal });
    },
    onSuccess: ({ id }, audio) => {
      keepRecording(id, audio);
      void queries.invalidateQueries({ queryKey: ['conversations'] });
      go(`/conversations/${id}`);
    },
  });
  const changed =
    <T,>(set: (value: T) => void) =>
    (value: T): void => {
      attempt.current = randomKey();
      create.reset();
      set(value);
    };

  return (
    <Card title={t.title}>
      <form
        className={layout['stack']}
        onSubmit={(event) => {
          event.preventDefault();
          if (file && !countWrong && !tooLarge && !create.isPending) create.mutate(file);
        }}
      >
        <FileDrop
          label={t.drop}
          choose={t.choose}
          hint={longest !== null && largest !== null ? t.bounds(format.duration(longest), format.bytes(largest)) : ''}
          file={file}
          disabled={create.isPending}
          onFile={changed(setFile)}
        />
        <div className={css['options']}>
          <Select
            label={t.kind}
            value={kind}
            options={Object.entries(t.kinds) as [keyof typeof t.kinds, string][]}
            onChange={changed(setKind)}
          />
          <TextField
            label={t.speakers}
            hint={t.speakersHint}
            error={countWrong ? t.speakersWrong : undefined}
            inputMode="numeric"
            value={speakers}
            onChange={changed(setSpeakers)}
          />
          <Checkbox label={t.names} hint={t.namesHint} checked={names} onChange={changed(setNames)} />
        </div>
        {tooLarge && <Notice tone="bad">{t.tooLarge(format.bytes(largest))}</Notice>}
        {create.error && !isAborted(create.error) && <Notice tone="bad">{textOf(create.error)}</Notice>}
        <div className={css['row']}>
          <Button
            kind="primary"
            type="submit"
            busy={create.isPending}
            disabled={file === null || countWrong || tooLarge}
          >
            {create.isPending ? t.sending : t.start}
          </Button>
          {create.isPending && <CancelButton onClick={() => sending.current?.abort()} />}
        </div>
      </form>
    </Card>
  );
}

function CancelButton({ onClick }: { onClick: () => void }): ReactNode {
  return <Button onClick={onClick}>{useMessages().common.cancel}</Button>;
}

function Conversations(): ReactNode {
  const t = useMessages().conversations;
  const api = useApi();
  const textOf = useErrorText();
  const list = useInfiniteQuery({
    queryKey: ['conversations'],
    queryFn: ({ pageParam, signal }) =>
      api.call('listConversations', { limit: PAGE, ...(pageParam !== null && { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ conversations }) => conversations.some(({ state: is }) => is === 'waiting'))
        ? 3000
        : false,
  });
  const [removing, setRemoving] = useState<Summary | null>(null);
  if (list.isPending) return <Loading />;
  if (list.error) return <Notice tone="bad">{textOf(list.error)}</Notice>;
  const conversations = list.data.pages.flatMap((page) => page.conversations);
  if (conversations.length === 0) {
    return (
      <EmptyState title={t.list.none}>
        <AudioLines aria-hidden size={32} />
        <p>{t.list.noneHint}</p>
      </EmptyState>
    );
  }
  return (
    <Card title={t.list.title}>
      <Table
        caption={t.list.title}
        columns={[
          t.list.recording,
          t.list.length,
          t.list.voices,
          t.list.state,
          t.list.added,
          <span key="act" className="visually-hidden">
            {t.list.remove}
          </span>,
        ]}
      >
        {conversations.map((one) => (
          <Row key={one.id} conversation={one} onRemove={() => setRemoving(one)} />
        ))}
      </Table>
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t.list.more}
        </Button>
      )}
      <RemoveDialog conversation={removing} onClose={() => setRemoving(null)} />
    </Card>
  );
}

function Row({ conversation, onRemove }: { conversation: Summary; onRemove: () => void }): ReactNode {
  const t = useMessages().conversations;
  const format = useFormat();
  const { may } = useAccess();
  const { id, filename, seconds, speakers, names, state, createdAt } = conversation;
  const title = filename ?? t.list.untitled;
  const voices = names.map(({ name, speakerId }) => name ?? speakerId).join(', ');
  return (
    <tr>
      <th scope="row" className={css['wide']}>
        <Link href={`/conversations/${id}`} dir="auto">
          {title}
        </Link>
      </th>
      <td className="numeric">{seconds === null ? '' : format.duration(seconds)}</td>
      <td>
        {speakers !== null && format.number(speakers)} {voices !== '' && <bdi className="muted">{voices}</bdi>}
      </td>
      <td>
        <Badge tone={TONES[state]}>{t.states[state]}</Badge>
      </td>
      <td>{format.dateTime(createdAt)}</td>
      <td>
        {may('enrol') && (
          <Button kind="plain" aria-label={`${t.list.remove}: ${title}`} onClick={onRemove}>
            <Trash2 aria-hidden />
          </Button>
        )}
      </td>
    </tr>
  );
}

function RemoveDialog({ conversation, onClose }: { conversation: Summary | null; onClose: () => void }): ReactNode {
  const t = useMessages().conversations.list;
  const api = useApi();
  const queries = useQueryClient();
  const { tell } = useToast();
  const remove = async (): Promise<void> => {
    if (!conversation) return;
    await api.call('removeConversation', { id: conversation.id });
    forgetRecording(conversation.id);
    tell(t.removed);
    await queries.invalidateQueries({ queryKey: ['conversations'] });
  };
  return (
    <Confirm
      open={conversation !== null}
      onClose={onClose}
      title={t.removeTitle}
      description={t.removeText}
      action={t.remove}
      danger
      onConfirm={remove}
    />
  );
}

/** `crypto.randomUUID` is there over https and on this machine alone. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function isAborted(error: Error): boolean {
  return 'code' in error && error.code === 'ABORTED';
}
