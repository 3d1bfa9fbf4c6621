import { z } from 'zod';
import { nextCursorView, pageQuery } from '../http/pages.js';
import { DELIVERY_STATES, MOST_WEBHOOKS, WEBHOOK_EVENTS, type Delivery, type Webhook } from '../records/webhook.js';
import { secretText } from './sign.js';

const ASKED = WEBHOOK_EVENTS.filter((event) => event !== 'webhook.test');

export const createWebhook = z.strictObject({
  url: z.string().min(1).max(2000).meta({
    description: 'Where requests go: an address of https on a public host.',
    example: 'https://app.example/hooks/timbre',
  }),
  events: z
    .array(z.enum(ASKED))
    .min(1)
    .max(ASKED.length)
    .meta({
      description:
        '`job.finished`: a job is completed, failed or cancelled. `watch.matched`: somebody of a watch list was heard.',
      example: ['job.finished'],
    }),
});

export const listDeliveries = z.strictObject(pageQuery('Deliveries', { most: 200, usual: 50 }));

export const webhookView = z.object({
  id: z.uuid().meta({ example: '5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21' }),
  url: z.string().nullable().meta({ description: 'Null where the stored webhook cannot be read.' }),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  state: z.enum(['active', 'gone', 'unreadable']).meta({
    description:
      '`gone`: the receiver answered 410; `unreadable`: changed or damaged in the database. Nothing is sent then.',
  }),
  createdAt: z.iso.datetime(),
});

export const newWebhookView = webhookView.extend({
  secret: z.string().meta({
    description: 'What signatures are made with. Shown this once.',
    example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
  }),
});

export const webhooksView = z.object({
  webhooks: z.array(webhookView).max(MOST_WEBHOOKS),
});

export const deliveryView = z.object({
  id: z.uuid().meta({ description: '`webhook-id` of the request, the same at every attempt.' }),
  event: z.enum(WEBHOOK_EVENTS),
  state: z.enum(DELIVERY_STATES).meta({ description: '`waiting`: to be sent, or tried again at `nextAt`.' }),
  attempts: z.int().min(0),
  createdAt: z.iso.datetime(),
  attemptedAt: z.iso.datetime().nullable(),
  nextAt: z.iso.datetime().nullable(),
  status: z.int().nullable().meta({ description: 'HTTP status of the last answer.' }),
  error: z.string().nullable().meta({ description: 'Why the last attempt failed.' }),
});

export const deliveriesView = z.object({
  deliveries: z.array(deliveryView),
  nextCursor: nextCursorView,
});

export type WebhookView = z.output<typeof webhookView>;
export type NewWebhookView = z.output<typeof newWebhookView>;
export type WebhooksView = z.output<typeof webhooksView>;
export type DeliveriesView = z.output<typeof deliveriesView>;

export function toWebhookView({ id, url, events, secret, createdAt, goneAt }: Webhook): WebhookView {
  const state = !secret ? 'unreadable' : goneAt ? 'gone' : 'active';
  return { id, url: secret ? url : null, events: [...events], state, createdAt: createdAt.toISOString() };
}

export function toNewWebhookView(webhook: Webhook): NewWebhookView {
  if (!webhook.secret) throw new Error('a new webhook has a secret');
  return { ...toWebhookView(webhook), secret: secretText(webhook.secret) };
}

export function toDeliveryView(delivery: Delivery): z.output<typeof deliveryView> {
  const { id, event, state, attempts, createdAt, attemptedAt, nextAt, status, error } = delivery;
  return {
    id,
    event,
    state,
    attempts,
    createdAt: createdAt.toISOString(),
    attemptedAt: attemptedAt?.toISOString() ?? null,
    nextAt: state === 'waiting' ? nextAt.toISOString() : null,
    status,
    error,
  };
}
