import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { speaker, temporaryFolder } from './voices.js';

let remove: () => Promise<void>;
let database: Database;
let store: TypeOrmUnitOfWork;

beforeEach(async () => {
  const temporary = await temporaryFolder();
  remove = temporary.remove;
  database = await Database.open({ folder: temporary.folder, waitMs: 20 });
  store = new TypeOrmUnitOfWork(database);
});

afterEach(async () => {
  await database.close();
  await remove();
});

/** A transaction that has begun; it ends when the result is called. */
function holdTransaction(): Promise<() => Promise<void>> {
  return new Promise((begun, failed) => {
    const held = store.transaction(
      () =>
        new Promise<void>((end) => {
          begun(() => {
            end();
            return held;
          });
        }),
    );
    held.catch(failed);
  });
}

it('a call whose turn does not come in time is refused, and does nothing later', async () => {
  const letGo = await holdTransaction();
  const refused = { code: 'STORAGE_UNAVAILABLE', httpStatus: 503, retryAfterSeconds: 1 };
  const waiting = [
    store.transaction(({ speakers }) => speakers.insert(speaker('ada'))),
    store.read(({ speakers }) => speakers.count()),
    database.query((manager) => manager.query('SELECT 1')),
  ];
  for (const call of waiting) await expect(call).rejects.toMatchObject(refused);
  await letGo();
  expect(await store.read(({ speakers }) => speakers.count())).toBe(0);
});

it('a call that has begun is not cut off by the others', async () => {
  const refused: unknown[] = [];
  await store.transaction(async ({ speakers }) => {
    await speakers.insert(speaker('ada'));
    await store.read(({ speakers: all }) => all.count()).catch((error: unknown) => refused.push(error));
    await speakers.insert(speaker('bob'));
  });
  expect(refused).toMatchObject([{ code: 'STORAGE_UNAVAILABLE' }]);
  expect(await store.read(({ speakers }) => speakers.count())).toBe(2);
});

it('what the database does for itself waits as long as it takes', async () => {
  const letGo = await holdTransaction();
  const wiped = database.wipe();
  await expect(store.read(({ speakers }) => speakers.count())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  await letGo();
  expect(await wiped).toBe(true);
});
