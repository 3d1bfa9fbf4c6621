import { useQuery } from '@tanstack/react-query';
import { ArrowLeft, Mic } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { TimbreError, type Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { useReadAnew } from '../../api/use-read-anew.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { ButtonLink } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { PageHeader } from '../../ui/page-header.js';
import { Progress } from '../../ui/progress.js';
import { ConsentCard } from './consent-card.js';
import { Erased } from './erased.js';
import { LedgerCard } from './ledger-card.js';
import { PersonActions } from './person-actions.js';
import { ConsentBadge, EnrollmentBadge, personName } from './person-state.js';
import { ProfileCard } from './profile-card.js';
import { RecordingsCard } from './recordings-card.js';

/** One person, with everything that is stored of them. */
export default function PersonPage(): ReactNode {
  const t = useMessages().people;
  const { id } = useParams<{ id: string }>();
  const api = useApi();
  const { may } = useAccess();
  const [receipt, setReceipt] = useState<Answer<'eraseSpeaker'> | null>(null);
  const person = useQuery({
    queryKey: ['person', id],
    queryFn: ({ signal }) => api.call('getSpeaker', { id }, { signal }),
    enabled: receipt === null,
  });
  const changed = useReadAnew();

  const above = (
    <Link href="/people" className={layout['row']}>
      <ArrowLeft aria-hidden size={16} />
      {t.title}
    </Link>
  );
  if (receipt) return <Erased receipt={receipt} above={above} />;
  if (person.isPending) return <Loading />;
  if (person.isError) {
    const gone = person.error instanceof TimbreError && person.error.code === 'SPEAKER_NOT_FOUND';
    return (
      <>
        <PageHeader title={gone ? t.notThere : t.title} above={above} />
        {gone ? (
          <EmptyState title={t.notThereHint}>
            <Link href="/people">{t.title}</Link>
          </EmptyState>
        ) : (
          <Failure error={person.error} onRetry={() => void person.refetch()} />
        )}
      </>
    );
  }
  const { data } = person;
  return (
    <>
      <PageHeader
        title={personName(data)}
        above={above}
        lead={
          <span className={layout['row']}>
            <EnrollmentBadge person={data} />
            <ConsentBadge status={data.consentStatus} always />
            <code dir="auto">{data.id}</code>
          </span>
        }
      >
        {may('enrol') && (
          <ButtonLink kind="primary" href={`/enrol/${encodeURIComponent(id)}`}>
            <Mic aria-hidden />
            {t.addRecordings}
          </ButtonLink>
        )}
        <ButtonLink href={`/verify/${encodeURIComponent(id)}`}>{t.verify}</ButtonLink>
      </PageHeader>
      <div className={layout['stack']}>
        <Summary person={data} />
        <RecordingsCard person={data} onChange={changed} />
        <div className={layout['halves']}>
          <ProfileCard id={id} onChange={changed} />
          <ConsentCard id={id} onChange={changed} />
        </div>
        <LedgerCard id={id} onChange={changed} />
        <PersonActions person={data} onChange={changed} onErased={setReceipt} />
      </div>
    </>
  );
}

function Summary({ person }: { person: Answer<'getSpeaker'> }): ReactNode {
  const t = useMessages().people;
  const format = useFormat();
  const { enrollmentsSpeechLengthInSec: there, remainingEnrollmentsSpeechLengthInSec: missing } = person;
  const metadata = Object.entries(person.metadata as Record<string, string>);
  return (
    <Card>
      <Progress
        label={t.speech}
        text={missing > 0 ? t.speechMissing(format.seconds(there), format.seconds(missing)) : format.seconds(there)}
        value={there / (there + missing || 1)}
        tone={missing > 0 ? 'accent' : 'good'}
      />
      <Facts
        facts={[
          [t.columns.recordings, format.number(person.enrollmentsCount)],
          [t.columns.confidence, format.percent(person.confidence)],
          [t.createdAt, format.dateTime(person.createdAt)],
          [t.columns.changed, format.dateTime(person.updatedAt)],
          [
            t.columns.groups,
            person.groups.length === 0 ? (
              '–'
            ) : (
              <span key="groups" className={layout['row']}>
                {person.groups.map((group) => (
                  <Link key={group} href={`/groups/${encodeURIComponent(group)}`} dir="auto">
                    {group}
                  </Link>
                ))}
              </span>
            ),
          ],
          ...metadata.map(
            ([name, value]) =>
              [
                name,
                <span key="value" dir="auto">
                  {value}
                </span>,
              ] as const,
          ),
        ]}
      />
    </Card>
  );
}
