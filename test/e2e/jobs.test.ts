import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { ConfigInput } from '../../src/service/config/config.js';
import { enrollmentsView } from '../../src/service/enrollments/enrollments.dto.js';
import { itemEventView, jobsView, jobView, jobWithItemsView, type JobView } from '../../src/service/jobs/jobs.dto.js';
import { TestService, until, wav, Workshop, type Part } from './support.js';
import { isStored } from '../integration/stores.js';

let workshop: Workshop;
let model: string;
/** Recordings of the machine, below the only audio root. */
let root: string;
let folders = 0;
const running: TestService[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  root = workshop.path('recordings');
  await mkdir(root);
  for (let seed = 1; seed <= 6; seed++) await writeFile(join(root, `${seed}.wav`), wav(1, { seed }));
  await writeFile(join(root, 'noise.wav'), 'no recording at all');
  await writeFile(join(root, 'long.wav'), wav(40));
  await writeFile(workshop.path('outside.wav'), wav(1));
  await symlink(workshop.path('outside.wav'), join(root, 'link.wav'));
});

afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

afterAll(() => workshop.remove());

/** A service on a data folder of its own, or on that of an earlier one. */
async function start(settings: ConfigInput = {}): Promise<TestService & { dataDir: string }> {
  const dataDir = workshop.path(`data-${folders++}`);
  const all = { model, audioRoots: root, dataDir, maxAudioSeconds: 30, ...settings };
  const service = await TestService.start(workshop, all);
  running.push(service);
  return Object.assign(service, { dataDir: String(all.dataDir) });
}

/** One in which jobs wait: it never gets a model. */
const startWaiting = (settings: ConfigInput = {}): ReturnType<typeof start> => start({ model: 'nowhere', ...settings });

type Service = Awaited<ReturnType<typeof start>>;
type Answer = Awaited<ReturnType<TestService['call']>>;
type JobWithItems = z.output<typeof jobWithItemsView>;

const SESSIONS = '/v1/training-sessions';
const jobPath = (id: string, ...more: string[]): string => ['/v1/jobs', encodeURIComponent(id), ...more].join('/');
const at = (name: string): string => join(root, name);

function items(...names: string[]): { speakerId: string; path: string }[] {
  return names.map((name) => ({ speakerId: 'ada', path: at(name) }));
}

async function hand(service: Service, body: object): Promise<JobView> {
  const answer = await service.postJson(SESSIONS, { createSpeakers: true, ...body });
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 202 });
  const job = jobView.strict().parse(answer.body);
  expect(answer.headers.get('location')).toBe(jobPath(job.id));
  return job;
}

const upload = (service: Service, files: Buffer[], speakers: unknown[], more: Part[] = []): Promise<Answer> =>
  service.postForm(SESSIONS, [
    ['items', JSON.stringify(speakers)],
    ['createSpeakers', 'true'],
    ...more,
    ...files.map((file, i): Part => ['audio', file, `take-${i}.wav`]),
  ]);

async function read(service: Service, id: string, query = ''): Promise<JobWithItems> {
  const { status, body } = await service.call(jobPath(id) + query);
  expect({ status, body }).toMatchObject({ status: 200 });
  return jobWithItemsView.strict().parse(body);
}

/** The job once it is finished. */
async function finished(service: Service, id: string): Promise<JobWithItems> {
  for await (const { event } of follow(service, id)) if (event === 'end') break;
  return read(service, id);
}

interface Event {
  id: string | undefined;
  event: string;
  data: Record<string, unknown>;
}

/** Server-sent events as they come, until the stream ends. */
async function* follow(
  service: Service,
  id: string,
  lastEventId?: string,
  signal?: AbortSignal,
): AsyncGenerator<Event> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const response = await service.fetch(jobPath(id, 'events'), { headers, ...(signal && { signal }) });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const { id: eventId, event, data } = fields as { id?: string; event?: string; data?: string };
      if (event !== undefined) yield { id: eventId, event, data: JSON.parse(data ?? '') as Record<string, unknown> };
    }
  }
}

async function spooled(service: Service): Promise<string[]> {
  const names = await readdir(join(service.dataDir, 'spool'), { recursive: true });
  return names.filter((name) => name.includes('/'));
}

function expectError({ status, body, headers }: Answer, expected: number, code: string): void {
  expect({ status, body }).toMatchObject({ status: expected, body: { code } });
  expect((body as { requestId: string }).requestId).toBe(headers.get('x-request-id'));
}

describe('a training session', () => {
  let small: Service;

  beforeAll(async () => {
    small = await startWaiting({ maxJobItems: 4 });
    // Stays for all tests of this group.
    running.pop();
  });

  afterAll(() => small.close());

  test('of paths gives every recording an outcome of its own', async () => {
    const service = await start();
    await service.postJson('/v1/speakers', { id: 'ben' });
    const job = await hand(service, {
      createSpeakers: false,
      items: [
        { speakerId: 'ben', path: at('1.wav') },
        { speakerId: 'nobody', path: at('2.wav') },
        { speakerId: 'ben', path: at('noise.wav') },
        { speakerId: 'ben', path: at('gone.wav') },
        { speakerId: 'ben', path: workshop.path('outside.wav') },
        { speakerId: 'ben', path: at('link.wav') },
        { speakerId: 'ben', path: at('long.wav') },
        { speakerId: 'ben', path: root },
        { speakerId: 'ben', path: at('1.wav') },
        { speakerId: 'ben', path: at('2.wav') },
      ],
    });
    expect(job).toMatchObject({ state: 'queued', counts: { total: 10, waiting: 10 }, finishedAt: null });
    const end = await finished(service, job.id);
    expect(end).toMatchObject({ state: 'completed', counts: { waiting: 0, done: 3, failed: 7, cancelled: 0 } });
    expect(end.items.map(({ error }) => error?.code ?? null)).toEqual([
      null,
      'SPEAKER_NOT_FOUND',
      'AUDIO_UNSUPPORTED',
      'AUDIO_NOT_FOUND',
      'AUDIO_NOT_FOUND',
      'AUDIO_NOT_FOUND',
      'AUDIO_TOO_LONG',
      'AUDIO_NOT_FOUND',
      null,
      null,
    ]);
    for (const { error } of end.items) expect(error?.message ?? '').not.toContain(service.dataDir);
    expect(end.items[0]).toMatchObject({ filename: '1.wav', result: { duplicate: false, accepted: false } });
    expect(end.items[8]?.result).toEqual({ ...end.items[0]?.result, duplicate: true });
    const { body } = await service.call('/v1/speakers/ben/enrollments');
    const { enrollments } = enrollmentsView.parse(body);
    expect(enrollments.map(({ id }) => id).sort()).toEqual(
      [end.items[0], end.items[9]].map((item) => item?.result?.enrollmentId).sort(),
    );
    const digest = createHash('sha256')
      .update(await readFile(at('1.wav')))
      .digest('hex');
    expect(enrollments.map(({ sha256 }) => sha256)).toContain(digest);
    expect(await spooled(service)).toEqual([]);
    expect(await service.call('/v1/speakers/nobody')).toMatchObject({ status: 404 });
  });

  test.each<[string, ConfigInput]>([
    ['memory', {}],
    ['files', { uploadMemoryBytes: 0 }],
  ])('of uploads in %s takes the recordings over and adds the speakers', async (_where, settings) => {
    const service = await start(settings);
    const files = [wav(1, { seed: 1 }), Buffer.from('nothing'), wav(1, { seed: 2 })];
    const speakers = [{ speakerId: 'ada', name: 'Ada' }, { speakerId: 'ada' }, { speakerId: 'ben' }];
    const { status, body } = await upload(service, files, speakers);
    expect(status).toBe(202);
    const end = await finished(service, jobView.parse(body).id);
    expect(end).toMatchObject({
      state: 'completed',
      items: [
        { speakerId: 'ada', filename: 'take-0.wav', path: null, state: 'done' },
        { speakerId: 'ada', filename: 'take-1.wav', state: 'failed', error: { code: 'AUDIO_UNSUPPORTED' } },
        { speakerId: 'ben', filename: 'take-2.wav', state: 'done' },
      ],
    });
    expect((await service.call('/v1/speakers/ada')).body).toMatchObject({ name: 'Ada' });
    expect(await spooled(service)).toEqual([]);
    expect(await service.uploads()).toEqual([]);
  });

  test('brings the consent of its speakers, for all or one by one, where a consent is required', async () => {
    const service = await start({ consent: 'required' });
    const ofAll = { method: 'signed form', textVersion: 'privacy-2026' };
    const session = {
      items: [
        { speakerId: 'ada', name: 'Ada', path: at('1.wav') },
        { speakerId: 'ben', consent: { ...ofAll, givenBy: 'his mother' }, path: at('2.wav') },
      ],
    };
    const without = await hand(service, { items: [{ speakerId: 'cleo', path: at('3.wav') }] });
    expect((await finished(service, without.id)).items).toMatchObject([{ error: { code: 'CONSENT_REQUIRED' } }]);
    const { id } = await hand(service, { ...session, consent: ofAll });
    expect(await finished(service, id)).toMatchObject({ counts: { done: 2, failed: 0 } });
    const consents = await Promise.all(['ada', 'ben'].map((of) => service.call(`/v1/speakers/${of}/consent`)));
    expect(consents.map(({ body }) => body)).toMatchObject([
      { status: 'GIVEN', consent: { ...ofAll, givenBy: 'Ada' } },
      { status: 'GIVEN', consent: { ...ofAll, givenBy: 'his mother' } },
    ]);
    const fields: Part[] = [['consent', JSON.stringify(ofAll)]];
    const { body } = await upload(service, [wav(1, { seed: 4 })], [{ speakerId: 'cleo' }], fields);
    expect(await finished(service, jobView.parse(body).id)).toMatchObject({ counts: { done: 1 } });
    for (const consent of ['{', '{"method":"x"}', '{"method":"","textVersion":"1"}']) {
      const refused = await upload(service, [wav(1)], [{ speakerId: 'dan' }], [['consent', consent]]);
      expectError(refused, 400, 'INVALID_ARGUMENT');
    }
    expect(await service.call('/v1/speakers/dan')).toMatchObject({ status: 404 });
  });

  test('in which every recording fails has failed', async () => {
    const service = await start();
    const { id } = await hand(service, { items: items('noise.wav', 'gone.wav') });
    expect(await finished(service, id)).toMatchObject({ state: 'failed', counts: { done: 0, failed: 2 } });
  });

  test.each<[string, unknown, number, string]>([
    ['no items', {}, 400, 'INVALID_ARGUMENT'],
    ['an empty list', { items: [] }, 400, 'INVALID_ARGUMENT'],
    ['an item without a speaker', { items: [{ path: '/x' }] }, 400, 'INVALID_ARGUMENT'],
    ['an item without a path', { items: [{ speakerId: 'ada' }] }, 400, 'INVALID_ARGUMENT'],
    ['an id that is a path', { items: [{ speakerId: '../x', path: '/x' }] }, 400, 'INVALID_ARGUMENT'],
    ['a name of two lines', { items: [{ speakerId: 'a', name: 'a\nb', path: '/x' }] }, 400, 'INVALID_ARGUMENT'],
    ['a field that nobody knows', { items: [{ speakerId: 'a', path: '/x', x: 1 }] }, 400, 'INVALID_ARGUMENT'],
    ['a list', [], 400, 'INVALID_ARGUMENT'],
    [
      'five items, where four are allowed',
      { items: Array.from({ length: 5 }, () => ({ speakerId: 'a', path: '/x' })) },
      413,
      'BODY_TOO_LARGE',
    ],
  ])('is refused with %s', async (_, body, status, code) => {
    expectError(await small.postJson(SESSIONS, body), status, code);
    expect(jobsView.parse((await small.call('/v1/jobs')).body)).toMatchObject({ jobs: [], total: 0 });
  });

  test.each<[string, Part[], number, string]>([
    ['no recording', [['items', '[{"speakerId":"a"}]']], 400, 'INVALID_ARGUMENT'],
    ['no items', [['audio', wav(1)]], 400, 'INVALID_ARGUMENT'],
    ['items that are no JSON', [['items', '[{'], ['audio', wav(1)]], 400, 'INVALID_ARGUMENT'], // prettier-ignore
    ['items that are no list', [['items', '{}'], ['audio', wav(1)]], 400, 'INVALID_ARGUMENT'], // prettier-ignore
    [
      'an item too many',
      [
        ['items', '[{"speakerId":"a"},{"speakerId":"b"}]'],
        ['audio', wav(1)],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'five recordings, where four are allowed',
      [['items', '[]'], ...Array.from({ length: 5 }, (): Part => ['audio', wav(1)])],
      413,
      'BODY_TOO_LARGE',
    ],
  ])('is refused as a form with %s', async (_, parts, status, code) => {
    expectError(await small.postForm(SESSIONS, parts), status, code);
    expect(await small.uploads()).toEqual([]);
    expect(await spooled(small)).toEqual([]);
  });

  test('is refused as bad JSON, and as something else', async () => {
    const post = (type: string, body: string): Promise<Answer> =>
      small.call(SESSIONS, { method: 'POST', headers: { 'content-type': type }, body });
    expectError(await post('application/json', '{"items":'), 400, 'INVALID_ARGUMENT');
    expectError(await post('text/csv', 'ada,1.wav'), 415, 'CONTENT_TYPE_UNSUPPORTED');
  });
});

describe('what waits', () => {
  test('is bounded in jobs and in bytes', async () => {
    const service = await startWaiting({ maxJobs: 2, maxSpoolBytes: 50_000 });
    const { status, body } = await upload(service, [wav(1)], [{ speakerId: 'ada' }]);
    expect(status).toBe(202);
    const full = await upload(service, [wav(1)], [{ speakerId: 'ada' }]);
    expectError(full, 429, 'OVERLOADED');
    expect(full.headers.get('retry-after')).toBe('30');
    expect(await spooled(service)).toHaveLength(1);
    await hand(service, { items: items('1.wav') });
    expectError(await service.postJson(SESSIONS, { items: items('2.wav') }), 429, 'OVERLOADED');
    await service.call(jobPath(jobView.parse(body).id, 'cancel'), { method: 'POST' });
    await hand(service, { items: items('2.wav') });
    const metrics = await (await service.fetch('/metrics')).text();
    expect(metrics).toContain('timbre_jobs{state="waiting"} 2');
    expect(metrics).toContain('timbre_spool_bytes 0');
  });

  test('is for nobody else to read', async () => {
    const service = await startWaiting();
    await upload(service, [wav(1)], [{ speakerId: 'ada' }]);
    const [name] = await spooled(service);
    const file = join(service.dataDir, 'spool', name ?? '');
    const modes = await Promise.all([file, join(file, '..'), join(file, '..', '..')].map((path) => stat(path)));
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['600', '700', '700']);
  });

  test('is cancelled, then removed', async () => {
    const service = await startWaiting();
    const { body } = await upload(service, [wav(1), wav(2)], [{ speakerId: 'ada' }, { speakerId: 'ada' }]);
    const { id } = jobView.parse(body);
    const follower = follow(service, id);
    expect((await follower.next()).value).toMatchObject({ event: 'job', data: { id, state: 'queued' } });

    expectError(await service.call(jobPath(id), { method: 'DELETE' }), 409, 'JOB_NOT_FINISHED');
    const cancelled = await service.call(jobPath(id, 'cancel'), { method: 'POST' });
    expect({ status: cancelled.status, body: jobView.strict().parse(cancelled.body) }).toMatchObject({
      status: 200,
      body: { state: 'cancelled', counts: { total: 2, waiting: 0, cancelled: 2 }, secondsLeft: null },
    });
    expect(await spooled(service)).toEqual([]);
    expect((await follower.next()).value).toMatchObject({ event: 'end', id: '1', data: { state: 'cancelled' } });
    expect(await follower.next()).toMatchObject({ done: true });
    expect((await read(service, id)).items).toMatchObject([{ state: 'cancelled' }, { state: 'cancelled' }]);

    // A call that is repeated because its answer was lost destroys nothing.
    expect(await service.call(jobPath(id, 'cancel'), { method: 'POST' })).toMatchObject({ status: 200 });
    expect((await read(service, id)).items).toHaveLength(2);
    expect(await service.call(jobPath(id), { method: 'DELETE' })).toMatchObject({ status: 204, body: null });
    expectError(await service.call(jobPath(id)), 404, 'JOB_NOT_FOUND');
    expectError(await service.call(jobPath(id), { method: 'DELETE' }), 404, 'JOB_NOT_FOUND');
    expectError(await service.call(jobPath(id, 'events')), 404, 'JOB_NOT_FOUND');
  });

  test('is listed newest first, page by page', async () => {
    const service = await startWaiting();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await hand(service, { items: items('1.wav') })).id);
    const listed: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await service.call(`/v1/jobs?limit=2${cursor && `&cursor=${cursor}`}`);
      const page = jobsView.strict().parse(body);
      expect(page.total).toBe(5);
      listed.push(...page.jobs.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(listed)).toEqual(new Set(ids));
    expect(listed).toHaveLength(5);
    for (const query of ['limit=0', 'limit=501', 'cursor=x', 'page=1']) {
      expectError(await service.call(`/v1/jobs?${query}`), 400, 'INVALID_ARGUMENT');
    }
  });

  test('shows its recordings page by page, and by state', async () => {
    const service = await startWaiting();
    const { id } = await hand(service, { items: items('1.wav', '2.wav', '3.wav') });
    const first = await read(service, id, '?limit=2');
    expect(first).toMatchObject({ items: [{ index: 0, path: at('1.wav') }, { index: 1 }] });
    const second = await read(service, id, `?limit=2&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ nextCursor: null, items: [{ index: 2 }] });
    expectError(await service.call(`/v1/jobs?cursor=${first.nextCursor}`), 400, 'INVALID_ARGUMENT');
    expect((await read(service, id, '?state=done')).items).toEqual([]);
    expectError(await service.call(`${jobPath(id)}?state=x`), 400, 'INVALID_ARGUMENT');
  });

  test('knows nothing of a speaker who was erased', async () => {
    const service = await startWaiting();
    const { body } = await upload(service, [wav(1)], [{ speakerId: 'leaving' }]);
    const { id } = jobView.parse(body);
    expect(await service.call('/v1/speakers/leaving', { method: 'DELETE' })).toMatchObject({ status: 200 });
    expect(await spooled(service)).toEqual([]);
    expect(await read(service, id)).toMatchObject({
      state: 'failed',
      items: [{ speakerId: null, filename: null, state: 'failed', error: { code: 'SPEAKER_NOT_FOUND' } }],
    });
    expect(await isStored(service.dataDir, 'leaving')).toBe(false);
  });

  test('goes on in the next process, and what nobody waits for is swept away', async () => {
    const first = await startWaiting();
    const { body } = await upload(first, [wav(1), wav(1, { seed: 2 })], [{ speakerId: 'ada' }, { speakerId: 'ben' }]);
    const { id } = jobView.parse(body);
    await first.close();
    const stray = join(first.dataDir, 'spool', 'stray');
    await mkdir(stray);
    await writeFile(join(stray, '0'), wav(1));
    await writeFile(join(first.dataDir, 'spool', id, '7'), wav(1));
    const second = await start({ dataDir: first.dataDir });
    expect(await finished(second, id)).toMatchObject({ state: 'completed', counts: { done: 2 } });
    await until(async () => (await readdir(join(first.dataDir, 'spool'))).length === 0);
  });

  test('has failed where its upload was lost', async () => {
    const first = await startWaiting();
    const { body } = await upload(first, [wav(1)], [{ speakerId: 'ada' }]);
    const { id } = jobView.parse(body);
    await first.close();
    await rm(join(first.dataDir, 'spool'), { recursive: true });
    const second = await start({ dataDir: first.dataDir });
    expect(await finished(second, id)).toMatchObject({ items: [{ error: { code: 'AUDIO_NOT_FOUND' } }] });
  });
});

describe('events', () => {
  test('are numbered, end with the job, and go on after the last one that was seen', async () => {
    const service = await start();
    const names = ['1.wav', 'noise.wav', '2.wav', '3.wav'];
    const { id } = await hand(service, { items: items(...names) });
    const all: Event[] = [];
    for await (const event of follow(service, id)) all.push(event);
    expect(all.map(({ event }) => event)).toEqual(['job', ...names.map(() => 'item'), 'end']);
    expect(all.map((event) => event.id)).toEqual([undefined, '1', '2', '3', '4', '5']);
    const told = all.filter(({ event }) => event === 'item').map(({ data }) => itemEventView.strict().parse(data));
    expect(told.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
    expect(all.at(-1)?.data).toEqual(jobView.parse(await read(service, id)));

    const rest: Event[] = [];
    for await (const event of follow(service, id, '2')) rest.push(event);
    const toldAgain = rest.slice(1, -1).map(({ id: number, data }) => [number, itemEventView.parse(data).index]);
    expect(toldAgain).toEqual(
      all.slice(3, -1).map(({ id: number, data }) => [number, itemEventView.parse(data).index]),
    );
    expect(rest.at(-1)).toEqual(all.at(-1));
    const last: Event[] = [];
    for await (const event of follow(service, id, '4')) last.push(event);
    expect(last.slice(1)).toEqual(all.slice(-1));
    for (const seen of ['5', '99']) {
      const headers = { 'last-event-id': seen };
      expect(await service.call(jobPath(id, 'events'), { headers })).toMatchObject({ status: 204 });
    }
    expectError(
      await service.call(jobPath(id, 'events'), { headers: { 'last-event-id': '-1' } }),
      400,
      'INVALID_ARGUMENT',
    );
  });

  test('are for a bounded number of clients, and a client that leaves makes room', async () => {
    const service = await startWaiting({ maxEventStreams: 1 });
    const { id } = await hand(service, { items: items('1.wav') });
    const leaving = new AbortController();
    const follower = follow(service, id, undefined, leaving.signal);
    await follower.next();
    expectError(await service.call(jobPath(id, 'events')), 429, 'OVERLOADED');
    leaving.abort();
    await expect(follower.next()).rejects.toThrow();
    await until(async () => {
      const next = new AbortController();
      const { status } = await service.fetch(jobPath(id, 'events'), { signal: next.signal });
      next.abort();
      return status === 200;
    });
  });

  test('end with the service, and go on in the next one', async () => {
    const first = await start();
    const names = Array.from({ length: 20 }, (_, i) => `many-${i}.wav`);
    for (const [i, name] of names.entries()) await writeFile(at(name), wav(1.5, { seed: 1 + i / 10 }));
    const { id } = await hand(first, { items: items(...names) });
    const seen: Event[] = [];
    let closing: Promise<void> | undefined;
    for await (const event of follow(first, id)) {
      seen.push(event);
      if (event.event === 'item') closing ??= first.close();
    }
    await closing;
    expect(seen.at(-1)?.event).toBe('item');
    const second = await start({ dataDir: first.dataDir });
    const left = await read(second, id);
    expect(left).toMatchObject({ state: 'running' });
    for await (const event of follow(second, id, seen.at(-1)?.id)) seen.push(event);
    const numbers = seen.flatMap((event) => (event.id === undefined ? [] : [Number(event.id)]));
    expect(numbers).toEqual(Array.from({ length: names.length + 1 }, (_, i) => i + 1));
    const end = await read(second, id);
    expect(end).toMatchObject({ state: 'completed', counts: { done: names.length } });
    const { enrollments } = enrollmentsView.parse((await second.call('/v1/speakers/ada/enrollments')).body);
    expect(enrollments).toHaveLength(names.length);
    expect(end.items.every(({ result }) => result?.duplicate === false)).toBe(true);
  });
});

test('a running job is cancelled between two recordings, and what it enrolled stays', async () => {
  const service = await start();
  const names = Array.from({ length: 20 }, (_, i) => `more-${i}.wav`);
  for (const [i, name] of names.entries()) await writeFile(at(name), wav(1.5, { seed: 8 + i / 10 }));
  const { id } = await hand(service, { items: items(...names) });
  let cancelled: Promise<Answer> | undefined;
  let end: JobView | undefined;
  for await (const { event, data } of follow(service, id)) {
    if (event === 'item') cancelled ??= service.call(jobPath(id, 'cancel'), { method: 'POST' });
    if (event === 'end') end = jobView.parse(data);
  }
  expect((await cancelled)?.status).toBe(200);
  expect(end?.state).toBe('cancelled');
  const { done = 0, cancelled: given = 0 } = end?.counts ?? {};
  expect(done).toBeGreaterThan(0);
  expect(done + given).toBe(names.length);
  await until(() => service.inEngine() === 0);
  const { enrollments } = enrollmentsView.parse((await service.call('/v1/speakers/ada/enrollments')).body);
  expect(enrollments).toHaveLength(done);
  await until(async () => (await readdir(join(service.dataDir, 'spool'))).length === 0);
});

test('jobs that ended long ago are removed at the start', async () => {
  const first = await start();
  const old = await hand(first, { items: items('1.wav') });
  await finished(first, old.id);
  await first.close();
  const second = await start({ dataDir: first.dataDir, jobDays: 0 });
  await until(async () => (await second.call(jobPath(old.id))).status === 404);
  await second.service.ready();
  const { body } = await second.call('/v1/speakers/ada/enrollments');
  expect(enrollmentsView.parse(body).enrollments).toHaveLength(1);
});

test('a spool that cannot be written is 507', async () => {
  const service = await startWaiting();
  await rm(join(service.dataDir, 'spool'), { recursive: true, force: true });
  await writeFile(join(service.dataDir, 'spool'), 'in the way');
  expectError(await upload(service, [wav(1)], [{ speakerId: 'ada' }]), 507, 'WRITE_FAILED');
  expect(jobsView.parse((await service.call('/v1/jobs')).body).jobs).toEqual([]);
  expect(await service.uploads()).toEqual([]);
});
