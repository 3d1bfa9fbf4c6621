import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { AuditService } from '../../src/service/audit/audit.service.js';
import { auditQuery } from '../../src/service/audit/audit.dto.js';
import { newAuditEntry } from '../../src/service/records/audit-entry.js';
import { actAs } from '../../src/support/actor.js';
import { Clock } from '../../src/support/clock.js';
import { Config, type ConfigInput } from '../../src/service/config/config.js';
import { ConsentPolicy } from '../../src/service/consent/consent-policy.js';
import { consentStatus } from '../../src/service/records/consent.js';
import { DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { ExportService } from '../../src/service/privacy/export.service.js';
import { exportView, type ExportView } from '../../src/service/privacy/export.dto.js';
import { newJob } from '../../src/service/records/job.js';
import type { NewAuditEntry } from '../../src/service/records/audit-entry.js';
import { Steps } from '../../src/support/steps.js';
import { settleItem } from '../../src/service/records/settle-item.js';
import { Retention } from '../../src/service/privacy/retention.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { HandClock } from './hand-clock.js';
import { House } from './house.js';
import { ScriptedEngine } from './scripted-engine.js';
import { temporaryFolder } from './voices.js';

let folder: string;
let remove: () => Promise<void>;
let house: House;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  house = await House.open(folder);
});

afterEach(async () => {
  await house.close();
  await remove();
});

async function restart(settings: ConfigInput = {}): Promise<void> {
  await house.close();
  house = await House.open(folder, new ScriptedEngine(), settings);
}

const FORM = { givenBy: 'Ada', method: 'signed form', textVersion: '2026-03' };

/** What the trail has, as `action outcome`. */
async function trail(query: object = {}): Promise<string[]> {
  const { entries } = await new AuditService(house.store, house.trail).page(auditQuery.parse(query));
  return entries.map(({ entry }) => `${entry.action} ${entry.outcome}`);
}

describe('consent', () => {
  it('is recorded, replaced and kept over a restart', async () => {
    await house.speakers.create({ id: 'ada' });
    expect(consentStatus(await house.consent.get('ada'))).toBe('NOT_RECORDED');
    const givenAt = new Date('2026-01-02T03:04:05Z');
    await house.consent.give('ada', { ...FORM, givenAt });
    await restart();
    expect((await house.consent.get('ada')).consent).toMatchObject({ ...FORM, givenAt });
    await house.consent.give('ada', { ...FORM, textVersion: '2027-01' });
    expect((await house.consent.get('ada')).consent).toMatchObject({ textVersion: '2027-01' });
    await expect(house.consent.give('nobody', FORM)).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it('is kept in the history when another takes its place or it is withdrawn, and goes with the speaker', async () => {
    await house.speakers.create({ id: 'ada' });
    await house.consent.give('ada', FORM);
    await house.consent.give('ada', { ...FORM, textVersion: '2027-01' });
    await house.consent.withdraw('ada');
    await house.consent.give('ada', { ...FORM, textVersion: '2028-01' });
    const { rows } = await house.consent.history('ada', 10, undefined);
    expect(rows.map(({ textVersion, withdrawnAt }) => [textVersion, withdrawnAt !== null])).toEqual([
      ['2026-03', true],
      ['2027-01', true],
      ['2028-01', false],
    ]);
    const first = await house.consent.history('ada', 2, undefined);
    const second = await house.consent.history('ada', 2, first.nextCursor ?? '');
    expect([...first.rows, ...second.rows]).toEqual(rows);
    expect(second.nextCursor).toBeNull();
    await house.speakers.erase('ada');
    await expect(house.consent.history('ada', 10, undefined)).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    const left = await house.database.query((manager) => manager.query<unknown[]>('SELECT 1 FROM consents'));
    expect(left).toEqual([]);
  });

  it('is given with the speaker, who gives it where nobody else is named', async () => {
    await restart({ consent: 'required' });
    const { textVersion, method } = FORM;
    await house.speakers.create({ id: 'ada', name: 'Ada Lovelace', consent: { textVersion, method } });
    expect((await house.consent.get('ada')).consent).toMatchObject({ givenBy: 'Ada Lovelace', method });
    expect((await house.enrol('ada', { voice: 1 })).results).toHaveLength(1);
    await house.speakers.create({ id: 'b.b', consent: { textVersion, method } });
    expect((await house.consent.get('b.b')).consent).toMatchObject({ givenBy: 'b.b' });
    await expect(house.speakers.create({ id: 'cleo', consent: { ...FORM, method: '' } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect((await house.speakers.page(10, undefined)).voices.map(({ speaker: { id } }) => id)).toEqual(['ada', 'b.b']);
  });

  it('is recorded for many at once where there is none, and brings nobody back who has withdrawn it', async () => {
    for (const id of ['gave', 'left', 'none']) await house.speakers.create({ id });
    await house.consent.give('gave', FORM);
    await house.consent.withdraw('left');
    const consent = { ...FORM, textVersion: 'for all' };
    await house.speakers.prepare(
      ['gave', 'left', 'none', 'new'].map((id) => ({ id, consent })),
      false,
    );
    const of = async (id: string): Promise<string> => {
      const speaker = await house.consent.get(id);
      return `${consentStatus(speaker)} ${speaker.consent?.textVersion ?? ''}`;
    };
    expect(await Promise.all(['gave', 'left', 'none'].map(of))).toEqual([
      'GIVEN 2026-03',
      'WITHDRAWN ',
      'GIVEN for all',
    ]);
    await expect(of('new')).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
    await house.speakers.prepare([{ id: 'new', consent }], true);
    expect(await of('new')).toBe('GIVEN for all');
  });

  it.each([
    ['from the future', { ...FORM, givenAt: new Date(Date.now() + 3_600_000) }],
    ['of nobody', { ...FORM, givenBy: ' ' }],
    ['to no text', { ...FORM, textVersion: '' }],
    ['of two lines', { ...FORM, method: 'a\nb' }],
  ])('%s is refused', async (_, given) => {
    await house.speakers.create({ id: 'ada' });
    await expect(house.consent.give('ada', given)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('has to come before the first recording is heard where it is required', async () => {
    await restart({ consent: 'required' });
    await house.speakers.create({ id: 'ada' });
    await expect(house.enrol('ada', { voice: 1 })).rejects.toMatchObject({
      code: 'CONSENT_REQUIRED',
      message: expect.stringMatching(/PUT it to/),
    });
    expect(house.engine.embedded).toEqual([]);
    await house.consent.give('ada', FORM);
    await house.enrol('ada', { voice: 1 });
    // Refusals have no transaction of their own and come a moment later.
    expect((await trail()).sort()).toEqual([
      'consent.given OK',
      'enrollment.added OK',
      'enrollment.refused CONSENT_REQUIRED',
      'speaker.created OK',
    ]);
  });

  it('is asked for unless the operator says that it is not', () => {
    expect([{}, { consent: 'optional' }].map((given) => new ConsentPolicy(Config.of(given)).required)).toEqual([
      true,
      false,
    ]);
  });
});

describe('a speaker who opts out', () => {
  beforeEach(async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    await house.gallery.ready();
    await house.consent.withdraw('ada');
  });

  const ada = { voice: 1, seed: 50 };

  it('is neither enrolled, verified nor identified, and not even heard', async () => {
    const heard = house.engine.embedded.length;
    await expect(house.enrol('ada', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'OPTED_OUT' });
    expect(await house.verify('ada', ada)).toMatchObject({ decision: 'OPTED_OUT', score: null, recording: null });
    expect(house.engine.embedded).toHaveLength(heard);
    const found = await house.identify(ada);
    expect(found).toMatchObject({ decision: 'REJECT', gallerySize: 1 });
    expect(found.ranking.map(({ speakerId }) => speakerId)).toEqual(['bob']);
    expect(await house.identify(ada, 5, ['ada'])).toMatchObject({ decision: 'NOT_ENROLLED', ranking: [] });
  });

  it('lends the embedding of a file to nobody, not even when the opt-out comes while another is enrolled', async () => {
    const script = { voice: 1, seed: 0 };
    await house.speakers.create({ id: 'cleo' });
    const before = house.engine.embedded.length;
    await house.enrol('cleo', script);
    expect(house.engine.embedded).toHaveLength(before + 1);
    await house.speakers.create({ id: 'dan' });
    house.engine.before = async () => {
      house.engine.before = () => Promise.resolve();
      await house.consent.withdraw('cleo');
    };
    // The first file is known by cleo, who opts out while the second one is heard.
    const { results } = await house.enrol('dan', script, { voice: 1, seed: 77 });
    expect(results.map((result) => 'enrollment' in result)).toEqual([true, true]);
    expect(house.engine.embedded.slice(before).map((text) => (JSON.parse(text) as { seed: number }).seed)).toEqual([
      0, 77, 0, 77,
    ]);
  });

  it('stays out after a restart, and whatever happens to the recordings', async () => {
    await restart();
    expect(await house.identify(ada)).toMatchObject({ gallerySize: 1, speakerId: null });
    await house.enrolled('cleo', 3, 4);
    const { enrollments } = await house.enrollments.list('ada');
    await house.enrollments.delete('ada', enrollments[0]!.id);
    expect((await house.identify(ada)).ranking.map(({ speakerId }) => speakerId)).not.toContain('ada');
  });

  it('is out from the moment on, also for what is under way', async () => {
    house.engine.before = async () => {
      await house.consent.withdraw('bob');
    };
    const bob = { voice: 2, seed: 50 };
    expect(await house.verify('bob', bob)).toMatchObject({ decision: 'OPTED_OUT', score: null });
    await house.consent.give('bob', FORM);
    expect(await house.identify(bob)).toMatchObject({ speakerId: null, ranking: [] });
    await house.consent.give('bob', FORM);
    await expect(house.enrol('bob', { voice: 2, seed: 9 })).rejects.toMatchObject({ code: 'OPTED_OUT' });
    expect((await house.enrollments.list('bob')).enrollments).toHaveLength(3);
  });

  it('is back with a new consent, with the voice as it was', async () => {
    await house.consent.give('ada', FORM);
    expect(await house.identify(ada)).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada' });
    expect(await house.verify('ada', ada)).toMatchObject({ decision: 'ACCEPT' });
    await house.consent.withdraw('ada');
    await house.consent.withdraw('ada');
    expect((await house.consent.get('ada')).consent).toMatchObject(FORM);
    expect((await trail({ speaker: 'ada' })).filter((line) => line.startsWith('consent'))).toEqual([
      'consent.withdrawn OK',
      'consent.given OK',
      'consent.withdrawn OK',
    ]);
  });

  it('can be erased', async () => {
    await house.speakers.erase('ada');
    await house.enrolled('ada', 1);
    expect(await house.identify(ada)).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada' });
  });
});

describe('the audit trail', () => {
  const service = (): AuditService => new AuditService(house.store, house.trail);
  const page = (query: object): ReturnType<AuditService['page']> => service().page(auditQuery.parse(query));

  /** Statements on the file from outside. */
  async function outside(sql: string): Promise<void> {
    const database = new sqlite3.Database(join(folder, DATABASE_FILE));
    try {
      await new Promise<void>((resolve, reject) =>
        database.exec(sql, (error) => {
          if (error) reject(error);
          else resolve();
        }),
      );
    } finally {
      await new Promise((resolve) => {
        database.close(resolve);
      });
    }
  }

  it('has who did what to whom, with what came of it', async () => {
    await actAs({ by: 'key-1', requestId: 'req-1' }, async () => {
      await house.enrolled('ada', 1, 2);
      await house.verify('ada', { voice: 1, seed: 50 });
      await house.verify('ada', { voice: 2, seed: 50 });
    });
    await house.identify({ voice: 1, seed: 51 });
    const { entries } = await page({});
    expect(entries.map(({ entry }) => `${entry.by} ${entry.action} ${entry.outcome}`)).toEqual([
      'key-1 speaker.created OK',
      'key-1 enrollment.added OK',
      'key-1 enrollment.added OK',
      'key-1 voice.verified ACCEPT',
      'key-1 voice.verified REJECT',
      'local voice.identified ACCEPT',
    ]);
    expect(entries.every(({ speakerId }) => speakerId === 'ada')).toBe(true);
    expect(entries[0]?.entry).toMatchObject({ requestId: 'req-1' });
    const enrolled = (await house.enrollments.list('ada')).enrollments.map(({ id }) => id);
    expect(entries.flatMap(({ entry }) => (entry.action === 'enrollment.added' ? [entry.object] : []))).toEqual(
      expect.arrayContaining(enrolled),
    );
  });

  it('has no entry of what was undone', async () => {
    await house.speakers.create({ id: 'ada' });
    await expect(house.speakers.create({ id: 'ada' })).rejects.toMatchObject({ code: 'SPEAKER_EXISTS' });
    await expect(
      house.store.transaction(async ({ audit }) => {
        await audit.record({ action: 'speaker.erased' });
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await trail()).toEqual(['speaker.created OK']);
  });

  it('is read page by page, by speaker and by time', async () => {
    for (const id of ['ada', 'bob', 'cleo']) await house.enrolled(id, 1, 2);
    const seen: number[] = [];
    for (let cursor: string | undefined | null; cursor !== null;) {
      const found: Awaited<ReturnType<AuditService['page']>> = await page({ limit: 2, cursor });
      seen.push(...found.entries.map(({ entry }) => entry.id));
      cursor = found.nextCursor;
    }
    expect(seen).toHaveLength(9);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await trail({ speaker: 'bob' })).toHaveLength(3);
    expect(await trail({ to: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect(await trail({ from: '2020-01-01T00:00:00Z' })).toHaveLength(9);
    await expect(page({ speaker: 'nobody' })).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it('refuses to be changed, deleted or replaced', async () => {
    await house.speakers.create({ id: 'ada' });
    for (const sql of [
      `UPDATE audit SET by = 'somebody else'`,
      'UPDATE audit SET mac = NULL',
      'DELETE FROM audit',
      `INSERT OR REPLACE INTO audit SELECT id, at, 'somebody else', action, subject, object, outcome, request_id, NULL FROM audit`,
      `REPLACE INTO audit (id, at, by, action, outcome) SELECT id, at, 'x', action, outcome FROM audit`,
    ]) {
      await expect(outside(sql)).rejects.toThrow(/append-only/);
    }
    expect(await trail()).toEqual(['speaker.created OK']);
  });

  it('knows an erased speaker by an opaque id alone, and one who comes again under the same id by another', async () => {
    // No id of random hexadecimal digits can hold this name.
    await house.enrolled('zoe', 1, 1);
    const before = (await page({ speaker: 'zoe' })).entries[0]!.entry.subject;
    await house.speakers.erase('zoe');
    const { entries } = await page({ subject: before });
    expect(entries.map(({ entry }) => entry.action)).toEqual(['speaker.created', 'enrollment.added', 'speaker.erased']);
    expect(entries.map(({ speakerId }) => speakerId)).toEqual([null, null, null]);
    expect(JSON.stringify(entries)).not.toContain('zoe');
    await house.speakers.create({ id: 'zoe' });
    expect(await trail({ speaker: 'zoe' })).toEqual(['speaker.created OK']);
  });

  it('keeps matches that the database did not take until it does', async () => {
    await house.enrolled('ada', 1);
    await outside("CREATE TRIGGER closed BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'closed'); END");
    expect(await house.verify('ada', { voice: 1, seed: 50 })).toMatchObject({ decision: 'ACCEPT' });
    await expect(house.trail.flush()).rejects.toThrow(/closed/);
    await outside('DROP TRIGGER closed');
    expect((await trail({ speaker: 'ada' })).at(-1)).toBe('voice.verified ACCEPT');
  });

  it('leaves matches out where it is told to, and knows the last use all the same', async () => {
    await restart({ auditMatches: 'off' });
    await house.enrolled('ada', 1, 2);
    await house.verify('ada', { voice: 1, seed: 50 });
    expect(await trail({ speaker: 'ada' })).not.toContain('voice.verified ACCEPT');
    expect((await house.consent.get('ada')).lastUsedAt).not.toBeNull();
  });
});

describe('an export', () => {
  const exports = (): ExportService => {
    const config = Config.of();
    return new ExportService(house.store, house.trail, new ConsentPolicy(config), config);
  };

  const exported = async (id: string, vectors: boolean): Promise<ExportView> => {
    let text = '';
    for await (const piece of exports().export(id, vectors)) text += piece;
    return exportView.strict().parse(JSON.parse(text));
  };

  it('has everything of one speaker and nothing of others, vectors only where asked for', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    await house.consent.give('ada', FORM);
    await house.verify('ada', { voice: 1, seed: 50 });
    const found = await exported('ada', false);
    expect(found).toMatchObject({
      speaker: { id: 'ada', lastUsedAt: expect.any(String) },
      consent: { status: 'GIVEN', consent: FORM },
      audio: { kept: false },
      profiles: [{ enrollmentStatus: 'Enrolled' }],
    });
    expect(found.enrollments).toHaveLength(3);
    expect(found.enrollments[0]).toMatchObject({ quality: { label: 'GOOD' }, agreement: expect.any(Number) });
    expect(found.audit.map(({ action }) => action)).toEqual([
      'speaker.created',
      ...Array<string>(3).fill('enrollment.added'),
      'consent.given',
      'voice.verified',
      'speaker.exported',
    ]);
    expect(JSON.stringify(found)).not.toMatch(/bob|"embedding"/);
    const full = await exported('ada', true);
    const all = await house.store.read(({ enrollments }) => enrollments.withEmbeddings('ada', null, 1000));
    const stored = all.map(({ embedding }) => Array.from(embedding));
    expect(full.enrollments.map(({ embedding }) => embedding)).toEqual(stored);
    expect(Math.hypot(...(full.profiles[0]?.embedding ?? []))).toBeCloseTo(1, 5);
    await expect(exported('nobody', false)).rejects.toMatchObject({ code: 'SPEAKER_NOT_FOUND' });
  });

  it('has every consent, and the recordings of jobs that are settled as well as those that wait', async () => {
    await house.speakers.create({ id: 'ada' });
    await house.consent.give('ada', FORM);
    await house.consent.withdraw('ada');
    await house.consent.give('ada', { ...FORM, textVersion: '2026-04' });
    const job = newJob('0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11', 3, new Date());
    const of = (speakerId: string, name: string): { speakerId: string; fileName: string; path: string } => {
      return { speakerId, fileName: name, path: `/srv/${name}` };
    };
    await house.store.transaction(async ({ jobs }) => {
      await jobs.insert(job, [of('ada', 'a.wav'), of('ada', 'b.wav'), of('bob', 'c.wav')]);
      const error = { code: 'NO_SPEECH', message: 'silence' } as const;
      await settleItem(jobs, { jobId: job.id, index: 0 }, { error }, new Date());
    });
    const found = await exported('ada', false);
    expect(found.consents).toMatchObject([
      { textVersion: '2026-03', withdrawnAt: expect.any(String) },
      { textVersion: '2026-04', withdrawnAt: null },
    ]);
    expect(found.jobs).toMatchObject([
      { jobId: job.id, index: 0, state: 'failed', error: { code: 'NO_SPEECH' }, filename: 'a.wav' },
      { jobId: job.id, index: 1, state: 'queued', filename: 'b.wav' },
    ]);
    expect(JSON.stringify(found)).not.toContain('c.wav');
  });

  it('is of one moment, in pieces of some kilobytes, and lets others write meanwhile', async () => {
    await house.enrolled('ada', 1);
    const { subject } = (await house.speakers.get('ada')).speaker;
    const at = new Date('2026-03-01T00:00:00Z');
    const entry = { at, by: 'test', action: 'voice.verified', subject, object: null, outcome: 'OK', requestId: null };
    await house.store.transaction(({ audit }) => audit.append(Array(3000).fill(entry) as NewAuditEntry[]));
    const pieces: string[] = [];
    for await (const piece of exports().export('ada', false)) {
      pieces.push(piece);
      if (pieces.length > 1) continue;
      // It has begun: what comes now is not in it.
      await house.enrol('ada', { voice: 1, seed: 99 });
      await house.store.transaction(({ audit }) => audit.append([{ ...(entry as NewAuditEntry), outcome: 'LATE' }]));
      await house.speakers.update('ada', { name: 'Too late' });
    }
    const found = exportView.strict().parse(JSON.parse(pieces.join('')));
    expect(found.enrollments).toHaveLength(3);
    expect(found.speaker.name).toBeNull();
    expect(found.audit.filter(({ by }) => by === 'test')).toHaveLength(3000);
    expect(found.audit.some(({ outcome }) => outcome === 'LATE')).toBe(false);
    const most = Math.max(...pieces.map(({ length }) => length));
    expect(most).toBeLessThan(pieces.join('').length / 4);
  });

  it('ends what it opened when nobody takes it any more, and when too many are under way says so', async () => {
    await house.enrolled('ada', 1);
    const open = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const pieces = exports().export('ada', false);
        expect((await pieces.next()).done).toBe(false);
        return pieces;
      }),
    );
    await expect(exported('ada', false)).rejects.toMatchObject({ code: 'OVERLOADED' });
    // A connection that is left open would keep the log from being emptied.
    expect(await house.database.wipe()).toBe(false);
    for (const pieces of open) await pieces.return(undefined);
    expect(await house.database.wipe()).toBe(true);
    expect((await exported('ada', false)).speaker.id).toBe('ada');
    const controller = new AbortController();
    const pieces = exports().export('ada', false, new Steps({ signal: controller.signal }));
    await pieces.next();
    controller.abort();
    const rest = async (): Promise<void> => {
      for await (const piece of pieces) expect(piece).not.toBe('}');
    };
    await expect(rest()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await house.database.wipe()).toBe(true);
  });

  it('promises no wiped traces while somebody still reads what was there before', async () => {
    await house.enrolled('ada', 1);
    await house.enrolled('bob', 2);
    const pieces = exports().export('bob', false);
    await pieces.next();
    const { id } = await house.speakers.erase('ada');
    await expect(house.file.rewrite()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect((await house.speakers.receipt(id)).receipt.wipedAt).toBeNull();
    await pieces.return(undefined);
    await house.file.rewrite();
    expect((await house.speakers.receipt(id)).receipt.wipedAt).toBeInstanceOf(Date);
  });
});

describe('retention', () => {
  const clock = (): HandClock => new HandClock();

  function retention(time: Clock, settings: ConfigInput): Retention {
    return new Retention(
      house.speakers,
      house.recordings,
      house.store,
      house.trail,
      Config.of(settings),
      time,
      new FolderLeader(),
    );
  }

  it('erases who was neither enrolled nor matched for so long, with everything', async () => {
    for (const [i, id] of ['ada', 'bob', 'new'].entries()) await house.enrolled(id, i);
    await house.gallery.ready();
    const time = clock();
    const sweeps = retention(time, { retentionDays: 30, noticeDays: 5 });
    expect(await sweeps.sweep()).toEqual({
      speakers: 0,
      announced: 0,
      conversations: 0,
      unknownVoices: 0,
      recordings: 0,
      auditEntries: 0,
    });
    const swept: object[] = [];
    for (let day = 3; day <= 30; day += 3) {
      time.pass(3);
      swept.push(await sweeps.sweep());
    }
    // On day 27 everybody was told, three days after the first day on which it could be.
    expect(swept.map((one) => (one as { announced: number }).announced)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    expect((await house.speakers.get('bob')).speaker.noticeAt).not.toBeNull();
    time.pass(3);
    // Ada was verified a day ago: the repositories take the time they are given.
    const dayAgo = new Date(time.now().getTime() - 86_400_000);
    await house.store.transaction(async ({ speakers }) =>
      speakers.used(new Map([[(await speakers.find('ada'))!.subject, dayAgo]])),
    );
    expect((await house.speakers.get('ada')).speaker.noticeAt).toBeNull();
    expect(await sweeps.sweep()).toMatchObject({ speakers: 2 });
    expect((await house.speakers.page(10, undefined)).voices.map(({ speaker }) => speaker.id)).toEqual(['ada']);
    expect((await house.identify({ voice: 1, seed: 50 })).ranking).toHaveLength(1);
    const { entries } = await new AuditService(house.store, house.trail).page(auditQuery.parse({}));
    expect(entries.filter(({ entry }) => entry.action === 'speaker.erased').map(({ entry }) => entry.by)).toEqual([
      'retention',
      'retention',
    ]);
  });

  it('keeps everybody where it is off', async () => {
    await house.enrolled('ada', 1);
    const time = clock();
    time.pass(10_000);
    expect(await retention(time, {}).sweep()).toEqual({
      speakers: 0,
      announced: 0,
      conversations: 0,
      unknownVoices: 0,
      recordings: 0,
      auditEntries: 0,
    });
    expect((await house.speakers.page(10, undefined)).total).toBe(1);
  });

  it('erases more than one batch', async () => {
    await house.speakers.prepare(
      Array.from({ length: 120 }, (_, i) => ({ id: `s${i}` })),
      true,
    );
    const time = clock();
    const sweeps = retention(time, { retentionDays: 1 });
    time.pass(0.5);
    expect(await sweeps.sweep()).toMatchObject({ speakers: 0, announced: 120 });
    time.pass(1);
    expect(await sweeps.sweep()).toMatchObject({ speakers: 120, announced: 0 });
  });

  it('trims the audit trail by age, and leaves it as guarded as it was', async () => {
    await house.speakers.create({ id: 'ada' });
    const time = clock();
    time.pass(800);
    expect(await retention(time, { auditDays: 730 }).sweep()).toEqual({
      speakers: 0,
      announced: 0,
      conversations: 0,
      unknownVoices: 0,
      recordings: 0,
      auditEntries: 1,
    });
    expect(await trail()).toEqual(['audit.trimmed OK']);
    await house.store.transaction(({ audit }) =>
      audit.append(
        Array.from({ length: 1700 }, () => newAuditEntry({ action: 'voice.identified' }, new Date('2020-01-01'))),
      ),
    );
    // With the two entries that told of a trimming: entries have the time of the machine.
    expect(await retention(time, { auditDays: 730 }).sweep()).toMatchObject({ auditEntries: 1702 });
    await house.speakers.create({ id: 'bob' });
    await expect(house.database.query((manager) => manager.query('DELETE FROM audit'))).rejects.toThrow(/append-only/);
  });

  it('erases who has withdrawn consent after days of its own, and leaves the others', async () => {
    await house.enrolled('ada', 1, 1);
    await house.enrolled('bob', 2, 1);
    await house.consent.withdraw('bob');
    const time = clock();
    const sweeps = retention(time, { withdrawnDays: 4, noticeDays: 2 });
    const swept: object[] = [];
    for (let day = 0; day < 6; day++) {
      swept.push(await sweeps.sweep());
      time.pass(1);
    }
    expect(swept.map((one) => (one as { speakers: number }).speakers)).toEqual([0, 0, 0, 0, 1, 0]);
    expect((await house.speakers.page(10, undefined)).voices.map(({ speaker }) => speaker.id)).toEqual(['ada']);
  });

  it('keeps nobody because of a rejected verification', async () => {
    await house.enrolled('ada', 1);
    const before = (await house.speakers.get('ada')).speaker.activeAt;
    expect(await house.verify('ada', { voice: 7, seed: 50 })).toMatchObject({ decision: 'REJECT' });
    await house.trail.flush();
    expect((await house.speakers.get('ada')).speaker).toMatchObject({ activeAt: before, lastUsedAt: null });
    expect(await house.verify('ada', { voice: 1, seed: 50 })).toMatchObject({ decision: 'ACCEPT' });
    await house.trail.flush();
    expect((await house.speakers.get('ada')).speaker.lastUsedAt).not.toBeNull();
  });

  it.each([
    ['forward', 400],
    ['back', -400],
  ])('never follows a clock that has jumped %s, until somebody confirms it', async (_, days) => {
    await house.enrolled('ada', 1);
    const time = clock();
    const settings = { retentionDays: 30, auditDays: 30, noticeDays: 0 };
    const sweeps = retention(time, settings);
    await sweeps.sweep();
    expect(await sweeps.status()).toMatchObject({ state: 'running' });
    time.pass(days);
    expect(await sweeps.sweep()).toEqual({
      speakers: 0,
      announced: 0,
      conversations: 0,
      unknownVoices: 0,
      recordings: 0,
      auditEntries: 0,
    });
    expect(await sweeps.status()).toMatchObject({ state: 'paused', now: time.now() });
    // A service that starts on such a day is no wiser.
    expect(await retention(time, settings).sweep()).toMatchObject({ speakers: 0, auditEntries: 0 });
    expect((await house.speakers.page(10, undefined)).total).toBe(1);
    expect(await sweeps.confirm()).toMatchObject({ state: 'running' });
    await sweeps.sweep();
    time.pass(1);
    await sweeps.sweep();
    expect((await house.speakers.page(10, undefined)).total).toBe(days > 0 ? 0 : 1);
    await sweeps.onModuleDestroy();
  });

  it('sweeps at the start and every day after, and no more once it is stopped', async () => {
    await house.enrolled('ada', 1);
    const time = clock();
    const sweeps = retention(time, { retentionDays: 1.5, noticeDays: 0.5 });
    sweeps.onApplicationBootstrap();
    await sweeps.settled();
    expect((await house.speakers.page(10, undefined)).total).toBe(1);
    expect(time.nextInDays).toBe(1);
    time.pass(1);
    await sweeps.settled();
    expect((await house.speakers.page(10, undefined)).total).toBe(1);
    time.pass(1);
    await sweeps.settled();
    expect((await house.speakers.page(10, undefined)).total).toBe(0);
    await sweeps.onModuleDestroy();
    expect(time.nextInDays).toBe(Infinity);
  });
});
