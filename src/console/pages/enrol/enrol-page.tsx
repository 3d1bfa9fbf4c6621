import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useLocation, useParams } from 'wouter';
import { TimbreError } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { EmptyState } from '../../ui/empty-state.js';
import { Failure } from '../../ui/failure.js';
import { TextField } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';
import { ConsentFields, consentOf, NO_CONSENT } from '../people/consent-fields.js';
import { personName } from '../people/person-state.js';
import { Takes } from './takes.js';

/** A voice becomes known: who it is, that they agree, and then what they say. */
export default function EnrolPage(): ReactNode {
  const t = useMessages().enrol;
  const { id } = useParams<{ id?: string }>();
  const { may, known } = useAccess();
  if (known && !may('enrol')) {
    return (
      <>
        <PageHeader title={t.title} />
        <EmptyState title={t.notAllowed} />
      </>
    );
  }
  return id === undefined ? <NewPerson /> : <KnownPerson key={id} id={id} />;
}

function NewPerson(): ReactNode {
  const t = useMessages().enrol;
  const textOf = useErrorText();
  const api = useApi();
  const info = useInfo();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState('');
  const [id, setId] = useState('');
  const [consent, setConsent] = useState(NO_CONSENT);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const given = consentOf(consent);
  const needed = info?.consent !== 'optional' || consent.agreed;

  const add = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const person = await api.call('createSpeaker', {
        json: {
          ...(id.trim() !== '' && { id: id.trim() }),
          ...(name.trim() !== '' && { name: name.trim() }),
          ...(given && { consent: given }),
        },
      });
      await queries.invalidateQueries({ queryKey: ['people'] });
      navigate(`/enrol/${encodeURIComponent(person.id)}`);
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };

  return (
    <>
      <PageHeader title={t.title} lead={t.lead} />
      <form
        className={layout['stack']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !(needed && !given)) void add();
        }}
      >
        <Card title={t.who}>
          <div className={layout['fields']}>
            <TextField
              label={t.name}
              hint={t.nameHint}
              value={name}
              onChange={setName}
              maxLength={200}
              dir="auto"
              autoComplete="off"
            />
            <TextField
              label={t.id}
              hint={t.idHint}
              value={id}
              onChange={setId}
              maxLength={128}
              dir="auto"
              autoComplete="off"
            />
          </div>
        </Card>
        <Card title={t.consent}>
          <ConsentFields value={consent} onChange={setConsent} />
        </Card>
        {error !== null && (
          <Notice tone="bad">
            {error instanceof TimbreError && error.code === 'SPEAKER_EXISTS' ? t.exists : textOf(error)}
          </Notice>
        )}
        <div className={layout['row']}>
          <Button type="submit" kind="primary" busy={busy} disabled={needed && !given}>
            {t.go}
          </Button>
          {needed && !given && <span className="muted">{t.consentFirst}</span>}
        </div>
      </form>
    </>
  );
}

function KnownPerson({ id }: { id: string }): ReactNode {
  const t = useMessages().enrol;
  const api = useApi();
  const queries = useQueryClient();
  const person = useQuery({
    queryKey: ['person', id],
    queryFn: ({ signal }) => api.call('getSpeaker', { id }, { signal }),
  });
  const [consent, setConsent] = useState(NO_CONSENT);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  if (person.isPending) return <Loading />;
  if (person.isError) {
    return (
      <>
        <PageHeader title={t.title} />
        <Failure error={person.error} onRetry={() => void person.refetch()} />
      </>
    );
  }
  const { data } = person;
  const given = consentOf(consent);
  const record = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await api.call('giveConsent', { id, json: given! });
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] === id });
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageHeader title={t.titleOf(personName(data))} lead={t.leadOf} />
      <div className={layout['stack']}>
        {data.consentStatus === 'WITHDRAWN' && <Notice tone="bad">{t.optedOut}</Notice>}
        {data.consentStatus === 'NOT_RECORDED' && (
          <Card title={t.consent}>
            <ConsentFields value={consent} onChange={setConsent} />
            {error !== null && <Failure error={error} />}
            <div>
              <Button kind="primary" busy={busy} disabled={!given} onClick={() => void record()}>
                {t.recordConsent}
              </Button>
            </div>
          </Card>
        )}
        <Takes person={data} />
      </div>
    </>
  );
}
