import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { enrolledView, enrollmentsView } from '../../src/service/enrollments/enrollments.dto.js';
import { exportView } from '../../src/service/privacy/export.dto.js';
import { groupKeepingView, recordingsView } from '../../src/service/recordings/recordings.dto.js';
import { receiptView } from '../../src/service/speakers/receipt.dto.js';
import { timbre } from '../cli/support.js';
import { TestService, wav, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;
const keys = new Map<string, string>();

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    enrollmentSeconds: 8,
    consent: 'required',
    keptRecordingBytes: 512 * 1024,
    recordingDays: 90,
  });
  await service.service.ready();
  for (const scope of ['admin', 'enrol']) keys.set(scope, await made(scope));
  keys.set('vectors', await made('admin', 'vectors'));
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

type Answer = Awaited<ReturnType<TestService['call']>>;

function send(method: string, at: string, body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return service.call(at, body === undefined ? { method } : { method, headers, body: JSON.stringify(body) });
}

const CONSENT = { method: 'signed form', textVersion: '2026-03' };

/** A key that the command line makes: the scope `vectors` is given on the machine alone. */
async function made(...scopes: string[]): Promise<string> {
  const words = scopes.flatMap((scope) => ['--scope', scope]);
  const args = ['keys', 'create', '--name', 'test', ...words, '--data-dir', service.dataDir];
  const { status, stdout } = await timbre(args, { env: service.env });
  expect(status).toBe(0);
  return stdout.trim();
}

const key = (scope: string): Record<string, string> => ({ authorization: `Bearer ${keys.get(scope)!}` });

describe('keeping of recordings over HTTP', () => {
  test('is off until a group says otherwise, and told by every answer', async () => {
    expect((await service.call('/v1/info')).body).toMatchObject({
      recordings: { keep: false, largestBytes: 512 * 1024, totalBytes: 10 * 2 ** 30, days: 90 },
    });
    await service.postJson('/v1/groups', { id: 'home' });
    expect((await service.call('/v1/groups/home/keeping')).body).toEqual({ group: 'home', setting: null });
    await service.postJson('/v1/speakers', { id: 'ada', groups: ['home'], consent: CONSENT });
    const enrol = (seconds: number, seed: number): Promise<Answer> =>
      service.postForm('/v1/speakers/ada/enrollments', [['audio', wav(seconds, { seed })]]);
    expect((await enrol(4, 1)).body).toMatchObject({
      speaker: { recordingsKept: 0 },
      results: [{ audioNotKept: 'OFF', enrollment: { audioKept: false } }],
    });
    const set = await send('PUT', '/v1/groups/home/keeping', { setting: 'on' });
    expect(groupKeepingView.strict().parse(set.body)).toEqual({ group: 'home', setting: 'on' });
    const kept = await enrol(4, 2);
    expect(enrolledView.parse(kept.body)).toMatchObject({
      speaker: { recordingsKept: 1 },
      results: [{ audioNotKept: null, enrollment: { audioKept: true } }],
    });
    expect((await enrol(20, 3)).body).toMatchObject({ results: [{ audioNotKept: 'TOO_LARGE' }] });
    expect((await service.call('/v1/speakers/ada')).body).toMatchObject({ recordingsKept: 1 });
    const { enrollments } = enrollmentsView.parse((await service.call('/v1/speakers/ada/enrollments')).body);
    expect(enrollments.map(({ audioKept }) => audioKept)).toEqual([false, true, false]);
    const list = recordingsView.strict().parse((await service.call('/v1/speakers/ada/recordings')).body);
    const [{ keptAt, expiresAt }] = list.recordings as [(typeof list.recordings)[number]];
    expect(new Date(expiresAt!).getTime() - new Date(keptAt).getTime()).toBe(90 * 86_400_000);
    expect(list).toMatchObject({
      keeps: true,
      from: 'group',
      recordings: [{ bytes: wav(4, { seed: 2 }).length }],
      nextCursor: null,
    });
    const metrics = await (await service.fetch('/metrics')).text();
    expect(metrics).toContain('timbre_kept_recordings{of="recordings"} 1');
    expect(metrics).toContain('timbre_recordings_kept_total{result="KEPT"} 1');
  });

  test('gives a recording back as it was uploaded, to a key of the scope vectors alone', async () => {
    const { enrollments } = enrollmentsView.parse((await service.call('/v1/speakers/ada/enrollments')).body);
    const [without, withAudio] = enrollments.map(({ id }) => `/v1/speakers/ada/enrollments/${id}/audio`);
    expect(await service.call(withAudio!, { headers: key('admin') })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN_SCOPE' },
    });
    const headers = key('vectors');
    const response = await service.fetch(withAudio!, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(enrollments[1]!.sha256);
    expect(await service.call(without!, { headers })).toMatchObject({
      status: 404,
      body: { code: 'RECORDING_NOT_KEPT' },
    });
    expect(await service.call('/v1/speakers/ada/enrollments/nothing/audio', { headers })).toMatchObject({
      status: 404,
      body: { code: 'ENROLLMENT_NOT_FOUND' },
    });
    expect((await service.call('/v1/audit')).body).toMatchObject({
      entries: expect.arrayContaining([expect.objectContaining({ action: 'recording.exported' })]),
    });
  });

  test('is part of the export, and goes with the opt-out and with the speaker', async () => {
    const exported = exportView.parse((await service.call('/v1/speakers/ada/export')).body);
    expect(exported.audio.kept).toBe(true);
    expect(exported.recordings).toHaveLength(1);
    const headers = key('vectors');
    expect((await service.fetch(exported.recordings[0]!.path!, { headers })).status).toBe(200);
    expect((await send('DELETE', '/v1/speakers/ada/consent')).status).toBe(200);
    expect((await service.call('/v1/speakers/ada')).body).toMatchObject({ recordingsKept: 0 });
    await send('PUT', '/v1/speakers/ada/consent', CONSENT);
    await service.postForm('/v1/speakers/ada/enrollments', [['audio', wav(4, { seed: 2 })]]);
    expect((await send('DELETE', '/v1/speakers/ada/recordings')).body).toEqual({ removed: 1 });
    await service.postForm('/v1/speakers/ada/enrollments', [['audio', wav(4, { seed: 2 })]]);
    expect(receiptView.parse((await send('DELETE', '/v1/speakers/ada')).body).erased).toMatchObject({ recordings: 1 });
  });

  test.each([
    ['another word', '/v1/groups/home/keeping', { setting: 'maybe' }, 400, 'INVALID_ARGUMENT'],
    ['nothing', '/v1/groups/home/keeping', {}, 400, 'INVALID_ARGUMENT'],
    ['more than there is', '/v1/groups/home/keeping', { setting: 'on', who: 'all' }, 400, 'INVALID_ARGUMENT'],
    ['a group that is not there', '/v1/groups/away/keeping', { setting: 'on' }, 404, 'GROUP_NOT_FOUND'],
  ])('refuses %s', async (_, at, body, status, code) => {
    expect(await send('PUT', at, body)).toMatchObject({ status, body: { code } });
  });

  test('lets nobody switch it who may not', async () => {
    const headers = { ...key('enrol'), 'content-type': 'application/json' };
    const body = JSON.stringify({ setting: 'on' });
    expect(await service.call('/v1/groups/home/keeping', { method: 'PUT', headers, body })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN_SCOPE' },
    });
  });
});
