import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Answer } from '../../../client/index.js';
import { useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Facts } from '../../ui/facts.js';
import { Failure } from '../../ui/failure.js';
import { Loading } from '../../ui/loading.js';
import type { Tone } from '../../ui/notice.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { useToast } from '../../ui/toast.js';
import layout from '../../styles/layout.module.css';
import { WebhookState, type Webhook } from './webhook-state.js';
import css from './operations.module.css';

type Delivery = Answer<'listWebhookDeliveries'>['deliveries'][number];

const TONES: Record<Delivery['state'], Tone> = { waiting: 'info', delivered: 'good', failed: 'bad' };
const PAGE_SIZE = 30;
const POLL_MS = 3000;

/** One webhook, with what was sent to it and what became of that. */
export default function WebhookPage({ id }: { id: string }): ReactNode {
  const t = useMessages().webhooks;
  const format = useFormat();
  const api = useApi();
  const webhook = useQuery({
    queryKey: ['webhook', id],
    queryFn: ({ signal }) => api.call('getWebhook', { id }, { signal }),
  });
  if (webhook.isPending) return <Loading />;
  if (webhook.isError) return <Failure error={webhook.error} onRetry={() => void webhook.refetch()} />;
  const { url, events, state, createdAt } = webhook.data;
  return (
    <div className={layout['stack']}>
      <Link href="/operations/webhooks" className={css['back'] ?? ''}>
        <ArrowLeft aria-hidden size={16} /> {t.all}
      </Link>
      <Card title={t.one} actions={<Actions webhook={webhook.data} />}>
        <Facts
          facts={[
            [t.url, <bdi key="url">{url ?? t.unknownUrl}</bdi>],
            [t.events, events.map((event) => t.eventNames[event]).join(', ')],
            [t.state, <WebhookState key="state" state={state} />],
            [t.created, format.dateTime(createdAt)],
          ]}
        />
        {state !== 'active' && <p>{t.stateHints[state]}</p>}
      </Card>
      <Deliveries id={id} />
    </div>
  );
}

function Actions({ webhook: { id, state } }: { webhook: Webhook }): ReactNode {
  const t = useMessages().webhooks;
  const api = useApi();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const { tell, tellError } = useToast();
  const [removing, setRemoving] = useState(false);
  const test = useMutation({
    mutationFn: () => api.call('testWebhook', { id }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['deliveries', id] });
      tell(t.tested);
    },
    onError: tellError,
  });
  return (
    <span className={layout['row']}>
      {state === 'active' && (
        <Button busy={test.isPending} onClick={() => test.mutate()}>
          {t.test}
        </Button>
      )}
      <Button kind="danger" onClick={() => setRemoving(true)}>
        {t.remove}
      </Button>
      <Confirm
        open={removing}
        onClose={() => setRemoving(false)}
        title={t.removeTitle}
        description={t.removeHint}
        action={t.remove}
        danger
        onConfirm={async () => {
          await api.call('deleteWebhook', { id });
          tell(t.removed);
          go('/operations/webhooks');
          queries.removeQueries({ queryKey: ['webhook', id] });
          await queries.invalidateQueries({ queryKey: ['webhooks'] });
        }}
      />
    </span>
  );
}

function Deliveries({ id }: { id: string }): ReactNode {
  const t = useMessages().webhooks.deliveries;
  const api = useApi();
  const pages = usePages(id);
  const list = useQuery({
    queryKey: ['deliveries', id, pages.cursor],
    queryFn: ({ signal }) =>
      api.call(
        'listWebhookDeliveries',
        { id, limit: PAGE_SIZE, ...(pages.cursor && { cursor: pages.cursor }) },
        { signal },
      ),
    placeholderData: keepPreviousData,
    refetchInterval: POLL_MS,
  });
  const deliveries = list.data?.deliveries ?? [];
  return (
    <Card title={t.title}>
      <p className={layout['fine']}>{t.lead}</p>
      {list.isPending && <Loading />}
      {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && deliveries.length === 0 && <p className="muted">{t.none}</p>}
      {deliveries.length > 0 && (
        <Table caption={t.title} columns={[t.created, t.event, t.state, t.attempts, t.answer, t.next]}>
          {deliveries.map((delivery) => (
            <DeliveryRow key={delivery.id} of={delivery} />
          ))}
        </Table>
      )}
      {list.data && <Pager pages={pages} nextCursor={list.data.nextCursor} />}
    </Card>
  );
}

function DeliveryRow({ of }: { of: Delivery }): ReactNode {
  const { eventNames, deliveries: t } = useMessages().webhooks;
  const format = useFormat();
  const { event, state, attempts, createdAt, nextAt, status, error } = of;
  return (
    <tr>
      <th scope="row" className={css['nowrap']}>
        <time dateTime={createdAt}>{format.dateTime(createdAt)}</time>
      </th>
      <td>{eventNames[event]}</td>
      <td>
        <Badge tone={TONES[state]}>{t.states[state]}</Badge>
      </td>
      <td className="numeric">{format.number(attempts)}</td>
      <td className={css['long']}>{error ?? status}</td>
      <td className={css['nowrap']}>{nextAt !== null && <time dateTime={nextAt}>{format.dateTime(nextAt)}</time>}</td>
    </tr>
  );
}
