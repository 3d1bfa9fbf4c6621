import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { ConversationOptions, ConversationResult } from '../../src/addon/types.js';
import { readRttm } from '../../src/evaluation/rttm.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import { KeyRing } from '../../src/service/access/key-ring.js';
import { KeyStore } from '../../src/service/access/key-store.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import {
  conversationsView,
  conversationView,
  type ConversationView,
} from '../../src/service/conversations/conversations.dto.js';
import { ConversationsService } from '../../src/service/conversations/conversations.service.js';
import { VoiceNamer } from '../../src/service/conversations/voice-namer.js';
import { EmbeddingEngine } from '../../src/service/engine/embedding-engine.js';
import { exportView } from '../../src/service/privacy/export.dto.js';
import { receiptView } from '../../src/service/speakers/receipt.dto.js';
import { WatchLists } from '../../src/service/watch/watch-lists.js';
import { PACKAGE_FOLDER } from '../../src/support/package.js';
import type { Scope } from '../../src/support/scopes.js';
import { spoken, TestService, wav, Workshop, type Part } from './support.js';

/*
 * Names over HTTP: people are enrolled with recordings of espeak-ng, and the voices of conversations are embedded from others of
 * the same voices. Who speaks when is said by the test, as the network that hears it is not in the repository.
 */

const CONVERSATIONS = '/v1/conversations';
const ALL: Part[] = [['names', 'all']];
const LATER = { prefer: 'respond-async' };
const VOICES = { ada: 'f2', dot: 'f4', ben: 'm1' } as const;

interface Heard {
  embedding: Float32Array;
  ownSeconds?: number;
  channels?: number[];
}

let workshop: Workshop;
let service: TestService;
/** Of another sentence than the one that each is enrolled with. */
const voice: Record<keyof typeof VOICES, Float32Array> = { ada: new Float32Array(), dot: new Float32Array(), ben: new Float32Array() }; // prettier-ignore
let stranger: Float32Array;
/** What is heard in the next conversations, and what has to happen before. */
let heard: Heard[] = [];
let before: (options: ConversationOptions) => Promise<void> = () => Promise.resolve();
let asked: ConversationOptions[] = [];

beforeAll(async () => {
  workshop = await Workshop.open();
  service = await start();
  for (const [id, sound] of Object.entries(VOICES)) {
    await added(id);
    const answer = await service.postForm(`/v1/speakers/${id}/enrollments`, [['audio', spoken(sound, 0)]]);
    expect(answer).toMatchObject({ status: 201, body: { speaker: { enrollmentStatus: 'Enrolled' } } });
  }
  const engine = service.service.app.get(EmbeddingEngine, { strict: false });
  const sounds = [...Object.values(VOICES), 'm3'].map((sound) => spoken(sound, 1));
  const embedded = (await engine.embedBatch(sounds)).map((item) => {
    if ('error' in item) throw item.error;
    return item.result.embedding;
  });
  [voice.ada, voice.dot, voice.ben] = embedded as [Float32Array, Float32Array, Float32Array];
  // As unlike everybody as can be.
  stranger = embedded[3]!.map((_, i) => -embedded.slice(0, 3).reduce((sum, one) => sum + one[i]!, 0));
}, 300_000);

afterEach(() => {
  before = () => Promise.resolve();
  asked = [];
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

async function start(settings: ConfigInput = {}): Promise<TestService> {
  const model = join(PACKAGE_FOLDER, 'models', 'starter.pt');
  const floors = { enrollmentSeconds: 2, minSpeechSeconds: 0, minSnrDb: -100 };
  const started = await TestService.start(workshop, { model, ...floors, logLevel: 'error', ...settings });
  await started.service.ready();
  const engine = started.service.app.get(EmbeddingEngine, { strict: false });
  const { model: name } = engine.info();
  Object.assign(engine, {
    admitConversation: () => Promise.resolve(),
    readyForConversations: () => Promise.resolve(),
    converse: async (_: unknown, options: ConversationOptions): Promise<ConversationResult> => {
      asked.push(options);
      const said = conversationOf(heard, name, options);
      await before(options);
      return said;
    },
  });
  return started;
}

/** People who speak one after the other, for as long as they are said to, half of it in each of two turns. */
function conversationOf(
  people: readonly Heard[],
  model: string,
  { channel = 'mix' }: ConversationOptions,
): ConversationResult {
  const labels = people.map((_, i) => String.fromCharCode(65 + i));
  let at = 0;
  const turns = [0, 1].flatMap(() =>
    people.map(({ ownSeconds = 6 }, i) => {
      const start = at;
      at += ownSeconds / 2;
      return { start, end: at, speaker: labels[i]!, overlap: 0 };
    }),
  );
  const speakers = people.map(({ embedding, ownSeconds = 6, channels }, i) => ({
    label: labels[i]!,
    speechSeconds: ownSeconds,
    ownSeconds,
    turns: 2,
    embedding,
    ...(channels && { channels }),
  }));
  const whole = { channelsCancel: false, channelsAlike: false, tracks: 1, track: 0, format: 'WAV/PCM_16' };
  return {
    seconds: at,
    speakers,
    turns,
    model,
    segmentation: 'said@0123456789ab',
    audio: { ...whole, seconds: at, sampleRate: 16_000, channels: 2, channel, complete: true, incomplete: null },
    timings: { queue: 0, decode: 0, resample: 0, speech: 0, features: 0, model: 0, total: 0 },
  };
}

const blend = (...all: Float32Array[]): Float32Array =>
  all[0]!.map((_, i) => all.reduce((sum, one) => sum + one[i]!, 0));

async function added(id: string, more: Record<string, unknown> = {}): Promise<void> {
  expect((await service.postJson('/v1/speakers', { id, name: `Name of ${id}`, ...more })).status).toBe(201);
}

type Answer = Awaited<ReturnType<TestService['call']>>;

const post = (fields: Part[], headers: Record<string, string> = {}, to = service): Promise<Answer> =>
  to.postForm(CONVERSATIONS, [...fields, ['audio', wav(1), 'a meeting.wav']], { headers });

async function made(fields: Part[], headers: Record<string, string> = {}, to = service): Promise<ConversationView> {
  const { status, body } = await post(fields, headers, to);
  expect({ status, body }).toMatchObject({ status: 'prefer' in headers ? 202 : 201 });
  return conversationView.strict().parse(body);
}

async function read(id: string, headers: Record<string, string> = {}, to = service): Promise<ConversationView> {
  const { status, body } = await to.call(`${CONVERSATIONS}/${id}`, { headers });
  expect({ status, body }).toMatchObject({ status: 200 });
  return conversationView.strict().parse(body);
}

const textOf = async (id: string, accept: string): Promise<string> =>
  (await service.fetch(`${CONVERSATIONS}/${id}`, { headers: { accept } })).text();

const ended = async ({ jobId }: ConversationView): Promise<void> =>
  expect(await (await service.fetch(`/v1/jobs/${jobId}/events`)).text()).toContain('event: end');

async function keyOf(scopes: readonly Scope[], groups: string[] = []): Promise<Record<string, string>> {
  const store = service.service.app.get(KeyStore, { strict: false });
  const of = groups.length > 0 ? { groups: await store.groups(groups) } : {};
  const { key, text } = newApiKey({ name: scopes.join(' '), scopes, ...of }, new Date());
  service.service.app.get(KeyRing, { strict: false }).grant(key);
  return { 'x-api-key': text };
}

const namesOf = ({ speakers }: ConversationView): (string | null)[] =>
  speakers.map(({ speakerId, reason }) => speakerId ?? reason);

describe('the voices of a conversation', () => {
  test('have names or typed reasons, in every form and in the list', async () => {
    heard = [
      { embedding: voice.ada },
      { embedding: stranger },
      { embedding: voice.dot },
      { embedding: voice.dot, ownSeconds: 1.2 },
      // Ada again, with less evidence than the first voice.
      { embedding: blend(...Array.from({ length: 8 }, () => voice.ada), voice.dot) },
    ];
    const view = await made(ALL);
    expect(namesOf(view)).toEqual(['ada', 'REJECT', 'dot', 'NOT_ENOUGH_SPEECH', 'NAMED_ALREADY']);
    const [ada, other, , short, split] = view.speakers;
    expect(ada).toMatchObject({ name: 'Name of ada', decision: 'ACCEPT', reason: null, nearest: { speakerId: 'ada' } });
    expect(ada!.score).toBe(ada!.nearest!.llr);
    expect(ada!.score).toBeGreaterThan(view.naming!.threshold);
    expect(ada!.margin).toBeGreaterThan(view.naming!.leastMargin);
    expect(other).toMatchObject({ decision: 'REJECT', score: null, margin: null, nearest: null });
    expect(short!.missingSpeechSeconds).toBeCloseTo(0.8, 6);
    expect(short).toMatchObject({ decision: 'NOT_ENOUGH_SPEECH', nearest: null, score: null });
    expect(split).toMatchObject({ sameAs: 'A', decision: 'AMBIGUOUS' });
    expect(view.naming).toMatchObject({
      on: 'llr',
      falseAcceptRate: 0.01,
      gallerySize: 3,
      thresholdFrom: 'calibration',
    });
    expect(await read(view.id)).toEqual(view);

    const rttm = readRttm(await textOf(view.id, 'application/x-rttm'), 'the answer').get('a_meeting')!;
    expect(rttm.slice(0, 5).map(({ speaker }) => speaker)).toEqual(['ada', 'B', 'dot', 'D', 'E']);
    expect(await textOf(view.id, 'text/vtt')).toContain('<v Name of ada>Name of ada</v>');
    const page = conversationsView.strict().parse((await service.call(`${CONVERSATIONS}?limit=1`)).body);
    expect(page.conversations[0]!.names).toEqual([
      { label: 'A', speakerId: 'ada', name: 'Name of ada' },
      { label: 'C', speakerId: 'dot', name: 'Name of dot' },
    ]);

    const trail = ((await service.call('/v1/audit?limit=500')).body as { entries: Record<string, string>[] }).entries;
    const named = trail.filter(({ action, object }) => action === 'voice.named' && object === view.id);
    expect(named.filter(({ outcome }) => outcome === 'ACCEPT').map(({ subject }) => typeof subject)).toEqual(['string', 'string']); // prettier-ignore
    const metrics = await (await service.fetch('/metrics')).text();
    expect(metrics).toContain('timbre_voice_names_total{result="named"} 2');
    expect(metrics).toContain('timbre_voice_names_total{result="NOT_ENOUGH_SPEECH"} 1');
  }, 300_000);

  test('are compared with nobody unless that is asked for', async () => {
    heard = [{ embedding: voice.ada }];
    for (const fields of [[], [['names', 'none']]] as Part[][]) {
      const view = await made(fields);
      expect(view).toMatchObject({
        naming: null,
        speakers: [{ speakerId: null, decision: null, reason: 'NOT_ASKED' }],
      });
      expect(await textOf(view.id, 'text/vtt')).toContain('<v A>A</v>');
    }
  }, 300_000);

  test('of strangers tell whom they are nearest to to keys of the scope vectors alone', async () => {
    heard = [{ embedding: stranger }];
    const { id } = await made(ALL);
    const [hidden] = (await read(id)).speakers;
    expect(hidden).toMatchObject({ reason: 'REJECT', score: null, margin: null, nearest: null });
    const [told] = (await read(id, await keyOf(['read', 'vectors']))).speakers;
    expect(told).toMatchObject({ reason: 'REJECT', nearest: { speakerId: expect.any(String) } });
    expect(told!.score).toBe(told!.nearest!.llr);
  }, 300_000);

  test('that fit two people say so, and two who are too close get no name', async () => {
    heard = [{ embedding: blend(voice.ada, voice.dot) }];
    const [speaker] = (await made(ALL)).speakers;
    expect(['MIXED_VOICES', 'AMBIGUOUS']).toContain(speaker!.reason);
    expect(speaker).toMatchObject({
      speakerId: null,
      decision: 'AMBIGUOUS',
      nearest: { speakerId: expect.any(String) },
    });
  }, 300_000);

  test('get the same evidence for a profile as an identification gives for the same embedding', async () => {
    heard = [{ embedding: voice.ada }];
    const [speaker] = (await made(ALL)).speakers;
    const { body } = await service.postForm('/v1/identify', [['audio', spoken(VOICES.ada, 1)]]);
    const { ranking } = body as { ranking: { speakerId: string; score: { cosine: number } }[] };
    expect(speaker!.nearest!.cosine).toBeCloseTo(ranking[0]!.score.cosine, 5);
  }, 300_000);

  test('are those of each channel where that is asked for', async () => {
    heard = [
      { embedding: voice.ada, channels: [1, 0] },
      { embedding: voice.dot, channels: [0] },
    ];
    const view = await made([...ALL, ['channel', 'each'], ['kind', 'call']]);
    expect(asked).toMatchObject([{ channel: 'each', kind: 'call' }]);
    expect(view.audio).toMatchObject({ channel: 'each' });
    expect(view.speakers).toMatchObject([
      { speakerId: 'ada', channels: [1, 0] },
      { speakerId: 'dot', channels: [0] },
    ]);
    expect(await read(view.id)).toEqual(view);
  }, 300_000);
});

describe('whom names are given of', () => {
  test('is a group or candidates, and who is none of them raises doubts', async () => {
    await service.postJson('/v1/groups', { id: 'team' });
    expect((await service.call('/v1/speakers/dot', { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"groups":["team"]}' })).status).toBe(200); // prettier-ignore
    heard = [{ embedding: voice.ada }, { embedding: voice.dot }];
    for (const fields of [
      [['group', 'team']],
      [['candidates', 'dot']],
      [
        ['group', 'team'],
        ['candidates', 'dot,ada'],
      ],
    ] as Part[][]) {
      // prettier-ignore
      const view = await made(fields);
      expect({ fields, names: namesOf(view) }).toEqual({ fields, names: ['REJECT', 'dot'] });
      expect(view.naming).toMatchObject({ gallerySize: 1 });
    }
  }, 300_000);

  test.each<[string, Part[], number, string]>([
    ['a candidate whom nobody knows', [['candidates', 'ada,nobody']], 404, 'SPEAKER_NOT_FOUND'],
    ['no candidate', [['candidates', ' , ']], 400, 'INVALID_ARGUMENT'],
    ['a group that is not there', [['group', 'nowhere']], 404, 'GROUP_NOT_FOUND'],
    ['other names', [['names', 'some']], 400, 'INVALID_ARGUMENT'],
    [
      'none and a group',
      [
        ['names', 'none'],
        ['group', 'team'],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'all and candidates',
      [
        ['names', 'all'],
        ['candidates', 'ada'],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
    ['a rate for nothing', [['falseAcceptRate', '0.01']], 400, 'INVALID_ARGUMENT'],
    [
      'a rate of 0',
      [
        ['names', 'all'],
        ['falseAcceptRate', '0'],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'a rate of 1',
      [
        ['names', 'all'],
        ['falseAcceptRate', '1'],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
    [
      'a rate of NaN',
      [
        ['names', 'all'],
        ['falseAcceptRate', 'NaN'],
      ],
      400,
      'INVALID_ARGUMENT',
    ],
  ])('with %s is refused before anything is heard', async (_, fields, status, code) => {
    for (const headers of [{}, LATER]) {
      expect(await post(fields, headers)).toMatchObject({ status, body: { code } });
    }
    expect(asked).toEqual([]);
  });

  test('needs the scopes that an identification needs', async () => {
    heard = [{ embedding: voice.ada }];
    const enrol = await keyOf(['enrol']);
    expect(await post(ALL, enrol)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } });
    expect((await post([], enrol)).status).toBe(201);
    const both = await keyOf(['read', 'enrol']);
    expect(namesOf(await made(ALL, both))).toEqual(['ada']);
    const higher = await post([...ALL, ['falseAcceptRate', '0.2']], both);
    expect(higher).toMatchObject({ status: 403, body: { code: 'FORBIDDEN_SCOPE' } });
    const strict = await made([...ALL, ['falseAcceptRate', '0.001']], both);
    expect(strict.naming!.threshold).toBeGreaterThan((await made(ALL, both)).naming!.threshold);
  }, 300_000);
});

describe('a key that is bound to groups', () => {
  test('names its members alone, and finds its own conversations alone', async () => {
    await service.postJson('/v1/groups', { id: 'club' });
    await service.postJson('/v1/groups', { id: 'rival' });
    const own = await keyOf(['read', 'enrol', 'vectors'], ['team']);
    const rival = await keyOf(['read', 'enrol'], ['rival']);
    heard = [{ embedding: voice.ben }, { embedding: voice.dot }];
    const open = await made(ALL);
    const view = await made(ALL, own);
    // Ben is a stranger here: nobody says that somebody else is nearer.
    expect(view.speakers[1]).toMatchObject({ speakerId: 'dot' });
    expect(view.speakers[0]).toMatchObject({ speakerId: null, nearest: { speakerId: 'dot' } });
    expect(JSON.stringify(view)).not.toContain('ben');
    expect(view.naming).toMatchObject({ gallerySize: 1 });
    expect(await post([['group', 'club']], own)).toMatchObject({ status: 404, body: { code: 'GROUP_NOT_FOUND' } });
    expect(await post([['candidates', 'ben']], own)).toMatchObject({
      status: 404,
      body: { code: 'SPEAKER_NOT_FOUND' },
    });
    const list = conversationsView.parse((await service.call(CONVERSATIONS, { headers: own })).body);
    expect(list).toMatchObject({ total: 1, conversations: [{ id: view.id, names: [{ speakerId: 'dot' }] }] });
    for (const [id, headers] of [
      [open.id, own],
      [view.id, rival],
    ] as const) {
      // prettier-ignore
      expect((await service.call(`${CONVERSATIONS}/${id}`, { headers })).status).toBe(404);
      expect((await service.call(`${CONVERSATIONS}/${id}`, { method: 'DELETE', headers })).status).toBe(404);
    }
    expect(conversationsView.parse((await service.call(CONVERSATIONS, { headers: rival })).body).total).toBe(0);
    // Who is bound to nothing sees all of them.
    expect(namesOf(await read(view.id))).toEqual(namesOf(view));
    const later = await made(ALL, { ...own, ...LATER });
    await ended(later);
    expect(namesOf(await read(later.id, own))).toEqual(namesOf(view));
    expect((await service.call(`${CONVERSATIONS}/${view.id}`, { method: 'DELETE', headers: own })).status).toBe(204);
  }, 300_000);
});

describe('a speaker who', () => {
  test('is renamed has the new name in conversations of before', async () => {
    heard = [{ embedding: voice.ada }];
    const { id } = await made(ALL);
    const headers = { 'content-type': 'application/json' };
    const rename = (name: string): Promise<Answer> =>
      service.call('/v1/speakers/ada', { method: 'PATCH', headers, body: JSON.stringify({ name }) });
    expect((await rename('Ada Lovelace')).status).toBe(200);
    expect((await read(id)).speakers[0]).toMatchObject({ speakerId: 'ada', name: 'Ada Lovelace' });
    expect(await textOf(id, 'text/vtt')).toContain('<v Ada Lovelace>');
    // Two people who are called the same are told apart.
    heard = [{ embedding: voice.ada }, { embedding: voice.dot }];
    expect((await rename('Name of dot')).status).toBe(200);
    const vtt = await textOf((await made(ALL)).id, 'text/vtt');
    expect(vtt).toContain('<v Name of dot (ada)>');
    expect(vtt).toContain('<v Name of dot (dot)>');
    expect((await rename('Name of ada')).status).toBe(200);
  }, 300_000);

  test('opts out has no name any more, in conversations of before and after', async () => {
    heard = [{ embedding: voice.ben }];
    const { id } = await made([['candidates', 'ben']]);
    expect(namesOf(await read(id))).toEqual(['ben']);
    const consent = { givenBy: 'ben', method: 'form', textVersion: '1' };
    const put = (): Promise<Answer> =>
      service.call('/v1/speakers/ben/consent', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(consent) }); // prettier-ignore
    expect((await put()).status).toBe(200);
    expect((await service.call('/v1/speakers/ben/consent', { method: 'DELETE' })).status).toBe(200);
    expect((await read(id)).speakers[0]).toMatchObject({ speakerId: null, name: null, reason: 'NAME_REMOVED', nearest: null }); // prettier-ignore
    expect(await textOf(id, 'application/x-rttm')).not.toContain('ben');
    expect(namesOf(await made([['candidates', 'ben']]))).toEqual(['NOT_ENROLLED']);
    expect((await put()).status).toBe(200);
  }, 300_000);

  test('is exported with the conversations that tell of the speaker', async () => {
    heard = [{ embedding: voice.ben }, { embedding: voice.ada }];
    const { id } = await made([['candidates', 'ben,ada']]);
    const { body } = await service.call('/v1/speakers/ada/export');
    const { conversations } = exportView.strict().parse(body);
    const entry = conversations.find((one) => one.id === id)!;
    expect(entry).toMatchObject({ state: 'done', filename: 'a meeting.wav', heard: { label: 'B', named: true, speechSeconds: 6 } }); // prettier-ignore
    expect(entry.heard!.turns).toEqual([{ start: 3, end: 6, overlap: 0 }, { start: 9, end: 12, overlap: 0 }]); // prettier-ignore
  }, 300_000);

  test('is erased while the job runs is not named, and is no candidate any more', async () => {
    await added('eve');
    await service.postForm('/v1/speakers/eve/enrollments', [['audio', spoken('m7', 0)]]);
    const engine = service.service.app.get(EmbeddingEngine, { strict: false });
    const { embedding } = await engine.embed(spoken('m7', 1));
    heard = [{ embedding }, { embedding: voice.ada }];
    before = async () => {
      const { body } = await service.call('/v1/speakers/eve/export');
      expect(exportView.parse(body).conversations).toMatchObject([{ state: 'waiting', heard: null }]);
      const erased = await service.call('/v1/speakers/eve', { method: 'DELETE' });
      expect(receiptView.parse(erased.body).erased.conversations).toBe(1);
    };
    const waiting = await made([['candidates', 'eve,ada']], LATER);
    await ended(waiting);
    const view = await read(waiting.id);
    expect(view.state).toBe('done');
    expect(namesOf(view)).toEqual([expect.not.stringContaining('eve'), 'ada']);
    expect(view.naming).toMatchObject({ gallerySize: 1 });
  }, 300_000);

  test('is erased between the decision and the transaction that stores it is not named', async () => {
    await added('fay');
    await service.postForm('/v1/speakers/fay/enrollments', [['audio', spoken('m7', 0)]]);
    const engine = service.service.app.get(EmbeddingEngine, { strict: false });
    const { embedding } = await engine.embed(spoken('f5', 1));
    heard = [{ embedding }];
    const namer = service.service.app.get(VoiceNamer, { strict: false });
    const decide = namer.decide.bind(namer);
    const decided: (string | undefined)[] = [];
    Object.assign(namer, {
      decide: async (...asked_: Parameters<VoiceNamer['decide']>) => {
        const found = await decide(...asked_);
        decided.push(found.voices[0]!.nearest?.speakerId);
        if (decided.length === 1)
          expect((await service.call('/v1/speakers/fay', { method: 'DELETE' })).status).toBe(200);
        return found;
      },
    });
    const view = await made([['candidates', 'fay']]);
    Object.assign(namer, { decide });
    expect(decided).toEqual(['fay', undefined]);
    expect(namesOf(view)).toEqual(['NOT_ENROLLED']);
  }, 300_000);

  test('is erased before the job is stored is a candidate whom nobody knows', async () => {
    await added('gil');
    const conversations = service.service.app.get(ConversationsService, { strict: false });
    const admit = conversations.admit.bind(conversations);
    let times = 0;
    Object.assign(conversations, {
      admit: async (later: boolean) => {
        if (++times === 2) await service.call('/v1/speakers/gil', { method: 'DELETE' });
        return admit(later);
      },
    });
    const answer = await post([['candidates', 'gil,ada']], LATER);
    Object.assign(conversations, { admit });
    expect(answer).toMatchObject({ status: 404, body: { code: 'SPEAKER_NOT_FOUND' } });
  }, 300_000);

  test('is erased vanishes from conversations, and another of the same id is not in them', async () => {
    heard = [{ embedding: voice.dot }, { embedding: voice.ada }];
    const { id } = await made(ALL);
    expect(namesOf(await read(id))).toEqual(['dot', 'ada']);
    const erased = await service.call('/v1/speakers/dot', { method: 'DELETE' });
    expect(receiptView.parse(erased.body).erased.conversations).toBeGreaterThan(0);
    const view = await read(id);
    expect(namesOf(view)).toEqual(['NAME_REMOVED', 'ada']);
    expect(view.speakers[0]).toMatchObject({ name: null, score: null, margin: null, nearest: null, speechSeconds: 6 });
    await added('dot');
    expect(namesOf(await read(id))).toEqual(['NAME_REMOVED', 'ada']);
    expect(exportView.parse((await service.call('/v1/speakers/dot/export')).body).conversations).toEqual([]);
  }, 300_000);
});

describe('enrolling one voice alone', () => {
  const enrol = (fields: Part[], ...recordings: Buffer[]): Promise<Answer> =>
    service.postForm('/v1/speakers/ivy/enrollments', [
      ...fields,
      ...recordings.map((recording, i): Part => ['audio', recording, `${i}.wav`]),
    ]);
  const ONE: Part[] = [['oneVoice', 'true']];

  beforeAll(() => added('ivy'));

  test('refuses the recording in which somebody else speaks, and takes the other', async () => {
    heard = [
      { embedding: voice.ada, ownSeconds: 4 },
      { embedding: voice.dot, ownSeconds: 2 },
    ];
    before = () => {
      heard = [{ embedding: voice.ada }];
      return Promise.resolve();
    };
    const answer = await enrol(ONE, spoken(VOICES.ada, 1), spoken(VOICES.ada, 2));
    expect(answer).toMatchObject({
      status: 201,
      body: {
        results: [
          { error: { code: 'SEVERAL_VOICES', message: expect.stringContaining('A for 3.8 s, B for 1.8 s') } },
          { duplicate: false, enrollment: { filename: '1.wav' } },
        ],
      },
    });
    expect((await service.call('/v1/speakers/ivy/enrollments')).body).toMatchObject({ enrollments: [{ filename: '1.wav' }] }); // prettier-ignore
  }, 300_000);

  test('looks at one that is known already, too; unasked nobody looks', async () => {
    heard = [{ embedding: voice.ada }, { embedding: voice.dot }];
    const there = spoken(VOICES.ada, 2);
    expect(await enrol(ONE, there)).toMatchObject({
      status: 422,
      body: { code: 'SEVERAL_VOICES', details: { voices: [{ label: 'A' }, { label: 'B' }] } },
    });
    asked = [];
    expect(await enrol([], there)).toMatchObject({ status: 201, body: { results: [{ duplicate: true }] } });
    expect(await enrol([], spoken(VOICES.ada, 1))).toMatchObject({
      status: 201,
      body: { results: [{ duplicate: false }] },
    });
    expect(asked).toEqual([]);
    expect(await enrol([['oneVoice', 'perhaps']], there)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_ARGUMENT' },
    });
  }, 300_000);
});

describe('enrolling from intervals', () => {
  /** Twelve seconds, in which the test says that two take turns of three. */
  const meeting = (): Buffer => {
    const [first, ...rest] = [spoken(VOICES.ada, 0), spoken(VOICES.ada, 1), spoken(VOICES.ada, 2)];
    const data = Buffer.concat([first.subarray(44), ...rest.map((file) => file.subarray(44))]).subarray(
      0,
      2 * 22_050 * 12,
    );
    const head = Buffer.from(first.subarray(0, 44));
    head.writeUInt32LE(36 + data.length, 4);
    head.writeUInt32LE(data.length, 40);
    return Buffer.concat([head, data]);
  };
  const enrol = (intervals: string, more: Part[] = [], to = service): Promise<Answer> =>
    to.postForm('/v1/speakers/hal/enrollments', [
      ...more,
      ['intervals', intervals],
      ['audio', meeting(), 'meeting.wav'],
    ]);

  beforeAll(() => added('hal'));

  beforeEach(() => {
    heard = [{ embedding: voice.ada }, { embedding: voice.dot }];
  });

  test('takes the parts of one voice alone', async () => {
    const answer = await enrol('6-9, 0-3');
    expect(answer).toMatchObject({
      status: 201,
      body: { results: [{ duplicate: false, enrollment: { accepted: true } }] },
    });
    const { results } = answer.body as { results: { enrollment: { speech: { seconds: number } } }[] };
    expect(results[0]!.enrollment.speech.seconds).toBeGreaterThan(3);
    expect(results[0]!.enrollment.speech.seconds).toBeLessThan(6.01);
    // The same parts again are the same recording, others are another.
    expect((await enrol('0-3,6-9')).body).toMatchObject({ results: [{ duplicate: true }] });
    expect((await enrol('0-3')).body).toMatchObject({ results: [{ duplicate: false }] });
  }, 300_000);

  test('is refused where more than one voice speaks in them, and nothing is stored', async () => {
    const count = async (): Promise<unknown> => (await service.call('/v1/speakers/hal')).body;
    const before_ = await count();
    const refused = await enrol('0-4.5');
    expect(refused).toMatchObject({
      status: 422,
      body: {
        code: 'SEVERAL_VOICES',
        details: {
          voices: [
            { label: 'A', seconds: 2.75 },
            { label: 'B', seconds: 1.25 },
          ],
        },
      },
    });
    expect(await count()).toEqual(before_);
  }, 300_000);

  test.each<[string, string, Part[]]>([
    ['words', 'from the beginning', []],
    ['an end before its beginning', '5-4', []],
    ['less than a tenth of a second', '5-5.05', []],
    ['parts that overlap', '0-3,2-4', []],
    ['one behind the end', '0-1,100-101', []],
    ['two recordings', '0-3', [['audio', wav(2)]]],
  ])(
    'with %s is refused',
    async (_, intervals, more) => {
      expect(await enrol(intervals, more)).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    },
    300_000,
  );
});

test('somebody of a watch list is reported, at once and by a job, whatever is asked; the answer does not change', async () => {
  heard = [{ embedding: voice.ben }, { embedding: stranger }];
  const json = (method: string, body?: object): RequestInit => ({
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const before = await made(ALL);
  // Lists are read some time after a voice was heard.
  await service.service.app.get(WatchLists, { strict: false }).settled();
  expect((await service.postJson('/v1/groups', { id: 'banned' })).status).toBe(201);
  expect((await service.call('/v1/groups/banned/members/ben', json('PUT'))).status).toBe(204);
  const watch = { group: 'banned', falseAcceptRate: 0.01 };
  expect(await service.call('/v1/groups/banned/watch', json('PUT', { falseAcceptRate: 0.01 }))).toMatchObject({
    status: 200,
    body: watch,
  });
  expect((await service.call('/v1/groups/banned/watch')).body).toEqual(watch);
  const after = await made(ALL);
  expect(after).toEqual({ ...before, id: after.id, createdAt: after.createdAt, finishedAt: after.finishedAt });
  await ended(await made([], LATER));
  const reports = async (): Promise<unknown[]> => {
    await service.service.app.get(WatchLists, { strict: false }).settled();
    const { entries } = (await service.call('/v1/audit?speaker=ben&limit=500')).body as {
      entries: { action: string }[];
    };
    return entries.filter(({ action }) => action === 'watch.matched');
  };
  expect(await reports()).toMatchObject([{ outcome: 'conversation' }, { outcome: 'conversation' }]);
  expect((await service.call('/v1/groups/banned/watch', json('DELETE'))).status).toBe(204);
  await made(ALL);
  expect(await reports()).toHaveLength(2);
}, 300_000);

test('where consent is required, who has given none is not compared; without conversations no intervals are taken', async () => {
  const { dataDir } = service;
  await service.close();
  service = await start({ consent: 'required', dataDir });
  heard = [{ embedding: voice.ada }, { embedding: voice.ben }];
  const view = await made(ALL);
  expect(view.naming).toMatchObject({ gallerySize: 1 });
  expect(JSON.stringify(view)).not.toContain('ada');
  // Neither does who is not near raise doubts, or count.
  heard = [{ embedding: voice.ben }];
  expect((await made(ALL)).naming).toMatchObject({ gallerySize: 1 });
  heard = [{ embedding: voice.ada }, { embedding: voice.ben }];
  const consent = { givenBy: 'ada', method: 'form', textVersion: '1' };
  await service.call('/v1/speakers/ada/consent', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(consent) }); // prettier-ignore
  expect(namesOf(await made(ALL))[0]).toBe('ada');
  // Without the network nobody can tell whether it is one voice.
  await service.close();
  service = await start({ conversations: false, dataDir });
  const answer = await service.postForm('/v1/speakers/ada/enrollments', [
    ['intervals', '0-3'],
    ['audio', spoken(VOICES.ada, 2)],
  ]);
  expect(answer).toMatchObject({ body: { code: 'CONVERSATIONS_OFF' } });
}, 300_000);
