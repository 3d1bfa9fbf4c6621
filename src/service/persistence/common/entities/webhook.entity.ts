import { EntitySchema } from 'typeorm';

export interface WebhookRow {
  id: string;
  /** Names of events with a space before and behind each; authenticated with `sealed`. */
  events: string;
  /** Address and secret, encrypted. */
  sealed: Buffer;
  /** Milliseconds since 1970, as all times. */
  createdAt: number;
  goneAt: number | null;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- TypeORM takes plain objects
export const WebhookEntity = new EntitySchema<WebhookRow>({
  name: 'Webhook',
  tableName: 'webhooks',
  columns: {
    id: { type: 'text', primary: true },
    events: { type: 'text' },
    sealed: { type: 'blob' },
    createdAt: { type: 'integer', name: 'created_at' },
    goneAt: { type: 'integer', name: 'gone_at', nullable: true },
  },
});
