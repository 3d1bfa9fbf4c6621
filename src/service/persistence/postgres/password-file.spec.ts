import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { addressWithPassword } from './password-file.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-password-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function fileWith(content: string): Promise<string> {
  const file = join(folder, 'password');
  await writeFile(file, content);
  return file;
}

describe('addressWithPassword', () => {
  test('leaves an address as it is where no file is named', () => {
    const databaseUrl = 'postgres://timbre:a%40b@db/voices?sslmode=require';
    expect(addressWithPassword({ databaseUrl, databasePasswordFile: '' })).toBe(databaseUrl);
  });

  test.each([
    ['postgres://timbre@db:6432/voices?sslmode=disable', 'ö p@ss:w/%rd?+&=#%41'],
    ['postgres://timbre@db/voices', ' begins and ends with a space '],
    ['postgres://db/voices', 'x'],
    ['postgres:///voices?host=/run/postgresql&user=timbre', 'ö p@ss:w/%rd?+&=#%41'],
  ])('%s gets a password that the driver reads as it stands in the file', async (databaseUrl, password) => {
    for (const end of ['', '\n', '\r\n']) {
      const databasePasswordFile = await fileWith(`${password}${end}`);
      const connectionString = addressWithPassword({ databaseUrl, databasePasswordFile });
      const [read, without] = [connectionString, databaseUrl].map(
        (address) => new pg.Client({ connectionString: address }),
      );
      expect(read!.password).toBe(password);
      const rest = ({ host, port, user, database }: pg.Client): unknown => ({ host, port, user, database });
      expect(rest(read!)).toEqual(rest(without!));
    }
  });

  test.each([
    ['an empty file', '', /empty/],
    ['a file with nothing but a line break', '\n', /empty/],
    ['a file of several lines', 'first\nsecond\n', /more than a line/],
  ])('refuses %s, without what is in it', async (_, content, why) => {
    const given = { databaseUrl: 'postgres://timbre@db/voices', databasePasswordFile: await fileWith(content) };
    const message = expect.stringMatching(why);
    const read = (): string => addressWithPassword(given);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
    expect(read).not.toThrow(expect.objectContaining({ message: expect.stringContaining('second') }));
  });

  test.each(['postgres://timbre:secret@db/voices', 'postgres://db/voices?user=timbre&password=secret'])(
    'refuses a second password, and repeats none',
    async (databaseUrl) => {
      const given = { databaseUrl, databasePasswordFile: await fileWith('other') };
      const read = (): string => addressWithPassword(given);
      expect(read).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      expect(read).not.toThrow(/secret|other/);
    },
  );

  test('says which file is not there', () => {
    const databasePasswordFile = join(folder, 'nowhere');
    const message = expect.stringContaining('nowhere');
    expect(() => addressWithPassword({ databaseUrl: 'postgres://db/voices', databasePasswordFile })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message }),
    );
  });
});
