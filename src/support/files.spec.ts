import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeWhole } from './files.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-files-'));
  file = join(folder, 'file');
});

afterEach(() => rm(folder, { recursive: true }));

describe('a file that is placed whole', () => {
  test('takes the place of another, and leaves nothing aside', async () => {
    await writeFile(file, 'old');
    const seen: string[] = [];
    await placeWhole(file, async (aside) => {
      await writeFile(aside, 'new');
      seen.push(await readFile(file, 'utf8'));
    });
    expect(seen).toEqual(['old']);
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['file']);
  });

  test.each([
    ['writing', 'cut'],
    ['putting', 'whole'],
  ])('leaves what was there where %s it fails', async (part, text) => {
    await writeFile(file, 'old');
    const failure = new Error(part);
    const placing = placeWhole(
      file,
      async (aside) => {
        await writeFile(aside, text);
        if (part === 'writing') throw failure;
      },
      { put: () => Promise.reject(failure) },
    );
    await expect(placing).rejects.toBe(failure);
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  test('is put as its owner says, from the name that its owner gives', async () => {
    await writeFile(file, 'old');
    const aside = join(folder, 'aside');
    const write = (path: string): Promise<void> => writeFile(path, 'new');
    const put = (path: string): Promise<void> => link(path, file);
    await expect(placeWhole(file, write, { aside, put })).rejects.toMatchObject({ code: 'EEXIST', path: aside });
    expect(await readFile(file, 'utf8')).toBe('old');
    await rm(file);
    await placeWhole(file, write, { aside, put });
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['file']);
  });
});
