import { Injectable } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { TimbreError } from '../../errors/timbre-error.js';
import { Clock } from '../../support/clock.js';
import { Config } from '../config/config.js';
import { Places } from '../http/pages.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import {
  MOST_WEBHOOKS,
  WEBHOOK_EVENTS,
  webhookNotFound,
  type Delivery,
  type Webhook,
  type WebhookEvent,
} from '../records/webhook.js';
import { receiverAddresses, receiverUrl, type Reach } from './webhook-client.js';
import { WebhookSender } from './webhook-sender.js';

const SECRET_BYTES = 32;
const DELIVERIES = new Places<[createdAt: number, id: string]>('webhook deliveries', ['number', 'string']);

@Injectable()
export class WebhooksService {
  constructor(
    private readonly store: UnitOfWork,
    private readonly sender: WebhookSender,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Errors: INVALID_ARGUMENT for an address that is not called, or one webhook too many; those of the storage. */
  async create(text: string, asked: readonly WebhookEvent[]): Promise<Webhook> {
    const reach = this.reach();
    const url = receiverUrl(text, reach);
    await receiverAddresses(url, reach);
    const webhook: Webhook = {
      id: randomUUID(),
      url: url.href,
      events: WEBHOOK_EVENTS.filter((event) => event === 'webhook.test' || asked.includes(event)),
      secret: randomBytes(SECRET_BYTES),
      createdAt: this.clock.now(),
      goneAt: null,
    };
    await this.store.transaction(async ({ webhooks, audit }) => {
      if ((await webhooks.list()).length >= MOST_WEBHOOKS) {
        throw new TimbreError('INVALID_ARGUMENT', `there are ${MOST_WEBHOOKS} webhooks; remove one first`);
      }
      await webhooks.insert(webhook);
      await audit.record({ action: 'webhook.created', object: webhook.id });
    });
    this.sender.wake();
    return webhook;
  }

  list(): Promise<Webhook[]> {
    return this.store.read(({ webhooks }) => webhooks.list());
  }

  /** Errors: WEBHOOK_NOT_FOUND. */
  get(id: string): Promise<Webhook> {
    return this.store.read(async ({ webhooks }) => {
      const webhook = await webhooks.find(id);
      if (!webhook) throw webhookNotFound(id);
      return webhook;
    });
  }

  /** What waits to be sent to it goes, too. Errors: WEBHOOK_NOT_FOUND. */
  async remove(id: string): Promise<void> {
    await this.store.transaction(async ({ webhooks, audit }) => {
      if (!(await webhooks.delete(id))) throw webhookNotFound(id);
      await audit.record({ action: 'webhook.removed', object: id });
    });
  }

  /** Sends it an event that says nothing. Errors: WEBHOOK_NOT_FOUND, INVALID_ARGUMENT where none are sent, or it is gone. */
  async test(id: string): Promise<void> {
    this.reach();
    await this.store.transaction(async ({ webhooks }) => {
      const webhook = await webhooks.find(id);
      if (!webhook) throw webhookNotFound(id);
      if (webhook.goneAt) throw new TimbreError('INVALID_ARGUMENT', 'the receiver said that it is gone; make it anew');
      await webhooks.announce('webhook.test', {}, this.clock.now(), { webhookId: id });
    });
    this.sender.wake();
  }

  /** Newest first. Errors: WEBHOOK_NOT_FOUND, INVALID_ARGUMENT for a cursor of nobody's. */
  async deliveries(
    id: string,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
  ): Promise<{ deliveries: Delivery[]; nextCursor: string | null }> {
    const after = DELIVERIES.decode(cursor);
    return this.store.read(async ({ webhooks }) => {
      if (!(await webhooks.find(id))) throw webhookNotFound(id);
      const place = after && { createdAt: new Date(after[0]), id: after[1] };
      const found = await webhooks.deliveries(id, place, limit + 1);
      const page = DELIVERIES.page(found, limit, ({ createdAt, id: own }) => [createdAt.getTime(), own]);
      return { deliveries: page.rows, nextCursor: page.nextCursor };
    });
  }

  private reach(): Reach {
    const { webhooks } = this.config;
    if (webhooks === 'off')
      throw new TimbreError('INVALID_ARGUMENT', 'this service calls no webhooks (TIMBRE_WEBHOOKS=off)');
    return webhooks;
  }
}
