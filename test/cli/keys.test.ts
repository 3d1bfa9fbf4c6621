import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { Database, DATABASE_FILE } from '../../src/service/persistence/sqlite/database.js';
import { TypeOrmAuditRepository } from '../../src/service/persistence/common/repositories/typeorm-audit.repository.js';
import { timbre, type Ran } from './support.js';

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'timbre-keys-')), 'data');
});

afterEach(() => rm(join(folder, '..'), { recursive: true }));

const run = (...argv: string[]): Promise<Ran> => timbre(['keys', ...argv], { env: { TIMBRE_DATA_DIR: folder } });

async function list(): Promise<Record<string, unknown>[]> {
  const { status, stdout } = await run('list', '--json');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>[];
}

describe('keys', () => {
  test('the first is made before anything runs, and is shown this once', async () => {
    const { status, stdout, stderr } = await run('create', '--name', 'backend', '--scope', 'read', '--scope', 'enrol');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^tmb_[0-9a-f]{12}_[\w-]{43}\n$/);
    expect(stderr).toContain('backend');
    const [, id, ...secret] = stdout.trim().split('_');
    expect(stderr).not.toContain(secret.join('_'));
    expect((await stat(join(folder, DATABASE_FILE))).mode & 0o777).toBe(0o600);
    for (const name of await readdir(folder)) {
      expect((await readFile(join(folder, name))).includes(secret.join('_'))).toBe(false);
    }
    expect(await list()).toEqual([
      {
        id,
        name: 'backend',
        scopes: ['read', 'enrol'],
        groups: null,
        status: 'active',
        createdAt: expect.any(String),
        expiresAt: null,
        revokedAt: null,
        lastUsedOn: null,
      },
    ]);
  });

  test('are no two the same, and expire when they are told to', async () => {
    const made = await Promise.all(
      [1, 2, 3].map(async () => {
        const { stdout } = await run('create', '--name', 'x', '--scope', 'admin', '--days', '30', '--json');
        return JSON.parse(stdout) as { key: string; createdAt: string; expiresAt: string };
      }),
    );
    expect(new Set(made.map(({ key }) => key)).size).toBe(3);
    for (const { createdAt, expiresAt } of made) {
      expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(30 * 86_400_000);
    }
    const { stdout } = await run('list');
    expect(stdout).toMatch(/^ID +NAME +SCOPES +STATUS .*\n([0-9a-f]{12} +x +admin +active .*\n){3}$/);
  });

  test('are revoked by their id or by themselves, and stay in the list', async () => {
    const { stdout } = await run('create', '--name', 'one', '--scope', 'read');
    const key = stdout.trim();
    const id = key.split('_')[1]!;
    expect(await run('revoke', id)).toMatchObject({ status: 0, stdout: '' });
    const [first] = await list();
    expect(first).toMatchObject({ id, status: 'revoked', revokedAt: expect.any(String) });
    expect(await run('revoke', key)).toMatchObject({ status: 0 });
    expect(await list()).toEqual([first]);
    // The trail has each change once, by the key's id.
    const database = await Database.open({ folder });
    try {
      const trail = await database.query((manager) =>
        new TypeOrmAuditRepository(manager, database.register).page({}, null, 10),
      );
      expect(trail.map(({ action, object, by }) => [action, object, by])).toEqual([
        ['key.created', id, 'local'],
        ['key.revoked', id, 'local'],
      ]);
    } finally {
      await database.close();
    }
  });

  test('that are not there are said not to be, and no database is made for it', async () => {
    expect(await list()).toEqual([]);
    expect((await run('list')).stderr).toContain('timbre keys create');
    expect(await run('revoke', '0123456789ab')).toMatchObject({ status: 56, stdout: '' });
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
    await run('create', '--name', 'one', '--scope', 'read');
    expect((await run('revoke', '0123456789ab')).stderr).toContain('KEY_NOT_FOUND');
  });

  test('are made beside a service that has the database open', async () => {
    const database = await Database.open({ folder });
    try {
      expect(await run('create', '--name', 'beside', '--scope', 'read')).toMatchObject({ status: 0 });
      expect(await list()).toMatchObject([{ name: 'beside' }]);
    } finally {
      await database.close();
    }
  });

  test.each([
    [['create', '--scope', 'read'], '--name'],
    [['create', '--name', 'x'], '--scope'],
    [['create', '--name', 'x', '--scope', 'root'], 'read, enrol, admin'],
    [['create', '--name', 'x', '--scope', 'read', '--days', '0'], 'days'],
    [['create', '--name', ' ', '--scope', 'read'], 'name'],
  ])('%j is refused', async (argv, reason) => {
    const { status, stdout, stderr } = await run(...argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(reason);
  });

  test('of a database of another program are left alone', async () => {
    await run('create', '--name', 'x', '--scope', 'read');
    const other = new sqlite3.Database(join(folder, DATABASE_FILE));
    const sql = 'PRAGMA application_id = 1; DELETE FROM migrations;';
    await new Promise((resolve) => {
      other.exec(sql, () => other.close(resolve));
    });
    expect(await run('list')).toMatchObject({ status: 52, stdout: '' });
  });
});
