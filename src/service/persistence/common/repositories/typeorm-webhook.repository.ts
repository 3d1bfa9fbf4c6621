import type { EntityManager } from 'typeorm';
import type { Cursor } from '../../../records/cursor.js';
import {
  WEBHOOK_EVENTS,
  WebhookRepository,
  type AnnouncedTo,
  type Attempt,
  type Delivery,
  type Webhook,
  type WebhookEvent,
} from '../../../records/webhook.js';
import { announce } from '../announce.js';
import { affect, ask } from '../dialect.js';
import { WebhookDeliveryEntity, type WebhookDeliveryRow } from '../entities/webhook-delivery.entity.js';
import { WebhookEntity, type WebhookRow } from '../entities/webhook.entity.js';
import { findRow, insertRows, selection, updateRows } from '../rows.js';
import type { VectorCipher } from '../vector-cipher.js';

export class TypeOrmWebhookRepository extends WebhookRepository {
  constructor(
    private readonly manager: EntityManager,
    private readonly cipher: VectorCipher,
  ) {
    super();
  }

  async insert({ id, url, events, secret, createdAt, goneAt }: Webhook): Promise<void> {
    if (!secret) throw new Error('a webhook is made with a secret');
    const row = {
      id,
      events: ` ${events.join(' ')} `,
      createdAt: createdAt.getTime(),
      goneAt: goneAt?.getTime() ?? null,
    };
    const content = Buffer.from(JSON.stringify({ url, secret: secret.toString('base64') }));
    await insertRows(this.manager, WebhookEntity, [{ ...row, sealed: this.cipher.seal(content, webhookOwner(row)) }]);
  }

  async list(): Promise<Webhook[]> {
    const { columns, row } = selection(this.manager, WebhookEntity, 'w');
    const found = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM webhooks w ORDER BY w.created_at, w.id`,
    );
    return found.map((record) => this.toWebhook(row(record)));
  }

  async find(id: string): Promise<Webhook | null> {
    const row = await findRow(this.manager, WebhookEntity, { id });
    return row && this.toWebhook(row);
  }

  async delete(id: string): Promise<boolean> {
    return ((await this.manager.delete(WebhookEntity, { id })).affected ?? 0) > 0;
  }

  async markGone(id: string, at: Date): Promise<void> {
    await updateRows(this.manager, WebhookEntity, { id }, { goneAt: at.getTime() });
    await affect(
      this.manager,
      `UPDATE webhook_deliveries SET state = 'failed', error = 'the receiver is gone' WHERE webhook_id = ? AND state = 'waiting'`,
      [id],
    );
  }

  announce(event: WebhookEvent, data: object, at: Date, to?: AnnouncedTo): Promise<void> {
    return announce(this.manager, event, data, at, to);
  }

  async due(now: Date): Promise<Delivery[]> {
    const { columns, row } = selection(this.manager, WebhookDeliveryEntity, 'd');
    const found = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM webhooks w JOIN webhook_deliveries d ON d.id = (
         SELECT id FROM webhook_deliveries WHERE webhook_id = w.id AND state = 'waiting' AND next_at <= ?
         ORDER BY next_at, created_at, id LIMIT 1)`,
      [now.getTime()],
    );
    return found.map((record) => toDelivery(row(record)));
  }

  async any(): Promise<boolean> {
    return (await ask(this.manager, 'SELECT 1 FROM webhooks LIMIT 1')).length > 0;
  }

  async attempted(id: string, { nextAt, attemptedAt, ...rest }: Attempt): Promise<void> {
    const changes = { ...rest, nextAt: nextAt.getTime(), attemptedAt: attemptedAt.getTime() };
    await updateRows(this.manager, WebhookDeliveryEntity, { id }, changes);
  }

  async deliveries(webhookId: string, after: Cursor | null, limit: number): Promise<Delivery[]> {
    const { columns, row } = selection(this.manager, WebhookDeliveryEntity, 'd');
    const found = await ask<Record<string, unknown>>(
      this.manager,
      `SELECT ${columns} FROM webhook_deliveries d
       WHERE d.webhook_id = ? ${after ? 'AND (d.created_at, d.id) < (?, ?)' : ''}
       ORDER BY d.created_at DESC, d.id DESC LIMIT ?`,
      [webhookId, ...(after ? [after.createdAt.getTime(), after.id] : []), limit],
    );
    return found.map((record) => toDelivery(row(record)));
  }

  deleteBefore(at: Date): Promise<number> {
    return affect(this.manager, `DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND created_at < ?`, [
      at.getTime(),
    ]);
  }

  /** One that does not open stops no other: it is shown without an address, and nothing is sent to it. */
  private toWebhook(row: WebhookRow): Webhook {
    const { id, events, createdAt, goneAt } = row;
    const common = {
      id,
      events: WEBHOOK_EVENTS.filter((event) => events.includes(` ${event} `)),
      createdAt: new Date(createdAt),
      goneAt: goneAt === null ? null : new Date(goneAt),
    };
    try {
      const content = openWebhook(row, this.cipher).toString('utf8');
      const { url, secret } = JSON.parse(content) as { url: string; secret: string };
      return { ...common, url, secret: Buffer.from(secret, 'base64') };
    } catch {
      return { ...common, url: '', secret: null };
    }
  }
}

/** Address and secret, as JSON. Errors: STORAGE_INVALID where they do not open. */
export function openWebhook(row: WebhookRow, cipher: VectorCipher): Buffer {
  return cipher.open(row.sealed, webhookOwner(row));
}

/** Re-encrypts the webhooks that are under another key; there are few. */
export async function resealWebhooks(manager: EntityManager, cipher: VectorCipher): Promise<void> {
  const { columns, row } = selection(manager, WebhookEntity, 'w');
  const found = await ask<Record<string, unknown>>(manager, `SELECT ${columns} FROM webhooks w`);
  for (const one of found.map(row)) {
    if (cipher.isCurrent(one.sealed)) continue;
    let sealed: Buffer;
    try {
      sealed = cipher.reseal(one.sealed, webhookOwner(one));
    } catch {
      // Damaged, or written by somebody else: it stays so, and nothing is sent to it.
      continue;
    }
    await updateRows(manager, WebhookEntity, { id: one.id }, { sealed });
  }
}

function webhookOwner({ id, events, createdAt }: Pick<WebhookRow, 'id' | 'events' | 'createdAt'>): string[] {
  return ['webhook', id, events, String(createdAt)];
}

function toDelivery({ createdAt, nextAt, attemptedAt, speakerId: _, ...row }: WebhookDeliveryRow): Delivery {
  return {
    ...row,
    createdAt: new Date(createdAt),
    nextAt: new Date(nextAt),
    attemptedAt: attemptedAt === null ? null : new Date(attemptedAt),
  };
}
