import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { addon } from '../../addon/binding.js';
import { Config } from '../config/config.js';
import { AudioRoots } from './audio-roots.js';

/** A file system that does not answer: a share of another machine that is gone, say. */

const fs = await import('node:fs');
const silent = { reads: 0 };
jest.unstable_mockModule('node:fs', () => ({
  ...fs,
  read: Object.assign(() => undefined, {
    [promisify.custom]: () => {
      silent.reads++;
      return new Promise(() => undefined);
    },
  }),
}));
const { Spool } = await import('./spool.js');

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-silent-'));
  await writeFile(at('a.amr'), '#!AMR\nrecording');
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true }));

describe('the reading of a file that a job names', () => {
  test.each([
    ['its deadline', 'DEADLINE_EXCEEDED', 0.2],
    ['the job', 'ABORTED', 3600],
  ])('ends with %s', async (_, code, requestSeconds) => {
    const wanted = new AbortController();
    const spool = new Spool(Config.of({ dataDir: folder, requestSeconds }));
    const file = openSync(at('a.amr'), 'r');
    const before = silent.reads;
    try {
      const copying = spool.copy({ jobId: 'job', index: 0 }, file, wanted.signal);
      if (code === 'ABORTED') wanted.abort();
      await expect(copying).rejects.toMatchObject({ code });
      expect(silent.reads).toBe(before + 1);
    } finally {
      closeSync(file);
    }
  });
});

describe('the opening of a file that a request names', () => {
  test('ends with its client, and what is opened later is closed', async () => {
    let open!: (file: { descriptor: number }) => void;
    const late = new Promise<{ descriptor: number }>((resolve) => (open = resolve));
    jest.spyOn(addon(), 'openBeneath').mockReturnValue(late);
    const gone = new AbortController();
    const opening = new AudioRoots(Config.of({ dataDir: folder })).open(at('a.amr'), { signal: gone.signal });
    gone.abort();
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
    const descriptor = openSync(at('a.amr'), 'r');
    open({ descriptor });
    const isOpen = (): boolean => {
      try {
        return fstatSync(descriptor).isFile();
      } catch {
        return false;
      }
    };
    while (isOpen()) await new Promise(setImmediate);
  });

  test('ends after a time', async () => {
    jest.spyOn(addon(), 'openBeneath').mockReturnValue(new Promise<never>(() => undefined));
    jest.useFakeTimers();
    const opening = new AudioRoots(Config.of({ dataDir: folder })).open(at('a.amr'));
    jest.advanceTimersByTime(10_000);
    await expect(opening).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});
