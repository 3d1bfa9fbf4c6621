import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ConversationResult } from '../../src/addon/types.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyRing } from '../../src/service/access/key-ring.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import {
  conversationsView,
  conversationView,
  type ConversationView,
} from '../../src/service/conversations/conversations.dto.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { receiptView } from '../../src/service/speakers/receipt.dto.js';
import {
  steppedView,
  takenBackView,
  unknownVoicesView,
  unknownVoiceView,
  voiceLedgerView,
  type SteppedView,
  type UnknownVoicesView,
  type UnknownVoiceView,
} from '../../src/service/unknown-voices/unknown-voices.dto.js';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import type { Scope } from '../../src/support/scopes.js';
import { spoken, TestService, wav, Workshop, type Part } from './support.js';

/*
 * Unknown voices over HTTP: voices of espeak-ng, embedded by the bundled model. Who speaks when is said by the test, as the network
 * that hears it is not in the repository.
 */

const INBOX = '/v1/unknown-voices';
const LATER = { prefer: 'respond-async' };
const CONSENT = { method: 'spoken', textVersion: 'privacy-1' };

type Name = 'ada' | 'dot' | 'ben';
type Answer = Awaited<ReturnType<TestService['call']>>;

let workshop: Workshop;
let service: TestService;
/** Two recordings of each. */
const voice = {} as Record<Name, [Float32Array, Float32Array]>;
/** Who speaks in the next conversation, one after the other, for 6 s each. */
let heard: Float32Array[] = [];

const settings: ConfigInput = {
  model: join(PACKAGE_FOLDER, 'models', 'starter.pt'),
  enrollmentSeconds: 5,
  minSpeechSeconds: 1,
  minSnrDb: -100,
  logLevel: 'error',
  unknownVoices: 'on',
  consent: 'required',
};

async function start(more: ConfigInput = {}): Promise<TestService> {
  const started = await TestService.start(workshop, { ...settings, ...more });
  await started.service.ready();
  const engine = started.service.app.get(EmbeddingEngine, { strict: false });
  const { model } = engine.info();
  Object.assign(engine, {
    admitConversation: () => Promise.resolve(),
    readyForConversations: () => Promise.resolve(),
    converse: (): Promise<ConversationResult> => Promise.resolve(conversationOf(heard, model)),
  });
  return started;
}

function conversationOf(people: readonly Float32Array[], model: string): ConversationResult {
  const speakers = people.map((embedding, i) => {
    const label = String.fromCharCode(65 + i);
    return { label, speechSeconds: 6, ownSeconds: 6, turns: 1, embedding };
  });
  const turns = speakers.map(({ label }, i) => ({ start: 6 * i, end: 6 * i + 6, speaker: label, overlap: 0 }));
  const whole = { channelsCancel: false, channelsAlike: false, tracks: 1, track: 0, format: 'WAV/PCM_16' };
  const rest = { sampleRate: 16_000, channels: 1, channel: 'mix', complete: true, incomplete: null } as const;
  const seconds = 6 * people.length;
  const timings = { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 };
  return { seconds, speakers, turns, model, segmentation: 'said@0123456789ab', audio: { ...whole, ...rest, seconds }, timings }; // prettier-ignore
}

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await start();
  const engine = service.service.app.get(EmbeddingEngine, { strict: false });
  const sounds = (['f2', 'f4', 'm1'] as const).flatMap((sound) => [spoken(sound, 0), spoken(sound, 1)]);
  const found = (await engine.embedBatch(sounds)).map((item) => {
    if ('error' in item) throw item.error;
    return item.result.embedding;
  });
  voice.ada = [found[0]!, found[1]!];
  voice.dot = [found[2]!, found[3]!];
  // As unlike both as can be: voices of one synthesiser are much alike.
  const unlike = found[0]!.map((x, i) => -x - found[2]![i]!);
  voice.ben = [unlike, unlike.map((x, i) => x + 0.2 * found[4]![i]!)];
}, 300_000);

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  service.call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function conversed(
  people: readonly Float32Array[],
  headers: Record<string, string> = {},
  fields: Part[] = [],
): Promise<ConversationView> {
  heard = [...people];
  const parts: Part[] = [...fields, ['audio', wav(1), 'a meeting.wav']];
  const { status, body } = await service.postForm('/v1/conversations', parts, { headers });
  expect({ status, body }).toMatchObject({ status: 'prefer' in headers ? 202 : 201 });
  const view = conversationView.strict().parse(body);
  if (view.jobId === null) return view;
  expect(await (await service.fetch(`/v1/jobs/${view.jobId}/events`)).text()).toContain('event: end');
  return read(view.id);
}

async function read(id: string): Promise<ConversationView> {
  return conversationView.strict().parse((await service.call(`/v1/conversations/${id}`)).body);
}

async function inbox(query = '', headers: Record<string, string> = {}): Promise<UnknownVoicesView> {
  const { status, body } = await service.call(`${INBOX}${query}`, { headers });
  expect({ status, body }).toMatchObject({ status: 200 });
  return unknownVoicesView.strict().parse(body);
}

async function one(id: string): Promise<UnknownVoiceView> {
  return unknownVoiceView.strict().parse((await service.call(`${INBOX}/${id}`)).body);
}

async function did(id: string, step: string, body: unknown = {}): Promise<SteppedView> {
  const answer = await post(`${INBOX}/${id}/${step}`, body);
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
  return steppedView.strict().parse(answer.body);
}

const undone = (id: string, entry: string): Promise<Answer> => post(`${INBOX}/${id}/ledger/${entry}/undo`, {});

async function emptied(): Promise<void> {
  for (const state of ['open', 'named', 'dismissed', 'blocked', 'merged']) {
    for (const { id } of (await inbox(`?state=${state}`)).voices)
      await service.call(`${INBOX}/${id}`, { method: 'DELETE' });
  }
}

async function keyOf(scopes: readonly Scope[], groups: string[] = []): Promise<Record<string, string>> {
  const store = service.service.app.get(KeyStore, { strict: false });
  const of = groups.length > 0 ? { groups: await store.groups(groups) } : {};
  const { key, text } = newApiKey({ name: scopes.join(' '), scopes, ...of }, new Date());
  service.service.app.get(KeyRing, { strict: false }).grant(key);
  return { 'x-api-key': text };
}

async function trail(): Promise<string[]> {
  const { body } = await service.call('/v1/audit?limit=500');
  return (body as { entries: { action: string }[] }).entries.map(({ action }) => action);
}

describe('voices of conversations that got no name', () => {
  test('wait in the inbox, are named, and have the name in every conversation and form', async () => {
    expect((await service.call('/v1/info')).body).toMatchObject({ unknownVoices: 'on' });
    const first = await conversed([voice.ada[0], voice.ben[0]]);
    const second = await conversed([voice.ada[1]], LATER);
    const { voices, total } = await inbox();
    expect(total).toBe(2);
    expect(voices[0]).toMatchObject({ state: 'open', speechSeconds: 12, conversations: 2, speakerId: null });
    expect(voices[0]!.expiresAt).not.toBeNull();
    const { id } = voices[0]!;
    expect((await one(id)).heard).toMatchObject([
      { conversationId: first.id, label: 'A', filename: 'a meeting.wav', intervals: [{ start: 0, end: 6 }] },
      { conversationId: second.id, label: 'A' },
    ]);
    expect(second.speakers).toMatchObject([{ unknownVoiceId: id, reason: 'NOT_ASKED', namedBy: null }]);

    // Under the rules of consent of every enrolment; nobody is added without.
    const create = { id: 'ada', name: 'Ada Lovelace' };
    expect(await post(`${INBOX}/${id}/name`, { create })).toMatchObject({ status: 409, body: { code: 'CONSENT_REQUIRED' } }); // prettier-ignore
    expect((await service.call('/v1/speakers/ada')).status).toBe(404);
    const { voice: named, ledgerEntry } = await did(id, 'name', { create, consent: CONSENT, reason: 'known by ear' });
    expect(named).toMatchObject({ state: 'named', speakerId: 'ada', name: 'Ada Lovelace', expiresAt: null });
    expect((await inbox('?state=named')).voices).toMatchObject([{ id, speakerId: 'ada' }]);
    expect((await service.call('/v1/speakers/ada')).body).toMatchObject({ enrollmentStatus: 'Enrolled' });
    expect((await service.call('/v1/speakers/ada/enrollments')).body).toMatchObject({
      enrollments: [{ origin: 'named' }, { origin: 'named' }],
    });
    expect((await read(first.id)).speakers).toMatchObject([
      { speakerId: 'ada', name: 'Ada Lovelace', namedBy: 'HAND', decision: null, reason: null, unknownVoiceId: id },
      { speakerId: null, namedBy: null },
    ]);
    const text = (accept: string): Promise<string> =>
      service.fetch(`/v1/conversations/${first.id}`, { headers: { accept } }).then((answer) => answer.text());
    expect(await text('text/vtt')).toContain('<v Ada Lovelace>Ada Lovelace</v>');
    expect(await text('application/x-rttm')).toMatch(/ ada <NA> <NA>/);
    const list = conversationsView.strict().parse((await service.call('/v1/conversations?limit=2')).body);
    expect(list.conversations.map(({ names }) => names)).toEqual([
      [{ label: 'A', speakerId: 'ada', name: 'Ada Lovelace' }],
      [{ label: 'A', speakerId: 'ada', name: 'Ada Lovelace' }],
    ]);
    // From now on the evidence names her.
    const third = await conversed([voice.ada[0]], {}, [['names', 'all']]);
    expect(third.speakers).toMatchObject([{ speakerId: 'ada', namedBy: 'EVIDENCE', unknownVoiceId: null }]);

    expect(takenBackView.strict().parse((await undone(id, ledgerEntry)).body)).toMatchObject({ voice: { state: 'open' }, other: null }); // prettier-ignore
    expect((await read(first.id)).speakers[0]).toMatchObject({ speakerId: null, namedBy: null });
    expect((await service.call('/v1/speakers/ada')).body).toMatchObject({ enrollmentStatus: 'Enrolling' });
    expect(await undone(id, ledgerEntry)).toMatchObject({ status: 409, body: { code: 'LEDGER_ENTRY_UNDONE' } });
    const ledger = voiceLedgerView.strict().parse((await service.call(`${INBOX}/${id}/ledger`)).body);
    expect(ledger.entries).toMatchObject([
      { action: 'named', reason: 'known by ear', undoable: false, by: expect.any(String) },
      { action: 'joined', conversationId: second.id, evidence: { llr: expect.any(Number) }, undoable: true },
      { action: 'kept', conversationId: first.id, undoable: false },
    ]);
    expect(await trail()).toEqual(expect.arrayContaining(['unknown-voice.kept', 'unknown-voice.joined', 'unknown-voice.named', 'unknown-voice.undone'])); // prettier-ignore
    const metrics = await (await service.fetch('/metrics')).text();
    expect(metrics).toContain('timbre_unknown_voices_total{result="joined"} 1');

    // An erasure takes what was named with it.
    await did(id, 'name', { speakerId: 'ada' });
    const receipt = receiptView.strict().parse((await service.call('/v1/speakers/ada', { method: 'DELETE' })).body);
    expect(receipt.erased).toMatchObject({ unknownVoices: 1, enrollments: 2 });
    expect((await service.call(`${INBOX}/${id}`)).status).toBe(404);
    expect((await read(first.id)).speakers[0]).toMatchObject({ speakerId: null, unknownVoiceId: null });
  }, 300_000);

  test('are merged, split, reassigned, dismissed, blocked and deleted, each with a way back', async () => {
    await emptied();
    const [first, second, third] = [
      await conversed([voice.ada[0]]),
      await conversed([voice.ada[1]]),
      await conversed([voice.ben[0]]),
    ];
    const [ada, ben] = (await inbox()).voices;
    const merged = await did(ada!.id, 'merge', { from: ben!.id, version: ada!.version });
    expect(merged).toMatchObject({ voice: { conversations: 3 }, other: { state: 'merged', mergedInto: ada!.id } });
    const split = await did(ada!.id, 'split', { conversations: [third.id] });
    expect(split.other).toMatchObject({ state: 'open', conversations: 1 });
    // What the merge brought is the new voice's now.
    expect(await undone(ada!.id, merged.ledgerEntry)).toMatchObject({ status: 409, body: { code: 'LEDGER_ENTRY_FINAL' } }); // prettier-ignore
    expect((await undone(ada!.id, split.ledgerEntry)).status).toBe(200);
    expect((await undone(ben!.id, merged.ledgerEntry)).status).toBe(200);
    const moved = await did(ada!.id, 'reassign', { conversationId: second.id, to: ben!.id });
    expect([moved.voice.conversations, moved.other!.conversations]).toEqual([1, 2]);
    expect((await undone(ben!.id, moved.ledgerEntry)).status).toBe(200);
    const dismissed = await did(ben!.id, 'dismiss', { reason: 'a radio' });
    expect((await inbox()).total).toBe(1);
    expect((await undone(ben!.id, dismissed.ledgerEntry)).status).toBe(200);

    const blocked = await did(ada!.id, 'block');
    expect(blocked.voice).toMatchObject({ state: 'blocked', conversations: 0, heard: [], expiresAt: null });
    expect((await read(first.id)).speakers[0]!.unknownVoiceId).toBeNull();
    await conversed([voice.ada[0], voice.ben[1]]);
    expect((await inbox()).voices).toMatchObject([{ id: ben!.id, conversations: 2 }]);
    expect(takenBackView.parse((await undone(ada!.id, blocked.ledgerEntry)).body)).toEqual({
      voice: null,
      other: null,
    });
    expect((await service.call(`${INBOX}/${ben!.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await inbox()).total).toBe(0);
  }, 300_000);

  test('go with their conversation, and stay over a restart', async () => {
    await emptied();
    const first = await conversed([voice.ada[0]]);
    await conversed([voice.ada[1]]);
    const { id } = (await inbox()).voices[0]!;
    const { dataDir } = service;
    await service.close();
    service = await start({ dataDir });
    expect(await one(id)).toMatchObject({ conversations: 2 });
    expect((await service.call(`/v1/conversations/${first.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await one(id)).toMatchObject({ conversations: 1, speechSeconds: 6 });
    const { ledgerEntry } = await did(id, 'name', { create: { id: 'cy' }, consent: CONSENT });
    await service.close();
    service = await start({ dataDir });
    expect((await undone(id, ledgerEntry)).status).toBe(200);
    expect(await one(id)).toMatchObject({ state: 'open' });
  }, 300_000);

  test('are not kept where the request, or the setting, says so', async () => {
    await emptied();
    const view = await conversed([voice.ada[0]], {}, [['unknownVoices', 'discard']]);
    expect(view.speakers[0]!.unknownVoiceId).toBeNull();
    await conversed([voice.ada[0]], LATER, [['unknownVoices', 'discard']]);
    expect((await inbox()).total).toBe(0);
    const parts: Part[] = [['unknownVoices', 'perhaps'], ['audio', wav(1)]]; // prettier-ignore
    expect(await service.postForm('/v1/conversations', parts)).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } }); // prettier-ignore
    await conversed([voice.dot[0]]);
    const { dataDir } = service;
    await service.close();
    service = await start({ dataDir, unknownVoices: 'off' });
    const keep: Part[] = [['unknownVoices', 'keep'], ['audio', wav(1)]]; // prettier-ignore
    for (const headers of [{}, LATER]) {
      expect(await service.postForm('/v1/conversations', keep, { headers })).toMatchObject({ status: 404, body: { code: 'UNKNOWN_VOICES_OFF' } }); // prettier-ignore
    }
    await conversed([voice.ada[0]]);
    // What was kept before can be seen, and deleted.
    const { voices } = await inbox();
    expect(voices).toHaveLength(1);
    expect((await service.call(`${INBOX}/${voices[0]!.id}`, { method: 'DELETE' })).status).toBe(204);
    await service.close();
    service = await start({ dataDir });
  }, 300_000);

  test('are answered with clear errors for what cannot be', async () => {
    await emptied();
    await conversed([voice.ada[0], voice.ben[0]]);
    const [a, b] = (await inbox()).voices.map(({ id }) => id) as [string, string];
    const nobody = randomUUID();
    await service.postJson('/v1/speakers', { id: 'out', consent: CONSENT });
    await service.call('/v1/speakers/out/consent', { method: 'DELETE' });
    const cases: [path: string, body: unknown, status: number, code: string][] = [
      [`${nobody}/dismiss`, {}, 404, 'UNKNOWN_VOICE_NOT_FOUND'],
      ['no uuid/block', {}, 404, 'UNKNOWN_VOICE_NOT_FOUND'],
      [`${a}/merge`, { from: a }, 400, 'INVALID_ARGUMENT'],
      [`${a}/merge`, { from: nobody }, 404, 'UNKNOWN_VOICE_NOT_FOUND'],
      [`${a}/merge`, { from: 'no uuid' }, 400, 'INVALID_ARGUMENT'],
      [`${a}/merge`, { from: b, version: 99 }, 409, 'CONFLICT'],
      [`${a}/split`, { conversations: [] }, 400, 'INVALID_ARGUMENT'],
      [`${a}/split`, { conversations: [nobody] }, 400, 'INVALID_ARGUMENT'],
      [`${a}/reassign`, { conversationId: nobody, to: b }, 400, 'INVALID_ARGUMENT'],
      [`${a}/name`, {}, 400, 'INVALID_ARGUMENT'],
      [`${a}/name`, { speakerId: 'nobody' }, 404, 'SPEAKER_NOT_FOUND'],
      [`${a}/name`, { create: { id: 'out' }, consent: CONSENT }, 409, 'SPEAKER_EXISTS'],
      [`${a}/name`, { speakerId: 'out', consent: CONSENT }, 409, 'OPTED_OUT'],
      [`${a}/name`, { create: { id: 'a/b' }, consent: CONSENT }, 400, 'INVALID_ARGUMENT'],
      [`${a}/dismiss`, { reason: 'x'.repeat(201) }, 400, 'INVALID_ARGUMENT'],
      [`${a}/dismiss`, { because: 'x' }, 400, 'INVALID_ARGUMENT'],
      [`${a}/ledger/${nobody}/undo`, {}, 404, 'LEDGER_ENTRY_NOT_FOUND'],
    ];
    for (const [path, body, status, code] of cases) {
      const answer = await post(`${INBOX}/${path}`, body);
      expect({ path, status: answer.status, body: answer.body }).toMatchObject({ path, status, body: { code } });
    }
    expect(await service.call(`${INBOX}?state=gone`)).toMatchObject({ status: 400 });
    expect(await service.call(`${INBOX}?cursor=x`)).toMatchObject({ status: 400 });
    const { entries } = voiceLedgerView.parse((await service.call(`${INBOX}/${a}/ledger`)).body);
    expect(await undone(a, entries[0]!.id)).toMatchObject({ status: 409, body: { code: 'LEDGER_ENTRY_FINAL' } });
    await did(a, 'dismiss');
    expect(await post(`${INBOX}/${b}/merge`, { from: a })).toMatchObject({ status: 409, body: { code: 'UNKNOWN_VOICE_SETTLED' } }); // prettier-ignore
    expect((await inbox()).voices).toMatchObject([{ id: b, version: 1 }]);
  }, 300_000);

  test('are for keys of the right scope, and for bound keys those of their own conversations', async () => {
    await emptied();
    await service.postJson('/v1/groups', { id: 'team' });
    const [reads, other] = [await keyOf(['read']), await keyOf(['vectors'])];
    await conversed([voice.dot[0]]);
    const [open] = (await inbox('', reads)).voices;
    expect((await service.call(INBOX, { headers: other })).status).toBe(403);
    for (const step of ['dismiss', 'block', 'merge', 'split', 'reassign', 'name', `ledger/${randomUUID()}/undo`]) {
      expect(await post(`${INBOX}/${open!.id}/${step}`, {}, reads)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } }); // prettier-ignore
    }
    expect((await service.call(`${INBOX}/${open!.id}`, { method: 'DELETE', headers: reads })).status).toBe(403);

    const bound = await keyOf(['read', 'enrol'], ['team']);
    await conversed([voice.dot[1]], bound);
    const own = await inbox('', bound);
    expect(own).toMatchObject({ total: 1, voices: [{ conversations: 1 }] });
    expect((await inbox()).total).toBe(2);
    expect((await service.call(`${INBOX}/${open!.id}`, { headers: bound })).status).toBe(404);
    expect((await post(`${INBOX}/${open!.id}/dismiss`, {}, bound)).status).toBe(404);
    expect(await post(`${INBOX}/${own.voices[0]!.id}/merge`, { from: open!.id }, bound)).toMatchObject({ status: 404 });
    // Nor does who sees both make them one.
    expect(await post(`${INBOX}/${own.voices[0]!.id}/merge`, { from: open!.id })).toMatchObject({ status: 400 });
    const named = await post(`${INBOX}/${own.voices[0]!.id}/name`, { create: {}, consent: CONSENT }, bound);
    const { voice: told } = steppedView.parse(named.body);
    expect((await service.call(`/v1/speakers/${told.speakerId}`)).body).toMatchObject({ groups: ['team'] });
  }, 300_000);
});
