import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AuditService } from '../../src/service/audit/audit.service.js';
import { auditQuery } from '../../src/service/audit/audit.dto.js';
import { House, sizesOf } from './house.js';
import { embeddingOf, ScriptedEngine } from './scripted-engine.js';
import { copyFixture, temporaryFolder } from './voices.js';

// Failures that are provoked are told to nobody.
Logger.overrideLogger(false);

let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(() => remove());

describe('a voice whose record cannot be read', () => {
  it('is set aside and counted, stops nobody else, and is found again once it can be read', async () => {
    const house = await House.open(folder);
    for (const [voice, id] of ['ada', 'bob', 'cleo'].entries()) await house.enrolled(id, voice);
    const [whole] = await house.database.query((manager) =>
      manager.query<{ centroid: Buffer }[]>(`SELECT centroid FROM profiles WHERE speaker_id = 'bob'`),
    );
    const put = (centroid: Buffer): Promise<unknown> =>
      house.database.query((manager) =>
        manager.query(`UPDATE profiles SET centroid = ? WHERE speaker_id = 'bob'`, [centroid]),
      );
    await put(Buffer.alloc(50));
    await house.gallery.ready();
    expect(sizesOf(house.gallery)).toEqual([2, 1]);
    expect(await house.identify({ voice: 0, seed: 9 })).toMatchObject({ speakerId: 'ada', gallerySize: 2 });
    expect((await house.speakers.page(10, undefined)).voices).toHaveLength(3);
    expect((await house.speakers.get('bob')).profile?.status).toBe('Enrolled');
    await expect(house.verify('bob', { voice: 1, seed: 9 })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    expect(await house.verify('cleo', { voice: 2, seed: 9 })).toMatchObject({ decision: 'ACCEPT' });
    await put(whole!.centroid);
    // Any change of the speaker makes the index look again.
    await house.speakers.update('bob', { name: 'Bob' });
    expect(await house.identify({ voice: 1, seed: 9 })).toMatchObject({ speakerId: 'bob', gallerySize: 3 });
    expect(house.gallery.report.setAside).toBe(0);
    await house.close();
  });
});

describe('the voice index', () => {
  it('finds the nearest of a large group, also where others are nearer', async () => {
    const house = await House.open(folder);
    const { uid } = await house.groups.create({ id: 'home' });
    const others = Array.from({ length: 40 }, (_, i) => ({ id: `other-${i}`, voice: 0, groups: [] as string[] }));
    const members = Array.from({ length: 14 }, (_, i) => ({ id: `member-${i}`, voice: 1 + i, groups: ['home'] }));
    for (const [seed, { id, voice, groups }] of [...others, ...members].entries()) {
      await house.speakers.create({ id, groups });
      await house.enrol(id, { voice, seed, seconds: 40 });
    }
    for (const voice of [0, 3, 14]) {
      const query = embeddingOf({ voice, seed: 99 });
      const all = await house.gallery.search(query, 54);
      const own = all.filter(({ speakerId }) => speakerId.startsWith('member'));
      expect([all.length, own.length]).toEqual([54, 14]);
      const found = await house.gallery.search(query, 2, { groups: [uid] });
      expect(found.map(({ speakerId }) => speakerId)).toEqual(own.slice(0, 2).map(({ speakerId }) => speakerId));
      expect(await house.gallery.search(query, 20, { groups: [uid] })).toHaveLength(14);
    }
    await house.close();
  });

  it('looks at the changes once for all who ask until it does, and is loaded without looking', async () => {
    const house = await House.open(folder);
    await house.enrolled('ada', 1);
    await house.gallery.ready();
    let looks = 0;
    const after = house.feed.after.bind(house.feed);
    house.feed.after = (...words) => {
      looks++;
      return after(...words);
    };
    await Promise.all(Array.from({ length: 50 }, () => house.gallery.loaded()));
    expect(looks).toBe(0);
    // One may be under way; whoever comes meanwhile has the next.
    const first = house.gallery.ready();
    await Promise.resolve();
    await Promise.all([first, ...Array.from({ length: 50 }, () => house.gallery.ready())]);
    expect(looks).toBe(2);
    await house.enrolled('bob', 2);
    expect(await house.identify({ voice: 2, seed: 9 })).toMatchObject({ speakerId: 'bob' });
    await house.close();
  });

  it('follows what others write to the database, from the place where it was', async () => {
    const house = await House.open(folder);
    await house.enrolled('ada', 1);
    await house.gallery.ready();
    const { origin, profile } = await house.speakers.profile('ada');
    await house.store.transaction(async ({ speakers, profiles }) => {
      const found = (await speakers.find('ada'))!;
      await speakers.insert({ ...found, id: 'twin', subject: '1c3d7f1f-9f1c-4b68-8f6d-7f7b2e2c8d22' });
      await profiles.put({ ...profile!, speakerId: 'twin', origin });
    });
    expect((await house.identify({ voice: 1, seed: 9 })).ranking.map(({ speakerId }) => speakerId).sort()).toEqual([
      'ada',
      'twin',
    ]);
    await house.close();
  });

  it('begins again with a snapshot where the feed does not reach back so far', async () => {
    const house = await House.open(folder);
    await house.enrolled('ada', 1);
    await house.gallery.ready();
    await house.enrolled('bob', 2);
    await house.speakers.erase('ada');
    await house.database.query((manager) =>
      manager.query('DELETE FROM changes WHERE seq < (SELECT MAX(seq) FROM changes)'),
    );
    expect(await house.identify({ voice: 2, seed: 9 })).toMatchObject({ speakerId: 'bob', gallerySize: 1 });
    await house.close();
  });
});

describe('an erasure', () => {
  it('answers with a receipt that can be checked, and says when its traces are wiped', async () => {
    const house = await House.open(folder);
    await house.enrolled('ada', 1);
    const { subject } = (await house.speakers.get('ada')).speaker;
    const receipt = await house.speakers.erase('ada');
    expect(receipt).toMatchObject({ subject, by: 'local', enrollments: 3, profiles: 1, wipedAt: null });
    expect(await house.speakers.receipt(receipt.id)).toEqual({ receipt, remains: 0 });
    await house.file.rewrite();
    expect((await house.speakers.receipt(receipt.id)).receipt.wipedAt).toBeInstanceOf(Date);
    await expect(house.speakers.receipt('none')).rejects.toMatchObject({ code: 'RECEIPT_NOT_FOUND' });
    const { entries } = await new AuditService(house.store, house.trail).page(auditQuery.parse({ subject }));
    expect(entries.at(-1)?.entry).toMatchObject({ action: 'speaker.erased', object: receipt.id });
    await house.close();
  });

  it('that is committed answers success though wiping and the removal of uploads fail', async () => {
    const house = await House.open(folder);
    await house.enrolled('ada', 1);
    await house.gallery.ready();
    const wipe = house.database.wipe.bind(house.database);
    house.database.wipe = () => Promise.reject(new Error('the disk does not answer'));
    expect(await house.speakers.erase('ada')).toMatchObject({ wipedAt: null });
    expect(await house.identify({ voice: 1, seed: 9 })).toMatchObject({ decision: 'NOT_ENROLLED', gallerySize: 0 });
    house.database.wipe = wipe;
    await house.close();
  });
});

describe('a data folder of the version before', () => {
  const before = fileURLToPath(new URL('../fixtures/data-before/', import.meta.url));

  interface Expected {
    speakers: {
      id: string;
      name: string | null;
      subject: string;
      consent: { givenBy: string; method: string; textVersion: string; givenAt: string; recordedAt: string } | null;
      optedOut: boolean;
      lastUsedAt: string | null;
      enrollments: { id: string; model: string; contentSha256: string; first: number; last: number }[];
    }[];
    audit: { id: number; by: string; action: string; subject: string | null; outcome: string }[];
  }

  it('opens with everything that was in it', async () => {
    await copyFixture(before, folder);
    const expected = JSON.parse(await readFile(`${before}/expected.json`, 'utf8')) as Expected;
    const house = await House.open(folder, new ScriptedEngine());
    for (const { enrollments, optedOut, consent, lastUsedAt, ...rest } of expected.speakers) {
      const { speaker } = await house.speakers.get(rest.id);
      expect(speaker).toMatchObject(rest);
      expect([speaker.optedOutAt !== null, speaker.lastUsedAt?.toISOString() ?? null]).toEqual([optedOut, lastUsedAt]);
      const { rows } = await house.consent.history(rest.id, 10, undefined);
      expect(rows.map(({ id: _, withdrawnAt: __, ...one }) => JSON.parse(JSON.stringify(one)) as unknown)).toEqual(
        consent ? [consent] : [],
      );
      const found = await house.store.read((records) => records.enrollments.withEmbeddings(rest.id, null, 1000));
      expect(
        found.map(({ id, origin, contentSha256, embedding }) => {
          return { id, model: origin.model, contentSha256, first: embedding[0], last: embedding.at(-1) };
        }),
      ).toEqual(enrollments);
    }
    const { entries } = await new AuditService(house.store, house.trail).page(auditQuery.parse({ limit: 1000 }));
    expect(
      entries.map(({ entry: { id, by, action, subject, outcome } }) => ({ id, by, action, subject, outcome })),
    ).toEqual(expected.audit);
    expect(await house.identify({ voice: 1, seed: 99 })).toMatchObject({ decision: 'ACCEPT', speakerId: 'ada' });
    expect(await house.verify('ben', { voice: 2, seed: 99 })).toMatchObject({ decision: 'OPTED_OUT' });
    const jobs = await house.store.read((records) => records.jobs.page(null, 10));
    expect(jobs.map(({ state, total, done, failed }) => ({ state, total, done, failed }))).toEqual([
      { state: 'queued', total: 3, done: 0, failed: 0 },
      { state: 'completed', total: 2, done: 1, failed: 1 },
    ]);
    const waiting = await house.store.read((records) => records.jobs.items(jobs[0]!.id, 0, 10));
    expect(waiting.map(({ speakerId, state }) => [speakerId, state])).toEqual([
      ['cleo', 'queued'],
      ['ben', 'queued'],
      ['eve', 'queued'],
    ]);
    expect(await readFile(`${folder}/spool/${jobs[0]!.id}/0`, 'utf8')).toContain('"voice":3');
    await house.close();
  });
});
