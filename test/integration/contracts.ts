import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/support/clock.js';
import { afterCancel, newJob } from '../../src/service/records/job.js';
import type { Claim, JobQueue } from '../../src/service/records/job-queue.js';
import type { Change, ChangeFeed, FeedPlace } from '../../src/service/records/change-feed.js';
import type { Maintenance } from '../../src/service/records/maintenance.js';
import type { SavedCalibration } from '../../src/service/records/calibration.js';
import type { UnitOfWork, VoiceRecords } from '../../src/service/records/unit-of-work.js';
import { newGroup } from '../../src/service/records/group.js';
import { actAs } from '../../src/support/actor.js';
import { settleItem } from '../../src/service/records/settle-item.js';
import { newCalibration } from './saved-calibrations.js';
import { speaker } from './voices.js';

/** A clock that is moved by hand. */
export class TestClock extends Clock {
  private time = Date.parse('2026-03-01T12:00:00Z');

  now(): Date {
    return new Date(this.time);
  }

  after(): () => void {
    throw new Error('nobody waits here');
  }

  pass(milliseconds: number): void {
    this.time += milliseconds;
  }
}

type SpeakerSearch = VoiceRecords['speakers']['search'];

/** What an adapter of a database brings. */
export interface Adapter {
  store: UnitOfWork;
  feed: ChangeFeed;
  maintenance: Maintenance;
  /** Another queue on the same database, as another worker has it. */
  queue: (clock: Clock) => JobQueue;
  close: () => Promise<void>;
}

/** What every adapter of the ports promises, whatever the database. */
export function describeContract(name: string, open: () => Promise<Adapter>): void {
  let adapter: Adapter;

  beforeEach(async () => {
    adapter = await open();
  });

  afterEach(() => adapter.close());

  describe(`the unit of work on ${name}`, () => {
    it('loses no change of many who read, change and write the same record at once', async () => {
      const { store } = adapter;
      await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
      await Promise.all(
        Array.from({ length: 25 }, () =>
          store.transaction(async ({ speakers }) => {
            const found = (await speakers.find('ada'))!;
            await speakers.update({ ...found, name: `${Number(found.name?.replace(/\D/g, '') ?? 0) + 1}` });
          }),
        ),
      );
      expect(await store.read(({ speakers }) => speakers.find('ada'))).toMatchObject({ version: 26, name: '25' });
    });

    it('refuses a change of who read another version, and stores nothing of the transaction', async () => {
      const { store } = adapter;
      await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
      const late = store.transaction(async ({ speakers }) => {
        await speakers.insert(speaker('bob'));
        await speakers.update({ ...speaker('ada'), version: 7 });
      });
      await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await store.read(({ speakers }) => speakers.count())).toBe(1);
    });

    it('refuses a change of a job of who read another version of it', async () => {
      const { store } = adapter;
      const job = newJob('a job', 1, new Date());
      const item = { speakerId: 'ada', fileName: null, path: '/a' };
      await store.transaction(({ jobs }) => jobs.insert(job, [item]));
      const after = await store.transaction(({ jobs }) => jobs.update({ ...job, state: 'running' }));
      expect(after.version).toBe(2);
      const late = store.transaction(async ({ jobs }) => {
        await jobs.cancelItems(job.id, new Date());
        await jobs.update(afterCancel(job, new Date()));
      });
      await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
      const [found, items] = await store.read(async ({ jobs }) => [
        await jobs.find(job.id),
        await jobs.items(job.id, 0, 10, 'queued'),
      ]);
      expect(found).toMatchObject({ state: 'running', version: 2 });
      expect(items).toHaveLength(1);
    });

    it('knows how many speakers and jobs there are without counting them, whatever was undone or erased', async () => {
      const { store } = adapter;
      const counts = (): Promise<number[]> =>
        store.read(async ({ speakers, jobs }) => [await speakers.count(), await jobs.count()]);
      await store.transaction(async ({ speakers, jobs }) => {
        for (const id of ['ada', 'bob', 'cy']) await speakers.insert(speaker(id));
        for (const id of ['one', 'two']) await jobs.insert(newJob(id, 0, new Date()), []);
      });
      expect(await counts()).toEqual([3, 2]);
      await store.transaction(({ speakers }) => speakers.erase('bob'));
      await store.transaction(({ jobs }) => jobs.delete('one'));
      const undone = store.transaction(async ({ speakers, jobs }) => {
        await speakers.erase('ada');
        await jobs.delete('two');
        throw new Error('changed my mind');
      });
      await expect(undone).rejects.toThrow('changed my mind');
      expect(await counts()).toEqual([2, 1]);
    });

    it('shows a read one moment, and what was committed before it', async () => {
      const { store } = adapter;
      await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
      let writing: Promise<void> | undefined;
      const counts = await store.read(async ({ speakers }) => {
        const before = await speakers.count();
        writing = store.transaction((records) => records.speakers.insert(speaker('bob')));
        return [before, await speakers.count()];
      });
      expect(counts).toEqual([1, 1]);
      await writing;
      expect(await store.read(({ speakers }) => speakers.count())).toBe(2);
    });
  });

  describe(`groups on ${name}`, () => {
    const home = newGroup({ id: 'home' }, new Date(1000));
    const work = newGroup({ id: 'work' }, new Date(2000));

    beforeEach(() =>
      adapter.store.transaction(async ({ groups, speakers }) => {
        for (const group of [home, work]) await groups.insert(group);
        await speakers.insert({ ...speaker('ada'), groups: [home], metadata: { team: 'engines' } });
        await speakers.insert({ ...speaker('bob', 2000), groups: [work, home] });
        await speakers.insert(speaker('cy', 3000));
      }),
    );

    const found = (filter: Parameters<SpeakerSearch>[0]): Promise<(string | undefined)[]> =>
      adapter.store.read(async ({ speakers }) =>
        (await speakers.search(filter, null, 9)).map(({ speaker: one }) => one?.id),
      );
    const bound = <T>(work_: () => T): T => actAs({ by: 'a key', requestId: null, groups: [home] }, work_);

    it('have members, who are found by them, by name, id and metadata', async () => {
      expect(await found({ group: home.uid })).toEqual(['ada', 'bob']);
      expect(await found({ group: home.uid, metadata: ['team', 'engines'] })).toEqual(['ada']);
      expect(await found({ name: 'NAME OF' })).toEqual(['ada', 'bob', 'cy']);
      expect(await found({ id: 'b', name: 'name of b' })).toEqual(['bob']);
      const counts = await adapter.store.read(async ({ groups }) => [
        await groups.count(),
        ...(await groups.page(null, 9)),
      ]);
      expect(counts).toMatchObject([2, { id: 'home', members: 2 }, { id: 'work', members: 1 }]);
    });

    it('are undone with the transaction that changes them, and follow every change of a member', async () => {
      const { store } = adapter;
      const undone = store.transaction(async ({ speakers, groups }) => {
        await speakers.update({ ...(await speakers.find('ada'))!, groups: [work], name: 'Zoe' });
        await groups.delete(home.uid);
        throw new Error('changed my mind');
      });
      await expect(undone).rejects.toThrow('changed my mind');
      expect([await found({ group: home.uid }), await found({ name: 'z' })]).toEqual([['ada', 'bob'], []]);
      await store.transaction(async ({ speakers }) => {
        await speakers.update({ ...(await speakers.find('ada'))!, groups: [work], name: 'Zoe', metadata: {} });
        await speakers.erase('bob');
      });
      expect([await found({ group: home.uid }), await found({ group: work.uid }), await found({ name: 'z' })]).toEqual([
        [],
        ['ada'],
        ['ada'],
      ]);
      expect(await found({ metadata: ['team', 'engines'] })).toEqual([]);
      await store.transaction(({ groups }) => groups.delete(work.uid));
      expect(await store.read(({ speakers }) => speakers.find('ada'))).toMatchObject({ groups: [] });
    });

    it('tell the feed who joins and leaves', async () => {
      const { store, feed } = adapter;
      const from = await feed.head();
      const ada = (await store.read(({ speakers }) => speakers.find('ada')))!;
      await store.transaction(({ speakers }) => speakers.update({ ...ada, groups: [] }));
      expect(await feed.after(from, 9)).toMatchObject([{ kind: 'voice', about: ada.subject }]);
    });

    it('bound whoever acts within them, from the beginning of a call', async () => {
      const { store } = adapter;
      const seen = await bound(() =>
        store.read(async ({ speakers, groups }) => [
          await speakers.find('cy'),
          (await speakers.find('bob'))?.id,
          (await speakers.findMany(['ada', 'bob', 'cy'])).map(({ id }) => id).sort(),
          (await speakers.search({}, null, 9)).map(({ speaker: one }) => one?.id),
          await groups.find('work'),
          (await groups.page(null, 9)).map(({ id }) => id),
          await groups.count(),
        ]),
      );
      expect(seen).toEqual([null, 'bob', ['ada', 'bob'], ['ada', 'bob'], null, ['home'], 1]);
      const written = await bound(() => store.transaction(({ speakers }) => speakers.find('cy')));
      expect(written).toBeNull();
      const subjects = await store.read(async ({ speakers }) =>
        (await speakers.findMany(['ada', 'cy'])).map((one) => one.subject),
      );
      const known = await bound(() => store.read(({ speakers }) => speakers.bySubject(subjects)));
      expect(known.map(({ id }) => id)).toEqual(['ada']);
    });
  });

  describe(`calibrations on ${name}`, () => {
    const save = (...given: Parameters<typeof newCalibration>): Promise<SavedCalibration> =>
      adapter.store.transaction(({ calibrations }) => calibrations.insert(newCalibration(...given)));
    const use = (saved: SavedCalibration, at: number): Promise<void> =>
      adapter.store.transaction(({ calibrations }) => calibrations.use(saved, new Date(at)));
    const remove = (version: number): Promise<boolean> =>
      adapter.store.transaction(({ calibrations }) => calibrations.delete(version));
    const find = (version: number): Promise<SavedCalibration | null> =>
      adapter.store.read(({ calibrations }) => calibrations.find(version));
    const inUse = async (model: string): Promise<number | undefined> =>
      (await adapter.store.read(({ calibrations }) => calibrations.inUse(model)))?.version;

    it('are as they were saved, newest first, and have versions that are given once', async () => {
      const given = newCalibration('a', { note: 'Räume ☃', from: 'people', by: '0123456789ab' });
      const saved = await adapter.store.transaction(({ calibrations }) => calibrations.insert(given));
      expect(saved).toEqual({ ...given, id: expect.any(String), version: 1, inUse: false, usedAt: null });
      expect(await find(1)).toEqual(saved);
      for (const model of ['b', 'a']) await save(model);
      const pages = await adapter.store.read(async ({ calibrations }) => [
        await calibrations.page(null, 2),
        await calibrations.page(2, 2),
      ]);
      expect(pages.map((page) => page.map(({ version }) => version))).toEqual([[3, 2], [1]]);
      expect([await remove(3), await remove(3), await find(3)]).toEqual([true, false, null]);
      expect(await save('a')).toMatchObject({ version: 4 });
      for (const version of [1, 2, 4]) await remove(version);
      expect(await save('a')).toMatchObject({ version: 5 });
      expect(await adapter.store.read(({ calibrations }) => calibrations.count())).toBe(1);
      const undone = adapter.store.transaction(async ({ calibrations }) => {
        await calibrations.insert(newCalibration('a'));
        throw new Error('changed my mind');
      });
      await expect(undone).rejects.toThrow('changed my mind');
      expect(await find(6)).toBeNull();
    });

    it('are in use for their model one at a time, which the feed tells', async () => {
      const { store, feed } = adapter;
      const [first, second, other] = [await save('a'), await save('a'), await save('b')];
      const from = await feed.head();
      await use(first, 2000);
      await use(other, 2500);
      await use(second, 3000);
      expect([await inUse('a'), await inUse('b'), await inUse('c')]).toEqual([2, 3, undefined]);
      expect(await find(1)).toMatchObject({ inUse: false, usedAt: new Date(2000), file: first.file });
      expect(await find(2)).toMatchObject({ inUse: true, usedAt: new Date(3000) });
      const told = (await feed.after(from, 9))!;
      expect(told.map(({ kind, about }) => [kind, about])).toEqual(
        [first, other, first, second].map(({ id }) => ['calibration', id]),
      );
      await store.transaction(({ calibrations }) => calibrations.useNone('a'));
      expect([await inUse('a'), await inUse('b')]).toEqual([undefined, 3]);
      await store.transaction(({ calibrations }) => calibrations.useNone('c'));
      expect((await feed.after(told.at(-1)!, 9))!.map(({ about }) => about)).toEqual([second.id]);
    });

    it('name the oldest that nobody misses: neither in use nor in use before', async () => {
      const oldest = (): Promise<number | null> =>
        adapter.store.read(({ calibrations }) => calibrations.oldestUnused());
      expect(await oldest()).toBeNull();
      const saved = [await save('a'), await save('a'), await save('a'), await save('b')];
      for (const [at, one] of saved.slice(0, 3).entries()) await use(one, 1000 * (at + 1));
      // The second was in use before the third, and the first before that.
      expect(await oldest()).toBe(1);
      await remove(1);
      expect(await oldest()).toBe(4);
      await remove(4);
      expect(await oldest()).toBeNull();
    });
  });

  describe(`the change feed on ${name}`, () => {
    const all = async (from: FeedPlace): Promise<Change[]> => (await adapter.feed.after(from, 1000)) ?? [];

    it('has every write that changes who can be found or what a job is, and nothing of what was undone', async () => {
      const { store, feed } = adapter;
      const ada = speaker('ada');
      await store.transaction(({ speakers }) => speakers.insert(ada));
      const from = await feed.head();
      const undone = store.transaction(async ({ speakers, jobs }) => {
        await speakers.erase('ada');
        await jobs.insert(newJob('lost', 0, new Date()), []);
        throw new Error('changed my mind');
      });
      await expect(undone).rejects.toThrow('changed my mind');
      expect(await all(from)).toEqual([]);
      await store.transaction(({ speakers }) => speakers.update({ ...ada, optedOutAt: new Date() }));
      const job = newJob('a job', 0, new Date());
      await store.transaction(({ jobs }) => jobs.insert(job, []));
      await store.transaction(({ jobs }) => jobs.update({ ...job, state: 'running' }));
      await store.transaction(({ jobs }) => jobs.delete(job.id));
      await store.transaction(({ speakers }) => speakers.erase('ada'));
      const about = (await all(from)).map(({ kind, about: what }) => `${kind} ${what}`);
      expect(about).toEqual([`voice ${ada.subject}`, 'job a job', 'job a job', 'job a job', `voice ${ada.subject}`]);
    });

    it('has nothing after a change that it lacks, or that is another one by now, as in a database that was put back', async () => {
      const { store, feed } = adapter;
      await store.transaction(({ jobs }) => jobs.insert(newJob('a job', 0, new Date()), []));
      const { seq, about } = await feed.head();
      expect(await feed.after({ seq, about }, 9)).toEqual([]);
      expect(await feed.after({ seq, about: 'another' }, 9)).toBeNull();
      expect(await feed.after({ seq: seq + 1, about }, 9)).toBeNull();
    });

    it('rings after a commit, and gives a follower everything once, in order, however many write', async () => {
      const { store, feed } = adapter;
      const from = await feed.head();
      const { rings } = feed.bell;
      await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          store.transaction(({ jobs }) => jobs.insert(newJob(`job ${i}`, 0, new Date()), [])),
        ),
      );
      expect(feed.bell.rings).toBeGreaterThan(rings);
      const seen: Change[] = [];
      for (let last = from; ;) {
        const some = await feed.after(last, 7);
        if (!some?.length) break;
        seen.push(...some);
        last = some.at(-1)!;
      }
      expect(new Set(seen.map(({ about }) => about)).size).toBe(40);
      expect(seen).toHaveLength(40);
      const numbers = seen.map(({ seq }) => seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    });
  });

  describe(`the job queue on ${name}`, () => {
    const clock = new TestClock();
    let queues: [JobQueue, JobQueue];

    beforeEach(async () => {
      queues = [adapter.queue(clock), adapter.queue(clock)];
      for (const [id, recordings] of [
        ['first', 5],
        ['second', 3],
      ] as const) {
        clock.pass(1000);
        const items = Array.from({ length: recordings }, (_, i) => ({
          speakerId: 'ada',
          fileName: `${i}.wav`,
          path: `/${id}/${i}`,
        }));
        await adapter.store.transaction(({ jobs }) => jobs.insert(newJob(id, recordings, clock.now()), items));
      }
    });

    const placeOf = ({ item }: Claim): string => `${item.jobId}/${item.index}`;
    const claimAll = async (of: readonly JobQueue[]): Promise<Claim[]> => {
      const claims: Claim[] = [];
      for (;;) {
        const more = (await Promise.all(of.map((queue) => queue.claim()))).filter((claim) => claim !== null);
        if (more.length === 0) return claims;
        claims.push(...more);
      }
    };
    const done = { result: { enrollmentId: 'e', duplicate: false, accepted: true } };
    const settle = (queue: JobQueue, claim: Claim): ReturnType<JobQueue['settle']> =>
      adapter.store.transaction((records) => queue.settle(records, claim, done, clock.now()));

    it('gives two workers everything once, oldest job first', async () => {
      const places = (await claimAll(queues)).map(placeOf);
      expect(places.slice(0, 5).sort()).toEqual(['first/0', 'first/1', 'first/2', 'first/3', 'first/4']);
      expect(places.slice(5).sort()).toEqual(['second/0', 'second/1', 'second/2']);
    });

    it('starts a job with its first claim, and ends it with its last outcome', async () => {
      const find = (): Promise<unknown> => adapter.store.read(({ jobs }) => jobs.find('first'));
      expect(await find()).toMatchObject({ state: 'queued' });
      const claims = (await claimAll(queues)).filter(({ item }) => item.jobId === 'first');
      expect(await find()).toMatchObject({ state: 'running', startedAt: clock.now() });
      for (const claim of claims) await settle(queues[0], claim);
      expect(await find()).toMatchObject({ state: 'completed', done: 5, finishedAt: clock.now() });
    });

    it('takes up again what an owner that crashed had in hand, once its lease has ended', async () => {
      const [crashed, alive] = queues;
      const lost = (await crashed.claim())!;
      expect((await claimAll([alive])).map(placeOf)).not.toContain(placeOf(lost));
      clock.pass(crashed.leaseMs - 1);
      expect(await alive.claim()).toBeNull();
      clock.pass(1);
      const again = (await alive.claim())!;
      expect(placeOf(again)).toBe(placeOf(lost));
      expect(again.lease).not.toBe(lost.lease);
    });

    it('keeps what is extended, and tells whoever extends too late', async () => {
      const [slow, other] = queues;
      const claim = (await slow.claim())!;
      for (let beats = 0; beats < 3; beats++) {
        clock.pass(slow.leaseMs - 1);
        expect(await slow.extend([claim])).toEqual([claim]);
      }
      expect((await claimAll([other])).map(placeOf)).not.toContain(placeOf(claim));
      clock.pass(slow.leaseMs);
      const taken = (await other.claim())!;
      expect(placeOf(taken)).toBe(placeOf(claim));
      expect(await slow.extend([claim])).toEqual([]);
      expect(await other.extend([taken])).toEqual([taken]);
    });

    it('stores one outcome of a recording that two had in hand: that of who has it', async () => {
      const [slow, other] = queues;
      const late = (await slow.claim())!;
      clock.pass(slow.leaseMs);
      const now = (await other.claim())!;
      expect(placeOf(now)).toBe(placeOf(late));
      expect(await settle(slow, late)).toBeNull();
      expect(await settle(other, now)).toMatchObject({ id: 'first', done: 1 });
      expect(await settle(other, now)).toBeNull();
      expect(await adapter.store.read(({ jobs }) => jobs.find('first'))).toMatchObject({ done: 1, lastEvent: 1 });
    });

    it('gives a recording that was given back to the next who asks, and none that was cancelled', async () => {
      const [one, other] = queues;
      const claim = (await one.claim())!;
      await one.release(claim);
      const again = (await other.claim())!;
      expect(placeOf(again)).toBe(placeOf(claim));
      // Too late: it is in another hand.
      await one.release(claim);
      expect(await other.extend([again])).toEqual([again]);
      await adapter.store.transaction(async ({ jobs }) => {
        await jobs.cancelItems('first', clock.now());
        await jobs.update(afterCancel((await jobs.find('first'))!, clock.now()));
      });
      expect(await other.extend([again])).toEqual([]);
      expect(await settle(other, again)).toBeNull();
      expect((await claimAll(queues)).map(placeOf).every((place) => place.startsWith('second/'))).toBe(true);
    });

    it('lets an erasure settle what is in hand, which the worker finds out', async () => {
      const [queue] = queues;
      const claim = (await queue.claim())!;
      const error = { code: 'SPEAKER_NOT_FOUND', message: 'erased' } as const;
      await adapter.store.transaction(({ jobs }) => settleItem(jobs, claim.item, { error }, clock.now()));
      expect(await settle(queue, claim)).toBeNull();
      expect(await queue.extend([claim])).toEqual([]);
    });
  });

  describe(`maintenance on ${name}`, () => {
    it('wipes, and never throws', async () => {
      const { store, maintenance } = adapter;
      await store.transaction(({ speakers }) => speakers.insert(speaker('ada')));
      await store.transaction(({ speakers }) => speakers.erase('ada'));
      expect(await maintenance.wipeSoon()).toBe(true);
      await adapter.close();
      expect(await maintenance.wipeSoon()).toBe(false);
    });
  });
}
