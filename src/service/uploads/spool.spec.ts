import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { link, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../config/config.js';
import { Spool } from './spool.js';

let folder: string;
let spool: Spool;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-spool-'));
  spool = new Spool(Config.of({ dataDir: folder, maxUploadBytes: 2000 }));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const item = (index: number, jobId = 'job'): { jobId: string; index: number } => ({ jobId, index });

/** The beginning of a recording, as far as a copy looks at it. */
const recording = (text: string): string => `#!AMR\n${text}`;

/** As a job has it: a file that is opened, and closed when its copy is there. */
async function copy(key: { jobId: string; index: number }, path: string): Promise<Awaited<ReturnType<Spool['copy']>>> {
  const file = await open(path, 'r');
  try {
    return await spool.copy(key, file.fd, new AbortController().signal);
  } finally {
    await file.close();
  }
}

const copies = async (jobId = 'job'): Promise<string[]> => (await readdir(join(spool.folder, jobId))).sort();

describe('a file that a job names', () => {
  test('again and again, also under other names, is copied once', async () => {
    await writeFile(at('a.wav'), recording('recording'));
    await link(at('a.wav'), at('b.wav'));
    const made = await Promise.all([
      copy(item(0), at('a.wav')),
      copy(item(1), at('b.wav')),
      copy(item(2), at('a.wav')),
    ]);
    expect(new Set(made.map(({ audio }) => audio)).size).toBe(1);
    expect(await copies()).toHaveLength(1);
    // It is there for the next, whoever of the others is done.
    await spool.remove(item(0));
    await spool.remove(item(2));
    const again = await copy(item(3), at('a.wav'));
    expect([await readFile(again.audio as string, 'utf8'), again.bytes]).toEqual([recording('recording'), 15]);
  });

  test('goes when the job has gone on to another, and nothing is made of it any more', async () => {
    await writeFile(at('a.wav'), recording('first'));
    await writeFile(at('b.wav'), recording('second'));
    await copy(item(0), at('a.wav'));
    await copy(item(1), at('a.wav'));
    await copy(item(2), at('b.wav'));
    await spool.remove(item(0));
    expect(await copies()).toHaveLength(2);
    await spool.remove(item(1));
    expect(await copies()).toEqual([expect.stringMatching(/^2-/)]);
    await spool.removeJob('job');
    await expect(readdir(join(spool.folder, 'job'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is copied anew once it was written to, and for another job', async () => {
    await writeFile(at('a.wav'), recording('before'));
    const before = await copy(item(0), at('a.wav'));
    await writeFile(at('a.wav'), recording('after it'));
    const after = await copy(item(1), at('a.wav'));
    const other = await copy(item(0, 'other'), at('a.wav'));
    expect(new Set([before, after, other].map(({ audio }) => audio)).size).toBe(3);
    expect([before.sha256 === after.sha256, after.sha256 === other.sha256]).toEqual([false, true]);
  });

  test('is tried again after it could not be copied', async () => {
    await writeFile(at('a.wav'), Buffer.alloc(3000));
    await expect(copy(item(0), at('a.wav'))).rejects.toMatchObject({ code: 'AUDIO_TOO_LARGE' });
    await expect(copy(item(1), at('a.wav'))).rejects.toMatchObject({ code: 'AUDIO_TOO_LARGE' });
    await writeFile(at('a.wav'), recording('small'));
    expect((await copy(item(0), at('a.wav'))).bytes).toBe(11);
  });

  test('is not copied where it is too large, or begins as no recording does', async () => {
    await writeFile(at('table.csv'), 'id,name\n'.repeat(200));
    await writeFile(at('large.amr'), recording('x'.repeat(2000)));
    await writeFile(at('empty.wav'), '');
    for (const [index, name, code] of [
      [0, 'table.csv', 'AUDIO_UNSUPPORTED'],
      [1, 'large.amr', 'AUDIO_TOO_LARGE'],
      [2, 'empty.wav', 'AUDIO_CORRUPT'],
    ] as const) {
      await expect(copy(item(index), at(name))).rejects.toMatchObject({ name: 'TimbreError', code });
    }
    // Nothing was begun: the job has no folder.
    await expect(readdir(join(spool.folder, 'job'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is copied where a tag that is longer than what is looked at hides how it begins', async () => {
    const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\x10\0\0', 'latin1'), Buffer.alloc(300_000)]);
    spool = new Spool(Config.of({ dataDir: folder, maxUploadBytes: 400_000 }));
    await writeFile(at('tagged.mp3'), tag);
    expect((await copy(item(0), at('tagged.mp3'))).bytes).toBe(tag.length);
  });
});

test('recordings are for the user of the service alone', async () => {
  await writeFile(at('a.amr'), '#!AMR\nrecording');
  await copy(item(0), at('a.amr'));
  await writeFile(at('upload'), 'b', { mode: 0o600 });
  const upload = { field: 'audio', filename: 'b.wav', bytes: 1, sha256: '' };
  await spool.adopt('other', [
    { ...upload, audio: at('upload') },
    { ...upload, audio: Buffer.from('c') },
  ]);
  const kept = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = kept.filter(({ parentPath }) => parentPath.startsWith(spool.folder));
  expect(names).toHaveLength(5);
  for (const { name, parentPath } of names) {
    expect([name, (await stat(join(parentPath, name))).mode & 0o077]).toEqual([name, 0]);
  }
});
