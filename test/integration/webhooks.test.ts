import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../../src/service/config/config.js';
import { Traffic } from '../../src/service/http/traffic.js';
import type { Metrics } from '../../src/service/metrics/metrics.service.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { afterCancel, newJob } from '../../src/service/records/job.js';
import type { Webhook } from '../../src/service/records/webhook.js';
import { WebhookSender } from '../../src/service/webhooks/webhook-sender.js';
import { WebhooksService } from '../../src/service/webhooks/webhooks.service.js';
import { Clock } from '../../src/support/clock.js';
import { outside } from './outside.js';

/** Moved by hand. */
class HandClock extends Clock {
  time = Date.parse('2026-05-01T10:00:00Z');

  now(): Date {
    return new Date(this.time);
  }

  after(): () => void {
    return () => undefined;
  }
}

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

let folder: string;
let database: Database;
let store: TypeOrmUnitOfWork;
let clock: HandClock;
let sender: WebhookSender;
let service: WebhooksService;
let receiver: Server;
let url: string;
let received: Received[];
/** What the receiver answers next; 200 at the end. */
let answers: number[];
let results: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-webhooks-'));
  database = await Database.open({ folder });
  clock = new HandClock();
  received = [];
  answers = [];
  results = [];
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      const status = answers.shift() ?? 200;
      response.writeHead(status, status === 302 ? { location: url } : {}).end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook?of=timbre`;
  build('any');
});

afterEach(async () => {
  await new Promise((done) => receiver.close(done));
  await database.close();
  await rm(folder, { recursive: true });
});

function build(webhooks: 'public' | 'any' | 'off'): void {
  store = new TypeOrmUnitOfWork(database);
  const config = Config.of({ dataDir: folder, webhooks });
  const metrics = { counter: () => (result: string) => void results.push(result) } as unknown as Metrics;
  sender = new WebhookSender(store, new FolderLeader(), clock, config, new Traffic(), metrics);
  service = new WebhooksService(store, sender, clock, config);
}

const finishJob = (id = '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11'): Promise<void> =>
  store.transaction(async ({ jobs }) => {
    const job = newJob(id, 3, clock.now());
    await jobs.insert(job, []);
    await jobs.update(afterCancel(job, clock.now()));
  });

const deliveriesOf = async ({ id }: Webhook): ReturnType<WebhooksService['deliveries']> =>
  service.deliveries(id, { limit: 50 });

/** Whether a receiver that has the secret finds that the service sent it. */
function verifies({ headers, body }: Received, { secret }: Webhook): boolean {
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', secret!).update(content).digest('base64')}`;
}

test('A job that ends is told to who asked for it, signed, once it is durable.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await finishJob();
  expect(received).toEqual([]);
  expect(await sender.sendDue()).toBe(1);
  expect(await sender.sendDue()).toBe(0);
  const [request] = received;
  expect(received).toHaveLength(1);
  expect(verifies(request!, webhook)).toBe(true);
  expect(request!.headers['webhook-timestamp']).toBe(String(clock.time / 1000));
  expect(JSON.parse(request!.body)).toEqual({
    type: 'job.finished',
    timestamp: '2026-05-01T10:00:00.000Z',
    data: {
      job: expect.objectContaining({
        id: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11',
        state: 'cancelled',
        counts: { total: 3, done: 0, failed: 0, cancelled: 3 },
      }),
    },
  });
  expect((await deliveriesOf(webhook)).deliveries).toMatchObject([{ state: 'delivered', attempts: 1, status: 200 }]);
  expect(results).toEqual(['delivered']);
});

test('What is undone with its transaction is not told.', async () => {
  await service.create(url, ['job.finished']);
  const undone = store.transaction(async ({ jobs }) => {
    const job = newJob('0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11', 1, clock.now());
    await jobs.insert(job, []);
    await jobs.update(afterCancel(job, clock.now()));
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await sender.sendDue()).toBe(0);
});

test('An attempt that failed is made again under the same id, after pauses that grow, and given up after the eighth.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await finishJob();
  answers = [500, 302, 404, 500, 500, 500, 500, 503];
  const pauses = [];
  for (let attempt = 1; attempt <= 8; attempt++) {
    expect(await sender.sendDue()).toBe(1);
    const [delivery] = (await deliveriesOf(webhook)).deliveries;
    if (delivery?.state !== 'waiting') break;
    pauses.push((delivery.nextAt.getTime() - clock.time) / 1000);
    clock.time = delivery.nextAt.getTime() - 1;
    expect(await sender.sendDue()).toBe(0);
    clock.time++;
  }
  expect(pauses).toEqual([5, 30, 120, 600, 3600, 21_600, 86_400]);
  expect((await deliveriesOf(webhook)).deliveries).toMatchObject([
    { state: 'failed', attempts: 8, status: 503, error: 'the receiver answered 503' },
  ]);
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(received.every((request) => verifies(request, webhook))).toBe(true);
  expect(received).toHaveLength(8);
  expect(results.filter((result) => result === 'failed')).toHaveLength(1);
});

test('A receiver that is away holds up no other, and hears everything in order once it is back.', async () => {
  const away = await service.create(`http://127.0.0.1:1/`, ['job.finished']);
  const there = await service.create(url, ['job.finished']);
  await finishJob('0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  clock.time += 1000;
  await finishJob('1b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  await sender.sendDue();
  await sender.sendDue();
  expect(received.map(({ body }) => (JSON.parse(body) as { data: { job: { id: string } } }).data.job.id[0])).toEqual([
    '0',
    '1',
  ]);
  const failed = (await deliveriesOf(away)).deliveries;
  expect(failed.map(({ state, status }) => [state, status])).toEqual([
    ['waiting', null],
    ['waiting', null],
  ]);
  expect(failed.find(({ attempts }) => attempts > 0)?.error).toMatch(/ECONNREFUSED/);
  expect((await deliveriesOf(there)).deliveries.map(({ state }) => state)).toEqual(['delivered', 'delivered']);
});

test('A receiver that answers 410 is told nothing more.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await finishJob('0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  await finishJob('1b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  answers = [410];
  await sender.sendDue();
  await finishJob('2b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  expect(await sender.sendDue()).toBe(0);
  expect((await service.get(webhook.id)).goneAt).toEqual(clock.now());
  expect((await deliveriesOf(webhook)).deliveries.map(({ state }) => state)).toEqual(['failed', 'failed']);
  await expect(service.test(webhook.id)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('A removed webhook is told nothing that waited.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await finishJob();
  await service.remove(webhook.id);
  expect(await sender.sendDue()).toBe(0);
  await expect(service.get(webhook.id)).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
  await expect(service.remove(webhook.id)).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
});

test('A name that leads to this machine by the time of sending is not called, unless that is allowed.', async () => {
  // Made while it was allowed; then the setting is changed, as a name's address may.
  const webhook = await service.create(url.replace('127.0.0.1', 'localhost'), ['job.finished']);
  await finishJob();
  build('public');
  await sender.sendDue();
  expect(received).toEqual([]);
  expect((await deliveriesOf(webhook)).deliveries).toMatchObject([{ state: 'waiting', attempts: 1, status: null }]);
});

test('Its address and secret are encrypted, survive a rotation of the data key, and open nowhere else.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await rotateDataKey(database);
  expect(await service.get(webhook.id)).toEqual(webhook);
  await finishJob();
  await database.close();
  await outside(folder, `UPDATE webhooks SET events = ' job.finished webhook.test other '`);
  database = await Database.open({ folder });
  build('any');
  expect(await service.list()).toMatchObject([{ url: '', secret: null }]);
  await sender.sendDue();
  expect(received).toEqual([]);
  expect((await deliveriesOf(webhook)).deliveries[0]?.error).toMatch(/cannot be read/);
  await service.remove(webhook.id);
  expect(await service.list()).toEqual([]);
});

test('Where webhooks are off, or there are many, none is made.', async () => {
  for (let i = 0; i < 20; i++) await service.create(url, ['job.finished']);
  await expect(service.create(url, ['job.finished'])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  build('off');
  await expect(service.create(url, ['job.finished'])).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('TIMBRE_WEBHOOKS'),
  });
});

test.each([
  ['ftp://app.example/', 'https'],
  ['app.example', 'https'],
  ['http://app.example/', 'https'],
  ['https://user:secret@app.example/', 'password'],
  ['https://app.example/#part', '#'],
  ['https://127.0.0.1/', 'private network'],
  ['https://[::1]/', 'private network'],
  ['https://169.254.169.254/latest/meta-data', 'private network'],
  ['https://localhost/', 'private network'],
  [`https://app.example/${'a'.repeat(2000)}`, '2000'],
])('The address %s is refused.', async (text, why) => {
  build('public');
  await expect(service.create(text, ['job.finished'])).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(why),
  });
});

test('Deliveries that are over go after a week; those that wait stay.', async () => {
  const webhook = await service.create(url, ['job.finished']);
  await finishJob();
  await sender.sendDue();
  clock.time += 8 * 86_400_000;
  await finishJob('1b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11');
  const week = new Date(clock.time - 7 * 86_400_000);
  expect(await store.transaction(({ webhooks }) => webhooks.deleteBefore(week))).toBe(1);
  expect((await deliveriesOf(webhook)).deliveries.map(({ state }) => state)).toEqual(['waiting']);
});

test('The file names neither the address nor the secret.', async () => {
  await service.create(url, ['job.finished']);
  await database.close();
  const bytes = await readFile(join(folder, DATABASE_FILE));
  expect(bytes.includes('of=timbre')).toBe(false);
  database = await Database.open({ folder });
});
