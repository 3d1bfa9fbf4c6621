import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { updateManifest } from '../../src/addon/index.js';
import { seededUniform } from '../../src/evaluation/bootstrap.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { enrolledView, profileView, type ProfileView } from '../../src/service/enrollments/enrollments.dto.js';
import {
  confirmView,
  duplicatesView,
  groupLearningView,
  learningView,
  ledgerEntryView,
  ledgerView,
  mergedView,
  splitView,
  undoneView,
} from '../../src/service/profiles/profiles.dto.js';
import { verificationView } from '../../src/service/verification/verification.dto.js';
import { SCOPES } from '../../src/support/scopes.js';
import { timbre } from '../cli/support.js';
import { formOf, spoken, startBuilt, TestService, until, Workshop } from './support.js';

/** Profiles that learn, over HTTP: what waits, what is confirmed, learned and undone, merged and split. */

const ADA = ([0, 1, 2] as const).map((sentence) => spoken('f2', sentence));
const BOB = ([0, 1] as const).map((sentence) => spoken('m1', sentence));
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whatever is accepted is strong evidence: what is told apart here are ways, not voices. */
const TAIL = {
  start: -50,
  share: 0.05,
  scale: 0.1,
  shape: 0,
  body: [[0.5, -60]] as [number, number][],
  leastRate: 1e-4,
};

let workshop: Workshop;
/** With one threshold and no evidence beyond it, so that recordings wait to be confirmed; and one that learns by itself. */
let careful: string;
let eager: string;
const running: TestService[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  careful = await workshop.bundle('careful');
  eager = workshop.path('eager.pt');
  await updateManifest(careful, { impostorTail: TAIL }, eager);
}, 180_000);

afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => workshop.remove());

const SETTINGS = { enrollmentSeconds: 2, minSpeechSeconds: 0, minSnrDb: -100, minBandwidthHz: 100 };

async function start(settings: ConfigInput): Promise<TestService> {
  const service = await TestService.start(workshop, { ...SETTINGS, ...settings });
  running.push(service);
  await service.service.ready();
  return service;
}

/** The answer to a call, checked against what the document promises. */
async function ask<Schema extends z.ZodType>(
  service: Pick<TestService, 'fetch'>,
  schema: Schema,
  method: string,
  path: string,
  body?: object | FormData,
): Promise<z.output<Schema>> {
  const json = body !== undefined && !(body instanceof FormData);
  const response = await service.fetch(path, {
    method,
    ...(json ? { headers: { 'content-type': 'application/json' } } : {}),
    ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return schema.parse(JSON.parse(text));
}

async function refusal(service: TestService, method: string, path: string, body?: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const { body: answer } = await service.call(path, { method, headers, body: JSON.stringify(body ?? {}) });
  return (answer as { code: string }).code;
}

type Caller = Pick<TestService, 'fetch'>;

const enrol = (service: Caller, id: string, recording: Buffer, ...more: [string, string][]) =>
  ask(service, enrolledView, 'POST', `/v1/speakers/${id}/enrollments`, formOf([...more, ['audio', recording]]));
const verify = (service: Caller, id: string, recording: Buffer) =>
  ask(service, verificationView, 'POST', `/v1/speakers/${id}/verify`, formOf([['audio', recording]]));
const profile = (service: Caller, id: string): Promise<ProfileView> =>
  ask(service, profileView, 'GET', `/v1/speakers/${id}/profile?embedding=true&health=true`);

/** All of a profile but when it was made. */
async function voice(service: Caller, id: string): Promise<Omit<ProfileView, 'updatedAt'>> {
  const { updatedAt: _, ...rest } = await profile(service, id);
  return rest;
}

async function add(service: TestService, id: string, recording: Buffer): Promise<void> {
  expect((await service.postJson('/v1/speakers', { id })).status).toBe(201);
  await enrol(service, id, recording);
}

test('a recording that was verified is confirmed once, is in the ledger, and is undone once', async () => {
  const service = await start({ model: careful });
  await add(service, 'ada', ADA[0]!);
  const before = await voice(service, 'ada');
  expect(await verify(service, 'ada', ADA[1]!)).toMatchObject({
    decision: 'ACCEPT',
    learning: null,
    verificationId: null,
  });

  const learning = { setting: 'on' };
  expect(await ask(service, learningView, 'PUT', '/v1/speakers/ada/learning', learning)).toEqual({
    speakerId: 'ada',
    setting: 'on',
    learns: true,
    from: 'speaker',
    frozenAt: null,
  });
  const verified = await verify(service, 'ada', ADA[1]!);
  expect(verified).toMatchObject({
    decision: 'ACCEPT',
    verificationId: expect.stringMatching(UUID),
    confirmUntil: expect.any(String),
    learning: { learned: false, reason: 'NO_EVIDENCE', ledgerEntry: null },
  });
  const confirm = `/v1/verifications/${verified.verificationId}/confirm`;
  const confirmed = await ask(service, confirmView, 'POST', confirm);
  expect(confirmed).toEqual({
    speakerId: 'ada',
    learned: true,
    reason: null,
    ledgerEntry: expect.stringMatching(UUID),
  });
  expect(await refusal(service, 'POST', confirm)).toBe('VERIFICATION_NOT_FOUND');
  expect(await profile(service, 'ada')).toMatchObject({ enrollmentsCount: 2, health: { enrolled: 1, learned: 1 } });

  const first = await ask(service, ledgerView, 'GET', '/v1/speakers/ada/ledger?limit=1');
  expect(first.entries).toMatchObject([
    { id: confirmed.ledgerEntry, action: 'confirmed', reason: 'CONFIRMED', undoable: true, undoneAt: null },
  ]);
  const next = `/v1/speakers/ada/ledger?cursor=${first.nextCursor}`;
  const rest = await ask(service, ledgerView, 'GET', next);
  expect(rest).toMatchObject({ entries: [{ action: 'enrolled', undoable: false }], nextCursor: null });

  const undo = `/v1/speakers/ada/ledger/${confirmed.ledgerEntry}/undo`;
  const undone = await ask(service, ledgerEntryView, 'POST', undo);
  expect(undone).toMatchObject({ undoable: false, undoneAt: expect.any(String) });
  expect(await voice(service, 'ada')).toEqual(before);
  expect(await refusal(service, 'POST', undo)).toBe('LEDGER_ENTRY_UNDONE');
  expect(await refusal(service, 'POST', `/v1/speakers/ada/ledger/${rest.entries[0]!.id}/undo`)).toBe(
    'LEDGER_ENTRY_FINAL',
  );
  // The same file teaches nothing again.
  expect((await verify(service, 'ada', ADA[1]!)).learning).toMatchObject({ learned: false, reason: 'KNOWN' });
}, 120_000);

async function confirm(service: TestService, { verificationId }: { verificationId: string | null }): Promise<unknown> {
  expect(verificationId).toMatch(UUID);
  return refusal(service, 'POST', `/v1/verifications/${verificationId}/confirm`);
}

test('what waits is gone with consent, and with the speaker', async () => {
  const service = await start({ model: careful, learning: true });
  await add(service, 'ada', ADA[0]!);
  const withdrawn = await verify(service, 'ada', ADA[1]!);
  expect((await service.call('/v1/speakers/ada/consent', { method: 'DELETE' })).status).toBe(200);
  expect(await confirm(service, withdrawn)).toBe('VERIFICATION_NOT_FOUND');

  await add(service, 'bob', BOB[0]!);
  const erased = await verify(service, 'bob', BOB[1]!);
  expect((await service.call('/v1/speakers/bob', { method: 'DELETE' })).body).toMatchObject({
    erased: { waitingVerifications: 1, ledgerEntries: 1 },
  });
  expect(await confirm(service, erased)).toBe('VERIFICATION_NOT_FOUND');
}, 120_000);

test('what waits is deleted after its time', async () => {
  const service = await start({ model: careful, learning: true, confirmMinutes: 0.01 });
  await add(service, 'ada', ADA[0]!);
  const late = await verify(service, 'ada', ADA[1]!);
  await until(async () => {
    const text = await (await service.fetch('/metrics')).text();
    return text.includes('timbre_waiting_verifications{state="waiting"} 0');
  }, 60);
  expect(await confirm(service, late)).toBe('VERIFICATION_NOT_FOUND');
}, 120_000);

test('a group switches learning on, and records are merged, split and told as duplicates', async () => {
  const service = await start({ model: eager });
  await service.postJson('/v1/groups', { id: 'home' });
  const on = { setting: 'on' };
  expect(await ask(service, groupLearningView, 'PUT', '/v1/groups/home/learning', on)).toEqual({
    group: 'home',
    setting: 'on',
  });
  await service.postJson('/v1/speakers', { id: 'ada', groups: ['home'] });
  await enrol(service, 'ada', ADA[0]!);
  expect((await verify(service, 'ada', ADA[1]!)).learning).toMatchObject({ learned: true, reason: null });

  await service.postJson('/v1/speakers', { id: 'double' });
  const { possibleDuplicate } = await enrol(service, 'double', ADA[2]!, ['duplicates', 'true']);
  expect(possibleDuplicate).toMatchObject({ speakerId: 'ada', falseAcceptRate: 0.001, gallerySize: 1 });
  const { pairs } = await ask(service, duplicatesView, 'GET', '/v1/duplicates');
  expect(pairs).toMatchObject([{ of: 'ada', speakerId: 'double' }]);

  expect(await refusal(service, 'POST', '/v1/speakers/ada/merge', { from: 'ada' })).toBe('INVALID_ARGUMENT');
  expect(await refusal(service, 'POST', '/v1/speakers/ada/merge', { from: 'gone' })).toBe('SPEAKER_NOT_FOUND');
  const before = [await voice(service, 'ada'), await voice(service, 'double')];
  const merged = await ask(service, mergedView, 'POST', '/v1/speakers/ada/merge', { from: 'double' });
  expect(merged.speaker).toMatchObject({ id: 'ada', enrollmentsCount: 3 });
  await ask(service, ledgerEntryView, 'POST', `/v1/speakers/ada/ledger/${merged.ledgerEntry}/undo`);
  // Whoever is nearest may be told from another side now.
  const plain = (one: object): object => ({ ...one, health: undefined });
  expect([await voice(service, 'ada'), await voice(service, 'double')].map(plain)).toEqual(before.map(plain));

  const { results } = await enrol(service, 'ada', BOB[0]!);
  const recordings = results.flatMap((result) => ('enrollment' in result ? result.enrollment.id : []));
  const split = await ask(service, splitView, 'POST', '/v1/speakers/ada/split', { recordings, id: 'bob' });
  expect(split.split).toMatchObject({ id: 'bob', groups: ['home'], enrollmentsCount: 1 });
  expect(await refusal(service, 'POST', '/v1/speakers/ada/split', { recordings })).toBe('ENROLLMENT_NOT_FOUND');
}, 120_000);

/** With a key that may read vectors, which the local one may not. */
async function envOf({ service }: TestService): Promise<NodeJS.ProcessEnv> {
  const { key, text } = newApiKey({ name: 'export', scopes: SCOPES }, new Date());
  await service.app.get(KeyStore, { strict: false }).insert(key);
  return { TIMBRE_API_KEY: text };
}

test('what one service exports as lines another imports: the same profile, times, measures and consent', async () => {
  const [from, to] = [await start({ model: eager }), await start({ model: eager, consent: 'required' })];
  const consent = { method: 'form', textVersion: '1', givenAt: '2026-01-02T03:04:05.000Z' };
  await from.postJson('/v1/speakers', { id: 'ada', name: 'Ada', consent });
  for (const recording of ADA) await enrol(from, 'ada', recording);
  const file = workshop.path('ada.jsonl');
  const [envFrom, envTo] = [await envOf(from), await envOf(to)];
  const exporting = await timbre(['speakers', 'export', 'ada', '--vectors', '--lines', '--url', from.url], {
    env: envFrom,
  });
  expect(exporting.stdout.trim().split('\n')).toHaveLength(3);
  await writeFile(file, exporting.stdout);
  const importing = (): ReturnType<typeof timbre> =>
    timbre(['import', file, '--json', '--url', to.url], { env: envTo });
  expect(JSON.parse((await importing()).stdout)).toEqual({
    speakers: 1,
    vectors: 3,
    added: 3,
    known: 0,
    notAccepted: 0,
  });

  const plain = ({ recordings, ...rest }: Awaited<ReturnType<typeof voice>>): object => ({
    ...rest,
    recordings: recordings.map(({ agreement, outlier }) => ({ agreement, outlier })),
  });
  expect(plain(await voice(to, 'ada'))).toEqual(plain(await voice(from, 'ada')));
  const again = await timbre(['speakers', 'export', 'ada', '--vectors', '--lines', '--url', to.url], { env: envTo });
  expect(again.stdout).toBe(exporting.stdout);
  // Cut off, it is run once more.
  expect(JSON.parse((await importing()).stdout)).toMatchObject({ added: 0, known: 3 });

  for (const [line, said] of [
    ['{', 'it is no JSON'],
    ['[]', 'no JSON object'],
    ['{"speaker":"bob"}', 'have to be there'],
    ['{"speaker":"bob","vektor":[]}', 'no field \\"vektor\\"'.replaceAll('\\', '')],
    ['{"speaker":"bob","vector":[1],"model":"other@0123456789ab","speechSeconds":3}', 'line 2'],
  ] as const) {
    await writeFile(file, `\n${line}\n`);
    const { status, stderr } = await importing();
    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain(said);
  }
  expect((await timbre(['speakers', 'export', 'ada', '--lines'], { env: envTo })).stderr).toContain('--vectors');
}, 120_000);

test('a hundred recordings of one person are imported, by the command and by one request', async () => {
  const to = await start({ model: eager, consent: 'optional' });
  const { model } = (await to.call('/v1/info')).body as { model: { name: string; embeddingDim: number } };
  const random = seededUniform(7);
  const vectors = Array.from({ length: 100 }, () => ({
    vector: Array.from({ length: model.embeddingDim }, () => random() - 0.5),
    model: model.name,
    speechSeconds: 3,
  }));
  const file = workshop.path('hundred.jsonl');
  await writeFile(file, vectors.map((one) => JSON.stringify({ speaker: 'ada', ...one })).join('\n'));
  const imported = await timbre(['import', file, '--json', '--url', to.url], { env: await envOf(to) });
  expect({ ...imported, stdout: JSON.parse(imported.stdout) as unknown }).toMatchObject({
    status: 0,
    stdout: { added: 100 },
  });
  await to.postJson('/v1/speakers', { id: 'bob' });
  expect(await to.postJson('/v1/speakers/bob/vectors', { vectors })).toMatchObject({ status: 201 });
  const tooMany = await to.postJson('/v1/speakers/bob/vectors', { vectors: [...vectors, ...vectors] });
  expect(tooMany).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
}, 120_000);

/** The built service in a process of its own. */
async function serve(dataDir: string): Promise<Caller & { kill: () => Promise<void> }> {
  const set = [
    '--learning',
    'on',
    '--consent',
    'optional',
    '--enrollment-seconds',
    '2',
    '--workers',
    '2',
    '--model',
    eager,
  ];
  const { url, key, child, exited } = await startBuilt(dataDir, set, { onStart: (one) => children.push(one) });
  return {
    fetch: (path, init) => {
      const headers = new Headers(init?.headers);
      headers.set('x-api-key', key);
      return fetch(new URL(path, url), { ...init, headers });
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

test('what was learned is there after kill -9, and undoing all of it gives the profile of before, bit for bit', async () => {
  const dataDir = workshop.path('killed');
  const since = new Date().toISOString();
  const first = await serve(dataDir);
  const made = await first.fetch('/v1/speakers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'ada' }),
  });
  expect(made.status).toBe(201);
  await enrol(first, 'ada', ADA[0]!);
  const before = await voice(first, 'ada');
  const entries: (string | null)[] = [];
  for (const recording of [ADA[1]!, ADA[2]!]) {
    const { learning } = await verify(first, 'ada', recording);
    expect(learning).toMatchObject({ learned: true });
    entries.unshift(learning!.ledgerEntry);
  }
  const after = await voice(first, 'ada');
  await first.kill();

  const second = await serve(dataDir);
  expect(await voice(second, 'ada')).toEqual(after);
  const undone = await ask(second, undoneView, 'POST', '/v1/speakers/ada/ledger/undo', { since });
  expect(undone).toEqual({ undone: entries, left: [] });
  await second.kill();

  const third = await serve(dataDir);
  expect(await voice(third, 'ada')).toEqual(before);
}, 240_000);
