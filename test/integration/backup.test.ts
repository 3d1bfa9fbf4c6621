import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { backUp } from '../../src/service/persistence/sqlite/backup.js';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { TypeOrmUnitOfWork } from '../../src/service/persistence/common/typeorm-unit-of-work.js';
import { newCalibration } from './saved-calibrations.js';
import { enrollment, speaker, temporaryFolder } from './voices.js';

let folder: string;
let remove: () => Promise<void>;
let database: Database;
let store: TypeOrmUnitOfWork;

const at = (...parts: string[]): string => join(folder, ...parts);

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
  database = await Database.open({ folder: at('data') });
  store = new TypeOrmUnitOfWork(database);
  await store.transaction(async ({ speakers, enrollments }) => {
    await speakers.insert(speaker('ada'));
    for (let i = 0; i < 20; i++) await enrollments.insert(enrollment('ada', `recording ${i}`));
  });
});

afterEach(async () => {
  await database.close();
  await remove();
});

/** A data folder made of a backup and, where one is given, a key file, and acknowledged. */
async function restored(name: string, backup: string, key?: string): Promise<string> {
  await mkdir(at(name), { mode: 0o700 });
  await copyFile(backup, at(name, DATABASE_FILE));
  if (key !== undefined) await copyFile(key, at(name, 'data.key'));
  return at(name);
}

async function recordings(of: string): Promise<number> {
  const opened = await Database.open({ folder: of, acknowledgeRestore: true });
  try {
    const found = await new TypeOrmUnitOfWork(opened).read(({ enrollments }) =>
      enrollments.withEmbeddings('ada', null, 1000),
    );
    return found.length;
  } finally {
    await opened.close();
  }
}

describe('a backup', () => {
  it('is made while the service works, holds one moment, and is its owner’s alone', async () => {
    const writing = Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        store.transaction(async ({ speakers, enrollments }) => {
          await speakers.insert(speaker(`s${i}`));
          await enrollments.insert(enrollment(`s${i}`, 'only'));
        }),
      ),
    );
    const bytes = await backUp(at('data'), at('copy.sqlite'));
    await writing;
    const { size, mode } = await stat(at('copy.sqlite'));
    expect(size).toBe(bytes);
    expect(mode & 0o777).toBe(0o600);
    const folderOfCopy = await restored('new', at('copy.sqlite'), at('data', 'data.key'));
    await expect(Database.open({ folder: folderOfCopy })).rejects.toMatchObject({ code: 'STORAGE_ROLLED_BACK' });
    const opened = await Database.open({ folder: folderOfCopy, acknowledgeRestore: true });
    await new TypeOrmUnitOfWork(opened).read(async ({ speakers, enrollments }) => {
      // Whoever is there is there with the recording: no half transaction.
      for (const { id } of await speakers.page(null, 100)) {
        expect((await enrollments.withEmbeddings(id, null, 1000)).length).toBe(id === 'ada' ? 20 : 1);
      }
    });
    await opened.close();
  });

  it('is restored with the key, and refused without it or with another', async () => {
    await backUp(at('data'), at('copy.sqlite'));
    await database.close();
    expect(await recordings(await restored('with', at('copy.sqlite'), at('data', 'data.key')))).toBe(20);
    const without = await restored('without', at('copy.sqlite'));
    await expect(recordings(without)).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/data\.key is missing/),
    });
    await writeFile(join(without, 'data.key'), Buffer.alloc(32, 5).toString('base64'), { mode: 0o600 });
    await expect(recordings(without)).rejects.toMatchObject({
      code: 'STORAGE_INVALID',
      message: expect.stringMatching(/another data key/),
    });
  });

  it('has the calibrations that were saved, and which one is in use', async () => {
    const saved = await store.transaction(async ({ calibrations }) => {
      await calibrations.insert(newCalibration('a'));
      const second = await calibrations.insert(newCalibration('a', { note: 'strict' }));
      await calibrations.use(second, new Date(2000));
      return second;
    });
    await backUp(at('data'), at('copy.sqlite'));
    const folderOfCopy = await restored('calibrated', at('copy.sqlite'), at('data', 'data.key'));
    const opened = await Database.open({ folder: folderOfCopy, acknowledgeRestore: true });
    const found = await new TypeOrmUnitOfWork(opened).read(({ calibrations }) => calibrations.inUse('a'));
    expect(found).toEqual({ ...saved, inUse: true, usedAt: new Date(2000) });
    await opened.close();
  });

  it('has neither the key nor anything of what was erased', async () => {
    await store.transaction(async ({ speakers }) => {
      await speakers.insert({ ...speaker('bob'), name: 'Robert of the erased' });
    });
    await store.transaction(({ speakers }) => speakers.erase('bob'));
    await backUp(at('data'), at('copy.sqlite'));
    const copy = await readFile(at('copy.sqlite'));
    expect(copy.includes('Robert of the erased')).toBe(false);
    const key = Buffer.from(await readFile(at('data', 'data.key'), 'utf8'), 'base64');
    expect(copy.includes(key) || copy.includes(key.toString('base64'))).toBe(false);
  });

  it('of before a rotation needs the old key, and opens with both in the file', async () => {
    await copyFile(at('data', 'data.key'), at('old.key'));
    await backUp(at('data'), at('copy.sqlite'));
    await rotateDataKey(database);
    await database.close();
    const fresh = await restored('fresh', at('copy.sqlite'), at('data', 'data.key'));
    await expect(recordings(fresh)).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    const both = `${await readFile(at('data', 'data.key'), 'utf8')}${await readFile(at('old.key'), 'utf8')}`;
    await writeFile(join(fresh, 'data.key'), both);
    await chmod(join(fresh, 'data.key'), 0o600);
    expect(await recordings(fresh)).toBe(20);
  });

  it('replaces nothing and leaves nothing half', async () => {
    await writeFile(at('taken'), 'keep me');
    await expect(backUp(at('data'), at('taken'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    expect(await readFile(at('taken'), 'utf8')).toBe('keep me');
    await expect(backUp(at('data'), at('nowhere', 'copy'))).rejects.toMatchObject({ code: 'WRITE_FAILED' });
    await expect(backUp(at('no-data'), at('copy'))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await mkdir(at('broken'));
    await writeFile(at('broken', DATABASE_FILE), 'this is no database at all\n'.repeat(100));
    await expect(backUp(at('broken'), at('copy'))).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
    expect((await readdir(folder)).sort()).toEqual(['broken', 'data', 'taken']);
  });
});
