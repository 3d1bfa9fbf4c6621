import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorBody } from '../../src/service/http/api-errors.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { sumsOf } from '../../src/service/records/unknown-voice.js';
import { CurrentModel } from '../../src/service/voices/current-model.js';
import type { BoundRule } from '../../src/service/access/bound-keys.js';
import { SCOPES } from '../../src/support/scopes.js';
import { timbre } from '../cli/support.js';
import { formOf, spoken, TestService, until, wav, Workshop, type Part } from './support.js';

/** Every call of the document with a key that is bound to a group, on what is another's and on what is not there. */

interface Operation {
  operationId: string;
  'x-scope'?: string;
  'x-bound-keys'?: BoundRule;
}

interface Document {
  paths: Record<string, Record<string, Operation>>;
}

/** Ids of things, of one kind each. */
interface Things {
  speaker: string;
  enrollment: string;
  group: string;
  job: string;
  conversation: string;
  receipt: string;
  subject: string;
  /** Of the ledger. */
  entry: string;
  /** That waits to be confirmed. */
  verification: string;
  unknownVoice: string;
  /** Of its ledger. */
  step: string;
}

interface Request {
  method: string;
  path: string;
  init?: RequestInit;
}

const SPEECH = [spoken('m1', 0), spoken('f2', 1), spoken('f2', 2)];

/** None of these tells anything: nobody has them. */
const NOTHING: Things = {
  speaker: 'nobody:there',
  enrollment: '5a1f3c0c-77d4-4f0c-8a43-0c1f2b9e6d20',
  group: 'nowhere',
  job: '0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11',
  conversation: '3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60',
  receipt: '7d0b5f7e-6a52-4a1f-9d2b-0f4f0f1f8c55',
  subject: '3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10',
  entry: 'a6b0a52f-6d0f-4a27-9c57-1f0d5c2b7a11',
  verification: 'b6b0a52f-6d0f-4a27-9c57-1f0d5c2b7a12',
  unknownVoice: 'c6b0a52f-6d0f-4a27-9c57-1f0d5c2b7a13',
  step: 'd6b0a52f-6d0f-4a27-9c57-1f0d5c2b7a14',
};

let workshop: Workshop;
let service: TestService;
/** What the other tenant has. */
let other: Things;
/** What only the other tenant and the operator know. */
let secrets: string[];
/** Of the group `acme`, with every scope. */
let key: string;
let own: Pick<Things, 'speaker' | 'enrollment' | 'job' | 'unknownVoice'>;

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
);
const ruleOf = (operation: Operation): BoundRule | 'public' =>
  operation['x-scope'] === 'public' ? 'public' : (operation['x-bound-keys'] ?? 'refused');

function json(value: unknown): RequestInit {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

function form(...parts: Part[]): RequestInit {
  return { body: formOf(parts) };
}

/** Makes a call with the bound key, unless another is given. */
async function call({ method, path, init = {} }: Request, by = key): Promise<{ status: number; text: string }> {
  const headers = new Headers(init.headers);
  headers.set('x-api-key', by);
  const response = await fetch(new URL(path, service.url), { ...init, method, headers });
  return { status: response.status, text: await response.text() };
}

async function made(request: Request): Promise<Record<string, never>> {
  const { status, text } = await call(request, service.key);
  expect({ status, text }).toMatchObject({ status: expect.any(Number) });
  if (status >= 300) throw new Error(`${request.method} ${request.path}: ${status} ${text}`);
  return JSON.parse(text === '' ? '{}' : text) as Record<string, never>;
}

async function boundKey(name: string, ...groups: string[]): Promise<string> {
  const store = service.service.app.get(KeyStore, { strict: false });
  const { key: made_, text } = newApiKey({ name, scopes: SCOPES, groups: await store.groups(groups) }, new Date());
  await store.insert(made_);
  return text;
}

async function enrolled(speaker: string, group: string, recording: Buffer): Promise<string> {
  await made({
    method: 'POST',
    path: '/v1/speakers',
    init: json({ id: speaker, name: `Name of ${speaker}`, groups: [group] }),
  });
  const path = `/v1/speakers/${speaker}/enrollments`;
  const { results } = (await made({ method: 'POST', path, init: form(['audio', recording]) })) as unknown as {
    results: { enrollment: { id: string } }[];
  };
  return results[0]!.enrollment.id;
}

async function session(speakerId: string, by: string): Promise<string> {
  const items = ['items', JSON.stringify([{ speakerId }])] as const;
  const init = form(items, ['audio', SPEECH[0]!, 'of a job.wav']);
  const { status, text } = await call({ method: 'POST', path: '/v1/training-sessions', init }, by);
  expect(status).toBe(202);
  const { id } = JSON.parse(text) as { id: string };
  await until(async () => {
    const { state } = JSON.parse((await call({ method: 'GET', path: `/v1/jobs/${id}` }, by)).text) as { state: string };
    return state !== 'queued' && state !== 'running';
  });
  return id;
}

/** Stored as a key of the group makes it: one voice, with a name. */
async function conversed(group: string, speakerId: string): Promise<string> {
  const engine = service.service.app.get(EmbeddingEngine, { strict: false });
  // The network that tells who speaks when is not at hand; nothing here is heard by it.
  Object.assign(engine, { admitConversation: () => Promise.resolve() });
  const id = randomUUID();
  const now = new Date();
  const person = { label: 'A', speakerId, named: true, cosine: 0.9, llr: 9, probability: 1, margin: 5 };
  const boundTo = await service.service.app.get(KeyStore, { strict: false }).groups([group]);
  const store = service.service.app.get(UnitOfWork, { strict: false });
  await store.transaction(({ conversations }) =>
    conversations.insert({
      id,
      state: 'cancelled',
      createdAt: now,
      finishedAt: now,
      jobId: null,
      fileName: `conversation of ${group}`,
      question: {},
      boundTo,
      findings: null,
      kept: [],
      people: [person],
      error: null,
    }),
  );
  return id;
}

/** Kept as of a conversation that a key of the group has made; with a conversation, of it. */
async function unknownVoice(
  group: string,
  conversationId: string | null = null,
): Promise<Pick<Things, 'unknownVoice' | 'step'>> {
  const { app } = service.service;
  const boundTo = await app.get(KeyStore, { strict: false }).groups([group]);
  const [id, now, origin] = [randomUUID(), new Date(), app.get(CurrentModel, { strict: false }).origin()];
  const share = { id: randomUUID(), voiceId: id, conversationId, label: 'B', heardAt: now, ownSeconds: 5, intervals: [], origin, embedding: new Float32Array(16).fill(1) }; // prettier-ignore
  const times = { createdAt: now, updatedAt: now, version: 1 };
  const voice = { id, state: 'open', ...times, origin, ...sumsOf([share]), speakerId: null, mergedInto: null, boundTo } as const; // prettier-ignore
  return app.get(UnitOfWork, { strict: false }).transaction(async ({ unknownVoices }) => {
    await unknownVoices.insert(voice);
    await unknownVoices.addShare(share);
    const step = await unknownVoices.append({ voiceId: id, action: 'joined', detail: { shares: [share.id] } });
    return { unknownVoice: id, step: step.id };
  });
}

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await TestService.start(workshop, {
    model: await workshop.bundle(),
    enrollmentSeconds: 2,
    minSpeechSeconds: 0,
    minSnrDb: -100,
    logLevel: 'error',
  });
  await service.service.ready();
  for (const id of ['acme', 'rival']) {
    await made({ method: 'POST', path: '/v1/groups', init: json({ id, name: `Group ${id}` }) });
  }
  key = await boundKey('acme', 'acme');
  const rival = await boundKey('rival', 'rival');
  const ofAcme = await enrolled('acme:ada', 'acme', SPEECH[0]!);
  const enrollment = await enrolled('rival:eve', 'rival', SPEECH[1]!);
  const metadata = { project: 'thunderbolt' };
  await made({ method: 'PATCH', path: '/v1/speakers/rival:eve', init: json({ metadata }) });
  await made({ method: 'POST', path: '/v1/speakers', init: json({ id: 'rival:gone', groups: ['rival'] }) });
  const exported = (await made({ method: 'GET', path: '/v1/speakers/rival:eve/export' })) as unknown as {
    speaker: { subject: string };
  };
  const receipt = await call({ method: 'DELETE', path: '/v1/speakers/rival:gone' }, rival);
  const { subject } = exported.speaker;
  const ledger = (await made({ method: 'GET', path: '/v1/speakers/rival:eve/ledger' })) as unknown as {
    entries: { id: string }[];
  };
  await made({ method: 'PUT', path: '/v1/speakers/rival:eve/learning', init: json({ setting: 'on' }) });
  const claim = { method: 'POST', path: '/v1/speakers/rival:eve/verify', init: form(['audio', SPEECH[2]!]) };
  const verified = JSON.parse((await call(claim, rival)).text) as { verificationId: string };
  expect(verified).toMatchObject({ decision: 'ACCEPT', verificationId: expect.any(String) });
  const conversation = await conversed('rival', 'rival:eve');
  const job = await session('rival:eve', rival);
  other = {
    speaker: 'rival:eve',
    enrollment,
    group: 'rival',
    job,
    conversation,
    receipt: (JSON.parse(receipt.text) as { receipt: string }).receipt,
    subject,
    entry: ledger.entries[0]!.id,
    verification: verified.verificationId,
    ...(await unknownVoice('rival', conversation)),
  };
  const job_ = await session('acme:ada', key);
  own = { speaker: 'acme:ada', enrollment: ofAcme, job: job_, ...(await unknownVoice('acme')) };
  const { speaker, group, ...rest } = other;
  const ids: string[] = [
    speaker,
    group,
    rest.enrollment,
    rest.job,
    rest.conversation,
    rest.receipt,
    rest.subject,
    rest.entry,
    rest.verification,
    rest.unknownVoice,
    rest.step,
  ];
  secrets = [...ids, 'Name of rival:eve', 'Group rival', 'thunderbolt', rival.split('_')[1]!];
}, 180_000);

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

const of = ({ unknownVoice: id }: Pick<Things, 'unknownVoice'>): string => `/v1/unknown-voices/${id}`;

/** Of calls that name a thing, requests for it; of others, what they are told, which may be right. */
const CALLS: Record<string, (things: Things) => Request[] | Promise<Request[]>> = {
  createSpeaker: ({ speaker, group }) => [
    { method: 'POST', path: '/v1/speakers', init: json({ id: speaker }) },
    { method: 'POST', path: '/v1/speakers', init: json({ groups: [group] }) },
  ],
  listSpeakers: ({ speaker, group }) => [
    { method: 'GET', path: `/v1/speakers?group=${group}` },
    { method: 'GET', path: `/v1/speakers?id=${speaker}` },
    { method: 'GET', path: '/v1/speakers?name=Name of rival' },
    { method: 'GET', path: '/v1/speakers?metadata=project=thunderbolt' },
    { method: 'GET', path: '/v1/speakers' },
  ],
  getSpeaker: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}` }],
  updateSpeaker: ({ speaker, group }) => [
    { method: 'PATCH', path: `/v1/speakers/${speaker}`, init: json({ name: 'x' }) },
    { method: 'PATCH', path: `/v1/speakers/${own.speaker}`, init: json({ groups: ['acme', group] }) },
  ],
  putSpeaker: ({ speaker, group }) => [
    { method: 'PUT', path: `/v1/speakers/${speaker}`, init: json({ name: 'x' }) },
    { method: 'PUT', path: `/v1/speakers/${own.speaker}`, init: json({ groups: [group] }) },
  ],
  eraseSpeaker: ({ speaker }) => [{ method: 'DELETE', path: `/v1/speakers/${speaker}` }],
  checkReceipt: ({ receipt }) => [{ method: 'GET', path: `/v1/receipts/${receipt}` }],
  listGroups: () => [{ method: 'GET', path: '/v1/groups' }],
  getGroup: ({ group }) => [{ method: 'GET', path: `/v1/groups/${group}` }],
  updateGroup: ({ group }) => [{ method: 'PATCH', path: `/v1/groups/${group}`, init: json({ name: 'x' }) }],
  deleteGroup: ({ group }) => [{ method: 'DELETE', path: `/v1/groups/${group}` }],
  joinGroup: ({ group, speaker }) => [
    { method: 'PUT', path: `/v1/groups/${group}/members/${own.speaker}` },
    { method: 'PUT', path: `/v1/groups/acme/members/${speaker}` },
  ],
  leaveGroup: ({ group, speaker }) => [
    { method: 'DELETE', path: `/v1/groups/${group}/members/${own.speaker}` },
    { method: 'DELETE', path: `/v1/groups/acme/members/${speaker}` },
  ],
  enrol: ({ speaker }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/enrollments`, init: form(['audio', SPEECH[2]!]) },
  ],
  importVectors: ({ speaker }) => {
    const vectors = [{ vector: [1, 0], model: 'other@0123456789ab', speechSeconds: 5 }];
    return [{ method: 'POST', path: `/v1/speakers/${speaker}/vectors`, init: json({ vectors }) }];
  },
  listEnrollments: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/enrollments` }],
  getEnrollment: ({ speaker, enrollment }) => [
    { method: 'GET', path: `/v1/speakers/${speaker}/enrollments/${enrollment}` },
    { method: 'GET', path: `/v1/speakers/${own.speaker}/enrollments/${enrollment}` },
  ],
  deleteEnrollment: ({ speaker, enrollment }) => [
    { method: 'DELETE', path: `/v1/speakers/${speaker}/enrollments/${enrollment}` },
    { method: 'DELETE', path: `/v1/speakers/${own.speaker}/enrollments/${enrollment}` },
  ],
  getProfile: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/profile?embedding=true` }],
  verifySpeaker: ({ speaker }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/verify`, init: form(['audio', SPEECH[1]!]) },
  ],
  identifySpeaker: ({ speaker, group }) => [
    { method: 'POST', path: '/v1/identify', init: form(['audio', SPEECH[1]!], ['group', group]) },
    { method: 'POST', path: '/v1/identify', init: form(['audio', SPEECH[1]!], ['candidates', speaker]) },
    { method: 'POST', path: '/v1/identify', init: form(['audio', SPEECH[1]!], ['top', '50']) },
  ],
  listLedger: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/ledger` }],
  undoSince: ({ speaker }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/ledger/undo`, init: json({ since: '2026-01-01T00:00:00Z' }) },
  ],
  undoEntry: ({ speaker, entry }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/ledger/${entry}/undo` },
    { method: 'POST', path: `/v1/speakers/${own.speaker}/ledger/${entry}/undo` },
  ],
  getLearning: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/learning` }],
  setLearning: ({ speaker }) => [
    { method: 'PUT', path: `/v1/speakers/${speaker}/learning`, init: json({ setting: 'off', frozen: true }) },
  ],
  getGroupLearning: ({ group }) => [{ method: 'GET', path: `/v1/groups/${group}/learning` }],
  setGroupLearning: ({ group }) => [
    { method: 'PUT', path: `/v1/groups/${group}/learning`, init: json({ setting: 'on' }) },
  ],
  mergeSpeakers: ({ speaker }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/merge`, init: json({ from: own.speaker }) },
    { method: 'POST', path: `/v1/speakers/${own.speaker}/merge`, init: json({ from: speaker }) },
  ],
  splitSpeaker: ({ speaker, enrollment }) => [
    { method: 'POST', path: `/v1/speakers/${speaker}/split`, init: json({ recordings: [enrollment] }) },
    { method: 'POST', path: `/v1/speakers/${own.speaker}/split`, init: json({ recordings: [enrollment] }) },
  ],
  confirmVerification: ({ verification }) => [{ method: 'POST', path: `/v1/verifications/${verification}/confirm` }],
  listDuplicates: ({ group }) => [
    { method: 'GET', path: `/v1/duplicates?group=${group}` },
    { method: 'GET', path: '/v1/duplicates' },
  ],
  getConsent: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/consent` }],
  listConsents: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/consent/history` }],
  giveConsent: ({ speaker }) => [
    { method: 'PUT', path: `/v1/speakers/${speaker}/consent`, init: json({ method: 'form', textVersion: '1' }) },
  ],
  withdrawConsent: ({ speaker }) => [{ method: 'DELETE', path: `/v1/speakers/${speaker}/consent` }],
  listRecordings: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/recordings` }],
  removeRecordings: ({ speaker }) => [{ method: 'DELETE', path: `/v1/speakers/${speaker}/recordings` }],
  getRecording: ({ speaker, enrollment }) => [
    { method: 'GET', path: `/v1/speakers/${speaker}/enrollments/${enrollment}/audio` },
    { method: 'GET', path: `/v1/speakers/${own.speaker}/enrollments/${enrollment}/audio` },
  ],
  getGroupKeeping: ({ group }) => [{ method: 'GET', path: `/v1/groups/${group}/keeping` }],
  setGroupKeeping: ({ group }) => [
    { method: 'PUT', path: `/v1/groups/${group}/keeping`, init: json({ setting: 'on' }) },
  ],
  exportSpeaker: ({ speaker }) => [{ method: 'GET', path: `/v1/speakers/${speaker}/export?vectors=true` }],
  listAudit: ({ speaker, subject }) => [
    { method: 'GET', path: '/v1/audit' },
    { method: 'GET', path: `/v1/audit?speaker=${speaker}` },
    { method: 'GET', path: `/v1/audit?subject=${subject}` },
  ],
  exportAudit: ({ speaker, subject }) => [
    { method: 'GET', path: '/v1/audit/export' },
    { method: 'GET', path: `/v1/audit/export?speaker=${speaker}` },
    { method: 'GET', path: `/v1/audit/export?subject=${subject}` },
  ],
  createTrainingSession: async ({ speaker }) => {
    const items = (createSpeakers: boolean): RequestInit =>
      form(
        ['items', JSON.stringify([{ speakerId: speaker }])],
        ['createSpeakers', String(createSpeakers)],
        ['audio', wav(2)],
      );
    const paths = { items: [{ speakerId: speaker, path: workshop.path('recordings', 'a.wav') }] };
    return Promise.resolve([
      { method: 'POST', path: '/v1/training-sessions', init: items(true) },
      { method: 'POST', path: '/v1/training-sessions', init: json(paths) },
    ]);
  },
  listJobs: () => [{ method: 'GET', path: '/v1/jobs' }],
  getJob: ({ job }) => [{ method: 'GET', path: `/v1/jobs/${job}` }],
  cancelJob: ({ job }) => [{ method: 'POST', path: `/v1/jobs/${job}/cancel` }],
  removeJob: ({ job }) => [{ method: 'DELETE', path: `/v1/jobs/${job}` }],
  followJob: ({ job }) => [{ method: 'GET', path: `/v1/jobs/${job}/events` }],
  createConversation: ({ speaker, group }) => [
    { method: 'POST', path: '/v1/conversations', init: form(['audio', SPEECH[1]!], ['group', group]) },
    { method: 'POST', path: '/v1/conversations', init: form(['audio', SPEECH[1]!], ['candidates', speaker]) },
  ],
  listConversations: () => [{ method: 'GET', path: '/v1/conversations' }],
  getConversation: ({ conversation }) => [{ method: 'GET', path: `/v1/conversations/${conversation}` }],
  removeConversation: ({ conversation }) => [{ method: 'DELETE', path: `/v1/conversations/${conversation}` }],
  listUnknownVoices: () => [
    { method: 'GET', path: '/v1/unknown-voices' },
    { method: 'GET', path: '/v1/unknown-voices?state=named' },
  ],
  getUnknownVoice: (things) => [{ method: 'GET', path: of(things) }],
  deleteUnknownVoice: (things) => [{ method: 'DELETE', path: of(things) }],
  nameUnknownVoice: (things) => [
    { method: 'POST', path: `${of(things)}/name`, init: json({ create: {} }) },
    { method: 'POST', path: `${of(own)}/name`, init: json({ speakerId: things.speaker }) },
    { method: 'POST', path: `${of(own)}/name`, init: json({ create: { groups: [things.group] } }) },
  ],
  mergeUnknownVoices: (things) => [
    { method: 'POST', path: `${of(things)}/merge`, init: json({ from: own.unknownVoice }) },
    { method: 'POST', path: `${of(own)}/merge`, init: json({ from: things.unknownVoice }) },
  ],
  splitUnknownVoice: ({ conversation, ...things }) => [
    { method: 'POST', path: `${of(things)}/split`, init: json({ conversations: [conversation] }) },
    { method: 'POST', path: `${of(own)}/split`, init: json({ conversations: [conversation] }) },
  ],
  reassignUnknownVoice: ({ conversation: conversationId, ...things }) => [
    { method: 'POST', path: `${of(things)}/reassign`, init: json({ conversationId, to: own.unknownVoice }) },
    { method: 'POST', path: `${of(own)}/reassign`, init: json({ conversationId, to: things.unknownVoice }) },
  ],
  dismissUnknownVoice: (things) => [{ method: 'POST', path: `${of(things)}/dismiss`, init: json({}) }],
  blockUnknownVoice: (things) => [{ method: 'POST', path: `${of(things)}/block`, init: json({}) }],
  listVoiceLedger: (things) => [{ method: 'GET', path: `${of(things)}/ledger` }],
  undoVoiceStep: (things) => [
    { method: 'POST', path: `${of(things)}/ledger/${things.step}/undo` },
    { method: 'POST', path: `${of(own)}/ledger/${things.step}/undo` },
  ],
  // They tell of nobody who is stored.
  getInfo: () => [{ method: 'GET', path: '/v1/info' }],
  getAccess: () => [{ method: 'GET', path: '/v1/access' }],
  listSamples: () => [{ method: 'GET', path: '/v1/samples' }],
  getSample: () => [{ method: 'GET', path: '/v1/samples/anna-1.wav' }],
  createEmbeddings: () => [{ method: 'POST', path: '/v1/embeddings', init: form(['audio', SPEECH[1]!]) }],
  compareRecordings: () => [{ method: 'POST', path: '/v1/compare', init: form(['a', SPEECH[1]!], ['b', SPEECH[2]!]) }],
};

/** An answer without the ids that were asked for, the id of the request, and what is of the moment. */
function comparable({ status, text }: { status: number; text: string }, things: Things): unknown {
  const plain = Object.entries(things).reduce((all, [name, id]) => all.replaceAll(id as string, `<${name}>`), text);
  const volatile = /"(requestId|uptimeSeconds|timings)":("[^"]*"|\d+|\{[^}]*\})/g;
  return { status, text: plain.replace(volatile, '"$1":"-"') };
}

describe('a key that is bound to a group', () => {
  test.each(operations.map((operation) => [operation.operationId, operation] as const))(
    'learns nothing of others and changes nothing of theirs: %s',
    async (id, operation) => {
      const rule = ruleOf(operation);
      if (rule === 'public') return;
      if (rule === 'refused') {
        const path = operation.path.replace(/\{\w+\}/g, NOTHING.speaker);
        const { status, text } = await call({ method: operation.method, path });
        expect([status, errorBody.parse(JSON.parse(text)).code]).toEqual([403, 'FORBIDDEN_GROUP']);
        return;
      }
      const requests = CALLS[id];
      if (!requests)
        throw new Error(`${id} lets bound keys in, and nothing here says how it is asked for what is another's`);
      const [ofOther, ofNothing] = [await requests(other), await requests(NOTHING)];
      for (const [i, request] of ofOther.entries()) {
        const answer = await call(request);
        const without = comparable(await call(ofNothing[i]!), NOTHING);
        expect({ request: request.path, ...(comparable(answer, other) as object) }).toEqual({
          request: request.path,
          ...(without as object),
        });
        // What was asked for may be said again.
        const asked = `${request.path} ${typeof request.init?.body === 'string' ? request.init.body : ''}`;
        const [form_] = [request.init?.body].filter((body) => body instanceof FormData);
        const fields = [...(form_?.values() ?? [])].filter((value) => typeof value === 'string').join(' ');
        const told = secrets.filter((secret) => !asked.includes(secret) && !fields.includes(secret));
        expect(told.filter((secret) => answer.text.includes(secret))).toEqual([]);
      }
    },
  );

  test('left what is theirs as it was', async () => {
    const speaker = await made({ method: 'GET', path: `/v1/speakers/${other.speaker}` });
    expect(speaker).toMatchObject({
      name: `Name of ${other.speaker}`,
      groups: ['rival'],
      consentStatus: 'NOT_RECORDED',
    });
    const { total } = await made({ method: 'GET', path: '/v1/groups' });
    expect(total).toBe(2);
    const talks = (await made({ method: 'GET', path: '/v1/conversations' })) as unknown as { conversations: unknown };
    expect(talks.conversations).toMatchObject([{ id: other.conversation, names: [{ speakerId: other.speaker }] }]);
    expect(await made({ method: 'GET', path: of(other) })).toMatchObject({ state: 'open', version: 1 });
    expect(await made({ method: 'GET', path: of(own) })).toMatchObject({ state: 'open', version: 1 });
    expect(await made({ method: 'GET', path: `/v1/jobs/${other.job}` })).toMatchObject({ state: 'completed' });
    expect(await made({ method: 'GET', path: '/v1/groups/acme' })).toMatchObject({ name: 'Group acme' });
    const all = (await made({ method: 'GET', path: '/v1/speakers' })) as unknown as { speakers: { id: string }[] };
    expect(all.speakers.map(({ id }) => id).filter((id) => !id.startsWith('acme:'))).toEqual([other.speaker]);
  });

  test('reaches what is of its group', async () => {
    const ok = async (request: Request): Promise<unknown> => {
      const { status, text } = await call(request);
      expect({ path: request.path, status, text }).toMatchObject({ status: expect.any(Number) });
      expect([request.path, status < 300]).toEqual([request.path, true]);
      return text === '' ? null : (JSON.parse(text) as unknown);
    };
    expect(await ok({ method: 'GET', path: '/v1/speakers' })).toMatchObject({
      speakers: expect.arrayContaining([expect.objectContaining({ id: 'acme:ada', groups: ['acme'] })]),
      nextCursor: null,
    });
    expect(await ok({ method: 'GET', path: '/v1/groups' })).toMatchObject({ groups: [{ id: 'acme' }], total: 1 });
    expect(await ok({ method: 'POST', path: '/v1/speakers', init: json({}) })).toMatchObject({ groups: ['acme'] });
    const put = { method: 'PUT', path: '/v1/speakers/acme:bob', init: json({ metadata: { a: 'b' } }) };
    expect((await call(put)).status).toBe(201);
    expect(await ok({ ...put, init: json({ name: 'Bob' }) })).toMatchObject({ name: 'Bob', metadata: { a: 'b' } });
    expect(await ok({ method: 'GET', path: '/v1/speakers?metadata=a=b' })).toMatchObject({
      speakers: [{ id: 'acme:bob' }],
      total: null,
    });
    const identified = { method: 'POST', path: '/v1/identify', init: form(['audio', SPEECH[0]!]) };
    expect(await ok(identified)).toMatchObject({ gallerySize: 1, ranking: [{ speakerId: 'acme:ada' }] });
    const { entries } = (await ok({ method: 'GET', path: '/v1/audit?speaker=acme:ada' })) as { entries: unknown[] };
    expect(entries.length).toBeGreaterThan(0);
    expect(await ok({ method: 'GET', path: `/v1/jobs/${own.job}` })).toMatchObject({
      items: [{ speakerId: 'acme:ada', state: 'done' }],
      secondsLeft: null,
    });
    expect(await ok({ method: 'GET', path: '/v1/jobs' })).toMatchObject({ jobs: [{ id: own.job }], total: 1 });
    const receipt = (await ok({ method: 'DELETE', path: '/v1/speakers/acme:bob' })) as { receipt: string };
    expect(receipt).toMatchObject({ erased: { groups: 1, metadata: 1 } });
    expect(await ok({ method: 'GET', path: `/v1/receipts/${receipt.receipt}` })).toMatchObject({ remains: 0 });
  });

  test("enrols nobody of others by a job: it has the key's reach", async () => {
    const job = await session(other.speaker, key);
    const { items } = JSON.parse((await call({ method: 'GET', path: `/v1/jobs/${job}` })).text) as {
      items: { state: string; error: { code: string } }[];
    };
    expect(items).toMatchObject([{ state: 'failed', error: { code: 'SPEAKER_NOT_FOUND' } }]);
  });

  test('is refused by the calls of the sidecar', async () => {
    const { sidecarUrl } = service.service;
    const response = await fetch(`${sidecarUrl}/extract-embedding`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ audioPath: workshop.path('recordings', 'a.wav') }),
    });
    expect(response.status).toBe(403);
  });

  test('keeps its group from being deleted, until it is revoked', async () => {
    await made({ method: 'POST', path: '/v1/groups', init: json({ id: 'short' }) });
    const command = ['keys', 'create', '--name', 'short', '--scope', 'read', '--data-dir', service.dataDir];
    const unknown = await timbre([...command, '--group', 'nowhere'], { env: service.env });
    expect(unknown).toMatchObject({ status: 63, stdout: '' });
    const { status, stdout, stderr } = await timbre([...command, '--group', 'short', '--json'], { env: service.env });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const created = JSON.parse(stdout) as { id: string; groups: string[] };
    expect(created.groups).toEqual(['short']);
    const removal = await call({ method: 'DELETE', path: '/v1/groups/short' }, service.key);
    expect([removal.status, errorBody.parse(JSON.parse(removal.text))]).toMatchObject([
      409,
      { code: 'GROUP_IN_USE', details: { keys: [created.id] } },
    ]);
    await timbre(['keys', 'revoke', created.id, '--data-dir', service.dataDir], { env: service.env });
    expect((await call({ method: 'DELETE', path: '/v1/groups/short' }, service.key)).status).toBe(204);
  });

  test('with 1 MB of metadata gets a clear refusal', async () => {
    const metadata = { note: 'x'.repeat(1024 * 1024) };
    const { status, text } = await call({ method: 'PATCH', path: '/v1/speakers/acme:ada', init: json({ metadata }) });
    expect([status, errorBody.parse(JSON.parse(text)).code]).toEqual([413, 'BODY_TOO_LARGE']);
  });
});
