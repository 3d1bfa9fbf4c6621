import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Checkbox, TextField } from '../../ui/field.js';
import { FormDialog } from '../../ui/form-dialog.js';
import { Loading } from '../../ui/loading.js';
import { Table } from '../../ui/table.js';
import { ShownOnce } from './shown-once.js';
import { WebhookState, type Webhook } from './webhook-state.js';
import css from './operations.module.css';

const WEBHOOKS = ['webhooks'] as const;
/** Events that a webhook may ask for; every one is sent the test. */
const EVENTS = ['job.finished', 'watch.matched'] as const;

/** Who is told of events by a signed request. */
export default function WebhooksPage(): ReactNode {
  const t = useMessages().webhooks;
  const api = useApi();
  const [creating, setCreating] = useState(false);
  const list = useQuery({ queryKey: WEBHOOKS, queryFn: ({ signal }) => api.call('listWebhooks', {}, { signal }) });
  if (list.isPending) return <Loading />;
  if (list.isError) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  const { webhooks } = list.data;
  return (
    <Card
      title={t.title}
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          <Plus aria-hidden /> {t.create}
        </Button>
      }
    >
      <p className="muted">{webhooks.length === 0 ? t.none : t.lead}</p>
      {webhooks.length > 0 && (
        <Table caption={t.title} columns={[t.url, t.events, t.state, t.created]}>
          {webhooks.map((webhook) => (
            <WebhookRow key={webhook.id} of={webhook} />
          ))}
        </Table>
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </Card>
  );
}

function WebhookRow({ of: { id, url, events, state, createdAt } }: { of: Webhook }): ReactNode {
  const t = useMessages().webhooks;
  const format = useFormat();
  return (
    <tr>
      <th scope="row" className={css['address']}>
        <Link href={`/operations/webhooks/${id}`}>
          <bdi>{url ?? t.unknownUrl}</bdi>
        </Link>
      </th>
      <td>{events.map((event) => t.eventNames[event]).join(', ')}</td>
      <td>
        <WebhookState state={state} />
      </td>
      <td className={css['nowrap']}>
        <time dateTime={createdAt}>{format.date(createdAt)}</time>
      </td>
    </tr>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }): ReactNode {
  const t = useMessages().webhooks;
  const api = useApi();
  const queries = useQueryClient();
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<readonly (typeof EVENTS)[number][]>(['job.finished']);
  const create = useMutation({
    // The secret is kept by nobody but this dialog: not even in the cache of answers, once it is closed.
    gcTime: 0,
    mutationFn: () => api.call('createWebhook', { json: { url: url.trim(), events: [...events] } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: WEBHOOKS }),
  });
  if (create.data) {
    const { secret } = create.data;
    return <ShownOnce title={t.made} description={t.madeText} label={t.secret} secret={secret} onClose={onClose} />;
  }
  return (
    <FormDialog
      onClose={onClose}
      title={t.create}
      description={t.createHint}
      action={t.create}
      incomplete={url.trim() === '' || events.length === 0}
      busy={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
    >
      <TextField
        label={t.url}
        hint={t.urlHint}
        type="url"
        required
        maxLength={2000}
        placeholder="https://app.example/hooks/timbre"
        value={url}
        onChange={setUrl}
      />
      <fieldset className={css['group']}>
        <legend>{t.events}</legend>
        {EVENTS.map((event) => (
          <Checkbox
            key={event}
            label={t.eventNames[event]}
            hint={t.eventHints[event]}
            checked={events.includes(event)}
            onChange={(on) => setEvents(on ? [...events, event] : events.filter((other) => other !== event))}
          />
        ))}
        {events.length === 0 && <p role="alert">{t.eventsMissing}</p>}
      </fieldset>
    </FormDialog>
  );
}
