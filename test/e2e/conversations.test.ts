import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { convertCheckpoint } from '../../src/addon/index.js';
import { TimbreClient } from '../../src/client/index.js';
import { readRttm } from '../../src/evaluation/rttm.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import {
  conversationsView,
  conversationView,
  type ConversationView,
} from '../../src/service/conversations/conversations.dto.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { jobView, jobWithItemsView, type JobView } from '../../src/service/jobs/jobs.dto.js';
import { Retention } from '../../src/service/privacy/retention.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { writeSegmentationCheckpoint } from '../segmentation-weights.js';
import { formOf, silence, startBuilt, TestService, type Part, wav, Workshop } from './support.js';

const CONVERSATIONS = '/v1/conversations';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let workshop: Workshop;
let model: string;
let segmentation: string;
let folders = 0;
const running: TestService[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  model = await workshop.bundle();
  segmentation = workshop.path('listens.pt');
  await writeSegmentationCheckpoint(workshop.path('listens.safetensors'));
  const checkpoint = workshop.path('listens.safetensors');
  await convertCheckpoint({ checkpoint, id: 'listens', out: segmentation, facts: { trained: false } });
}, 300_000);

afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => workshop.remove());

type Service = TestService & { dataDir: string };
type Answer = Awaited<ReturnType<TestService['call']>>;

/** A service that is ended by whoever asked for it. */
async function open(settings: ConfigInput = {}): Promise<Service> {
  const dataDir = workshop.path(`data-${folders++}`);
  const all = { model, segmentation, dataDir, directConversationSeconds: 20, maxConversationSeconds: 400, ...settings };
  const service = await TestService.start(workshop, all);
  await service.service.app.get(EmbeddingEngine, { strict: false }).ready();
  return Object.assign(service, { dataDir: String(all.dataDir) });
}

/** One that ends with the test. */
async function start(settings: ConfigInput = {}): Promise<Service> {
  const service = await open(settings);
  running.push(service);
  return service;
}

const at = (id: string): string => `${CONVERSATIONS}/${id}`;
const LATER = { prefer: 'respond-async' };

const post = (service: TestService, file: Buffer, more: Part[] = [], headers: Record<string, string> = {}) =>
  service.postForm(CONVERSATIONS, [...more, ['audio', file, 'a meeting.wav']], { headers });

function done(answer: Answer, status = 201): ConversationView {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body: {} });
  const view = conversationView.strict().parse(answer.body);
  expect(answer.headers.get('location')).toBe(at(view.id));
  return view;
}

async function read(service: TestService, id: string): Promise<ConversationView> {
  const { status, body } = await service.call(at(id));
  expect({ status, body }).toMatchObject({ status: 200 });
  return conversationView.strict().parse(body);
}

/** The conversation once its job is finished, and the job. */
async function finished(service: TestService, { id, jobId }: ConversationView): Promise<[ConversationView, JobView]> {
  expect(await (await service.fetch(`/v1/jobs/${jobId}/events`)).text()).toContain('event: end');
  return [await read(service, id), jobView.parse((await service.call(`/v1/jobs/${jobId}`)).body)];
}

async function textAs(
  service: TestService,
  id: string,
  accept: string,
): Promise<{ type: string | null; text: string }> {
  const response = await service.fetch(at(id), { headers: { accept } });
  expect(response.status).toBe(200);
  return { type: response.headers.get('content-type'), text: await response.text() };
}

/** Waits for something that has no event, for as long as the test may take. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

function expectError({ status, body }: Answer, expected: number, code: string): void {
  expect({ status, body }).toMatchObject({ status: expected, body: { code } });
}

async function spooled({ dataDir }: Service): Promise<string[]> {
  const names = await readdir(join(dataDir, 'spool'), { recursive: true });
  return names.filter((name) => name.includes('/'));
}

describe('a short conversation', () => {
  test('is answered at once, is there afterwards in each form, and goes', async () => {
    const service = await start();
    const made = done(await post(service, wav(12)));
    expect(made).toMatchObject({ state: 'done', jobId: null, filename: 'a meeting.wav', seconds: 12, error: null });
    expect(made.id).toMatch(UUID);
    expect(made.segmentation).toMatch(/^listens@[0-9a-f]{12}$/);
    expect(made.model).toMatch(/^small@/);
    expect(made.turns.length).toBeGreaterThan(0);
    expect(new Set(made.turns.map(({ speaker }) => speaker))).toEqual(new Set(made.speakers.map(({ label }) => label)));
    for (const speaker of made.speakers) {
      expect(speaker).toMatchObject({ speakerId: null, name: null, decision: null, reason: 'NOT_ASKED', score: null });
    }
    expect(await read(service, made.id)).toEqual(made);
    // The recording as the body, the options in the address.
    const raw = await service.call(`${CONVERSATIONS}?speakers=1`, {
      method: 'POST',
      headers: { 'content-type': 'audio/wav' },
      body: new Uint8Array(wav(12)),
    });
    expect(done(raw).speakers.length).toBeLessThanOrEqual(1);

    const rttm = await textAs(service, made.id, 'application/x-rttm');
    expect(rttm.type).toBe('application/x-rttm; charset=utf-8');
    const turns = readRttm(rttm.text, 'the answer').get('a_meeting');
    expect(turns).toHaveLength(made.turns.length);
    expect(turns!.map(({ speaker }) => speaker)).toEqual(made.turns.map(({ speaker }) => speaker));
    const vtt = await textAs(service, made.id, 'text/html, text/vtt;q=0.9, application/json;q=0.1');
    expect(vtt.type).toBe('text/vtt; charset=utf-8');
    expect(vtt.text).toMatch(/^WEBVTT\n\n00:00:\d\d\.\d{3} --> 00:00:\d\d\.\d{3}\n<v A>A<\/v>\n/);
    const other = await service.call(at(made.id), { headers: { accept: 'text/csv' } });
    expectError(other, 406, 'ANSWER_TYPE_UNSUPPORTED');

    const { body } = await service.call(`${CONVERSATIONS}?limit=1`);
    const page = conversationsView.strict().parse(body);
    expect(page).toMatchObject({ total: 2, conversations: [{ state: 'done', seconds: 12 }] });
    const rest = await service.call(`${CONVERSATIONS}?limit=1&cursor=${page.nextCursor}`);
    expect(conversationsView.parse(rest.body)).toMatchObject({ conversations: [{ id: made.id }], nextCursor: null });

    expect((await service.call(at(made.id), { method: 'DELETE' })).status).toBe(204);
    expectError(await service.call(at(made.id)), 404, 'CONVERSATION_NOT_FOUND');
    expectError(await service.call(at(made.id), { method: 'DELETE' }), 404, 'CONVERSATION_NOT_FOUND');
    const trail = JSON.stringify((await service.call('/v1/audit')).body);
    expect(trail).toContain('conversation.created');
    expect(trail).toContain('conversation.erased');
    const metrics = await (await service.fetch('/metrics')).text();
    expect(metrics).toContain('timbre_conversations_total{result="done"} 2');
    // Nothing that a voice is recognised by was made for anybody.
    expect(metrics).not.toMatch(/timbre_templates_total\{/);
    expect(await service.uploads()).toEqual([]);
  }, 300_000);

  test('of which each channel is asked for has the channels of each voice', async () => {
    const service = await start();
    const made = done(
      await post(service, wav(6), [
        ['channel', 'each'],
        ['speakers', '1'],
      ]),
    );
    expect(made.audio).toMatchObject({ channel: 'each', channels: 1 });
    expect(made.speakers).toMatchObject([{ label: 'A', channels: [0] }]);
    expect(await read(service, made.id)).toEqual(made);
  }, 300_000);

  test('of silence and of one word is no error', async () => {
    const service = await start();
    for (const file of [silence(2), wav(0.3)]) {
      const { turns, speakers, state } = done(await post(service, file));
      expect(state).toBe('done');
      expect(turns.length === 0).toBe(speakers.length === 0);
    }
  }, 300_000);

  describe('that is refused', () => {
    let service: Service;

    beforeAll(async () => {
      service = await open();
    });

    afterAll(() => service.close());

    test.each<[string, Part[], number, string]>([
      ['no speakers', [['speakers', '0']], 400, 'INVALID_ARGUMENT'],
      ['a thousand', [['maxSpeakers', '1000']], 400, 'INVALID_ARGUMENT'],
      ['half a speaker', [['speakers', '1.5']], 400, 'INVALID_ARGUMENT'],
      ['more at least than at most', [['minSpeakers', '3'], ['maxSpeakers', '2']], 400, 'INVALID_ARGUMENT'], // prettier-ignore
      ['three on a call', [['minSpeakers', '3'], ['kind', 'call']], 400, 'INVALID_ARGUMENT'], // prettier-ignore
      ['a number and a bound', [['speakers', '2'], ['maxSpeakers', '3']], 400, 'INVALID_ARGUMENT'], // prettier-ignore
      ['another kind', [['kind', 'podcast']], 400, 'INVALID_ARGUMENT'],
      ['both channels', [['channel', 'both']], 400, 'INVALID_ARGUMENT'],
      ['a channel that there is not', [['channel', '1']], 400, 'INVALID_ARGUMENT'],
      ['a field that nobody knows', [['people', '2']], 400, 'INVALID_ARGUMENT'],
    ])('because of %s: nothing is stored', async (_, fields, status, code) => {
      expectError(await post(service, wav(1), fields), status, code);
      // What contradicts itself is told at once, and not by the job.
      if (!fields.some(([name, value]) => name === 'channel' && value === '1')) {
        expectError(await post(service, wav(1), fields, LATER), status, code);
      }
      expect((await service.call(CONVERSATIONS)).body).toMatchObject({ total: 0 });
      expect((await service.call('/v1/jobs')).body).toMatchObject({ total: 0 });
    });
  });

  test('needs a recording, and the scope', async () => {
    const service = await start();
    expectError(await service.postForm(CONVERSATIONS, [['kind', 'call']]), 400, 'INVALID_ARGUMENT');
    expectError(await post(service, Buffer.from('RIFF no recording at all')), 415, 'AUDIO_UNSUPPORTED');
    const two: Part[] = [['audio', wav(1)]];
    expectError(await post(service, wav(1), two), 400, 'INVALID_ARGUMENT');
    expect((await service.anonymously(CONVERSATIONS)).status).toBe(401);
  });
});

describe('a long conversation', () => {
  test('becomes a job, whose end has the turns, without its recording', async () => {
    const service = await start();
    const waiting = done(await post(service, wav(45)), 202);
    expect(waiting).toMatchObject({ state: 'waiting', seconds: null, turns: [], speakers: [], finishedAt: null });
    const [end, job] = await finished(service, waiting);
    expect(end).toMatchObject({ id: waiting.id, state: 'done', seconds: 45, progress: null });
    expect(end.turns.length).toBeGreaterThan(0);
    expect(job).toMatchObject({ state: 'completed', counts: { total: 1, done: 1 } });
    const items = jobWithItemsView.parse((await service.call(`/v1/jobs/${job.id}`)).body);
    expect(items.items).toMatchObject([
      { conversationId: waiting.id, speakerId: null, filename: 'a meeting.wav', state: 'done', result: null },
    ]);
    expect(await spooled(service)).toEqual([]);
    // The job may go, and the conversation stays.
    expect((await service.call(`/v1/jobs/${job.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await read(service, waiting.id)).toEqual({ ...end, jobId: null });
  }, 300_000);

  test('is one with Prefer: respond-async, however short', async () => {
    const service = await start();
    const answer = await post(service, wav(2), [], { prefer: 'wait=5, Respond-Async;x=1' });
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    const [end] = await finished(service, done(answer, 202));
    expect(end.state).toBe('done');
  }, 300_000);

  test('beyond the limit fails with the reason, and has no turns to write', async () => {
    const service = await start({ maxConversationSeconds: 30 });
    const [end, job] = await finished(service, done(await post(service, wav(31)), 202));
    expect(end).toMatchObject({ state: 'failed', error: { code: 'AUDIO_TOO_LONG' }, turns: [] });
    expect(end.error!.message).toContain('a meeting.wav');
    expect(end.error!.message).not.toContain(service.dataDir);
    expect(job.state).toBe('failed');
    const rttm = await service.call(at(end.id), { headers: { accept: 'application/x-rttm' } });
    expectError(rttm, 409, 'CONVERSATION_NOT_DONE');
    // Where no job may be longer than what is answered at once, it is told at once.
    const strict = await start({ maxConversationSeconds: 10 });
    expectError(await post(strict, wav(11)), 422, 'AUDIO_TOO_LONG');
  }, 300_000);

  test('is ended by cancelling its job, and by erasing it, and its recording goes', async () => {
    const service = await start({ maxConversationSeconds: 400 });
    const first = done(await post(service, wav(300), [], LATER), 202);
    const second = done(await post(service, wav(300), [], LATER), 202);
    await until(async () => (await read(service, first.id)).progress !== null);
    expect((await service.call(`/v1/jobs/${first.jobId}/cancel`, { method: 'POST' })).status).toBe(200);
    expect(await read(service, first.id)).toMatchObject({ state: 'cancelled', turns: [] });
    expect((await service.call(at(second.id), { method: 'DELETE' })).status).toBe(204);
    expect((await service.call(`/v1/jobs/${second.jobId}`)).body).toMatchObject({ state: 'cancelled' });
    await until(async () => (await spooled(service)).length === 0);
    await until(() => service.inEngine() === 0);
    expect(done(await post(service, wav(2))).state).toBe('done');
  }, 300_000);

  test('goes on when a person is erased meanwhile: it tells of nobody', async () => {
    const service = await start();
    await service.postJson('/v1/speakers', { id: 'ada' });
    const waiting = done(await post(service, wav(45), [], LATER), 202);
    expect((await service.call('/v1/speakers/ada', { method: 'DELETE' })).status).toBe(200);
    const [end] = await finished(service, waiting);
    expect(end.state).toBe('done');
  }, 300_000);
});

describe('a repeated request', () => {
  test('with an idempotency key has one effect, and tells where it stands', async () => {
    const service = await start();
    const key = { 'idempotency-key': 'one' };
    const first = done(await post(service, wav(3), [], key));
    const again = await post(service, wav(3), [], key);
    expect(done(again)).toEqual(first);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expectError(await post(service, wav(3), [['kind', 'call']], key), 409, 'IDEMPOTENCY_KEY_REUSED');
    expect((await service.call(CONVERSATIONS)).body).toMatchObject({ total: 1 });
    // What was erased comes back by no key.
    await service.call(at(first.id), { method: 'DELETE' });
    expectError(await post(service, wav(3), [], key), 404, 'CONVERSATION_NOT_FOUND');
  }, 300_000);
});

describe('a service', () => {
  test('that is set up without conversations says so, before it reads anything', async () => {
    const service = await start({ conversations: false });
    for (const headers of [{}, LATER]) {
      expectError(await post(service, wav(1), [], headers), 404, 'CONVERSATIONS_OFF');
    }
  });

  test('with a file in the place of the network says what is wrong with it', async () => {
    await writeFile(workshop.path('broken.pt'), 'no bundle');
    const service = await start({ segmentation: workshop.path('broken.pt') });
    expectError(await post(service, wav(1)), 500, 'MODEL_INVALID');
    const [end] = await finished(service, done(await post(service, wav(1), [], LATER), 202));
    expect(end).toMatchObject({ state: 'failed', error: { code: 'MODEL_INVALID' } });
  }, 300_000);

  test('without the network that a setting names is not ready for conversations, and for everything else', async () => {
    const service = await start({ segmentation: workshop.path('nowhere.pt') });
    const refused = await post(service, wav(1));
    expectError(refused, 503, 'MODEL_NOT_READY');
    expect(refused.body).toMatchObject({ details: { code: 'MODEL_NOT_FOUND' } });
    expect((await service.postForm('/v1/embeddings', [['audio', wav(1)]])).status).toBe(200);
  }, 300_000);

  test('fetches the network with the first conversation, says how far it is, and takes it once it is there', async () => {
    const held: ServerResponse[] = [];
    const asked: string[] = [];
    let open = false;
    const hub = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (open) response.writeHead(404).end();
      else held.push(response);
    });
    await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
    const before = { ...process.env };
    Object.assign(process.env, { TIMBRE_MODEL_MIRROR: address, PIP_INDEX_URL: `${address}/simple/` });
    const modelCacheDir = workshop.path('fetched');
    await mkdir(modelCacheDir);
    try {
      const service = await start({ segmentation: 'segmentation', modelCacheDir });
      expect(asked).toEqual([]);
      const first = await post(service, wav(1));
      expectError(first, 503, 'MODEL_NOT_READY');
      expect((first.body as { message: string }).message).toContain('is being fetched');
      expect(first.headers.get('retry-after')).not.toBeNull();
      await until(() => held.length > 0);
      expect(asked[0]).toContain('/pyannote/segmentation-3.0/resolve/');
      // A job waits for it, and fails with the reason where it cannot be had.
      const waiting = done(await post(service, wav(1), [], LATER), 202);
      open = true;
      for (const response of held.splice(0)) response.writeHead(404).end();
      const [failed] = await finished(service, waiting);
      expect(failed).toMatchObject({ state: 'failed', error: { code: 'DOWNLOAD_FAILED' } });
      const second = await post(service, wav(1));
      expectError(second, 503, 'MODEL_NOT_READY');
      expect(second.body).toMatchObject({ details: { code: 'DOWNLOAD_FAILED' } });
      await copyFile(segmentation, join(modelCacheDir, 'segmentation.pt'));
      expect(done(await post(service, wav(1))).state).toBe('done');
    } finally {
      process.env = before;
      hub.closeAllConnections();
      hub.close();
    }
  }, 300_000);

  test('forgets conversations that ended long ago', async () => {
    const service = await start({ conversationDays: 1 });
    const { id } = done(await post(service, wav(1)));
    const retention = service.service.app.get(Retention, { strict: false });
    expect((await retention.sweep()).conversations).toBe(0);
    expect((await read(service, id)).state).toBe('done');
    const store = service.service.app.get(UnitOfWork, { strict: false });
    const aSecondOn = new Date(Date.now() + 1000);
    expect(await store.transaction(({ conversations }) => conversations.trim(aSecondOn, 10))).toBe(1);
    expectError(await service.call(at(id)), 404, 'CONVERSATION_NOT_FOUND');
  }, 300_000);

  test('has a typed client for it', async () => {
    const service = await start();
    const client = new TimbreClient({ url: service.url, key: service.key });
    const made = await client.createConversation({
      form: { audio: { data: new Uint8Array(wav(2)), name: 'call.wav' }, kind: 'call' },
    });
    expect(made).toMatchObject({ state: 'done', filename: 'call.wav' });
    expect(await client.getConversation({ id: made.id })).toEqual(made);
    expect((await client.listConversations({})).total).toBe(1);
    await client.removeConversation({ id: made.id });
    expect((await client.listConversations({})).total).toBe(0);
  }, 300_000);
});

/** The built service, ready, in a process of its own. */
function serve(dataDir: string): ReturnType<typeof startBuilt> {
  return startBuilt(dataDir, ['--model', model, '--segmentation', segmentation, '--workers', '2'], {
    env: { TIMBRE_UPLOAD_DIR: join(dataDir, 'uploads') },
    onStart: (child) => children.push(child),
  });
}

test('kill -9 in the middle of a conversation loses nothing: the next service finishes it', async () => {
  const dataDir = workshop.path('killed');
  const first = await serve(dataDir);
  const headers = { 'x-api-key': first.key, ...LATER };
  const answer = await fetch(`${first.url}${CONVERSATIONS}`, {
    method: 'POST',
    headers,
    body: formOf([['audio', wav(120), 'long.wav']]),
  });
  const waiting = conversationView.parse(await answer.json());
  expect({ status: answer.status, waiting }).toMatchObject({ status: 202, waiting: { state: 'waiting' } });
  const ask = async (url: string): Promise<ConversationView> =>
    conversationView.parse(await (await fetch(`${url}${at(waiting.id)}`, { headers })).json());
  await until(async () => (await ask(first.url)).progress !== null);
  first.child.kill('SIGKILL');
  await first.exited;

  const second = await serve(dataDir);
  const events = await fetch(`${second.url}/v1/jobs/${waiting.jobId}/events`, { headers });
  expect(await events.text()).toContain('event: end');
  expect(await ask(second.url)).toMatchObject({ state: 'done', seconds: 120, filename: 'long.wav', error: null });
}, 600_000);
