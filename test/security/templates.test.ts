import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { updateManifest } from '../../src/addon/index.js';
import { spoken, TestService, until, wav, Workshop } from '../e2e/support.js';
import { timbre } from '../cli/support.js';

/** What voices are recognised by is not readable by accident. */

let workshop: Workshop;
let service: TestService;
const keys = new Map<string, string>();

async function keyWith(...scopes: string[]): Promise<string> {
  const words = scopes.flatMap((scope) => ['--scope', scope]);
  const made = await timbre(['keys', 'create', '--name', 'x', ...words, '--data-dir', service.dataDir]);
  expect(made.status).toBe(0);
  return made.stdout.trim();
}

function as(name: string, init: RequestInit = {}): RequestInit {
  const headers = new Headers(init.headers);
  headers.set('x-api-key', keys.get(name)!);
  return { ...init, headers };
}

beforeAll(async () => {
  workshop = await Workshop.open();
  const model = await workshop.bundle();
  // Nobody passes: whoever asks is a stranger.
  await updateManifest(model, { thresholds: [{ falseAcceptRate: 0.01, cosine: 1, llr: 1000 }] }, model);
  service = await TestService.start(workshop, { model, enrollmentSeconds: 8 });
  await service.service.ready();
  keys.set('read', await keyWith('read'));
  keys.set('enrol', await keyWith('read', 'enrol'));
  keys.set('vectors', await keyWith('admin', 'vectors'));
  await service.postJson('/v1/speakers', { id: 'ada' });
  for (const sentence of [0, 1] as const) {
    await service.postForm('/v1/speakers/ada/enrollments', [['audio', spoken('m1', sentence)]]);
  }
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

describe('stored vectors', () => {
  const path = '/v1/speakers/ada/export?vectors=true';

  test('need a scope of their own, which no other includes, and are an entry of the trail', async () => {
    expect(await service.call(path)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } });
    expect((await service.call('/v1/speakers/ada/export')).status).toBe(200);
    const { status, body } = await service.call(path, as('vectors'));
    expect(status).toBe(200);
    expect((body as { profiles: { embedding: number[] }[] }).profiles[0]!.embedding).toHaveLength(32);
    const trail = (await service.call('/v1/audit')).body as { entries: { action: string; by: string }[] };
    const read = trail.entries.filter(({ action }) => action === 'vectors.exported');
    expect(read).toMatchObject([{ by: keys.get('vectors')!.split('_')[1] }]);
  });

  test('are given to nobody once the speaker has opted out', async () => {
    await service.call('/v1/speakers/ada/consent', { method: 'DELETE' });
    try {
      expect(await service.call(path, as('vectors'))).toMatchObject({ status: 409, body: { code: 'OPTED_OUT' } });
      expect((await service.call('/v1/speakers/ada/export')).status).toBe(200);
    } finally {
      await consent('ada', {});
    }
  });
});

async function consent(id: string, init: RequestInit): Promise<number> {
  const body = JSON.stringify({ givenBy: 'Ada', method: 'test', textVersion: '1' });
  const headers = new Headers(init.headers);
  headers.set('content-type', 'application/json');
  return (await service.call(`/v1/speakers/${id}/consent`, { ...init, method: 'PUT', headers, body })).status;
}

test('whom a stranger is nearest to is told to no key without the scope', async () => {
  const { body } = await service.postForm('/v1/identify', [['audio', spoken('f3', 2)]]);
  const found = body as { decision: string; ranking: unknown[]; margin: number | null };
  const whole = await service.call('/v1/identify', as('vectors', { method: 'POST', body: formOfStranger() }));
  const { decision, ranking } = whole.body as typeof found;
  expect(found.decision).toBe(decision);
  if (decision !== 'REJECT') throw new Error(`the test needs a stranger, and this is ${decision}`);
  expect(found).toMatchObject({ ranking: [], margin: null });
  expect(ranking).toHaveLength(1);
});

function formOfStranger(): FormData {
  const form = new FormData();
  form.append('audio', new Blob([new Uint8Array(spoken('f3', 2))]), 'x.wav');
  return form;
}

test('making a template of anybody is counted, on both ports', async () => {
  const counts = async (): Promise<Record<string, number>> => {
    const text = await (await service.fetch('/metrics')).text();
    return Object.fromEntries(
      [...text.matchAll(/^timbre_templates_total\{call="(\w+)"\} (\d+)/gm)].map(([, call, n]) => [call!, Number(n)]),
    );
  };
  const before = await counts();
  await service.postForm('/v1/embeddings', [
    ['audio', wav(1)],
    ['audio', wav(2)],
    ['audio', Buffer.from('no recording')],
  ]);
  await service.postForm('/v1/compare', [
    ['a', wav(1)],
    ['b', wav(2)],
  ]);
  const form = new FormData();
  form.append('audio', new Blob([new Uint8Array(wav(1))]), 'x.wav');
  await fetch(`${service.service.sidecarUrl}/extract-embedding-buffer`, { method: 'POST', body: form });
  const after = await counts();
  const more = (call: string): number => (after[call] ?? 0) - (before[call] ?? 0);
  expect([more('embed'), more('compare'), more('sidecar')]).toEqual([2, 2, 1]);
});

describe('an opt-out', () => {
  test('is lifted by admin alone', async () => {
    await service.postJson('/v1/speakers', { id: 'eve' });
    expect(await consent('eve', as('enrol'))).toBe(200);
    await service.call('/v1/speakers/eve/consent', as('enrol', { method: 'DELETE' }));
    expect(await consent('eve', as('enrol'))).toBe(403);
    expect((await service.call('/v1/speakers/eve')).body).toMatchObject({ consentStatus: 'WITHDRAWN' });
    expect(await consent('eve', {})).toBe(200);
  });

  test('makes the very file run through the model anew under another id', async () => {
    await service.postJson('/v1/speakers', { id: 'out' });
    await service.postJson('/v1/speakers', { id: 'other' });
    const recording = spoken('f2', 0);
    await service.postForm('/v1/speakers/out/enrollments', [['audio', recording]]);
    await service.call('/v1/speakers/out/consent', { method: 'DELETE' });
    const before = service.engineStats().completed;
    await service.postForm('/v1/speakers/other/enrollments', [['audio', recording]]);
    await until(() => service.engineStats().completed > before);
  });
});

describe('a rate of false accepts that a request asks for', () => {
  const compare = (rate: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> =>
    service.postForm('/v1/compare', [['a', wav(2)], ['b', wav(3)], ['falseAcceptRate', rate]], init); // prettier-ignore

  test('is above that of the service for keys of the scope admin alone', async () => {
    expect(await compare('0.05', as('read'))).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } });
    expect(await compare('0.01', as('read'))).toMatchObject({ status: 200, body: { falseAcceptRate: 0.01 } });
    const path = '/v1/speakers/ada/verify';
    for (const call of [path, '/v1/identify']) {
      const form: [string, string | Buffer][] = [
        ['audio', wav(2)],
        ['falseAcceptRate', '0.2'],
      ];
      expect(await service.postForm(call, form, as('read'))).toMatchObject({ body: { code: 'FORBIDDEN_SCOPE' } });
    }
  });

  test('is one that the calibration has a threshold for, between 1e-5 and 0.2', async () => {
    const refused = { status: 400, body: { code: 'INVALID_ARGUMENT' } };
    for (const rate of ['0', '1', 'NaN', '', '-0.01', '0.21', '9e-6', '0.05']) {
      expect(await compare(rate)).toMatchObject(refused);
    }
  });
});
