import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { STORAGE } from '../../src/service/persistence/persistence.module.js';
import type { Database } from '../../src/service/persistence/sqlite/database.js';
import { fileOf } from '../integration/stores.js';
import { unbounded, watch } from '../integration/statements.js';
import { TestService, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;
let database: Database;
let jobId: string;
let receiptId: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  // Jobs wait for the model: what they are asked for does not change meanwhile. Nothing but calls asks the database: who sends
  // webhooks looks at every one of them, time and again.
  service = await TestService.start(workshop, { model: 'nowhere', storageWaitSeconds: 0.1, webhooks: 'off' });
  await expect(service.service.ready()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  database = fileOf(service.service.app.get<Storage>(STORAGE, { strict: false }).store);
  for (const id of ['ada', 'ben', 'cy']) await service.postJson('/v1/speakers', { id, name: id });
  const items = Array.from({ length: 20 }, (_, i) => ({
    speakerId: 'ada',
    path: workshop.path('recordings', `${i}.wav`),
  }));
  const session = await service.postJson('/v1/training-sessions', { items });
  jobId = (session.body as { id: string }).id;
  const erased = await service.call('/v1/speakers/cy', { method: 'DELETE' });
  receiptId = (erased.body as { receipt: string }).receipt;
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('a call that asks how things are', () => {
  test.each([
    ['/v1/jobs', () => '/v1/jobs'],
    ['/v1/jobs/:id', () => `/v1/jobs/${jobId}`],
    ['/v1/jobs/:id?state=', () => `/v1/jobs/${jobId}?state=failed`],
    ['/v1/speakers', () => '/v1/speakers'],
    ['/v1/speakers/:id', () => '/v1/speakers/ada'],
    ['/v1/speakers/:id/enrollments', () => '/v1/speakers/ada/enrollments'],
    ['/v1/speakers/:id/consent', () => '/v1/speakers/ada/consent'],
    ['/v1/speakers/:id/consent/history', () => '/v1/speakers/ada/consent/history'],
    ['/v1/receipts/:id', () => `/v1/receipts/${receiptId}`],
    ['/v1/audit', () => '/v1/audit'],
    ['/v1/audit?speaker=', () => '/v1/audit?speaker=ada'],
    ['/v1/audit?from=', () => '/v1/audit?from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z'],
    ['/v1/audit?speaker=&from=', () => '/v1/audit?speaker=ada&from=2026-01-01T00:00:00Z'],
    ['/v1/data-key/rotation', () => '/v1/data-key/rotation'],
    ['/v1/retention', () => '/v1/retention'],
    ['/health/ready', () => '/health/ready'],
    ['/metrics', () => '/metrics'],
  ])('scans nothing: %s', async (_, path) => {
    const { statements, stop } = await watch(database);
    const { status } = await service.fetch(path());
    stop();
    expect(status).toBe(path() === '/health/ready' ? 503 : 200);
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      expect({ sql: statement.sql, scans: await unbounded(database, statement) }).toEqual({
        sql: statement.sql,
        scans: [],
      });
    }
  });

  test('would be found to scan', async () => {
    const sql = 'SELECT COUNT(*) FROM speakers';
    expect(await unbounded(database, { sql, values: [] })).toEqual([expect.stringMatching(/^SCAN speakers/)]);
  });

  test('is refused where the database has no turn for it in time', async () => {
    let goOn = (): void => undefined;
    const held = database.query(
      () =>
        new Promise<void>((resolve) => {
          goOn = resolve;
        }),
    );
    const { status, headers, body } = await service.call(`/v1/jobs/${jobId}`);
    goOn();
    await held;
    expect({ status, body }).toMatchObject({ status: 503, body: { code: 'STORAGE_UNAVAILABLE' } });
    expect(headers.get('retry-after')).toBe('1');
    expect((await service.call(`/v1/jobs/${jobId}`)).status).toBe(200);
  });
});
