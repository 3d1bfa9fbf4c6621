import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Database } from '../../src/service/persistence/sqlite/database.js';
import { forgetRetiredKeys } from '../../src/service/persistence/common/data-key.js';
import { rotateDataKey } from '../../src/service/persistence/common/key-rotation.js';
import { timbre } from '../cli/support.js';
import { temporaryFolder } from '../integration/voices.js';

/** The key that vectors are encrypted with: what is no key, where it is not to be seen, and what a rotation leaves. */

let folder: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});

afterEach(() => remove());

async function rotated(): Promise<{ before: string; after: string }> {
  const database = await Database.open({ folder });
  const before = await readFile(join(folder, 'data.key'), 'utf8');
  await rotateDataKey(database);
  await database.close();
  return { before, after: await readFile(join(folder, 'data.key'), 'utf8') };
}

describe('a rotation', () => {
  test('keeps the old keys aside, the newest first, and opens nothing with them', async () => {
    const first = await rotated();
    const second = await rotated();
    const file = join(folder, 'data.key.retired');
    expect(second.after).not.toBe(first.after);
    expect(await readFile(file, 'utf8')).toBe(second.before + first.before);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const database = await Database.open({ folder });
    expect(database.cipher.keys).toHaveLength(1);
    await database.close();
  });

  test('leaves them until it is told otherwise', async () => {
    await rotated();
    const words = ['keys', 'forget-retired', '--data-dir', folder, '--json'];
    expect(JSON.parse((await timbre(words)).stdout)).toEqual({ forgotten: 1 });
    await expect(stat(join(folder, 'data.key.retired'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await forgetRetiredKeys(join(folder, 'data.key'))).toBe(0);
  });
});

test.each([
  ['base64', Buffer.alloc(32).toString('base64')],
  ['hexadecimal', Buffer.alloc(32).toString('hex')],
])('a key that is all zero is refused: %s', async (_, key) => {
  await expect(Database.open({ folder, key })).rejects.toMatchObject({ code: 'STORAGE_INVALID' });
  await writeFile(join(folder, 'data.key'), key, { mode: 0o600 });
  await expect(Database.open({ folder })).rejects.toMatchObject({
    code: 'STORAGE_INVALID',
    message: expect.stringContaining('all zero'),
  });
});

test('the key is no argument of a command, where everybody on the machine could read it', async () => {
  expect(await timbre(['serve', '--data-key', 'x'])).toMatchObject({ status: 2 });
  expect((await timbre(['serve', '--help'])).stdout).not.toContain('--data-key ');
});

test('the key leaves the environment of the service that starts with it', async () => {
  const env = { TIMBRE_DATA_KEY: 'x'.repeat(44), TIMBRE_DATA_DIR: folder, PORT: '0', EMBEDDING_SERVICE_PORT: 'off' };
  // It is no key, and the service ends over that; the variable is gone by then.
  expect((await timbre(['serve'], { env })).status).not.toBe(0);
  expect(env).not.toHaveProperty('TIMBRE_DATA_KEY');
});
