import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import { ConsentFields, consentOf, NO_CONSENT } from './consent-fields.js';
import { ConsentBadge } from './person-state.js';

/** Whether somebody has agreed, to what, and the way out. */
export function ConsentCard({ id, onChange }: { id: string; onChange: () => Promise<void> }): ReactNode {
  const t = useMessages().people.consent;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const [asking, setAsking] = useState<'give' | 'withdraw' | null>(null);
  const [entry, setEntry] = useState({ ...NO_CONSENT, agreed: true });
  const consent = useQuery({
    queryKey: ['consent', id],
    queryFn: ({ signal }) => api.call('getConsent', { id }, { signal }),
  });
  const given = consent.data?.consent;
  // Only an administrator lifts an opt-out: docs/security.md.
  const mayGive = may(consent.data?.status === 'WITHDRAWN' ? 'admin' : 'enrol');
  return (
    <Card title={t.title} actions={consent.data && <ConsentBadge status={consent.data.status} always />}>
      {consent.isPending && <Loading />}
      {consent.isError && <Failure error={consent.error} onRetry={() => void consent.refetch()} />}
      {consent.data && (
        <>
          {given ? (
            <Facts
              facts={[
                [
                  t.by,
                  <span key="by" dir="auto">
                    {given.givenBy}
                  </span>,
                ],
                [
                  t.method,
                  <span key="how" dir="auto">
                    {given.method}
                  </span>,
                ],
                [
                  t.textVersion,
                  <span key="text" dir="auto">
                    {given.textVersion}
                  </span>,
                ],
                [t.givenAt, format.dateTime(given.givenAt)],
                ...(consent.data.withdrawnAt
                  ? ([[t.withdrawnAt, format.dateTime(consent.data.withdrawnAt)]] as const)
                  : []),
              ]}
            />
          ) : (
            <p className="muted">{consent.data.required ? t.neededFirst : t.nothing}</p>
          )}
          <div className={layout['row']}>
            {mayGive && <Button onClick={() => setAsking('give')}>{t.record}</Button>}
            {may('enrol') && consent.data.status !== 'WITHDRAWN' && (
              <Button kind="danger" onClick={() => setAsking('withdraw')}>
                {t.withdraw}
              </Button>
            )}
          </div>
        </>
      )}
      <Confirm
        open={asking === 'give'}
        onClose={() => setAsking(null)}
        title={t.record}
        description={t.recordHint}
        action={t.record}
        disabled={consentOf(entry) === null}
        onConfirm={async () => {
          await api.call('giveConsent', { id, json: consentOf(entry)! });
          await onChange();
        }}
      >
        <ConsentFields value={entry} onChange={setEntry} />
      </Confirm>
      <Confirm
        open={asking === 'withdraw'}
        onClose={() => setAsking(null)}
        title={t.withdraw}
        description={t.withdrawHint}
        action={t.withdraw}
        danger
        onConfirm={async () => {
          await api.call('withdrawConsent', { id });
          await onChange();
        }}
      />
    </Card>
  );
}
