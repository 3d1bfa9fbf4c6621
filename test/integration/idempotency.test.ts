import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { FolderLeader } from '../../src/service/persistence/sqlite/folder-leader.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { Idempotency, type Keep } from '../../src/service/idempotency/idempotency.js';
import { actAs } from '../../src/support/actor.js';
import { TestClock } from './contracts.js';
import { speaker, temporaryFolder } from './voices.js';

const HOUR_MS = 3600_000;

let remove: () => Promise<void>;
let database: Database;
let store: TypeOrmUnitOfWork;
let clock: TestClock;
let idempotency: Idempotency;

beforeEach(async () => {
  const temporary = await temporaryFolder();
  remove = temporary.remove;
  database = await Database.open({ folder: temporary.folder });
  store = new TypeOrmUnitOfWork(database);
  clock = new TestClock();
  idempotency = new Idempotency(store, clock, new FolderLeader());
});

afterEach(async () => {
  await database.close();
  await remove();
});

/** Adds a speaker, and answers with how many there are. */
function adding(
  id: string,
  about: string | null = null,
): (keep: Keep<{ count: number }>) => Promise<{ count: number }> {
  return (keep) =>
    store.transaction(async (records) => {
      await records.speakers.insert(speaker(id));
      const answer = { count: await records.speakers.count() };
      await keep(records, answer, about);
      return answer;
    });
}

const count = (): Promise<number> => store.read(({ speakers }) => speakers.count());

describe('a request with an idempotency key', () => {
  it('has its effect once, and the first answer again', async () => {
    const once = (): ReturnType<typeof idempotency.once> => idempotency.once('key', 'request', {}, adding('ada'));
    expect(await once()).toEqual({ answer: { count: 1 }, repeated: false });
    expect(await once()).toEqual({ answer: { count: 1 }, repeated: true });
    expect(await count()).toBe(1);
    // After a restart, too.
    const after = new Idempotency(store, clock, new FolderLeader());
    expect(await after.once('key', 'request', {}, adding('ada'))).toEqual({ answer: { count: 1 }, repeated: true });
  });

  it('is refused where the key was used for another, and goes its way without a key', async () => {
    await idempotency.once('key', 'request', {}, adding('ada'));
    const other = idempotency.once('key', 'another', {}, adding('bob'));
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', httpStatus: 409 });
    expect(await count()).toBe(1);
    await idempotency.once(undefined, 'another', {}, adding('bob'));
    await expect(idempotency.once(undefined, 'another', {}, adding('bob'))).rejects.toMatchObject({
      code: 'SPEAKER_EXISTS',
    });
  });

  it('has nothing to do with the same key of another client', async () => {
    const as = <T>(by: string, work: () => Promise<T>): Promise<T> => actAs({ by, requestId: null }, work);
    await as('one', () => idempotency.once('key', 'request', {}, adding('ada')));
    await as('other', () => idempotency.once('key', 'another', {}, adding('bob')));
    expect(await as('one', () => idempotency.once('key', 'request', {}, adding('cy')))).toMatchObject({
      repeated: true,
    });
    expect(await count()).toBe(2);
  });

  it('that fails leaves no answer, and can be sent again', async () => {
    const failing = idempotency.once('key', 'request', {}, (keep) =>
      store.transaction(async (records) => {
        await records.speakers.insert(speaker('ada'));
        await keep(records, 'done', null);
        throw new Error('at the last moment');
      }),
    );
    await expect(failing).rejects.toThrow('at the last moment');
    expect(await count()).toBe(0);
    expect(await idempotency.once('key', 'request', {}, adding('ada'))).toMatchObject({ repeated: false });
  });

  it('waits while the same one is under way, and takes it over where that fails', async () => {
    let fail = (): void => undefined;
    const first = idempotency.once('key', 'request', {}, async (): Promise<{ count: number }> => {
      await new Promise<void>((resolve) => {
        fail = resolve;
      });
      throw new Error('the first one fails');
    });
    const begun = expect(first).rejects.toThrow('the first one fails');
    // The first has read by then that there is no answer.
    await store.read(({ speakers }) => speakers.count());
    const others = ['ada', 'bob', 'cy'].map((id) => idempotency.once('key', 'request', {}, adding(id)));
    const another = idempotency.once('key', 'another', {}, adding('dan'));
    await expect(another).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    const gone = new AbortController();
    gone.abort();
    const aborted = idempotency.once('key', 'request', { signal: gone.signal }, adding('eve'));
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    const late = idempotency.once('key', 'request', { timeoutMs: 1 }, adding('fay'));
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    fail();
    await begun;
    const answers = await Promise.all(others);
    expect(answers.map(({ answer }) => answer)).toEqual(Array(3).fill({ count: 1 }));
    expect(answers.filter(({ repeated }) => !repeated)).toHaveLength(1);
    expect(await count()).toBe(1);
  });

  it('has its effect once where two services take it at once', async () => {
    const other = new Idempotency(store, clock, new FolderLeader());
    const [a, b] = await Promise.all([
      idempotency.once('key', 'request', {}, adding('ada')),
      other.once('key', 'request', {}, adding('bob')),
    ]);
    expect([a.repeated, b.repeated].sort()).toEqual([false, true]);
    expect(a.answer).toEqual(b.answer);
    expect(await count()).toBe(1);
  });

  it('may use the key anew after a day, and old answers go', async () => {
    await idempotency.once('key', 'request', {}, adding('ada'));
    clock.pass(24 * HOUR_MS);
    expect(await idempotency.once('key', 'request', {}, adding('nobody'))).toMatchObject({ repeated: true });
    clock.pass(1);
    expect(await idempotency.once('key', 'another', {}, adding('bob'))).toMatchObject({ repeated: false });
    await idempotency.once('second', 'request', {}, adding('cy'));
    clock.pass(24 * HOUR_MS + 1);
    const trimmed = await store.transaction(({ answers }) => answers.trim(new Date(clock.now().getTime() - 1000), 1));
    expect(trimmed).toBe(1);
    expect(await store.transaction(({ answers }) => answers.trim(clock.now(), 10))).toBe(1);
  });

  it('goes with the speaker whom the answer tells of', async () => {
    await idempotency.once('key', 'request', {}, adding('ada', 'ada'));
    await store.transaction(({ speakers }) => speakers.erase('ada'));
    const rows = await database.query((manager) => manager.query<unknown[]>('SELECT * FROM answers'));
    expect(rows).toEqual([]);
  });
});
