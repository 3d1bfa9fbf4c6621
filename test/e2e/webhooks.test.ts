import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestService, until, wav, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;
let receiver: Server;
let url: string;
let bodies: string[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  receiver = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      bodies.push(body);
      response.end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  await service.close();
  bodies = [];
});

afterAll(async () => {
  await new Promise((done) => receiver.close(done));
  await workshop.remove();
});

test('A webhook is made, tested, told of a job, listed and removed over REST.', async () => {
  service = await TestService.start(workshop, { webhooks: 'any', model: await workshop.bundle() });
  const made = await service.postJson('/v1/webhooks', { url, events: ['job.finished'] });
  expect(made.status).toBe(201);
  const { id, secret, ...view } = made.body as { id: string; secret: string };
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(view).toMatchObject({ url, events: ['job.finished', 'webhook.test'], state: 'active' });

  expect((await service.call(`/v1/webhooks/${id}/test`, { method: 'POST' })).status).toBe(202);
  await until(() => bodies.length === 1);
  expect(JSON.parse(bodies[0]!)).toMatchObject({ type: 'webhook.test', data: {} });

  const session = await service.postForm('/v1/training-sessions', [
    ['items', JSON.stringify([{ speakerId: 'ada' }])],
    ['createSpeakers', 'true'],
    ['audio', wav(2), 'ada.wav'],
  ]);
  expect(session.status).toBe(202);
  await until(() => bodies.length === 2);
  expect(JSON.parse(bodies[1]!)).toMatchObject({ type: 'job.finished', data: { job: { counts: { total: 1 } } } });

  const got = await service.call(`/v1/webhooks/${id}`);
  expect(got.body).not.toHaveProperty('secret');
  const deliveries = await service.call(`/v1/webhooks/${id}/deliveries?limit=1`);
  expect(deliveries.body).toMatchObject({
    deliveries: [{ event: 'job.finished', state: 'delivered', attempts: 1, status: 200, nextAt: null }],
    nextCursor: expect.any(String),
  });
  expect((await service.call(`/v1/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await service.call('/v1/webhooks')).body).toEqual({ webhooks: [] });
  // Neither in the log: whoever reads it could pretend to be the service.
  expect(JSON.stringify(service.log)).not.toContain(secret);
});

test('By default no address of this machine or of a private network is taken.', async () => {
  service = await TestService.start(workshop, { model: 'nowhere' });
  for (const refused of [
    url,
    'https://127.0.0.1/',
    'https://10.0.0.1/',
    'https://169.254.169.254/',
    'https://[::1]/',
  ]) {
    const answer = await service.postJson('/v1/webhooks', { url: refused, events: ['job.finished'] });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
  }
  const unknown = await service.call('/v1/webhooks/5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21');
  expect(unknown).toMatchObject({ status: 404, body: { code: 'WEBHOOK_NOT_FOUND' } });
});
