import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useApi, useInfo } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { Select } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { shortOf, TONES, type VoiceState } from './voice-state.js';

const PAGE_SIZE = 50;

/** Voices that nobody has said anything of, or that somebody has. */
export default function InboxPage(): ReactNode {
  const t = useMessages().unknownVoices;
  const { all } = useMessages().conversations;
  const format = useFormat();
  const api = useApi();
  const info = useInfo();
  const [state, setState] = useState<VoiceState>('open');
  const pages = usePages(state);
  const list = useQuery({
    queryKey: ['unknown voices', state, pages.cursor],
    queryFn: ({ signal }) =>
      api.call(
        'listUnknownVoices',
        { state, limit: PAGE_SIZE, ...(pages.cursor && { cursor: pages.cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  const voices = list.data?.voices ?? [];
  const { columns } = t;
  return (
    <>
      <PageHeader
        title={t.title}
        lead={t.lead}
        above={
          <Link href="/conversations" className={layout['row']}>
            <ArrowLeft aria-hidden size={16} />
            {all}
          </Link>
        }
      />
      <div className={layout['stack']}>
        {info?.unknownVoices === 'off' && <Notice tone="info">{t.off}</Notice>}
        <Card>
          <div className={layout['fields']}>
            <Select
              label={t.show}
              value={state}
              options={Object.entries(t.states) as [VoiceState, string][]}
              onChange={setState}
            />
          </div>
          {list.isPending && <Loading />}
          {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
          {list.data && voices.length === 0 && (
            <EmptyState title={t.none}>
              <p>{t.noneHint}</p>
            </EmptyState>
          )}
          {voices.length > 0 && (
            <Table
              caption={t.title}
              columns={[
                columns.voice,
                columns.speech,
                columns.conversations,
                columns.first,
                columns.last,
                columns.state,
              ]}
            >
              {voices.map((voice) => (
                <VoiceRow key={voice.id} voice={voice} />
              ))}
            </Table>
          )}
          {list.data && (
            <Pager pages={pages} nextCursor={list.data.nextCursor}>
              {format.plural(list.data.total, ...t.count)}
            </Pager>
          )}
        </Card>
      </div>
    </>
  );
}

function VoiceRow({ voice }: { voice: Answer<'listUnknownVoices'>['voices'][number] }): ReactNode {
  const t = useMessages().unknownVoices;
  const format = useFormat();
  const { id, name, speakerId, speechSeconds, conversations, firstHeardAt, lastHeardAt, state } = voice;
  return (
    <tr>
      <th scope="row">
        <Link href={`/unknown-voices/${id}`} dir="auto">
          {name ?? speakerId ?? t.voice(shortOf(id))}
        </Link>
      </th>
      <td className="numeric">{format.seconds(speechSeconds)}</td>
      <td className="numeric">{format.number(conversations)}</td>
      <td>
        <time dateTime={firstHeardAt}>{format.dateTime(firstHeardAt)}</time>
      </td>
      <td>
        <time dateTime={lastHeardAt}>{format.dateTime(lastHeardAt)}</time>
      </td>
      <td>
        <Badge tone={TONES[state]}>{t.states[state]}</Badge>
      </td>
    </tr>
  );
}
