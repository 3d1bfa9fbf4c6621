import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { ERROR_CODES, type Answer } from '../../../client/index.js';
import { useApi, useInfo } from '../../api/context.js';
import { useFormat, useMessages, type Messages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { Notice, type Tone } from '../../ui/notice.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Progress } from '../../ui/progress.js';
import { Table } from '../../ui/table.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

type Status = Answer<'getReEmbedding'>;
type Run = NonNullable<Status['run']>;
type Left = Answer<'listReEmbeddingPeople'>['people'][number];

const STATUS = ['re-embedding'] as const;
const POLL_MS = 2000;
const PAGE_SIZE = 50;
const TONES: Record<Run['state'], Tone> = { running: 'info', completed: 'good', failed: 'bad', cancelled: 'warn' };

/** The model in use, and the way of everybody to it: what is kept, how far it is, who is left and why. */
export default function ModelPage(): ReactNode {
  const t = useMessages().upkeep.model;
  const api = useApi();
  const status = useQuery({
    queryKey: STATUS,
    queryFn: ({ signal }) => api.call('getReEmbedding', {}, { signal }),
    refetchInterval: ({ state }) => (state.data?.run?.state === 'running' ? POLL_MS : false),
  });
  if (status.isPending) return <Loading />;
  if (status.isError) return <Failure error={status.error} onRetry={() => void status.refetch()} />;
  const { run } = status.data;
  return (
    <div className={layout['stack']}>
      <Card title={t.title} actions={<Actions run={run} />}>
        <p>{t.lead}</p>
        <WhatIsThere status={status.data} />
      </Card>
      {run && <RunCard run={run} />}
      <LeftCard run={run} />
    </div>
  );
}

function WhatIsThere({ status: { left, kept } }: { status: Status }): ReactNode {
  const t = useMessages().upkeep.model;
  const format = useFormat();
  const info = useInfo();
  const people = format.plural(left.people, ...t.people);
  return (
    <Facts
      facts={[
        [t.inUse, info?.model?.name ?? '–'],
        [t.kept, t.keptOf(format.plural(kept.recordings, ...t.recordings), format.plural(kept.people, ...t.people))],
        [t.bytes, format.bytes(kept.bytes)],
        [t.left, left.withoutAudio === 0 ? people : t.leftOf(people, format.number(left.withoutAudio))],
      ]}
    />
  );
}

function Actions({ run }: { run: Run | null }): ReactNode {
  const t = useMessages().upkeep.model;
  const api = useApi();
  const info = useInfo();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<'start' | 'cancel' | null>(null);
  const close = (): void => setAsking(null);
  const runs = run?.state === 'running';
  return (
    <>
      {runs ? (
        <Button onClick={() => setAsking('cancel')}>{t.cancel}</Button>
      ) : (
        <Button kind="primary" onClick={() => setAsking('start')}>
          {t.start}
        </Button>
      )}
      <Confirm
        open={asking === 'start'}
        onClose={close}
        title={t.startTitle(info?.model?.name ?? '')}
        description={t.startHint}
        action={t.start}
        onConfirm={async () => queries.setQueryData(STATUS, await api.call('startReEmbedding'))}
      />
      <Confirm
        open={asking === 'cancel'}
        onClose={close}
        title={t.cancelTitle}
        description={t.cancelHint}
        action={t.cancel}
        danger
        onConfirm={async () => queries.setQueryData(STATUS, await api.call('cancelReEmbedding'))}
      />
    </>
  );
}

function RunCard({ run }: { run: Run }): ReactNode {
  const t = useMessages().upkeep.model;
  const messages = useMessages();
  const format = useFormat();
  const passed = run.done + run.failed;
  const { state, error } = run;
  return (
    <Card title={t.run} actions={<Badge tone={TONES[state]}>{t.states[state]}</Badge>}>
      <Progress
        label={state === 'running' ? t.phases[run.phase] : t.passed}
        text={t.counts(format.number(passed), format.number(run.people))}
        value={state === 'completed' ? 1 : passed / (run.people || 1)}
        tone={state === 'completed' ? 'good' : state === 'failed' ? 'bad' : 'accent'}
      />
      {error && (
        <Notice tone="bad" title={textOf(error.code, messages)}>
          {error.message}
        </Notice>
      )}
      <Facts
        facts={[
          [t.toModel, run.model],
          [t.begun, format.dateTime(run.createdAt)],
          [t.by, run.by],
          [t.finished, run.finishedAt === null ? '–' : format.dateTime(run.finishedAt)],
          [t.done, format.number(run.done)],
          [t.failed, format.number(run.failed)],
          [t.embedded, format.number(run.recordings)],
          [t.removed, format.number(run.removed)],
        ]}
      />
    </Card>
  );
}

/** Whoever has recordings that the model has not embedded, listed anew as people switch. */
function LeftCard({ run }: { run: Run | null }): ReactNode {
  const t = useMessages().upkeep.model;
  const messages = useMessages();
  const format = useFormat();
  const api = useApi();
  const pages = usePages('');
  const list = useQuery({
    queryKey: ['re-embedding people', run?.id, run?.state, run?.done, run?.failed, pages.cursor],
    queryFn: ({ signal }) =>
      api.call(
        'listReEmbeddingPeople',
        { limit: PAGE_SIZE, ...(pages.cursor && { cursor: pages.cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  const people = list.data?.people ?? [];
  return (
    <Card title={t.leftTitle}>
      {list.isPending && <Loading />}
      {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && people.length === 0 && <p className="muted">{t.nobodyLeft}</p>}
      {people.length > 0 && (
        <Table caption={t.leftTitle} columns={[t.person, t.missing, t.withAudio, t.enrolled, t.why]}>
          {people.map(({ speakerId, recordings, audioKept, enrolled, reason }) => (
            <tr key={speakerId}>
              <th scope="row">
                <Link href={`/people/${encodeURIComponent(speakerId)}`} dir="auto">
                  {speakerId}
                </Link>
              </th>
              <td className="numeric">{format.number(recordings)}</td>
              <td className="numeric">{format.number(audioKept)}</td>
              <td>{enrolled ? t.yes : t.no}</td>
              <td className={css['long']}>{whyLeft(reason, messages)}</td>
            </tr>
          ))}
        </Table>
      )}
      {list.data && <Pager pages={pages} nextCursor={list.data.nextCursor} />}
    </Card>
  );
}

function whyLeft(reason: Left['reason'], messages: Messages): string {
  const own: Partial<Record<string, string>> = messages.upkeep.model.reasons;
  return own[reason] ?? textOf(reason, messages);
}

/** What a code of the error table says; the code itself where the table of this page has it not. */
function textOf(code: string, { errors }: Messages): string {
  const sentences: Partial<Record<string, string>> = errors.sentences;
  const table: Partial<Record<string, { means: string }>> = ERROR_CODES;
  return sentences[code] ?? table[code]?.means ?? code;
}
