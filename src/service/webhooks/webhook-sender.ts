import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bell } from '../../support/bell.js';
import { Clock } from '../../support/clock.js';
import { excerpt } from '../../support/excerpt.js';
import { Config } from '../config/config.js';
import { Traffic } from '../http/traffic.js';
import { Metrics } from '../metrics/metrics.service.js';
import { Leader } from '../records/leader.js';
import { UnitOfWork } from '../records/unit-of-work.js';
import type { Attempt, Delivery, Webhook } from '../records/webhook.js';
import { signedHeaders } from './sign.js';
import { post } from './webhook-client.js';

/** How long a delivery waits after its first, second, ... attempt, seconds; it is given up after the one behind the last. */
const PAUSES = [5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600];

/** How often the database is looked at while there are webhooks: what finishes a job rings no bell here. */
const LOOK_MS = 2000;
/** The same while there is none. */
const IDLE_MS = 60_000;
const HOUSEKEEPING_MS = 3600_000;
const KEPT_MS = 7 * 86_400_000;

/** HTTP status by which a receiver says that it is gone for good. */
const GONE = 410;

/**
 * Sends what waits to be told. A delivery is sent until its receiver has answered with a status of 2xx: at least once, and
 * after a crash again, under the same id. One at a time goes to each webhook, oldest first, so that a receiver that is slow
 * or away holds up no other.
 */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Webhooks');
  private readonly stopping = new AbortController();
  private readonly bell = new Bell();
  private readonly count: (result: string) => void;
  private running: Promise<void> | undefined;
  private tidied = -Infinity;

  constructor(
    private readonly store: UnitOfWork,
    private readonly leader: Leader,
    private readonly clock: Clock,
    private readonly config: Config,
    traffic: Traffic,
    metrics: Metrics,
  ) {
    traffic.onDrain(() => this.stopping.abort());
    const help = 'Attempts at telling a webhook of an event.';
    this.count = metrics.counter('timbre_webhook_attempts_total', help, 'result');
  }

  onApplicationBootstrap(): void {
    if (this.config.webhooks !== 'off') this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** There is something to send. */
  wake(): void {
    this.bell.ring();
  }

  /** Sends what is due, and says how many attempts that took. Errors: those of the storage. */
  async sendDue(): Promise<number> {
    const now = this.clock.now();
    const { due, webhooks } = await this.store.read(async ({ webhooks: stored }) => {
      const found = await stored.due(now);
      return { due: found, webhooks: found.length > 0 ? await stored.list() : [] };
    });
    await Promise.all(
      due.map(async (delivery) => {
        const webhook = webhooks.find(({ id }) => id === delivery.webhookId);
        if (webhook) await this.send(webhook, delivery);
      }),
    );
    return due.length;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const { rings } = this.bell;
      let wait = LOOK_MS;
      try {
        const sent = await this.leader.lead('webhooks', () => this.sendDue());
        if (sent) continue;
        await this.tidy();
        wait = (await this.store.read(({ webhooks }) => webhooks.any())) ? LOOK_MS : IDLE_MS;
      } catch (error) {
        this.logger.warn({ err: error, msg: 'webhooks wait for the database' });
      }
      await this.bell.after(rings, signal, wait);
    }
  }

  private async tidy(): Promise<void> {
    if (performance.now() - this.tidied < HOUSEKEEPING_MS) return;
    this.tidied = performance.now();
    const before = new Date(this.clock.now().getTime() - KEPT_MS);
    await this.store.transaction(({ webhooks }) => webhooks.deleteBefore(before));
  }

  private async send(webhook: Webhook, delivery: Delivery): Promise<void> {
    const at = this.clock.now();
    let status: number | null = null;
    let error: string | null = null;
    try {
      status = await this.post(webhook, delivery, at);
      if (status < 200 || status > 299) error = `the receiver answered ${status}`;
    } catch (thrown) {
      // What was under way when the service stops is sent again at its next start.
      if (this.stopping.signal.aborted) return;
      error = excerpt(thrown instanceof Error ? thrown.message : String(thrown));
    }
    const attempt = afterAttempt(delivery, { at, status, error });
    await this.store.transaction(async ({ webhooks }) => {
      await webhooks.attempted(delivery.id, attempt);
      if (status === GONE) await webhooks.markGone(webhook.id, at);
    });
    this.count(attempt.state === 'waiting' ? 'retried' : attempt.state);
    if (attempt.state === 'failed') {
      const { id, webhookId, attempts } = { ...delivery, ...attempt };
      this.logger.warn({ deliveryId: id, webhookId, attempts, msg: `a delivery to a webhook is given up: ${error}` });
    }
  }

  private post(webhook: Webhook, { id, body }: Delivery, at: Date): Promise<number> {
    if (!webhook.secret) return Promise.reject(new Error('the webhook cannot be read; remove it and make it anew'));
    const headers = signedHeaders(webhook.secret, id, body, at);
    return post(webhook, headers, body, this.config.webhooks, this.stopping.signal);
  }
}

/** The delivery's next state. A receiver that is gone is not asked again. */
export function afterAttempt(
  { attempts: before }: Pick<Delivery, 'attempts'>,
  { at, status, error }: { at: Date; status: number | null; error: string | null },
): Attempt {
  const attempts = before + 1;
  const pause = PAUSES[before];
  const made = { attempts, attemptedAt: at, status, error };
  if (error === null) return { ...made, state: 'delivered', nextAt: at };
  if (status === GONE || pause === undefined) return { ...made, state: 'failed', nextAt: at };
  return { ...made, state: 'waiting', nextAt: new Date(at.getTime() + pause * 1000) };
}
