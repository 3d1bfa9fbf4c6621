import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newJob } from '../../src/service/records/job.js';
import type { Change, ChangeFeed } from '../../src/service/records/change-feed.js';
import type { Maintenance } from '../../src/service/records/maintenance.js';
import type { UnitOfWork } from '../../src/service/records/unit-of-work.js';
import { speaker } from './voices.js';

/** What an adapter of a database brings. */
export interface Adapter {
  store: UnitOfWork;
  feed: ChangeFeed;
  maintenance: Maintenance;
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

  describe(`the change feed on ${name}`, () => {
    const all = async (from: number): Promise<Change[]> => (await adapter.feed.after(from, 1000)) ?? [];

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
        last = some.at(-1)!.seq;
      }
      expect(new Set(seen.map(({ about }) => about)).size).toBe(40);
      expect(seen).toHaveLength(40);
      const numbers = seen.map(({ seq }) => seq);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
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
