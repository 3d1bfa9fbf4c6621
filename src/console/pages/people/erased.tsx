import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useApi } from '../../api/context.js';
import { downloadJson } from '../../api/download.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { PageHeader } from '../../ui/page-header.js';

const AGAIN_MS = 2000;

/** The receipt of an erasure, followed while the file of the database is to be wiped. */
export function Erased({ receipt, above }: { receipt: Answer<'eraseSpeaker'>; above: ReactNode }): ReactNode {
  const t = useMessages().people.erased;
  const format = useFormat();
  const api = useApi();
  const checked = useQuery({
    queryKey: ['receipt', receipt.receipt],
    queryFn: ({ signal }) => api.call('checkReceipt', { id: receipt.receipt }, { signal }),
    refetchInterval: ({ state }) => (state.data && state.data.traces !== 'PENDING' ? false : AGAIN_MS),
  });
  const now = checked.data ?? receipt;
  return (
    <>
      <PageHeader title={t.title} above={above} />
      <div className={layout['stack']}>
        <Notice tone="good">{t.traces[now.traces]}</Notice>
        <Card
          title={t.receipt}
          actions={<Button onClick={() => downloadJson(`receipt-${now.receipt}.json`, now)}>{t.save}</Button>}
        >
          <Facts
            facts={[
              [t.id, <code key="id">{now.receipt}</code>],
              [t.at, format.dateTime(now.erasedAt)],
              [t.recordings, format.number(now.erased.enrollments)],
              [t.audio, format.number(now.erased.recordings)],
              [t.profiles, format.number(now.erased.profiles)],
              [t.consents, format.number(now.erased.consents)],
              [t.ledger, format.number(now.erased.ledgerEntries)],
              [t.conversations, format.number(now.erased.conversations)],
              [t.unknownVoices, format.number(now.erased.unknownVoices)],
            ]}
          />
        </Card>
      </div>
    </>
  );
}
