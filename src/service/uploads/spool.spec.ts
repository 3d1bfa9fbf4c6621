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
    await writeFile(at('a.wav'), 'recording');
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
    expect([await readFile(again.audio as string, 'utf8'), again.bytes]).toEqual(['recording', 9]);
  });

  test('goes when the job has gone on to another, and nothing is made of it any more', async () => {
    await writeFile(at('a.wav'), 'first');
    await writeFile(at('b.wav'), 'second');
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
    await writeFile(at('a.wav'), 'before');
    const before = await copy(item(0), at('a.wav'));
    await writeFile(at('a.wav'), 'after it');
    const after = await copy(item(1), at('a.wav'));
    const other = await copy(item(0, 'other'), at('a.wav'));
    expect(new Set([before, after, other].map(({ audio }) => audio)).size).toBe(3);
    expect([before.sha256 === after.sha256, after.sha256 === other.sha256]).toEqual([false, true]);
  });

  test('is tried again after it could not be copied', async () => {
    await writeFile(at('a.wav'), Buffer.alloc(3000));
    await expect(copy(item(0), at('a.wav'))).rejects.toMatchObject({ code: 'AUDIO_TOO_LARGE' });
    await expect(copy(item(1), at('a.wav'))).rejects.toMatchObject({ code: 'AUDIO_TOO_LARGE' });
    await writeFile(at('a.wav'), 'small');
    expect((await copy(item(0), at('a.wav'))).bytes).toBe(5);
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
