import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import { auditEntryView } from '../../src/service/audit/audit.dto.js';
import type { Storage } from '../../src/service/persistence/common/storage.js';
import { STORAGE } from '../../src/service/persistence/persistence.module.js';
import { ask } from '../../src/service/persistence/common/dialect.js';
import type { Store } from '../../src/service/persistence/common/store.js';
import { isBeingRead } from '../integration/stores.js';
import { exportView } from '../../src/service/privacy/export.dto.js';
import type { NewAuditEntry } from '../../src/service/records/audit-entry.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { enrollment } from '../integration/voices.js';
import { TestService, until, Workshop } from './support.js';

/** Some megabytes of text: more than the system takes for a client that does not read. */
const ENTRIES = 40_000;

let workshop: Workshop;
let service: TestService;
let database: Store;
let vectorsKey: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: 'nowhere' });
  await expect(service.service.ready()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  database = service.service.app.get<Storage>(STORAGE, { strict: false }).store;
  await service.postJson('/v1/speakers', { id: 'ada', name: 'Ada' });
  const store = service.service.app.get(UnitOfWork, { strict: false });
  await store.transaction(async ({ speakers, enrollments, audit }) => {
    const { subject } = (await speakers.find('ada'))!;
    const entry: NewAuditEntry = {
      at: new Date('2026-03-01T00:00:00Z'),
      by: 'test',
      action: 'voice.verified',
      subject,
      object: null,
      outcome: 'OK',
      requestId: null,
    };
    await audit.append(Array<NewAuditEntry>(ENTRIES).fill(entry));
    for (let i = 0; i < 120; i++)
      await enrollments.insert(enrollment('ada', `recording ${i}`, { createdAt: new Date(i) }));
  });
  const { key, text } = newApiKey({ name: 'vectors', scopes: ['admin', 'vectors'] }, new Date());
  await service.service.app.get(KeyStore, { strict: false }).insert(key);
  vectorsKey = text;
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

/** Whether no long reading keeps the write-ahead log, or a connection. */
const released = async (): Promise<boolean> => !(await isBeingRead(database));

describe('an export', () => {
  test.each(['/v1/speakers/ada/export', '/v1/audit/export'])(
    'whose client goes away ends the reading: %s',
    async (path) => {
      const response = await service.fetch(path);
      expect(response.status).toBe(200);
      const reader = response.body!.getReader();
      expect((await reader.read()).done).toBe(false);
      expect(await released()).toBe(false);
      await reader.cancel();
      await until(released);
    },
  );

  test('that comes to a record which cannot be read breaks off, and is not taken for whole', async () => {
    const whole = await service.fetch('/v1/speakers/ada/export?vectors=true', { headers: { 'x-api-key': vectorsKey } });
    const { enrollments } = exportView.strict().parse(await whole.json());
    expect(enrollments).toHaveLength(120);
    expect(enrollments[0]!.embedding).toHaveLength(192);
    const last = enrollments.at(-1)!.id;
    await database.query((manager) =>
      ask(manager, 'UPDATE enrollments SET embedding = substr(embedding, 1, 40) WHERE id = ?', [last]),
    );
    const broken = await service.fetch('/v1/speakers/ada/export?vectors=true', {
      headers: { 'x-api-key': vectorsKey },
    });
    expect(broken.status).toBe(200);
    await expect(broken.text()).rejects.toThrow();
    await until(released);
    // Without vectors nothing has to be opened.
    expect((await service.fetch('/v1/speakers/ada/export')).status).toBe(200);
  });

  test('that cannot begin is an answer as of any call', async () => {
    expect(await service.call('/v1/speakers/nobody/export')).toMatchObject({
      status: 404,
      body: { code: 'SPEAKER_NOT_FOUND' },
    });
    expect(await service.call('/v1/audit/export?speaker=nobody')).toMatchObject({
      status: 404,
      body: { code: 'SPEAKER_NOT_FOUND' },
    });
    expect(await service.call('/v1/audit/export?limit=5')).toMatchObject({
      status: 400,
      body: { code: 'INVALID_ARGUMENT' },
    });
  });

  test('of the trail has a line for every entry, in the order of the list, also of a span of time', async () => {
    const lines = async (query: string): Promise<{ id: number; speakerId: string | null }[]> => {
      const response = await service.fetch(`/v1/audit/export${query}`);
      expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
      const text = await response.text();
      expect(text.endsWith('\n')).toBe(true);
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: number; speakerId: string | null });
    };
    const all = await lines('');
    for (const entry of all.slice(-3)) auditEntryView.strict().parse(entry);
    const ids = all.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(ENTRIES);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    const ofMarch = await lines('?from=2026-02-28T00:00:00Z&to=2026-03-02T00:00:00Z');
    expect(ofMarch).toHaveLength(ENTRIES);
    expect(ofMarch.every(({ speakerId }) => speakerId === 'ada')).toBe(true);
  }, 120_000);
});
