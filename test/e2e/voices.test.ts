import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  enrolledView,
  enrollmentsView,
  enrollmentView,
  profileView,
} from '../../src/service/enrollments/enrollments.dto.js';
import { identificationView } from '../../src/service/identification/identification.dto.js';
import { speakersView, speakerView } from '../../src/service/speakers/speakers.dto.js';
import { verificationView } from '../../src/service/verification/verification.dto.js';
import { filesBelow } from '../files.js';
import { spoken, TestService, wav, Workshop } from './support.js';
import { lockStore, TRACES } from '../integration/stores.js';

let workshop: Workshop;
let service: TestService;
let bundle: string;
const ROOMS = { enrollmentSeconds: 8, minSpeechSeconds: 1, maxFiles: 4 };

beforeAll(async () => {
  workshop = await Workshop.open();
  bundle = await workshop.bundle();
  service = await TestService.start(workshop, { model: bundle, dataDir: workshop.path('data'), ...ROOMS });
  await service.service.ready();
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

type Answer = Awaited<ReturnType<TestService['call']>>;
const path = (id: string, ...more: string[]): string => ['/v1/speakers', encodeURIComponent(id), ...more].join('/');
const enrol = (id: string, ...files: Buffer[]): Promise<Answer> =>
  service.postForm(
    path(id, 'enrollments'),
    files.map((file, i) => ['audio', file, `${id}-${i}.wav`] as const),
  );
const verify = (id: string, file: Buffer): Promise<Answer> => service.postForm(path(id, 'verify'), [['audio', file]]);
const send = (method: string, url: string, value?: unknown): Promise<Answer> =>
  service.call(url, {
    method,
    ...(value === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }),
  });

/** Status, code and a message for people. */
function expectError({ status, body, headers }: Answer, expected: number, code: string): void {
  expect({ status, body }).toMatchObject({ status: expected, body: { code } });
  const { message, requestId } = body as { message: string; requestId: string };
  expect(message.length).toBeGreaterThan(10);
  expect(message.length).toBeLessThan(600);
  expect(requestId).toBe(headers.get('x-request-id'));
}

async function add(id: string): Promise<void> {
  expect(await service.postJson('/v1/speakers', { id })).toMatchObject({ status: 201 });
}

async function enrolled(id: string, voice: string): Promise<void> {
  await add(id);
  const { status, body } = await enrol(id, spoken(voice, 0), spoken(voice, 1));
  expect({ status, body }).toMatchObject({ status: 201, body: { speaker: { enrollmentStatus: 'Enrolled' } } });
}

describe('a speaker', () => {
  test('is added, read, renamed and erased', async () => {
    const created = await service.postJson('/v1/speakers', { id: 'ada', name: ' Ada\u0301 ' });
    expect(created.status).toBe(201);
    expect(speakerView.strict().parse(created.body)).toMatchObject({
      id: 'ada',
      name: 'Adá',
      version: 1,
      enrollmentStatus: 'Enrolling',
      remainingEnrollmentsSpeechLengthInSec: 8,
    });
    expect((await service.call(path('ada'))).body).toEqual(created.body);
    const renamed = await send('PATCH', path('ada'), { name: null, version: 1 });
    expect({ status: renamed.status, body: speakerView.strict().parse(renamed.body) }).toMatchObject({
      status: 200,
      body: { name: null, version: 2 },
    });
    expectError(await send('PATCH', path('ada'), { name: 'Late', version: 1 }), 409, 'CONFLICT');
    expect(await send('DELETE', path('ada'))).toMatchObject({ status: 200, body: { traces: TRACES } });
    for (const method of ['GET', 'DELETE']) expectError(await send(method, path('ada')), 404, 'SPEAKER_NOT_FOUND');
    expectError(await send('PATCH', path('ada'), { name: 'Ada' }), 404, 'SPEAKER_NOT_FOUND');
  });

  test('gets a UUID where no id is given, and is there once', async () => {
    const { status, body } = await service.postJson('/v1/speakers', {});
    expect(status).toBe(201);
    const { id } = speakerView.parse(body);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expectError(await service.postJson('/v1/speakers', { id }), 409, 'SPEAKER_EXISTS');
    await send('DELETE', path(id));
  });

  test.each([
    ['an empty id', { id: '' }],
    ['an id that is a path', { id: '../../etc/passwd' }],
    ['an id of 10 kB', { id: 'x'.repeat(10_240) }],
    ['an id that is SQL', { id: `x'; DROP TABLE speakers;--` }],
    ['an id that is a number', { id: 7 }],
    ['an empty name', { name: '  ' }],
    ['a name of 10 kB', { name: 'n'.repeat(10_240) }],
    ['a name of two lines', { name: 'a\nb' }],
    ['a name that is an object', { name: { $ne: 1 } }],
    ['a field that nobody knows', { nmae: 'Ada' }],
    ['a list', []],
    ['null', null],
  ])('is not added with %s', async (_, body) => {
    expectError(await service.postJson('/v1/speakers', body), 400, 'INVALID_ARGUMENT');
  });

  test('can have an id and a name in any script, and SQL and paths in the name', async () => {
    const names = ['王秀英', '👩🏽‍🚀', `Robert'); DROP TABLE speakers;--`, '../../etc/passwd', '%00{{7*7}}'];
    for (const [i, name] of names.entries()) {
      const id = `Zoë.${'й'.repeat(100)}+${i}`;
      expect(await service.postJson('/v1/speakers', { id, name })).toMatchObject({ status: 201, body: { id, name } });
      expect(await service.call(path(id))).toMatchObject({ status: 200, body: { name } });
      expect(await send('DELETE', path(id))).toMatchObject({ status: 200 });
    }
  });

  test.each(['nobody', '..', '.', '%', '../../etc/passwd', `' OR '1'='1`, 'a\0b', '\u202E', 'x'.repeat(300)])(
    'is not found by the id %j',
    async (id) => {
      // URLs resolve dots before they are sent.
      const url = id === '..' || id === '.' ? `/v1/speakers/${id.replaceAll('.', '%2E')}/profile` : path(id);
      const { status, body } = await service.call(url);
      expect(status).toBe(404);
      expect(body).toHaveProperty('code', expect.stringMatching(/^(SPEAKER|ROUTE)_NOT_FOUND$/));
    },
  );

  test('is listed page by page', async () => {
    for (let i = 0; i < 5; i++) await add(`page-${i}`);
    const listed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = speakersView.strict().parse((await service.call(`/v1/speakers?limit=2${query}`)).body);
      listed.push(...page.speakers.map(({ id }) => id));
      expect(page.total).toBe(5);
      cursor = page.nextCursor;
    }
    expect(listed).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
    for (const id of listed) await send('DELETE', path(id));
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'cursor=x', `cursor=';--`, 'page=2', 'limit=1&limit=2']) {
      expectError(await service.call(`/v1/speakers?${query}`), 400, 'INVALID_ARGUMENT');
    }
  });
});

// Without a synthesiser only what needs no speech is tested.

describe('enrolment', () => {
  test('gives every recording a verdict and counts until there is enough', async () => {
    await add('eve');
    const first = await enrol('eve', spoken('m3', 0), Buffer.from('no recording at all'), wav(3));
    expect(first.status).toBe(201);
    const { speaker, results } = enrolledView.strict().parse(first.body);
    expect(speaker).toMatchObject({ enrollmentStatus: 'Enrolling', enrollmentsCount: 1 });
    const [stored, failed, buzz] = results;
    expect(stored).toMatchObject({ index: 0, filename: 'eve-0.wav', duplicate: false });
    expect(failed).toMatchObject({ index: 1, error: { code: 'AUDIO_UNSUPPORTED' } });
    expect(JSON.stringify(failed)).not.toContain(service.uploadDir);
    expect(buzz).toMatchObject({ enrollment: { accepted: false, reasons: ['TOO_LITTLE_SPEECH'] } });
    if (!stored || !('enrollment' in stored)) throw new Error('nothing was stored');
    expect(stored.enrollment).toMatchObject({
      sha256: createHash('sha256').update(spoken('m3', 0)).digest('hex'),
      accepted: true,
      audio: { sampleRate: 22_050, channels: 1 },
    });

    const again = enrolledView.parse((await enrol('eve', spoken('m3', 0))).body);
    expect(again.results[0]).toMatchObject({ duplicate: true, enrollment: { id: stored.enrollment.id } });
    expect(again.speaker).toEqual(speaker);

    const second = enrolledView.parse((await enrol('eve', spoken('m3', 1))).body);
    expect(second.speaker).toMatchObject({ enrollmentStatus: 'Enrolled', enrollmentsCount: 2 });
    expect(second.speaker.remainingEnrollmentsSpeechLengthInSec).toBe(0);

    const list = enrollmentsView.strict().parse((await service.call(path('eve', 'enrollments'))).body);
    expect(list.enrollments).toHaveLength(3);
    const one = await service.call(path('eve', 'enrollments', stored.enrollment.id));
    expect(list.enrollments).toContainEqual(enrollmentView.strict().parse(one.body));

    const profile = profileView.strict().parse((await service.call(path('eve', 'profile'))).body);
    expect(profile).toMatchObject({ enrollmentStatus: 'Enrolled', outliers: [], otherModels: [] });
    expect(profile.embedding).toBeUndefined();
    const asked = profileView.parse((await service.call(`${path('eve', 'profile')}?embedding=true`)).body);
    expect(Math.hypot(...(asked.embedding ?? []))).toBeCloseTo(1, 5);
    expectError(await service.call(`${path('eve', 'profile')}?embedding=1`), 400, 'INVALID_ARGUMENT');

    expect(await send('DELETE', path('eve', 'enrollments', stored.enrollment.id))).toMatchObject({ status: 204 });
    expectError(await send('DELETE', path('eve', 'enrollments', stored.enrollment.id)), 404, 'ENROLLMENT_NOT_FOUND');
    expect((await service.call(path('eve'))).body).toMatchObject({
      enrollmentStatus: 'Enrolling',
      enrollmentsCount: 1,
    });
    await send('DELETE', path('eve'));
  });

  test('refuses what it cannot take, and stores nothing of it', async () => {
    await add('eve');
    expectError(await service.postForm(path('eve', 'enrollments'), []), 400, 'INVALID_ARGUMENT');
    const misnamed = [
      ['file', wav(1)],
      ['file', wav(2)],
    ] as const;
    expectError(await service.postForm(path('eve', 'enrollments'), misnamed), 400, 'INVALID_ARGUMENT');
    expectError(await enrol('eve', ...Array.from({ length: 5 }, () => wav(1))), 413, 'BODY_TOO_LARGE');
    expectError(await service.postJson(path('eve', 'enrollments'), {}), 415, 'CONTENT_TYPE_UNSUPPORTED');
    expectError(await enrol('eve', Buffer.from('no recording')), 415, 'AUDIO_UNSUPPORTED');
    expectError(await enrol('eve', Buffer.alloc(0)), 422, 'AUDIO_CORRUPT');
    expectError(await enrol('nobody', wav(5)), 404, 'SPEAKER_NOT_FOUND');
    for (const id of ['x', `' OR 1=1--`, '..%2f']) {
      expectError(await service.call(path('eve', 'enrollments', encodeURIComponent(id))), 404, 'ENROLLMENT_NOT_FOUND');
    }
    expect((await service.call(path('eve', 'enrollments'))).body).toMatchObject({ enrollments: [] });
    expect(await service.uploads()).toEqual([]);
    await send('DELETE', path('eve'));
  });

  test('survives a locked database', async () => {
    const limited = await TestService.start(workshop, { model: bundle, dataDir: workshop.path('locked'), ...ROOMS });
    await limited.service.ready();
    const release = await lockStore(workshop.path('locked'));
    const refused = await limited.postJson('/v1/speakers', { id: 'ada' });
    expectError(refused, 503, 'STORAGE_UNAVAILABLE');
    expect(refused.headers.get('retry-after')).toBe('1');
    await release();
    expect(await limited.postJson('/v1/speakers', { id: 'ada' })).toMatchObject({ status: 201 });
    await limited.close();
  });
});

describe('verification and identification', () => {
  beforeAll(async () => {
    await enrolled('one', 'm1');
    await enrolled('two', 'f2');
    await add('new');
  });

  test('verify tells the decision and what it was made of', async () => {
    const { status, body } = await verify('one', spoken('m1', 2));
    expect({ status, body }).toMatchObject({ status: 200 });
    const found = verificationView.strict().parse(body);
    expect(found).toMatchObject({ speakerId: 'one', decision: 'ACCEPT', enrollmentStatus: 'Enrolled' });
    expect(found.score).toMatchObject({ threshold: 0.5, falseAcceptRate: 0.01 });
    expect(found.score?.cosine).toBeGreaterThan(0.9);
    expect(found.score?.llr).toBeCloseTo(-4 + 10 * (found.score?.cosine ?? 0), 5);
    expect(found.recording).toMatchObject({ filename: 'recording.wav', audio: { sampleRate: 22_050 } });
  });

  test('verify says where it cannot decide', async () => {
    expect((await verify('new', wav(3))).body).toMatchObject({ decision: 'NOT_ENROLLED', score: null });
    expect((await verify('one', wav(3))).body).toMatchObject({ decision: 'NOT_ENOUGH_SPEECH', score: null });
    expectError(await verify('nobody', wav(3)), 404, 'SPEAKER_NOT_FOUND');
    expectError(await verify('one', Buffer.from('no recording')), 415, 'AUDIO_UNSUPPORTED');
    const two = await service.postForm(path('one', 'verify'), [
      ['audio', wav(3)],
      ['audio', wav(4)],
    ]);
    expectError(two, 400, 'INVALID_ARGUMENT');
  });

  test('identify ranks the enrolled', async () => {
    const ask = (...more: [string, string][]): Promise<Answer> =>
      service.postForm('/v1/identify', [['audio', spoken('f2', 2)], ...more]);
    const { status, body } = await ask();
    expect({ status, body }).toMatchObject({ status: 200 });
    const found = identificationView.strict().parse(body);
    expect(found).toMatchObject({ decision: 'ACCEPT', speakerId: 'two', gallerySize: 2 });
    expect(found.ranking.map(({ speakerId }) => speakerId)).toEqual(['two', 'one']);
    expect(found.margin).toBeGreaterThan(0);

    expect((await ask(['top', '1'])).body).toMatchObject({ margin: found.margin, ranking: [{ rank: 1 }] });
    expect((await ask(['candidates', 'one, new'])).body).toMatchObject({ gallerySize: 1, margin: null });
    expect((await ask(['candidates', 'new'])).body).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0 });
    expectError(await ask(['candidates', 'one,nobody']), 404, 'SPEAKER_NOT_FOUND');
    for (const wrong of [
      ['top', '0'],
      ['top', 'x'],
      ['candidates', ' , '],
      ['speaker', 'one'],
    ] as [string, string][]) {
      expectError(await ask(wrong), 400, 'INVALID_ARGUMENT');
    }
  });

  test('nothing of an erased speaker is found, in any answer or file', async () => {
    await enrolled('departed', 'm5');
    const profile = await service.call(`${path('departed', 'profile')}?embedding=true`);
    expect(profileView.parse(profile.body).embedding).toHaveLength(32);
    await send('DELETE', path('departed'));
    expectError(await verify('departed', spoken('m5', 2)), 404, 'SPEAKER_NOT_FOUND');
    expectError(await service.call(path('departed', 'enrollments')), 404, 'SPEAKER_NOT_FOUND');
    const found = await service.postForm('/v1/identify', [['audio', spoken('m5', 2)]]);
    expect(JSON.stringify(found.body)).not.toContain('departed');
    for (const bytes of await filesBelow(workshop.path('data'))) expect(bytes.includes('departed')).toBe(false);
  });

  test('a second service on the same data is refused, and the first goes on', async () => {
    await expect(TestService.start(workshop, { model: bundle, dataDir: workshop.path('data') })).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect((await verify('one', spoken('m1', 2))).status).toBe(200);
  });

  test('another model does not meet the voices of this one, and this one finds them again', async () => {
    const other = await workshop.bundle('other', 'wespeaker');
    await service.close();
    const settings = { dataDir: workshop.path('data'), ...ROOMS };
    service = await TestService.start(workshop, { model: other, ...settings });
    await service.service.ready();
    expectError(await verify('one', spoken('m1', 2)), 409, 'MODEL_MISMATCH');
    expectError(await service.call(path('one', 'profile')), 409, 'MODEL_MISMATCH');
    expect((await service.postForm('/v1/identify', [['audio', wav(4)]])).body).toMatchObject({ gallerySize: 0 });
    await service.close();
    service = await TestService.start(workshop, { model: bundle, ...settings });
    await service.service.ready();
    expect((await verify('one', spoken('m1', 2))).body).toMatchObject({ decision: 'ACCEPT' });
  });

  test('a service with a wrong key does not start, and the right one still opens the data', async () => {
    await service.close();
    const settings = { model: bundle, dataDir: workshop.path('data'), ...ROOMS };
    const dataKey = Buffer.alloc(32, 1).toString('base64');
    await expect(TestService.start(workshop, { ...settings, dataKey })).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
    });
    service = await TestService.start(workshop, settings);
    await service.service.ready();
    expect((await verify('one', spoken('m1', 2))).body).toMatchObject({ decision: 'ACCEPT' });
  });
});
