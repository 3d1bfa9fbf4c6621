import type { EntityManager } from 'typeorm';
import { isFinished, type Job } from '../../records/job.js';
import { bodyOf, type AnnouncedTo, type WebhookEvent } from '../../records/webhook.js';
import { ask, dialectOf } from './dialect.js';

/** A delivery for every webhook that asked for the event. To be called in the transaction that makes what is told. */
export async function announce(
  manager: EntityManager,
  event: WebhookEvent,
  data: object,
  at: Date,
  { webhookId, speakerId }: AnnouncedTo = {},
): Promise<void> {
  const now = at.getTime();
  const { uuid, has } = dialectOf(manager);
  await ask(
    manager,
    `INSERT INTO webhook_deliveries (id, webhook_id, event, body, state, attempts, created_at, next_at, speaker_id)
     SELECT ${uuid}, id, ?, ?, 'waiting', 0, CAST(? AS bigint), CAST(? AS bigint), CAST(? AS text) FROM webhooks
     WHERE gone_at IS NULL AND ${has('events', '?')} AND (CAST(? AS text) IS NULL OR id = ?)`,
    [event, bodyOf(event, data, at), now, now, speakerId ?? null, ` ${event} `, webhookId ?? null, webhookId ?? null],
  );
}

/** Nothing that tells whose recordings they were. */
export async function announceJob(manager: EntityManager, job: Job): Promise<void> {
  if (!isFinished(job) || !job.finishedAt) return;
  const { id, state, total, done, failed, cancelled, createdAt, startedAt, finishedAt } = job;
  const counts = { total, done, failed, cancelled };
  await announce(manager, 'job.finished', { job: { id, state, counts, createdAt, startedAt, finishedAt } }, finishedAt);
}
