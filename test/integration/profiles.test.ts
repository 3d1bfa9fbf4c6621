import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { actAs } from '../../src/support/actor.js';
import type { ConfigInput } from '../../src/service/config/config.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import type { LedgerEntry } from '../../src/service/records/ledger.js';
import type { Profile } from '../../src/service/records/profile.js';
import type { VerificationView } from '../../src/service/verification/verification.dto.js';
import { House } from './house.js';
import { examineStore } from './stores.js';
import { embeddingOf, EXPONENTIAL_TAIL, ScriptedEngine, type Script } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

let house: House;
let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  await open({ learning: true });
});

afterEach(async () => {
  await house.close();
  await remove();
});

async function open(settings: ConfigInput): Promise<void> {
  house = await House.open(folder, new ScriptedEngine(undefined, { impostorTail: EXPONENTIAL_TAIL }), settings);
}

async function openAgain(settings: ConfigInput): Promise<void> {
  await house.close();
  await open(settings);
}

async function profileOf(id: string): Promise<Omit<Profile, 'updatedAt'>> {
  const { profile } = await house.speakers.profile(id);
  const { updatedAt: _, ...rest } = profile!;
  return rest;
}

async function ledgerOf(id: string): Promise<LedgerEntry[]> {
  return (await house.ledger.page(id, 100, undefined)).rows.map(({ entry }) => entry);
}

const waiting = (): Promise<number> => house.store.read((records) => records.waiting.count());

/** Another recording of the same person. */
const again = (voice: number, seed: number, more: Partial<Script> = {}): Script => ({ voice, seed, ...more });

/** One that is accepted, and not by far enough to be learned by itself. */
const faint = (voice: number, seed: number, more: Partial<Script> = {}): Script =>
  again(voice, seed, { noise: 1.3, ...more });

async function learned(id: string, script: Script): Promise<string> {
  const { learning } = await house.verify(id, script);
  expect(learning).toMatchObject({ learned: true, reason: null });
  return learning!.ledgerEntry!;
}

async function waits(id: string, script: Script): Promise<string> {
  const view = await house.verify(id, script);
  expect(view).toMatchObject({ decision: 'ACCEPT', learning: { learned: false, reason: 'WEAK_EVIDENCE' } });
  return view.verificationId!;
}

describe('a profile', () => {
  it('learns nothing unless that is switched on', async () => {
    await openAgain({});
    await house.enrolled('ada', 1);
    const before = await profileOf('ada');
    const off: Partial<VerificationView> = { decision: 'ACCEPT', learning: null, verificationId: null };
    expect(await house.verify('ada', again(1, 20))).toMatchObject(off);
    expect(await profileOf('ada')).toEqual(before);
    await house.ledger.setLearning('ada', { setting: 'on' });
    await learned('ada', again(1, 21));
  });

  it('learns where a group says so, and not where another one forbids it', async () => {
    await openAgain({});
    for (const id of ['home', 'work']) await house.groups.create({ id });
    await house.enrolled('ada', 1);
    await house.speakers.update('ada', { groups: ['home', 'work'] });
    await house.ledger.setLearningOfGroup('home', 'on');
    expect(await house.ledger.learningOf('ada')).toMatchObject({ learns: true, from: 'group', setting: null });
    await learned('ada', again(1, 20));
    await house.ledger.setLearningOfGroup('work', 'off');
    expect((await house.verify('ada', again(1, 21))).learning).toBeNull();
  });

  it('learns a good recording with strong evidence, with an entry and its reasons', async () => {
    await house.enrolled('ada', 1);
    const before = await profileOf('ada');
    const id = await learned('ada', again(1, 20));
    const [entry] = await ledgerOf('ada');
    expect(entry).toMatchObject({
      id,
      action: 'learned',
      by: 'local',
      undoneAt: null,
      detail: { evidence: { falseAcceptRate: 1e-5, threshold: expect.closeTo(0.811, 2) } },
    });
    const after = await profileOf('ada');
    expect(after.members).toHaveLength(before.members.length + 1);
    expect(after.speechSeconds).toBe(before.speechSeconds + 10);
    expect(after.centroid).not.toEqual(before.centroid);
    const audit = await house.store.read(({ audit }) => audit.page({}, null, 100));
    expect(audit).toContainEqual(expect.objectContaining({ action: 'profile.learned', object: id }));
    expect(house.counted).toContain('timbre_learning_total learned');
  });

  it('learns nothing twice from one recording, whatever became of it', async () => {
    await house.enrolled('ada', 1);
    const first = again(1, 0);
    expect((await house.verify('ada', first)).learning).toMatchObject({ learned: false, reason: 'KNOWN' });
    const entry = await learned('ada', again(1, 20));
    expect((await house.verify('ada', again(1, 20))).learning).toMatchObject({ learned: false, reason: 'KNOWN' });
    await house.ledger.undo('ada', entry);
    expect((await house.verify('ada', again(1, 20))).learning).toMatchObject({ learned: false, reason: 'KNOWN' });
  });

  it.each([
    ['speech', { seconds: 0.9 }, 'TOO_LITTLE_SPEECH', { minUpdateSeconds: 1, minSpeechSeconds: 0.5 }],
    ['quality', { snrDb: 10 }, 'LOW_QUALITY', {}],
  ])('learns nothing that lacks %s', async (_, flaw, reason, settings) => {
    await openAgain({ learning: true, ...settings });
    await house.enrolled('ada', 1);
    const before = await profileOf('ada');
    expect((await house.verify('ada', again(1, 20, flaw))).learning).toMatchObject({ learned: false, reason });
    expect(await profileOf('ada')).toEqual(before);
  });

  it('learns nothing of who is rejected, and keeps nothing of them', async () => {
    await house.enrolled('ada', 1);
    expect(await house.verify('ada', again(2, 20))).toMatchObject({
      decision: 'REJECT',
      verificationId: null,
      learning: { learned: false, reason: 'NOT_ACCEPTED' },
    });
    expect(await waiting()).toBe(0);
  });

  it('learns nothing where another person is as close', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('twin', 1);
    expect(await house.verify('ada', again(1, 20))).toMatchObject({
      decision: 'ACCEPT',
      verificationId: null,
      learning: { learned: false, reason: 'SECOND_PERSON' },
    });
  });

  it('learns nothing more while it is frozen, and says both in the ledger', async () => {
    await house.enrolled('ada', 1);
    expect(await house.ledger.setLearning('ada', { frozen: true })).toMatchObject({ frozenAt: expect.any(Date) });
    expect((await house.verify('ada', again(1, 20))).learning).toMatchObject({ learned: false, reason: 'FROZEN' });
    await house.ledger.setLearning('ada', { frozen: false });
    await learned('ada', again(1, 20));
    expect((await ledgerOf('ada')).map(({ action }) => action).slice(0, 3)).toEqual(['learned', 'unfrozen', 'frozen']);
  });

  it('keeps so many learned recordings, spread, and every enrolled one', async () => {
    await openAgain({ learning: true, learnedRecordings: 2 });
    await house.enrolled('ada', 1);
    const enrolled = (await profileOf('ada')).members.map(({ enrollmentId }) => enrollmentId);
    for (const seed of [20, 21]) await learned('ada', again(1, seed));
    house.clock.pass(60);
    const entry = await learned('ada', again(1, 22));
    const { members } = await profileOf('ada');
    expect(members).toHaveLength(enrolled.length + 2);
    expect(members.map(({ enrollmentId }) => enrollmentId)).toEqual(expect.arrayContaining(enrolled));
    const [{ detail }] = (await ledgerOf('ada')) as [LedgerEntry];
    expect(detail.replaced).toHaveLength(1);
    // Another of the same day as the last says nothing that is not known.
    expect((await house.verify('ada', again(1, 23))).learning?.reason).toBe('REDUNDANT');
    await house.ledger.undo('ada', entry);
    const back = (await profileOf('ada')).members.map(({ enrollmentId }) => enrollmentId);
    expect(back).toContain(detail.replaced![0]);
    expect(back).toHaveLength(enrolled.length + 2);
  });

  it('counts nothing learned for somebody whose enrolled recordings are too few', async () => {
    await house.enrolled('ada', 1);
    await learned('ada', again(1, 20));
    const { enrollments } = await house.enrollments.list('ada');
    for (const { id } of enrollments.filter(({ kind }) => kind === 'enrolled').slice(1)) {
      await house.enrollments.delete('ada', id);
    }
    expect(await profileOf('ada')).toMatchObject({ status: 'Enrolling', speechSeconds: 10 });
  });

  it('takes a learned recording for enrolled once it is enrolled', async () => {
    await house.enrolled('ada', 1);
    const entry = await learned('ada', again(1, 20));
    const { results } = await house.enrol('ada', again(1, 20));
    expect(results).toMatchObject([{ duplicate: false, enrollment: { kind: 'enrolled' } }]);
    await expect(house.ledger.undo('ada', entry)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_UNDONE' });
    expect((await profileOf('ada')).members).toHaveLength(4);
  });
});

describe('undoing', () => {
  it('all gives the profile of before, bit for bit, also after a restart', async () => {
    await openAgain({ learning: true, learnedRecordings: 3 });
    await house.enrolled('ada', 1, 5);
    const before = await profileOf('ada');
    const since = new Date();
    for (let seed = 20; seed < 30; seed++) {
      house.clock.pass(seed % 2 === 0 ? 40 : 3);
      await house.verify('ada', again(1, seed, { snrDb: 16 + seed, noise: 0.2 + seed / 100 }));
    }
    const entries = (await ledgerOf('ada')).filter(({ action }) => action === 'learned');
    expect(entries.length).toBeGreaterThan(3);
    expect((await profileOf('ada')).centroid).not.toEqual(before.centroid);
    await openAgain({ learning: true, learnedRecordings: 3 });
    const { undone, left } = await house.ledger.undoSince('ada', since);
    expect(undone.map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
    expect(left).toEqual([]);
    const after = await profileOf('ada');
    expect(after).toEqual(before);
    expect(Buffer.from(after.centroid!.buffer)).toEqual(Buffer.from(before.centroid!.buffer));
    // The vectors are gone, not only set aside.
    expect((await house.enrollments.list('ada')).enrollments).toHaveLength(5);
    expect((await examineStore(folder)).sound).toBe(true);
  });

  it('one change at a time gives each profile of before, in the other order', async () => {
    await house.enrolled('ada', 1);
    const profiles = [await profileOf('ada')];
    const entries: string[] = [];
    for (const seed of [20, 21, 22]) {
      entries.push(await learned('ada', again(1, seed)));
      profiles.push(await profileOf('ada'));
    }
    for (const entry of [...entries].reverse()) {
      profiles.pop();
      await house.ledger.undo('ada', entry);
      expect(await profileOf('ada')).toEqual(profiles.at(-1));
    }
  });

  it('is refused of what was undone, of what stays and of what is not there', async () => {
    await house.enrolled('ada', 1);
    const entry = await learned('ada', again(1, 20));
    await house.ledger.undo('ada', entry);
    await expect(house.ledger.undo('ada', entry)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_UNDONE' });
    const enrolled = (await ledgerOf('ada')).find(({ action }) => action === 'enrolled')!;
    await expect(house.ledger.undo('ada', enrolled.id)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_FINAL' });
    await expect(house.ledger.undo('ada', 'none')).rejects.toMatchObject({ code: 'LEDGER_ENTRY_NOT_FOUND' });
    await house.enrolled('bob', 2);
    await expect(house.ledger.undo('bob', entry)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_NOT_FOUND' });
  });
});

describe('a verification that somebody confirms', () => {
  it('becomes part of the profile once', async () => {
    await house.enrolled('ada', 1);
    const id = await waits('ada', faint(1, 20));
    expect(await waiting()).toBe(1);
    const lesson = await house.learning.confirm(id);
    expect(lesson).toMatchObject({ speakerId: 'ada', learned: true, reason: null });
    expect((await ledgerOf('ada'))[0]).toMatchObject({
      id: lesson.entry,
      action: 'confirmed',
      detail: { verificationId: id },
    });
    expect((await profileOf('ada')).members).toHaveLength(4);
    expect(await waiting()).toBe(0);
    await expect(house.learning.confirm(id)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
  });

  it('is gone after its time', async () => {
    await openAgain({ learning: true, confirmMinutes: 5 });
    await house.enrolled('ada', 1);
    const id = await waits('ada', faint(1, 20));
    house.clock.pass(5.01 / 1440);
    await expect(house.learning.confirm(id)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
    expect(await house.sweep.sweep()).toBe(1);
    expect(await waiting()).toBe(0);
  });

  it('does not wait where that is switched off', async () => {
    await openAgain({ learning: true, confirmMinutes: 0 });
    await house.enrolled('ada', 1);
    expect((await house.verify('ada', faint(1, 20))).verificationId).toBeNull();
    expect(await waiting()).toBe(0);
  });

  it('is gone with the consent that is withdrawn before, and with whoever is erased', async () => {
    for (const [i, id] of ['ada', 'bob'].entries()) await house.enrolled(id, i + 1);
    const [ada, bob] = [await waits('ada', faint(1, 20)), await waits('bob', faint(2, 20))];
    await house.consent.withdraw('ada');
    expect(await waiting()).toBe(1);
    const receipt = await house.speakers.erase('bob');
    expect(receipt).toMatchObject({ waitingVerifications: 1, ledgerEntries: 3 });
    expect(await waiting()).toBe(0);
    for (const id of [ada, bob]) {
      await expect(house.learning.confirm(id)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
    }
    // Somebody else with the same id inherits nothing.
    await house.enrolled('bob', 2);
    await expect(house.learning.confirm(bob)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
  });

  it('is not learned where the speaker has opted out while it was looked at', async () => {
    await house.enrolled('ada', 1);
    const id = await waits('ada', faint(1, 20));
    const before = await profileOf('ada');
    // As a row that was put back, or a consent that another process took between reading and writing.
    const { gallery } = house;
    const search = gallery.search.bind(gallery);
    gallery.search = async (...asked) => {
      await house.store.transaction(async ({ speakers }) => {
        const speaker = (await speakers.find('ada'))!;
        await speakers.update({ ...speaker, optedOutAt: new Date() });
      });
      return search(...asked);
    };
    await expect(house.learning.confirm(id)).rejects.toMatchObject({ code: 'OPTED_OUT' });
    expect(await waiting()).toBe(0);
    expect(await profileOf('ada')).toEqual(before);
  });

  it('is of low quality, of another person or of no accepted recording all the same', async () => {
    await house.enrolled('ada', 1);
    const id = await waits('ada', faint(1, 20));
    await house.enrolled('twin', 1);
    expect(await house.learning.confirm(id)).toMatchObject({ learned: false, reason: 'SECOND_PERSON', entry: null });
    expect(await waiting()).toBe(0);
  });

  it('waits only so often for one person', async () => {
    await house.enrolled('ada', 1);
    const first = await waits('ada', faint(1, 20));
    for (let seed = 21; seed < 41; seed++) {
      house.clock.pass(1e-6);
      await house.verify('ada', faint(1, seed));
    }
    expect(await waiting()).toBe(20);
    await expect(house.learning.confirm(first)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
  });

  it('is not found by a key of another group', async () => {
    const groups = [await house.groups.create({ id: 'acme' }), await house.groups.create({ id: 'rival' })];
    await house.enrolled('ada', 1);
    await house.speakers.update('ada', { groups: ['acme'] });
    const id = await waits('ada', faint(1, 20));
    const as =
      (i: number) =>
      <T>(work: () => Promise<T>) =>
        actAs({ by: 'key', requestId: null, groups: [{ uid: groups[i]!.uid, id: groups[i]!.id }] }, work);
    await expect(as(1)(() => house.learning.confirm(id))).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
    await expect(as(1)(() => house.ledger.page('ada', 10, undefined))).rejects.toMatchObject({
      code: 'SPEAKER_NOT_FOUND',
    });
    expect(await as(0)(() => house.learning.confirm(id))).toMatchObject({ learned: true });
  });

  it('is encrypted, goes under a new data key, and is missed when somebody deletes it', async () => {
    await house.enrolled('ada', 1);
    const id = await waits('ada', faint(1, 20));
    await learned('ada', again(1, 21));
    await rotateDataKey(house.database);
    const report = await examineStore(folder);
    expect(report).toMatchObject({ sound: true, records: { ledger: 4, 'waiting-verification': 1 } });
    await house.database.query((manager) => manager.query(`UPDATE ledger SET by = 'nobody' WHERE action = 'learned'`));
    await house.database.query((manager) => manager.query('DELETE FROM waiting_verifications'));
    const wrong = await examineStore(folder);
    expect(wrong.findings).toEqual([expect.objectContaining({ kind: 'ledger', speakerId: 'ada', what: 'changed' })]);
    expect(wrong.missing).toEqual([{ speakerId: 'ada', records: 1 }]);
    const [entry] = await ledgerOf('ada');
    await expect(house.ledger.undo('ada', entry!.id)).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    await expect(house.learning.confirm(id)).rejects.toMatchObject({ code: 'VERIFICATION_NOT_FOUND' });
  });
});

describe('merging', () => {
  it('gives one speaker the recordings of both, and undoing gives both what they had, bit for bit', async () => {
    await house.enrolled('ada', 1);
    await house.speakers.create({ id: 'double' });
    await house.enrol('double', ...[7, 8, 0].map((seed) => again(1, seed)));
    const before = [await profileOf('ada'), await profileOf('double')];
    const { entry } = await house.merging.merge('ada', 'double');
    expect(entry.detail).toMatchObject({
      recordings: [expect.any(String), expect.any(String)],
      left: [expect.any(String)],
    });
    expect((await profileOf('ada')).members).toHaveLength(5);
    expect((await house.speakers.profile('double')).profile).toBeNull();
    expect(await house.verify('double', again(1, 30))).toMatchObject({ decision: 'NOT_ENROLLED' });
    expect((await examineStore(folder)).sound).toBe(true);
    // Of either ledger.
    const [away] = await ledgerOf('double');
    expect(away).toMatchObject({ action: 'merged-away', changeId: entry.changeId });
    await house.ledger.undo('double', away!.id);
    expect([await profileOf('ada'), await profileOf('double')]).toEqual(before);
    await expect(house.ledger.undo('ada', entry.id)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_UNDONE' });
    expect((await examineStore(folder)).sound).toBe(true);
  });

  it('is never with oneself, nobody, or who has opted out', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    await expect(house.merging.merge('ada', 'ada')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(house.merging.merge('ada', 'gone')).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await house.consent.withdraw('bob');
    for (const [to, from] of [
      ['ada', 'bob'],
      ['bob', 'ada'],
    ] as const) {
      await expect(house.merging.merge(to, from)).rejects.toMatchObject({ code: 'OPTED_OUT' });
    }
  });

  it('keeps the stricter consent, which undoing gives back', async () => {
    await house.enrolled('ada', 1);
    await house.consent.give('ada', { method: 'form', textVersion: '1' });
    await house.enrolled('bob', 1);
    const { entry } = await house.merging.merge('ada', 'bob');
    expect((await house.consent.get('ada')).consent).toBeNull();
    await house.ledger.undo('ada', entry.id);
    expect((await house.consent.get('ada')).consent).toMatchObject({ textVersion: '1' });
    await openAgain({ consent: 'required' });
    await expect(house.merging.merge('ada', 'bob')).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
  });

  it('cannot be undone once the other person is erased', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 1);
    await house.enrolled('new', 3);
    const { entry } = await house.merging.merge('ada', 'bob');
    await house.speakers.erase('bob');
    await house.enrolled('bob', 4);
    await expect(house.ledger.undo('ada', entry.id)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_FINAL' });
    expect(await house.ledger.undoSince('ada', new Date(0))).toMatchObject({ undone: [], left: [{ id: entry.id }] });
  });

  it('keeps as many learned recordings as one speaker may have', async () => {
    await openAgain({ learning: true, learnedRecordings: 2 });
    await house.enrolled('ada', 1);
    await learned('ada', again(1, 20));
    await learned('ada', again(1, 21));
    await house.speakers.create({ id: 'bob' });
    await house.ledger.setLearning('ada', { frozen: true });
    await house.enrol('bob', again(3, 5), again(3, 6));
    await learned('bob', again(3, 22));
    const before = [await profileOf('ada'), await profileOf('bob')];
    const { entry } = await house.merging.merge('ada', 'bob');
    const { enrollments } = await house.enrollments.list('ada');
    expect(enrollments.filter(({ kind, setAside }) => kind === 'learned' && !setAside)).toHaveLength(2);
    await house.ledger.undo('ada', entry.id);
    expect([await profileOf('ada'), await profileOf('bob')]).toEqual(before);
  });
});

describe('splitting', () => {
  it('gives recordings to a new speaker of the same groups, and undoing brings them back', async () => {
    await house.groups.create({ id: 'home' });
    await house.enrolled('ada', 1);
    await house.speakers.update('ada', { groups: ['home'] });
    await house.enrol('ada', again(2, 1), again(2, 2));
    const before = await profileOf('ada');
    const { enrollments } = await house.enrollments.list('ada');
    const ids = enrollments.slice(3).map(({ id }) => id);
    const { made, entry } = await house.merging.split('ada', ids, { id: 'bea' });
    expect(made.groups).toMatchObject([{ id: 'home' }]);
    expect((await profileOf('bea')).members.map(({ enrollmentId }) => enrollmentId)).toEqual(ids);
    expect((await profileOf('ada')).members).toHaveLength(3);
    await house.ledger.undo('ada', entry.id);
    expect(await profileOf('ada')).toEqual(before);
    expect((await house.speakers.profile('bea')).profile).toBeNull();
  });

  it('takes what was learned for enrolled at the new speaker, until it is undone', async () => {
    await house.enrolled('ada', 1);
    const lesson = await learned('ada', again(1, 20, { seconds: 25 }));
    const before = await profileOf('ada');
    const { enrollments } = await house.enrollments.list('ada');
    const recording = enrollments.find(({ kind }) => kind === 'learned')!;
    const { entry } = await house.merging.split('ada', [recording.id], { id: 'bea' });
    expect(await profileOf('bea')).toMatchObject({ status: 'Enrolled', speechSeconds: 25 });
    await expect(house.ledger.undo('ada', lesson)).rejects.toMatchObject({ code: 'LEDGER_ENTRY_FINAL' });
    await house.ledger.undo('ada', entry.id);
    expect(await profileOf('ada')).toEqual(before);
    await house.ledger.undo('ada', lesson);
    expect((await profileOf('ada')).members).toHaveLength(3);
  });

  it('needs recordings of the speaker, an id that is free, and a consent of its own', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    const [own] = (await house.enrollments.list('ada')).enrollments;
    const [others] = (await house.enrollments.list('bob')).enrollments;
    const split = (ids: string[], to: object): Promise<unknown> => house.merging.split('ada', ids, to);
    await expect(split([others!.id], {})).rejects.toMatchObject({ code: 'ENROLLMENT_NOT_FOUND' });
    await expect(split([own!.id], { id: 'bob' })).rejects.toMatchObject({ code: 'SPEAKER_EXISTS' });
    await house.consent.give('ada', { method: 'form', textVersion: '1' });
    await openAgain({ consent: 'required' });
    await expect(split([own!.id], { id: 'bea' })).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    await expect(house.speakers.get('bea')).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    const consent = { method: 'form', textVersion: '1' };
    await expect(split([own!.id], { id: 'bea', consent })).resolves.toMatchObject({ made: { id: 'bea' } });
  });
});

describe('the health of a profile', () => {
  it('says how far learning has moved it, and who is nearest', async () => {
    for (const [i, id] of ['ada', 'bob', 'cas'].entries()) await house.enrolled(id, i + 1);
    const { speaker, origin } = await house.speakers.profile('ada');
    const before = await house.health.of(speaker, origin);
    expect(before).toMatchObject({ enrolled: 3, learned: 0, drift: null, fromEnrolled: expect.closeTo(0, 6) });
    expect(['bob', 'cas']).toContain(before.nearest?.speakerId);
    await learned('ada', again(1, 20, { noise: 0.6 }));
    const after = await house.health.of(speaker, origin);
    expect(after).toMatchObject({ enrolled: 3, learned: 1, drift: expect.any(Number) });
    expect(after.fromEnrolled).toBeGreaterThan(0.001);
    expect(after.spread).toBeGreaterThan(before.spread!);
  });
});

describe('duplicates', () => {
  const enrol = async (id: string, voice: number): ReturnType<House['enrollments']['enrol']> => {
    await house.speakers.create({ id });
    const recordings = await Promise.all(
      [40, 41].map((seed) => house.recording(JSON.stringify(again(voice, seed, {})))),
    );
    return house.enrollments.enrol(id, recordings, {}, { duplicates: true });
  };

  it('are told at enrolment where that is asked for, at a rate, and nobody is merged', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    expect((await enrol('new', 3)).possibleDuplicate).toBeNull();
    const { possibleDuplicate } = await enrol('double', 1);
    expect(possibleDuplicate).toMatchObject({ speakerId: 'ada', falseAcceptRate: 0.001, gallerySize: 3 });
    expect(possibleDuplicate!.llr).toBeGreaterThan(2);
    expect((await profileOf('ada')).members).toHaveLength(3);
    // Unless asked, nobody looks; and nobody is a duplicate of oneself, or of who has opted out.
    expect((await house.enrol('bob', again(2, 50))).possibleDuplicate).toBeNull();
    await house.consent.withdraw('double');
    const more = await house.recording(JSON.stringify(again(1, 60)));
    expect((await house.enrollments.enrol('ada', [more], {}, { duplicates: true })).possibleDuplicate).toBeNull();
  });

  it('are found among everybody, page by page, each pair once', async () => {
    for (const [id, voice] of Object.entries({ ada: 1, bob: 2, cas: 1, dan: 4, eva: 2, fay: 6 })) {
      await house.enrolled(id, voice);
    }
    const found: string[] = [];
    let compared = 0;
    let cursor: string | undefined;
    do {
      const page = await house.seeker.page(2, cursor);
      found.push(...page.pairs.map((pair) => `${pair.of} ${pair.speakerId}`));
      compared += page.compared;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(found.sort()).toEqual(['ada cas', 'bob eva']);
    expect(compared).toBe(6);
  });

  it('are never looked for beyond the groups of a key', async () => {
    const acme = await house.groups.create({ id: 'acme' });
    await house.enrolled('ada', 1);
    await house.enrolled('own', 2);
    await house.speakers.update('own', { groups: ['acme'] });
    const as = <T>(work: () => Promise<T>): Promise<T> =>
      actAs({ by: 'key', requestId: null, groups: [{ uid: acme.uid, id: 'acme' }] }, work);
    await as(() => house.speakers.create({ id: 'acme:double', groups: ['acme'] }));
    const recording = await house.recording(JSON.stringify(again(1, 40, { seconds: 20 })));
    const enrolled = await as(() => house.enrollments.enrol('acme:double', [recording], {}, { duplicates: true }));
    expect(enrolled.possibleDuplicate).toBeNull();
    expect(await as(() => house.seeker.page(10, undefined))).toMatchObject({ pairs: [], compared: 2 });
    expect((await house.seeker.page(10, undefined)).pairs).toMatchObject([{ of: 'acme:double', speakerId: 'ada' }]);
  });
});

describe('vectors that were made elsewhere', () => {
  const vector = (voice: number, seed: number): number[] => Array.from(embeddingOf({ voice, seed }));
  const model = 'scripted@0123456789ab';
  const given = (seed: number, more: object = {}) => ({ vector: vector(1, seed), model, speechSeconds: 10, ...more });

  it('make the profile that their recordings make, marked so, and judge what is learned', async () => {
    await house.enrolled('ada', 1);
    await house.speakers.create({ id: 'away' });
    const at = new Date('2026-01-02T03:04:05Z');
    const { results, profile } = await house.imports.add('away', [
      given(0, { at }),
      given(1, { at }),
      given(2, { at }),
    ]);
    expect(results.map(({ duplicate, accepted }) => [duplicate, accepted])).toEqual([
      [false, true],
      [false, true],
      [false, true],
    ]);
    expect(profile).toMatchObject({ status: 'Enrolled', speechSeconds: 30 });
    expect((await profileOf('away')).centroid).toEqual((await profileOf('ada')).centroid);
    const { enrollments } = await house.enrollments.list('away');
    expect(enrollments).toMatchObject([{ kind: 'imported', createdAt: at }, {}, {}]);
    expect((await ledgerOf('away')).map(({ action }) => action)).toEqual(['imported', 'imported', 'imported']);
    await house.speakers.erase('ada');
    await learned('away', again(1, 20));
    const { rows } = await house.ledger.page('away', 10, undefined);
    expect((await house.ledger.undoSince('away', new Date(0))).undone).toHaveLength(1);
    await expect(house.ledger.undo('away', rows.at(-1)!.entry.id)).rejects.toMatchObject({
      code: 'LEDGER_ENTRY_FINAL',
    });
  });

  it('are one where they come twice', async () => {
    await house.speakers.create({ id: 'ada' });
    const [first] = (await house.imports.add('ada', [given(0)])).results;
    const { results, profile } = await house.imports.add('ada', [given(0), given(1)]);
    expect(results).toMatchObject([{ enrollmentId: first!.enrollmentId, duplicate: true }, { duplicate: false }]);
    expect(profile?.members).toHaveLength(2);
  });

  it('count by the floor of speech, and by what was measured where that is said', async () => {
    await openAgain({ minUpdateSeconds: 4 });
    await house.speakers.create({ id: 'ada' });
    const measures = {
      audioSeconds: 12,
      sampleRate: 8000,
      channels: 1,
      snrDb: 2,
      clippedShare: 0,
      bandwidthHz: 3400,
      levelDb: -20,
    };
    const { results } = await house.imports.add('ada', [
      given(0, { speechSeconds: 3 }),
      given(1, { measures }),
      given(2),
    ]);
    expect(results.map(({ accepted }) => accepted)).toEqual([false, false, true]);
  });

  it.each([
    ['another model', { model: 'scripted@ba9876543210' }, 'MODEL_MISMATCH'],
    ['another length', { vector: [1, 0] }, 'INVALID_ARGUMENT'],
    ['a value of more than 32 bits', { vector: [1e39, ...vector(1, 0).slice(1)] }, 'INVALID_ARGUMENT'],
    ['no number', { vector: [NaN, ...vector(1, 0).slice(1)] }, 'INVALID_ARGUMENT'],
    ['no direction', { vector: vector(1, 0).map(() => 0) }, 'INVALID_ARGUMENT'],
    ['a time that lies ahead', { at: new Date(Date.now() + 3_600_000) }, 'INVALID_ARGUMENT'],
  ])('are refused with %s, and nothing is stored of the others', async (_, wrong, code) => {
    await house.speakers.create({ id: 'ada' });
    await expect(house.imports.add('ada', [given(0), given(1, wrong)])).rejects.toMatchObject({
      code,
      message: expect.stringContaining('vectors[1]'),
    });
    expect((await house.enrollments.list('ada')).enrollments).toEqual([]);
  });

  it('need consent as recordings do', async () => {
    await openAgain({ consent: 'required' });
    await house.speakers.create({ id: 'ada' });
    await expect(house.imports.add('ada', [given(0)])).rejects.toMatchObject({ code: 'CONSENT_REQUIRED' });
    await house.consent.give('ada', { method: 'form', textVersion: '1' });
    await house.imports.add('ada', [given(0)]);
    await house.consent.withdraw('ada');
    await expect(house.imports.add('ada', [given(1)])).rejects.toMatchObject({ code: 'OPTED_OUT' });
    await expect(house.imports.add('gone', [given(1)])).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });
});
