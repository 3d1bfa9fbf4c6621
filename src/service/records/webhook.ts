import { TimbreError } from '../../errors/timbre-error.js';
import type { Cursor } from './cursor.js';

/** What is told to whoever asked for it. A name once used keeps its meaning. */
export const WEBHOOK_EVENTS = ['job.finished', 'watch.matched', 'webhook.test'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Webhooks of one service. */
export const MOST_WEBHOOKS = 20;

/** Somebody who is told of events, by a request to an address of theirs. */
export interface Webhook {
  /** UUID. */
  id: string;
  url: string;
  /** In the order of `WEBHOOK_EVENTS`; `webhook.test` always. */
  events: readonly WebhookEvent[];
  /** What requests are signed with, 32 bytes; null where the row cannot be read. */
  secret: Buffer | null;
  createdAt: Date;
  /** The receiver said that it is gone (410); nothing is sent any more. */
  goneAt: Date | null;
}

/** waiting: to be sent, or to be tried again; failed: given up. */
export const DELIVERY_STATES = ['waiting', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event for one webhook. */
export interface Delivery {
  /** UUID, the same at every attempt, so that the receiver can tell. */
  id: string;
  webhookId: string;
  event: WebhookEvent;
  /** JSON, exactly as it is signed and sent. */
  body: string;
  state: DeliveryState;
  attempts: number;
  createdAt: Date;
  /** When it is to be tried next, while it waits. */
  nextAt: Date;
  /** Of the last attempt; null before. */
  attemptedAt: Date | null;
  /** HTTP status of the last answer; null where there was none. */
  status: number | null;
  /** Why the last attempt failed, for people; null where none did. */
  error: string | null;
}

/** What came of an attempt. */
export type Attempt = Pick<Delivery, 'state' | 'attempts' | 'nextAt' | 'status' | 'error'> & { attemptedAt: Date };

/** Whom an event is for, and whom it is about. */
export interface AnnouncedTo {
  /** One alone; left out: every webhook that asked for the event. */
  webhookId?: string;
  /** Of whom it tells: what is still to be sent goes with the speaker. */
  speakerId?: string;
}

export abstract class WebhookRepository {
  abstract insert(webhook: Webhook): Promise<void>;

  /** Oldest first. */
  abstract list(): Promise<Webhook[]>;

  abstract find(id: string): Promise<Webhook | null>;

  /** With its deliveries. False where there is none. */
  abstract delete(id: string): Promise<boolean>;

  abstract markGone(id: string, at: Date): Promise<void>;

  /** A delivery for every webhook that asked for the event. */
  abstract announce(event: WebhookEvent, data: object, at: Date, to?: AnnouncedTo): Promise<void>;

  /** What waits and whose time has come, oldest first: one of each webhook, so that a slow receiver holds up no other. */
  abstract due(now: Date): Promise<Delivery[]>;

  /** Whether there is any webhook. */
  abstract any(): Promise<boolean>;

  /** Stores what came of an attempt; nothing happens where the delivery is gone. */
  abstract attempted(id: string, attempt: Attempt): Promise<void>;

  /** Newest first. */
  abstract deliveries(webhookId: string, after: Cursor | null, limit: number): Promise<Delivery[]>;

  /** Removes deliveries that do not wait and were made before; says how many. */
  abstract deleteBefore(at: Date): Promise<number>;
}

/** The body of a delivery. */
export function bodyOf(event: WebhookEvent, data: object, at: Date): string {
  return JSON.stringify({ type: event, timestamp: at.toISOString(), data });
}

export function webhookNotFound(id: string): TimbreError {
  return new TimbreError('WEBHOOK_NOT_FOUND', `no webhook has the id ${JSON.stringify(id.slice(0, 64))}`);
}
