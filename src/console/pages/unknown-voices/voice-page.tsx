import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useCallback, type ReactNode } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { TimbreError } from '../../../client/index.js';
import { useApi } from '../../api/context.js';
import { useReadAnew } from '../../api/use-read-anew.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { HeardCard } from './heard-card.js';
import { StepsCard } from './steps-card.js';
import { VoiceActions } from './voice-actions.js';
import { shortOf, TONES, type UnknownVoice } from './voice-state.js';

/** One unknown voice: where it was heard, what it is said to be, and every step with its way back. */
export default function VoicePage(): ReactNode {
  const t = useMessages().unknownVoices;
  const { id } = useParams<{ id: string }>();
  const api = useApi();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const voice = useQuery({
    queryKey: ['unknown voice', id],
    queryFn: ({ signal }) => api.call('getUnknownVoice', { id }, { signal }),
  });
  const changed = useReadAnew();
  /** There is nothing left to show. */
  const gone = useCallback(async () => {
    go('/unknown-voices');
    queries.removeQueries({ queryKey: ['unknown voice', id] });
    await changed();
  }, [go, queries, id, changed]);
  const above = (
    <Link href="/unknown-voices" className={layout['row']}>
      <ArrowLeft aria-hidden size={16} />
      {t.back}
    </Link>
  );
  if (voice.isPending) return <Loading />;
  if (voice.isError) {
    const missing = voice.error instanceof TimbreError && voice.error.code === 'UNKNOWN_VOICE_NOT_FOUND';
    return (
      <>
        <PageHeader title={missing ? t.notThere : t.title} above={above} />
        {missing ? (
          <EmptyState title={t.notThereHint}>
            <Link href="/unknown-voices">{t.back}</Link>
          </EmptyState>
        ) : (
          <Failure error={voice.error} onRetry={() => void voice.refetch()} />
        )}
      </>
    );
  }
  const { data } = voice;
  return (
    <>
      <PageHeader
        title={data.name ?? data.speakerId ?? t.voice(shortOf(id))}
        above={above}
        lead={<Badge tone={TONES[data.state]}>{t.states[data.state]}</Badge>}
      />
      <div className={layout['stack']}>
        <Summary voice={data} />
        <VoiceActions voice={data} onChange={changed} onGone={gone} />
        <HeardCard voice={data} onChange={changed} />
        <StepsCard id={id} onChange={changed} onGone={gone} />
      </div>
    </>
  );
}

function Summary({ voice }: { voice: UnknownVoice }): ReactNode {
  const t = useMessages().unknownVoices;
  const format = useFormat();
  const { speakerId, name, mergedInto, expiresAt } = voice;
  return (
    <Card>
      <Facts
        facts={[
          [t.columns.speech, format.seconds(voice.speechSeconds)],
          [t.columns.first, format.dateTime(voice.firstHeardAt)],
          [t.columns.last, format.dateTime(voice.lastHeardAt)],
          [t.expires, expiresAt === null ? t.never : format.date(expiresAt)],
          ...(speakerId === null
            ? []
            : [
                [
                  t.person,
                  <Link key="person" href={`/people/${encodeURIComponent(speakerId)}`} dir="auto">
                    {name ?? speakerId}
                  </Link>,
                ] as const,
              ]),
          ...(mergedInto === null
            ? []
            : [
                [
                  t.mergedInto,
                  <Link key="other" href={`/unknown-voices/${mergedInto}`}>
                    {t.voice(shortOf(mergedInto))}
                  </Link>,
                ] as const,
              ]),
        ]}
      />
    </Card>
  );
}
