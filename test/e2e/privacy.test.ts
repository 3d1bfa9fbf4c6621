import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { auditView } from '../../src/service/audit/audit.dto.js';
import { consentView } from '../../src/service/consent/consent.dto.js';
import { rotationView } from '../../src/service/data-keys/data-keys.dto.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { exportView } from '../../src/service/privacy/export.dto.js';
import { writeHeartbeat } from '../../src/service/records/heartbeat.js';
import { checkedReceiptView, receiptView } from '../../src/service/speakers/receipt.dto.js';
import { timbre } from '../cli/support.js';
import { closeStore, isStored, onFiles, openStore, POSTGRES_URL, TRACES } from '../integration/stores.js';
import { spoken, TestService, until, wav, Workshop } from './support.js';

let workshop: Workshop;
let service: TestService;
let bundle: string;

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  service = await TestService.start(workshop, {
    model: bundle,
    dataDir: workshop.path('data'),
    enrollmentSeconds: 8,
    consent: 'required',
  });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

type Answer = Awaited<ReturnType<TestService['call']>>;

const path = (id: string, ...more: string[]): string => ['/v1/speakers', encodeURIComponent(id), ...more].join('/');

function send(method: string, at: string, body?: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'x-request-id': `test-${method}` };
  return service.call(at, body === undefined ? { method } : { method, headers, body: JSON.stringify(body) });
}

const FORM = { givenBy: 'Ada Lovelace', method: 'signed form', textVersion: 'privacy-2026-03' };

async function audit(query = ''): Promise<ReturnType<typeof auditView.parse>['entries']> {
  return auditView.strict().parse((await service.call(`/v1/audit${query}`)).body).entries;
}

describe('consent over HTTP', () => {
  test('comes first where it is required, and is withdrawn and given again', async () => {
    await service.postJson('/v1/speakers', { id: 'ada', name: 'Ada' });
    expect((await service.call(path('ada'))).body).toMatchObject({ consentStatus: 'NOT_RECORDED' });
    expect(consentView.strict().parse((await service.call(path('ada', 'consent'))).body)).toEqual({
      speakerId: 'ada',
      status: 'NOT_RECORDED',
      required: true,
      consent: null,
      withdrawnAt: null,
    });
    const enrol = (): Promise<Answer> => service.postForm(path('ada', 'enrollments'), [['audio', wav(3)]]);
    expect(await enrol()).toMatchObject({ status: 409, body: { code: 'CONSENT_REQUIRED' } });
    const given = await send('PUT', path('ada', 'consent'), { ...FORM, givenAt: '2026-03-01T10:30:00+01:00' });
    expect(given.status).toBe(200);
    expect(consentView.strict().parse(given.body)).toMatchObject({
      status: 'GIVEN',
      consent: { ...FORM, givenAt: '2026-03-01T09:30:00.000Z' },
    });
    expect(await enrol()).toMatchObject({ status: 201, body: { speaker: { consentStatus: 'GIVEN' } } });
    expect(await send('DELETE', path('ada', 'consent'))).toMatchObject({ status: 200, body: { status: 'WITHDRAWN' } });
    expect(await enrol()).toMatchObject({ status: 409, body: { code: 'OPTED_OUT' } });
    expect((await service.postForm(path('ada', 'verify'), [['audio', wav(3)]])).body).toMatchObject({
      decision: 'OPTED_OUT',
      score: null,
      recording: null,
    });
    expect(await send('PUT', path('ada', 'consent'), FORM)).toMatchObject({ status: 200, body: { status: 'GIVEN' } });
  });

  test.each([
    ['nothing', {}],
    ['no name', { ...FORM, givenBy: '' }],
    ['two lines', { ...FORM, method: 'a\nb' }],
    ['a long version', { ...FORM, textVersion: 'v'.repeat(101) }],
    ['the future', { ...FORM, givenAt: '2999-01-01T00:00:00Z' }],
    ['no time', { ...FORM, givenAt: 'yesterday' }],
    ['a field that nobody knows', { ...FORM, signature: 'x' }],
  ])('is not taken with %s', async (_, body) => {
    expect(await send('PUT', path('ada', 'consent'), body)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_ARGUMENT' },
    });
  });

  test('is nobody’s where there is nobody', async () => {
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', FORM],
      ['DELETE', undefined],
    ] as const) {
      expect(await send(method, path('nobody', 'consent'), body)).toMatchObject({ status: 404 });
    }
    expect(await service.call(path('nobody', 'export'))).toMatchObject({ status: 404 });
  });
});

describe('the audit trail over HTTP', () => {
  test('has the request, the outcome and the speaker, and no name', async () => {
    const entries = await audit('?speaker=ada');
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['speaker.created', 'consent.given', 'enrollment.added', 'consent.withdrawn']),
    );
    expect(entries.find(({ action }) => action === 'consent.given')).toMatchObject({
      by: service.key.split('_')[1],
      speakerId: 'ada',
      // The service's own: what a caller brings may tell of somebody.
      requestId: expect.stringMatching(/^[0-9a-f]{8}-/),
      outcome: 'OK',
    });
    expect(JSON.stringify(entries)).not.toMatch(/Lovelace|signed form/);
    const refused = entries.filter(({ action }) => action === 'enrollment.refused').map(({ outcome }) => outcome);
    expect(refused.sort()).toEqual(['CONSENT_REQUIRED', 'OPTED_OUT']);
  });

  test.each(['limit=0', 'limit=x', 'cursor=-1', 'from=yesterday', 'subject=ada', 'who=ada'])(
    'refuses %s',
    async (query) => {
      expect(await service.call(`/v1/audit?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_ARGUMENT' },
      });
    },
  );

  test('keeps no request id of a caller, and the log leads from the one to the other', async () => {
    const entry = (await audit('?speaker=ada')).find(({ action }) => action === 'consent.given');
    expect(JSON.stringify(await audit())).not.toContain('test-PUT');
    await until(() =>
      service.log.some(({ requestId, trailId }) => requestId === 'test-PUT' && trailId === entry?.requestId),
    );
  });

  test('cannot be written to', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(await send(method, '/v1/audit')).toMatchObject({ status: 404 });
    }
  });
});

describe('retention over HTTP', () => {
  test('says that it follows the clock, and is confirmed', async () => {
    expect(await service.call('/v1/retention')).toMatchObject({
      status: 200,
      body: { state: 'running', heartbeat: expect.any(String) },
    });
    expect(await send('POST', '/v1/retention/confirm')).toMatchObject({ status: 200, body: { state: 'running' } });
    const shown = await timbre(['retention', 'confirm', '--url', service.url, '--json'], { env: service.env });
    expect(shown).toMatchObject({ status: 0, stdout: expect.stringContaining('"state": "running"') });
  });

  test('is paused where the clock has jumped, and everything else works', async () => {
    const dataDir = workshop.path('jumped');
    const first = await TestService.start(workshop, { model: bundle, dataDir });
    await first.postJson('/v1/speakers', { id: 'old' });
    await first.close();
    // As if the clock had said something else until now.
    const store = await openStore(dataDir);
    const written = new Date('2001-01-01T00:00:00Z');
    await new TypeOrmUnitOfWork(store).transaction(({ notes }) => writeHeartbeat(notes, written));
    await closeStore(store);
    const later = await TestService.start(workshop, { model: bundle, dataDir, retentionDays: 0.000001, noticeDays: 0 });
    try {
      await later.service.ready();
      expect(await later.call('/health/ready')).toMatchObject({
        status: 200,
        body: { details: { retention: { status: 'up', state: 'paused' } } },
      });
      await until(() => later.log.some(({ msg }) => String(msg).startsWith('retention is paused')));
      expect(await later.call('/v1/speakers/old')).toMatchObject({ status: 200 });
      expect(await later.call('/v1/retention/confirm', { method: 'POST' })).toMatchObject({
        body: { state: 'running' },
      });
      await until(async () => (await later.call('/v1/speakers/old')).status === 404);
    } finally {
      await later.close();
    }
  });
});

describe('a speaker with a voice', () => {
  const speech = spoken('m1', 0);

  beforeAll(async () => {
    await service.postJson('/v1/speakers', { id: 'eve', name: 'Eve of the export' });
    await send('PUT', path('eve', 'consent'), FORM);
    const { status } = await service.postForm(path('eve', 'enrollments'), [
      ['audio', speech, 'eve-1.wav'],
      ['audio', spoken('m1', 1), 'eve-2.wav'],
    ]);
    expect(status).toBe(201);
  });

  const identify = async (): Promise<string> => {
    return JSON.stringify((await service.postForm('/v1/identify', [['audio', spoken('m1', 2)]])).body);
  };

  test('is exported whole, by HTTP and from the command line', async () => {
    const found = await service.call(path('eve', 'export'));
    expect(found.headers.get('cache-control')).toBe('no-store');
    const view = exportView.strict().parse(found.body);
    expect(view).toMatchObject({ speaker: { name: 'Eve of the export' }, audio: { kept: false } });
    expect(view.enrollments.map(({ filename }) => filename)).toEqual(['eve-1.wav', 'eve-2.wav']);
    expect(JSON.stringify(view)).not.toContain('"embedding"');
    const words = ['--name', 'export', '--scope', 'admin', '--scope', 'vectors'];
    const { stdout: key } = await timbre(['keys', 'create', ...words], { env: service.env });
    const ran = await timbre(['speakers', 'export', 'eve', '--vectors', '--url', service.url], {
      env: { TIMBRE_API_KEY: key },
    });
    expect(ran).toMatchObject({ status: 0 });
    const full = exportView.parse(JSON.parse(ran.stdout));
    expect(full.enrollments[0]?.embedding).toHaveLength(32);
    expect(full.audit.filter(({ action }) => action === 'speaker.exported')).toHaveLength(2);
  });

  test('is found until opted out, and again after', async () => {
    expect(await identify()).toContain('"speakerId":"eve"');
    expect(await timbre(['speakers', 'opt-out', 'eve', '--url', service.url], { env: service.env })).toMatchObject({
      status: 0,
    });
    expect(await identify()).not.toContain('"eve"');
    const again = ['speakers', 'consent', 'eve', '--by', 'Eve', '--how', 'spoken', '--text', '2'];
    expect(await timbre([...again, '--url', service.url], { env: service.env })).toMatchObject({ status: 0 });
    expect(await identify()).toContain('"speakerId":"eve"');
  });

  test('is there after the data key was rotated', async () => {
    const keyFile = workshop.path('data', 'data.key');
    const before = await readFile(keyFile, 'utf8');
    expect(rotationView.strict().parse((await service.call('/v1/data-key/rotation')).body)).toMatchObject({
      state: 'idle',
      keys: 1,
    });
    const ran = await timbre(['keys', 'rotate-data', '--url', service.url, '--json'], { env: service.env });
    expect({ ...ran, stdout: JSON.parse(ran.stdout) as unknown }).toMatchObject({
      status: 0,
      stdout: { rotated: true },
    });
    const after = await readFile(keyFile, 'utf8');
    expect(after.trim().split('\n')).toHaveLength(1);
    expect(after).not.toBe(before);
    expect(await identify()).toContain('"speakerId":"eve"');
  });

  onFiles('is there after a backup was restored', async () => {
    const keyFile = workshop.path('data', 'data.key');
    const folder = workshop.path('restored');
    await mkdir(folder, { mode: 0o700 });
    const copy = workshop.path('restored', 'timbre.sqlite');
    const made = await timbre(['backup', copy], { env: { TIMBRE_DATA_DIR: workshop.path('data') } });
    expect(made).toMatchObject({ status: 0, stderr: expect.stringMatching(/key is not in it/) });
    const settings = { model: bundle, dataDir: folder, enrollmentSeconds: 8 };
    await expect(TestService.start(workshop, settings)).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/data\.key is missing/),
    });
    await copyFile(keyFile, workshop.path('restored', 'data.key'));
    await expect(TestService.start(workshop, settings)).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
    expect(await timbre(['data', 'acknowledge-restore', '--data-dir', folder])).toMatchObject({ status: 0 });
    const restored = await TestService.start(workshop, settings);
    await restored.service.ready();
    const found = await restored.postForm('/v1/identify', [['audio', spoken('m1', 2)]]);
    expect(found.body).toMatchObject({ speakerId: 'eve', decision: 'ACCEPT' });
    await restored.close();
  });

  test('is nowhere once erased: in no answer, no file and no temporary folder', async () => {
    const { speaker } = exportView.parse((await service.call(path('eve', 'export'))).body);
    const erased = await send('DELETE', path('eve'));
    expect(erased.status).toBe(200);
    const receipt = receiptView.strict().parse(erased.body);
    expect(receipt).toMatchObject({ subject: speaker.subject, traces: TRACES });
    expect(checkedReceiptView.strict().parse((await service.call(`/v1/receipts/${receipt.receipt}`)).body)).toEqual({
      ...receipt,
      remains: 0,
    });
    const checked = await timbre(['speakers', 'receipt', receipt.receipt, '--url', service.url], { env: service.env });
    expect(checked).toMatchObject({ status: 0, stdout: expect.stringMatching(/remains +nothing/) });
    expect(await service.call('/v1/receipts/none')).toMatchObject({ status: 404, body: { code: 'RECEIPT_NOT_FOUND' } });
    expect(await identify()).not.toContain('"eve"');
    const trail = await audit(`?subject=${speaker.subject}`);
    expect(trail.at(-1)).toMatchObject({ action: 'speaker.erased', speakerId: null, by: service.key.split('_')[1] });
    expect(JSON.stringify(trail)).not.toContain('"eve"');
    await service.close();
    // Files of SQLite are among those below.
    const rows = POSTGRES_URL === '' ? [] : ['Eve of the export', 'eve-1.wav'];
    for (const text of rows) expect(await isStored(workshop.path('data'), text)).toBe(false);
    await until(async () => (await service.uploads()).length === 0);
    for (const entry of await readdir(workshop.path('data'), { recursive: true })) {
      const file = workshop.path('data', entry);
      if (!(await stat(file)).isFile()) continue;
      const bytes = await readFile(file);
      for (const what of ['Eve of the export', 'eve-1.wav', '"eve"', speech.subarray(1000, 1064)]) {
        expect({ entry, what, found: bytes.includes(what) }).toEqual({ entry, what, found: false });
      }
    }
  });
});
