import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { AuditService } from '../../src/service/audit/audit.service.js';
import { auditQuery } from '../../src/service/audit/audit.dto.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { newApiKey } from '../../src/service/access/api-key.js';
import type { Conversation } from '../../src/service/records/conversation.js';
import { boundTo } from '../../src/service/records/bound.js';
import { Retention } from '../../src/service/privacy/retention.js';
import { ExportService } from '../../src/service/privacy/export.service.js';
import { exportView } from '../../src/service/privacy/export.dto.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import type { UnknownVoice, VoiceStep } from '../../src/service/records/unknown-voice.js';
import type { NoNameReason } from '../../src/scoring/voice-names.js';
import { actAs } from '../../src/support/actor.js';
import { Steps } from '../../src/support/steps.js';
import { HandClock } from './hand-clock.js';
import { House } from './house.js';
import { embeddingOf, EXPONENTIAL_TAIL, ScriptedEngine, type Script, type ScriptedModel } from './scripted-engine.js';
import { examineStore, POSTGRES_URL } from './stores.js';
import { temporaryFolder } from './voices.js';

/** Voices of conversations that got no name, on voices that are known exactly. */

const ON: ConfigInput = { unknownVoices: 'on', enrollmentSeconds: 10, minSpeechSeconds: 1 };

let folder: string;
let remove: () => Promise<void>;
let house: House;

const engineOf = (more: ScriptedModel = {}): ScriptedEngine =>
  new ScriptedEngine(undefined, { impostorTail: EXPONENTIAL_TAIL, ...more });

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  house = await House.open(folder, engineOf(), ON);
});

afterEach(async () => {
  await house.close();
  await remove();
});

async function again(settings: ConfigInput = ON, engine = engineOf()): Promise<void> {
  await house.close();
  house = await House.open(folder, engine, settings);
}

interface Said extends Script {
  ownSeconds?: number;
  reason?: NoNameReason | null;
}

const BEGAN = Date.now();
let hours = 0;

/** A conversation of these voices, each speaking for 6 s; gives its id. */
async function conversed(voices: readonly Said[], asked?: 'keep' | 'discard'): Promise<string> {
  const speakers = voices.map(({ ownSeconds = 6, ...script }, i) => {
    const label = String.fromCharCode(65 + i);
    return { label, speechSeconds: ownSeconds, ownSeconds, turns: 1, embedding: embeddingOf(script) };
  });
  const turns = speakers.map(({ label, ownSeconds }, i) => ({
    start: 10 * i,
    end: 10 * i + ownSeconds,
    speaker: label,
    overlap: 0,
  }));
  const reasons = voices.some(({ reason }) => reason !== undefined) ? voices.map((one) => one.reason!) : undefined;
  const createdAt = new Date(BEGAN + 3_600_000 * hours++);
  const conversation: Conversation = {
    id: randomUUID(),
    state: 'cancelled',
    createdAt,
    finishedAt: createdAt,
    jobId: null,
    fileName: 'a meeting.wav',
    question: {},
    boundTo: boundTo(),
    findings: null,
    people: [],
    kept: [],
    error: null,
  };
  for (;;) {
    const kept = await house.keeper.decide({ speakers, turns }, reasons, asked, new Steps());
    const done = await house.store.transaction(async (records) => {
      if (kept && !(await house.keeper.fits(records, kept))) return false;
      await records.conversations.insert(conversation);
      if (kept) await house.keeper.keep(records, conversation, kept);
      return true;
    });
    if (!done) continue;
    if (kept) house.keeper.tell(kept);
    return conversation.id;
  }
}

async function inbox(state: UnknownVoice['state'] = 'open'): Promise<UnknownVoice[]> {
  return (await house.unknown.page(state, 500, undefined)).voices.map(({ voice }) => voice);
}

async function only(state: UnknownVoice['state'] = 'open'): Promise<UnknownVoice> {
  const all = await inbox(state);
  expect(all).toHaveLength(1);
  return all[0]!;
}

const stepsOf = async (id: string): Promise<VoiceStep[]> => (await house.unknown.ledger(id, 500, undefined)).rows;
const actionsOf = async (id: string): Promise<string[]> => (await stepsOf(id)).map(({ action }) => action);
const kept = (id: string): Promise<Conversation['kept']> =>
  house.store.read(async ({ conversations }) => (await conversations.find(id))!.kept);
const labels = async (id: string): Promise<string[]> =>
  (await house.unknown.get(id)).shares.map(({ conversationId, label }) => `${conversationId} ${label}`);
const fails = (code: string): object => expect.objectContaining({ code });

async function audited(): Promise<string[]> {
  const { entries } = await new AuditService(house.store, house.trail).page(auditQuery.parse({}));
  return entries.map(({ entry }) => entry.action).filter((action) => action.startsWith('unknown-voice.'));
}

/** Everything that is stored is as the service wrote it, and opens. */
async function sound(): Promise<void> {
  await house.close();
  expect(await examineStore(folder)).toMatchObject({ sound: true, findings: [], missing: [] });
  house = await House.open(folder, engineOf(), ON);
}

test('shares and steps whose voice another program has taken away are told by an examination', async () => {
  await conversed([{ voice: 1 }]);
  const { id } = await only();
  await house.unknown.dismiss(id, {});
  const run = (sql: string): Promise<unknown> => house.database.query((manager) => manager.query(sql));
  if (POSTGRES_URL === '') await run('PRAGMA foreign_keys = OFF');
  else {
    await run('ALTER TABLE unknown_voice_shares DROP CONSTRAINT unknown_voice_shares_of_voice');
    await run('ALTER TABLE unknown_voice_steps DROP CONSTRAINT unknown_voice_steps_of_voice');
  }
  await run(`DELETE FROM unknown_voices WHERE id = '${id}'`);
  const { sound: isSound, findings } = await examineStore(folder);
  expect(isSound).toBe(false);
  const told = findings.map(({ kind, what }) => `${what} ${kind}`);
  expect(new Set(told)).toEqual(new Set(['changed voice-share', 'changed voice-step']));
});

describe('voices that got no name', () => {
  it('are kept with where they speak alone, most speech first', async () => {
    const id = await conversed([{ voice: 1 }, { voice: 2, ownSeconds: 9 }, { voice: 3, ownSeconds: 2 }]);
    const { voices, total, nextCursor } = await house.unknown.page('open', 2, undefined);
    expect(voices.map(({ voice }) => voice.speechSeconds)).toEqual([9, 6]);
    expect(total).toBe(3);
    const rest = await house.unknown.page('open', 2, nextCursor!);
    expect(rest.voices.map(({ voice }) => voice.speechSeconds)).toEqual([2]);
    expect(rest.nextCursor).toBeNull();
    const told = await house.unknown.get(voices[0]!.voice.id);
    expect(told).toMatchObject({
      voice: { state: 'open', version: 1, shares: 1, speakerId: null, origin: house.model.origin() },
      shares: [{ conversationId: id, label: 'B', ownSeconds: 9, intervals: [{ start: 10, end: 19 }] }],
    });
    expect([...told.fileNames]).toEqual([[id, 'a meeting.wav']]);
    expect((await kept(id)).map(({ label }) => label)).toEqual(['A', 'B', 'C']);
    expect(await stepsOf(told.voice.id)).toMatchObject([
      { action: 'kept', by: 'local', detail: { conversationId: id } },
    ]);
    expect(await audited()).toEqual(Array(3).fill('unknown-voice.kept'));
    expect(house.counted).toEqual(Array(3).fill('timbre_unknown_voices_total kept'));
    await sound();
  });

  it('are kept only where that is switched on, and the request does not say otherwise', async () => {
    await conversed([{ voice: 1 }], 'discard');
    await again({ ...ON, unknownVoices: 'off' });
    await conversed([{ voice: 1 }], 'keep');
    expect(await inbox()).toEqual([]);
    expect(await audited()).toEqual([]);
  });

  it('are not those with a name, with too little speech, or that are more than one person', async () => {
    const reasons = [null, 'REJECT', 'NOT_ENROLLED', 'AMBIGUOUS', 'MIXED_VOICES', 'NAMED_ALREADY', 'NOT_ENOUGH_SPEECH'];
    const id = await conversed(reasons.map((reason, i) => ({ voice: i, reason: reason as NoNameReason | null })));
    await conversed([{ voice: 20, ownSeconds: 1.9 }]);
    expect((await kept(id)).map(({ label }) => label)).toEqual(['B', 'C', 'D']);
    expect(await inbox()).toHaveLength(3);
  });

  it('are joined with what was heard before by the evidence, one label a voice, and only of the same model', async () => {
    const first = await conversed([{ voice: 1 }, { voice: 2 }]);
    const second = await conversed([{ voice: 3 }, { voice: 1, seed: 7 }, { voice: 1, seed: 8 }]);
    const voices = await inbox();
    // Of two labels that sound alike the nearer one is joined; the other is told apart until somebody says otherwise.
    expect(voices.map(({ shares }) => shares)).toEqual([2, 1, 1, 1]);
    const [voice] = voices;
    const [one, other] = await labels(voice!.id);
    expect(one).toBe(`${first} A`);
    expect([`${second} B`, `${second} C`]).toContain(other);
    expect(voice!.lastHeardAt.getTime() - voice!.firstHeardAt.getTime()).toBe(3_600_000);
    const [joined] = await stepsOf(voice!.id);
    expect(joined).toMatchObject({ action: 'joined', detail: { conversationId: second } });
    const { cosine, llr, threshold, falseAcceptRate } = joined!.detail.evidence!;
    expect(cosine).toBeGreaterThan(0.8);
    expect(llr).toBeGreaterThan(threshold);
    expect(falseAcceptRate).toBe(0.01);
    expect(house.counted.filter((line) => line.endsWith(' joined'))).toHaveLength(1);
    await again(ON, engineOf({ window: 'povey' }));
    await conversed([{ voice: 1, seed: 9 }]);
    expect(await inbox()).toHaveLength(5);
  });

  it('are told apart where the model has nothing to decide by', async () => {
    await again(ON, engineOf({ thresholds: false }));
    await conversed([{ voice: 1 }]);
    await conversed([{ voice: 1, seed: 1 }]);
    expect(await inbox()).toHaveLength(2);
  });

  it('are never joined with an enrolled person, however alike', async () => {
    await house.enrolled('ada', 1);
    await conversed([{ voice: 1, seed: 50, reason: 'AMBIGUOUS' }]);
    expect(await only()).toMatchObject({ state: 'open', speakerId: null });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(3);
  });

  it('are decided on again where the voice that they are joined with is settled meanwhile', async () => {
    await conversed([{ voice: 1 }]);
    const voice = await only();
    const decided = await house.keeper.decide(
      { speakers: [{ label: 'A', speechSeconds: 6, ownSeconds: 6, turns: 1, embedding: embeddingOf({ voice: 1, seed: 3 }) }], turns: [] }, // prettier-ignore
      undefined,
      undefined,
      new Steps(),
    );
    expect(decided!.voices).toMatchObject([{ joined: { voiceId: voice.id } }]);
    await house.unknown.dismiss(voice.id, {});
    expect(await house.store.read((records) => house.keeper.fits(records, decided!))).toBe(false);
  });
});

describe('naming a voice', () => {
  it('adds a speaker with a recording for every conversation, who is recognised then', async () => {
    const first = await conversed([{ voice: 1 }, { voice: 2 }]);
    const second = await conversed([{ voice: 1, seed: 7 }]);
    const [voice] = await inbox();
    const { step } = await house.unknown.name(voice!.id, {
      create: { id: 'ada', name: 'Ada' },
      consent: { method: 'spoken', textVersion: '1' },
      reason: 'she said so',
    });
    expect(step).toMatchObject({ action: 'named', reason: 'she said so' });
    expect(await house.unknown.get(voice!.id)).toMatchObject({
      voice: { state: 'named', speakerId: 'ada', version: 3 },
      speaker: { name: 'Ada', consent: { method: 'spoken' } },
    });
    expect(await kept(first)).toMatchObject([{ label: 'A', speakerId: 'ada' }, { label: 'B', speakerId: null }]); // prettier-ignore
    expect(await kept(second)).toMatchObject([{ label: 'A', speakerId: 'ada' }]);
    const { enrollments, profile } = await house.enrollments.list('ada');
    expect(enrollments).toMatchObject([
      { kind: 'named', verdict: { accepted: true }, measures: { speechSeconds: 6 } },
      { kind: 'named', verdict: { accepted: true }, measures: { speechSeconds: 6 } },
    ]);
    expect(profile).toMatchObject({ status: 'Enrolled', speechSeconds: 12 });
    const { rows } = await house.ledger.page('ada', 10, undefined);
    expect(rows.map(({ entry }) => entry.action)).toEqual(['named', 'named']);
    await expect(house.ledger.undo('ada', rows[0]!.entry.id)).rejects.toThrow(fails('LEDGER_ENTRY_FINAL'));
    await house.gallery.ready();
    expect((await house.identify({ voice: 1, seed: 60 })).speakerId).toBe('ada');
    // What comes next is not joined with her by itself.
    await conversed([{ voice: 1, seed: 9 }]);
    expect(await inbox()).toHaveLength(2);
    await sound();
  });

  it('adds to a speaker who is there, and records a consent where there was none', async () => {
    await house.enrolled('ada', 1);
    await conversed([{ voice: 1, seed: 9 }]);
    const { id } = await only();
    await house.unknown.name(id, { speakerId: 'ada', consent: { method: 'form', textVersion: '2' } });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(4);
    expect((await house.speakers.get('ada')).speaker.consent).toMatchObject({ method: 'form' });
  });

  it('needs the consent that every enrolment needs, and stores nothing without', async () => {
    await again({ ...ON, consent: 'required' });
    const conversation = await conversed([{ voice: 1 }]);
    const { id } = await only();
    await expect(house.unknown.name(id, { create: { id: 'ada' } })).rejects.toThrow(fails('CONSENT_REQUIRED'));
    await expect(house.speakers.get('ada')).rejects.toThrow(fails('SPEAKER_NOT_FOUND'));
    expect(await kept(conversation)).toMatchObject([{ speakerId: null }]);
    await house.speakers.create({ id: 'bob', consent: { method: 'form', textVersion: '1' } });
    await house.consent.withdraw('bob');
    const consent = { method: 'form', textVersion: '2' };
    await expect(house.unknown.name(id, { speakerId: 'bob', consent })).rejects.toThrow(fails('OPTED_OUT'));
    expect(await only()).toMatchObject({ id, version: 1 });
    await house.unknown.name(id, { create: { id: 'ada' }, consent });
    expect(await kept(conversation)).toMatchObject([{ speakerId: 'ada' }]);
  });

  it('is undone with its recordings; the speaker stays', async () => {
    await house.enrolled('ada', 1);
    const before = (await house.speakers.profile('ada')).profile!;
    const conversation = await conversed([{ voice: 1, seed: 9 }]);
    const { id } = await only();
    const { step } = await house.unknown.name(id, { speakerId: 'ada' });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(4);
    expect(await house.unknown.undo(id, step.id)).toEqual({ id, otherId: null });
    expect(await only()).toMatchObject({ id, state: 'open', speakerId: null });
    expect(await kept(conversation)).toMatchObject([{ speakerId: null }]);
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(3);
    expect((await house.speakers.profile('ada')).profile!.centroid).toEqual(before.centroid);
    await expect(house.unknown.undo(id, step.id)).rejects.toThrow(fails('LEDGER_ENTRY_UNDONE'));
    expect((await audited()).at(-1)).toBe('unknown-voice.undone');
    // And can be done again.
    await house.unknown.name(id, { speakerId: 'ada' });
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(4);
    await sound();
  });

  it('is refused for what is not asked so', async () => {
    await conversed([{ voice: 1 }]);
    const { id } = await only();
    const { unknown } = house;
    await expect(unknown.name(id, {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await expect(unknown.name(id, { speakerId: 'x', create: {} })).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await expect(unknown.name(id, { speakerId: 'nobody' })).rejects.toThrow(fails('SPEAKER_NOT_FOUND'));
    await expect(unknown.name('nothing', { create: {} })).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
    await expect(unknown.name(id, { create: {}, version: 7 })).rejects.toThrow(fails('CONFLICT'));
    await expect(unknown.name(id, { create: {}, reason: 'a\nb' })).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await expect(unknown.name(id, { create: { groups: ['g'] } })).rejects.toThrow(fails('GROUP_NOT_FOUND'));
    await house.speakers.create({ id: 'ada' });
    await expect(unknown.name(id, { create: { id: 'ada' } })).rejects.toThrow(fails('SPEAKER_EXISTS'));
    await unknown.name(id, { speakerId: 'ada' });
    for (const step of [
      unknown.name(id, { create: {} }),
      unknown.dismiss(id, {}),
      unknown.block(id, {}),
      unknown.split(id, [randomUUID()], {}),
    ])
      await expect(step).rejects.toThrow(fails('UNKNOWN_VOICE_SETTLED'));
  });
});

describe('two voices', () => {
  it('that are one person are merged, and parted again', async () => {
    await conversed([{ voice: 1 }]);
    await conversed([{ voice: 2, ownSeconds: 9 }]);
    const [from, to] = await inbox();
    const { step } = await house.unknown.merge(to!.id, from!.id, { reason: 'a cold' });
    expect(await only()).toMatchObject({ id: to!.id, shares: 2, speechSeconds: 15 });
    expect(await only('merged')).toMatchObject({ id: from!.id, mergedInto: to!.id, shares: 0 });
    // Either ledger has it.
    expect(await actionsOf(from!.id)).toEqual(['merged', 'kept']);
    expect(await actionsOf(to!.id)).toEqual(['merged', 'kept']);
    await sound();
    expect((await house.unknown.undo(from!.id, step.id)).id).toBe(from!.id);
    expect((await inbox()).map(({ speechSeconds, shares }) => [speechSeconds, shares])).toEqual([[9, 1], [6, 1]]); // prettier-ignore
    await sound();
  });

  it('are not merged with themselves, with what is settled, or across models', async () => {
    await conversed([{ voice: 1 }, { voice: 2 }]);
    const [one, other] = await inbox();
    const { unknown } = house;
    await expect(unknown.merge(one!.id, one!.id, {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await expect(unknown.merge(one!.id, randomUUID(), {})).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
    const { step } = await unknown.dismiss(other!.id, {});
    await expect(unknown.merge(one!.id, other!.id, {})).rejects.toThrow(fails('UNKNOWN_VOICE_SETTLED'));
    await unknown.undo(other!.id, step.id);
    await again(ON, engineOf({ window: 'povey' }));
    await conversed([{ voice: 3 }]);
    const third = (await inbox()).find(({ id }) => id !== one!.id && id !== other!.id)!;
    await expect(house.unknown.merge(one!.id, third.id, {})).rejects.toThrow(fails('MODEL_MISMATCH'));
  });

  it('are made of one, by its conversations, and joined again', async () => {
    const [first, second] = [await conversed([{ voice: 1 }]), await conversed([{ voice: 1, seed: 1 }])];
    const { id } = await only();
    const { unknown } = house;
    await expect(unknown.split(id, [first, second], {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await expect(unknown.split(id, [randomUUID()], {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    const { otherId, step } = await unknown.split(id, [second], {});
    expect(await labels(otherId!)).toEqual([`${second} A`]);
    expect(await labels(id)).toEqual([`${first} A`]);
    await sound();
    expect(await house.unknown.undo(id, step.id)).toEqual({ id, otherId: null });
    expect(await only()).toMatchObject({ id, shares: 2 });
    await sound();
  });

  it('exchange what a conversation has of them', async () => {
    await conversed([{ voice: 1 }, { voice: 2, ownSeconds: 9 }]);
    const second = await conversed([{ voice: 1, seed: 1 }]);
    const [one, other] = await inbox();
    expect(one).toMatchObject({ speechSeconds: 12 });
    const { unknown } = house;
    const conversationId = second;
    const to = other!.id;
    await expect(unknown.reassign(one!.id, { conversationId, label: 'Q', to }, {})).rejects.toThrow(
      fails('INVALID_ARGUMENT'),
    );
    await expect(unknown.reassign(to, { conversationId, to }, {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    const { step } = await unknown.reassign(one!.id, { conversationId, label: 'A', to }, {});
    expect((await inbox()).map(({ id, speechSeconds }) => [id, speechSeconds])).toEqual([[to, 15], [one!.id, 6]]); // prettier-ignore
    // The last conversation of a voice is merged, not reassigned.
    const [share] = (await unknown.get(one!.id)).shares;
    await expect(unknown.reassign(one!.id, { conversationId: share!.conversationId!, to }, {})).rejects.toThrow(
      fails('INVALID_ARGUMENT'),
    );
    await unknown.undo(to, step.id);
    expect((await inbox()).map(({ speechSeconds }) => speechSeconds)).toEqual([12, 9]);
  });

  it('are parted where the evidence was wrong', async () => {
    const [first, second] = [await conversed([{ voice: 1 }]), await conversed([{ voice: 1, seed: 1 }])];
    const { id } = await only();
    const [joined, first_] = await stepsOf(id);
    const { otherId } = await house.unknown.undo(id, joined!.id);
    expect(await labels(otherId!)).toEqual([`${second} A`]);
    expect(await labels(id)).toEqual([`${first} A`]);
    expect(await actionsOf(otherId!)).toEqual(['kept']);
    await expect(house.unknown.undo(id, first_!.id)).rejects.toThrow(fails('LEDGER_ENTRY_FINAL'));
    await sound();
  });

  it('stay merged where a later step stands in the way', async () => {
    await conversed([{ voice: 1 }]);
    await conversed([{ voice: 2 }]);
    const [one, other] = await inbox();
    const { step } = await house.unknown.merge(one!.id, other!.id, {});
    const { step: naming } = await house.unknown.name(one!.id, { create: { id: 'ada' } });
    await expect(house.unknown.undo(one!.id, step.id)).rejects.toThrow(fails('UNKNOWN_VOICE_SETTLED'));
    await house.unknown.undo(one!.id, naming.id);
    expect(await labels(one!.id)).toHaveLength(2);
    // What was the one's alone goes with its conversation: then there is nothing to part.
    const mine = step.detail.shares!;
    const shares = (await house.unknown.get(one!.id)).shares;
    const left = shares.find(({ id }) => !mine.includes(id))!.conversationId!;
    await house.store.transaction(({ conversations }) => conversations.delete(left));
    await expect(house.unknown.undo(one!.id, step.id)).rejects.toThrow(fails('LEDGER_ENTRY_FINAL'));
    await sound();
  });
});

describe('what is no voice, and what is never to be kept', () => {
  it('is dismissed, and nothing is joined with it', async () => {
    await conversed([{ voice: 1 }]);
    const { id } = await only();
    const { step } = await house.unknown.dismiss(id, { reason: 'music', version: 1 });
    expect(await inbox()).toEqual([]);
    expect(await only('dismissed')).toMatchObject({ id, version: 2 });
    await conversed([{ voice: 1, seed: 1 }]);
    expect((await only()).id).not.toBe(id);
    await house.unknown.undo(id, step.id);
    expect(await inbox()).toHaveLength(2);
    await expect(house.unknown.dismiss(id, { version: 2 })).rejects.toThrow(fails('CONFLICT'));
  });

  it('is blocked: one embedding is left of it, which keeps it out until the block is lifted', async () => {
    const [first, second] = [await conversed([{ voice: 1 }]), await conversed([{ voice: 1, seed: 1 }])];
    await conversed([{ voice: 2 }]);
    const voices = await inbox();
    const { id } = voices.find(({ shares }) => shares === 2)!;
    const merged = voices.find((one) => one.id !== id)!;
    await house.unknown.merge(id, merged.id, {});
    const { step } = await house.unknown.block(id, { reason: 'the person asked' });
    expect(await inbox('merged')).toEqual([]);
    const told = await house.unknown.get(id);
    expect(told).toMatchObject({ voice: { state: 'blocked' }, shares: [{ conversationId: null, intervals: [] }] });
    expect([await kept(first), await kept(second)]).toEqual([[], []]);
    expect(await actionsOf(id)).toEqual(['blocked']);
    await sound();
    // Whatever becomes of the conversations.
    await house.store.transaction(({ conversations }) => conversations.delete(first));
    await conversed([{ voice: 1, seed: 2 }]);
    expect(await inbox()).toEqual([]);
    expect(house.counted).toEqual(['timbre_unknown_voices_total blocked']);
    expect(await house.unknown.undo(id, step.id)).toEqual({ id: null, otherId: null });
    await conversed([{ voice: 1, seed: 3 }]);
    expect(await inbox()).toHaveLength(1);
    await sound();
  });

  it('is deleted for good', async () => {
    await conversed([{ voice: 1 }, { voice: 2 }]);
    const [one, other] = await inbox();
    await house.unknown.merge(one!.id, other!.id, {});
    await house.unknown.delete(one!.id);
    for (const { id } of [one!, other!]) {
      await expect(house.unknown.get(id)).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
    }
    await expect(house.unknown.delete(one!.id)).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
    expect((await audited()).at(-1)).toBe('unknown-voice.deleted');
    await sound();
  });
});

describe('what is kept goes', () => {
  it('with its conversation, of which it has a share', async () => {
    const [first, second] = [await conversed([{ voice: 1 }]), await conversed([{ voice: 1, seed: 1 }])];
    const { id } = await only();
    await house.store.transaction(({ conversations }) => conversations.delete(first));
    expect(await only()).toMatchObject({ id, shares: 1, speechSeconds: 6 });
    await sound();
    await house.store.transaction(({ conversations }) => conversations.delete(second));
    expect(await inbox()).toEqual([]);
    await sound();
  });

  it('with the speaker who is erased, whom the receipt and the export tell of it', async () => {
    const conversation = await conversed([{ voice: 1 }, { voice: 2 }]);
    const [one, other] = await inbox();
    const { step } = await house.unknown.name(one!.id, { create: { id: 'ada' } });
    const policy = new ConsentPolicy(Config.of(ON));
    let text = '';
    for await (const piece of new ExportService(house.store, house.trail, policy, Config.of(ON)).export('ada', false))
      text += piece;
    const { unknownVoices } = exportView.parse(JSON.parse(text));
    expect(unknownVoices).toMatchObject([{ id: one!.id, heard: [{ conversationId: conversation, ownSeconds: 6 }] }]);
    expect(await house.speakers.erase('ada')).toMatchObject({ unknownVoices: 1, enrollments: 1 });
    await expect(house.unknown.undo(one!.id, step.id)).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
    expect((await kept(conversation)).map(({ voiceId }) => voiceId)).toEqual([other!.id]);
    await sound();
  });

  it('with its age, unless it is named or blocked', async () => {
    const clock = new HandClock();
    const settings = Config.of({ unknownVoiceDays: 30, conversationDays: 0 });
    const { speakers, recordings, store, trail } = house;
    const sweeps = new Retention(speakers, recordings, store, trail, settings, clock, new FolderLeader());
    for (let voice = 0; voice < 15; voice++) await conversed([{ voice }]);
    const [named, dismissed, blocked] = await inbox();
    await house.unknown.name(named!.id, { create: { id: 'ada' } });
    await house.unknown.dismiss(dismissed!.id, {});
    await house.unknown.block(blocked!.id, {});
    await sweeps.sweep();
    clock.pass(1);
    expect(await sweeps.sweep()).toMatchObject({ unknownVoices: 0 });
    // In days that the clock is believed in.
    let gone = 0;
    for (let day = 0; day < 400 && gone < 13; day += 3) {
      clock.pass(3);
      gone += (await sweeps.sweep()).unknownVoices;
    }
    expect(gone).toBe(13);
    expect([await inbox(), await inbox('dismissed')]).toEqual([[], []]);
    expect([(await inbox('named')).length, (await inbox('blocked')).length]).toEqual([1, 1]);
    await sound();
  });

  it('from old backups: with the data key, which is rotated', async () => {
    await conversed([{ voice: 1 }, { voice: 2 }]);
    await rotateDataKey(house.database);
    await conversed([{ voice: 1, seed: 1 }]);
    expect((await inbox()).map(({ shares }) => shares)).toEqual([2, 1]);
    await sound();
  });
});

describe('several who act at once', () => {
  it('leave a voice settled by one of them', async () => {
    await conversed([{ voice: 1 }, { voice: 2 }]);
    const [one, other] = await inbox();
    const steps = await Promise.allSettled([
      house.unknown.merge(one!.id, other!.id, {}),
      house.unknown.merge(other!.id, one!.id, {}),
      house.unknown.dismiss(one!.id, { version: 1 }),
      house.unknown.name(other!.id, { create: {} }),
    ]);
    const codes = steps.flatMap((step) => (step.status === 'rejected' ? (step.reason as { code: string }).code : []));
    expect(codes.every((code) => code === 'UNKNOWN_VOICE_SETTLED' || code === 'CONFLICT')).toBe(true);
    expect(codes.length).toBeGreaterThanOrEqual(2);
    await sound();
  });

  it('name a voice as somebody who is erased, or not', async () => {
    const conversation = await conversed([{ voice: 1 }]);
    const { id } = await only();
    await house.enrolled('ada', 1);
    const [named, erased] = await Promise.allSettled([
      house.unknown.name(id, { speakerId: 'ada' }),
      house.speakers.erase('ada'),
    ]);
    expect(erased.status).toBe('fulfilled');
    if (named.status === 'rejected') expect(named.reason).toEqual(fails('SPEAKER_NOT_FOUND'));
    // Either way nothing of her is left.
    const left = (await kept(conversation)).map(({ speakerId }) => speakerId);
    expect(left).toEqual(named.status === 'fulfilled' ? [] : [null]);
    await sound();
  });

  it('keep the same new voice in two conversations', async () => {
    const both = await Promise.all([conversed([{ voice: 1 }]), conversed([{ voice: 1, seed: 1 }])]);
    const shares = (await inbox()).reduce((sum, one) => sum + one.shares, 0);
    expect([both.length, shares]).toEqual([2, 2]);
    await sound();
  });
});

describe('who is bound to groups', () => {
  it('finds the voices of the own conversations alone, and they are compared with nobody else’s', async () => {
    await house.groups.create({ id: 'one' });
    await house.groups.create({ id: 'two' });
    const bound = async (id: string): Promise<Parameters<typeof actAs>[0]> => {
      const group = await house.groups.get(id);
      const { key } = newApiKey({ name: id, scopes: ['enrol'], groups: [{ uid: group.uid, id }] }, new Date());
      return { by: key.id, requestId: null, groups: [{ uid: group.uid, id }] };
    };
    const [one, two] = [await bound('one'), await bound('two')];
    await conversed([{ voice: 1 }]);
    await actAs(one, () => conversed([{ voice: 1, seed: 1 }]));
    await actAs(two, () => conversed([{ voice: 1, seed: 2 }]));
    const [own] = await actAs(one, () => inbox());
    expect((await actAs(one, () => house.unknown.page('open', 10, undefined))).total).toBe(1);
    expect(own).toMatchObject({ shares: 1 });
    const all = await inbox();
    expect(all).toHaveLength(3);
    const others = all.filter(({ id }) => id !== own!.id).map(({ id }) => id);
    await actAs(one, async () => {
      for (const id of others) {
        await expect(house.unknown.get(id)).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
        await expect(house.unknown.delete(id)).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
        await expect(house.unknown.merge(own!.id, id, {})).rejects.toThrow(fails('UNKNOWN_VOICE_NOT_FOUND'));
      }
      await expect(house.unknown.name(own!.id, { create: { id: 'ada' } })).rejects.toThrow(fails('INVALID_ARGUMENT'));
    });
    // Nor are they made one by who sees them all.
    await expect(house.unknown.merge(own!.id, others[0]!, {})).rejects.toThrow(fails('INVALID_ARGUMENT'));
    await actAs(one, () => house.unknown.name(own!.id, { create: { id: 'one:ada' } }));
    expect((await house.speakers.get('one:ada')).speaker.groups.map(({ id }) => id)).toEqual(['one']);
  });
});

describe('records that another program changed', () => {
  it('are named by nobody, are joined with nothing, and stop nobody else', async () => {
    await conversed([{ voice: 1 }]);
    const { id } = await only();
    await house.store.read(({ unknownVoices }) => unknownVoices.find(id));
    await house.database.query((manager) => manager.query(`UPDATE unknown_voice_shares SET own_seconds = 99`));
    await expect(house.unknown.name(id, { create: {} })).rejects.toThrow(fails('STORAGE_INVALID'));
    await conversed([{ voice: 1, seed: 1 }]);
    expect(await inbox()).toHaveLength(2);
    await house.close();
    expect(await examineStore(folder)).toMatchObject({ sound: false, findings: [{ kind: 'voice-share' }] });
    house = await House.open(folder, engineOf(), ON);
  });
});
