import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestService, wav, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;

/** A folder that a service with a model has worked on, and one whose model cannot be loaded. */
beforeAll(async () => {
  workshop = await Workshop.open();
  const dataDir = workshop.path('data');
  const before = await TestService.start(workshop, { model: await workshop.bundle(), dataDir, minSpeechSeconds: 0 });
  await before.service.ready();
  for (const id of ['ada', 'ben']) await before.postJson('/v1/speakers', { id, name: id });
  const { status } = await before.postForm('/v1/speakers/ada/enrollments', [['audio', wav(3)]]);
  expect(status).toBe(201);
  await before.close();
  service = await TestService.start(workshop, { model: 'nowhere', dataDir });
  await expect(service.service.ready()).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('without a model', () => {
  test.each([
    '/v1/speakers',
    '/v1/speakers/ada',
    '/v1/speakers/ada/enrollments',
    '/v1/speakers/ada/profile',
    '/v1/speakers/ada/consent',
    '/v1/speakers/ada/consent/history',
    '/v1/speakers/ada/export',
    '/v1/jobs',
    '/v1/audit',
    '/v1/data-key/rotation',
    '/v1/info',
    '/metrics',
  ])('%s is read', async (path) => {
    expect((await service.fetch(path)).status).toBe(200);
  });

  test('a speaker is shown as the last model knew the voice', async () => {
    const { body } = await service.call('/v1/speakers/ada/enrollments');
    expect(body).toMatchObject({ speaker: { id: 'ada' }, enrollments: [{ filename: 'recording.wav' }] });
    expect(await service.call('/v1/speakers/ada/profile')).toMatchObject({
      body: { speakerId: 'ada', model: expect.stringMatching(/^small@/) },
    });
  });

  test('speakers are added, renamed, opted out and erased, and jobs are kept', async () => {
    const send = (method: string, path: string, body?: unknown): ReturnType<TestService['call']> =>
      service.call(path, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
    expect(await send('POST', '/v1/speakers', { id: 'cleo' })).toMatchObject({ status: 201 });
    expect(await send('PATCH', '/v1/speakers/ben', { name: 'Benjamin' })).toMatchObject({ status: 200 });
    expect(await send('DELETE', '/v1/speakers/ben/consent')).toMatchObject({ status: 200 });
    expect(await send('DELETE', '/v1/speakers/ben')).toMatchObject({ status: 200, body: { erased: { profiles: 0 } } });
    const session = await service.postForm('/v1/training-sessions', [
      ['items', '[{"speakerId":"ada"}]'],
      ['audio', wav(1)],
    ]);
    expect(session).toMatchObject({ status: 202, body: { state: 'queued' } });
  });

  test('what needs one says so', async () => {
    for (const path of ['/v1/speakers/ada/verify', '/v1/speakers/ada/enrollments', '/v1/identify', '/v1/embeddings']) {
      expect(await service.postForm(path, [['audio', wav(1)]])).toMatchObject({
        status: 503,
        body: { code: 'MODEL_NOT_READY' },
      });
    }
  });
});
