import { EntitySchema } from 'typeorm';
import type { DeliveryState, WebhookEvent } from '../../../records/webhook.js';

export interface WebhookDeliveryRow {
  id: string;
  webhookId: string;
  event: WebhookEvent;
  body: string;
  state: DeliveryState;
  attempts: number;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  nextAt: number;
  attemptedAt: number | null;
  status: number | null;
  error: string | null;
  /** Of whom it tells: it goes with the speaker. */
  speakerId: string | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const WebhookDeliveryEntity = new EntitySchema<WebhookDeliveryRow>({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  columns: {
    id: { type: 'text', primary: true },
    webhookId: { type: 'text', name: 'webhook_id' },
    event: { type: 'text' },
    body: { type: 'text' },
    state: { type: 'text' },
    attempts: { type: 'integer' },
    createdAt: { type: 'integer', name: 'created_at' },
    nextAt: { type: 'integer', name: 'next_at' },
    attemptedAt: { type: 'integer', name: 'attempted_at', nullable: true },
    status: { type: 'integer', nullable: true },
    error: { type: 'text', nullable: true },
    speakerId: { type: 'text', name: 'speaker_id', nullable: true },
  },
  foreignKeys: [
    {
      target: 'Webhook',
      name: 'deliveries_of_webhook',
      columnNames: ['webhookId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
    {
      target: 'Speaker',
      name: 'deliveries_of_speaker',
      columnNames: ['speakerId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
  indices: [
    { name: 'webhook_deliveries_of_speaker', columns: ['speakerId'], where: '"speaker_id" IS NOT NULL' },
    { name: 'webhook_deliveries_in_order', columns: ['webhookId', 'createdAt', 'id'] },
    { name: 'webhook_deliveries_waiting', columns: ['state', 'nextAt'] },
  ],
});
