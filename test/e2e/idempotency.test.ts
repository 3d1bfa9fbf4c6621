import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import { formOf, silence, TestService, wav, Workshop, type Part } from './support.js';

let workshop: Workshop;
let service: TestService;
let otherKey: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, { model: await workshop.bundle(), minSpeechSeconds: 0 });
  await service.service.ready();
  for (const id of ['ada', 'bob']) await service.postJson('/v1/speakers', { id });
  const { key, text } = newApiKey({ name: 'other', scopes: ['admin'] }, new Date());
  await service.service.app.get(KeyStore, { strict: false }).insert(key);
  otherKey = text;
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const post = (
  path: string,
  key: string,
  parts: Part[],
  headers: Record<string, string> = {},
): ReturnType<TestService['call']> =>
  service.call(path, { method: 'POST', headers: { 'idempotency-key': key, ...headers }, body: formOf(parts) });

const REUSED = { status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } };

describe('an enrolment with an idempotency key', () => {
  const path = '/v1/speakers/ada/enrollments';

  test('is answered as the first time, and adds nothing', async () => {
    const first = await post(path, 'one', [['audio', wav(3)]]);
    expect(first).toMatchObject({ status: 201, body: { results: [{ duplicate: false }] } });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const again = await post(path, 'one', [['audio', wav(3)]]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect({ status: again.status, body: again.body }).toEqual({ status: 201, body: first.body });
    // Without the key the same recording is one that the speaker has.
    expect(await service.postForm(path, [['audio', wav(3)]])).toMatchObject({
      body: { results: [{ duplicate: true }] },
    });
  });

  test('is refused for another recording, name, choice or speaker', async () => {
    await post(path, 'two', [['audio', wav(3, { seed: 2 })]]);
    expect(await post(path, 'two', [['audio', wav(3, { seed: 3 })]])).toMatchObject(REUSED);
    expect(await post(path, 'two', [['audio', wav(3, { seed: 2 }), 'other.wav']])).toMatchObject(REUSED);
    const chosen: Part[] = [
      ['audio', wav(3, { seed: 2 })],
      ['channel', '0'],
    ];
    expect(await post(path, 'two', chosen)).toMatchObject(REUSED);
    expect(await post('/v1/speakers/bob/enrollments', 'two', [['audio', wav(3, { seed: 2 })]])).toMatchObject(REUSED);
  });

  test("is another client's own", async () => {
    await post('/v1/speakers/bob/enrollments', 'three', [['audio', wav(3, { seed: 4 })]]);
    const other = await post(path, 'three', [['audio', wav(3, { seed: 5 })]], { 'x-api-key': otherKey });
    expect(other).toMatchObject({ status: 201, body: { results: [{ duplicate: false }] } });
  });

  test('that failed may be sent again', async () => {
    expect(await post(path, 'four', [['audio', silence(2)]])).toMatchObject({ status: 422 });
    expect(await post(path, 'four', [['audio', wav(3, { seed: 6 })]])).toMatchObject({ status: 201 });
  });

  test('has no answer any more once the speaker is erased', async () => {
    await service.postJson('/v1/speakers', { id: 'eve' });
    const enrol = (): ReturnType<typeof post> =>
      post('/v1/speakers/eve/enrollments', 'five', [['audio', wav(3, { seed: 7 })]]);
    expect((await enrol()).status).toBe(201);
    await service.call('/v1/speakers/eve', { method: 'DELETE' });
    expect(await enrol()).toMatchObject({ status: 404, body: { code: 'SPEAKER_NOT_FOUND' } });
  });

  test.each(['', 'two words', 'ä', 'x'.repeat(256)])('refuses the key %j', async (key) => {
    const encoded = Buffer.from(key).toString('latin1');
    expect(await post(path, encoded, [['audio', wav(1)]])).toMatchObject({
      status: 400,
      body: { code: 'INVALID_ARGUMENT', message: expect.stringContaining('Idempotency-Key') },
    });
  });
});

describe('a training session with an idempotency key', () => {
  const parts = (seed: number): Part[] => [
    ['audio', wav(2, { seed })],
    ['items', JSON.stringify([{ speakerId: 'bob' }])],
  ];

  test('becomes one job, however often it is sent at once and later', async () => {
    const { total: before } = (await service.call('/v1/jobs')).body as { total: number };
    const all = await Promise.all(Array.from({ length: 4 }, () => post('/v1/training-sessions', 'session', parts(11))));
    const again = await post('/v1/training-sessions', 'session', parts(11));
    const [first] = all;
    for (const { status, body, headers } of [...all, again]) {
      expect({ status, body }).toEqual({ status: 202, body: first!.body });
      expect(headers.get('location')).toBe(`/v1/jobs/${(body as { id: string }).id}`);
    }
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await service.call('/v1/jobs')).body).toMatchObject({ total: before + 1 });
    expect(await post('/v1/training-sessions', 'session', parts(12))).toMatchObject(REUSED);
  });

  test('of paths is told from another by its items', async () => {
    const session = (items: object[]): ReturnType<TestService['call']> =>
      service.call('/v1/training-sessions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'paths' },
        body: JSON.stringify({ items }),
      });
    const item = { speakerId: 'bob', path: workshop.path('recordings', '1.wav') };
    const first = await session([item]);
    expect(first.status).toBe(202);
    expect((await session([item])).body).toEqual(first.body);
    expect(await session([{ ...item, speakerId: 'ada' }])).toMatchObject(REUSED);
  });
});
