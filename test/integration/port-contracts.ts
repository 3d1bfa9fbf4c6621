import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newApiKey, type ApiKey } from '../../src/service/access/api-key.js';
import type { Limiter } from '../../src/service/access/limiter.js';
import { MOST_LINKS, MOST_SESSIONS, type Sessions } from '../../src/service/access/sessions.js';
import type { EpochProvider } from '../../src/service/data-keys/epoch-provider.js';
import type { KeyProvider } from '../../src/service/data-keys/key-provider.js';
import type { Leader } from '../../src/service/records/leader.js';
import type { BlobStore } from '../../src/service/uploads/blob-store.js';
import type { Recording } from '../../src/service/uploads/recording.js';
import { temporaryFolder } from './voices.js';

/** In a folder of its own, which is removed afterwards. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const { folder, remove } = await temporaryFolder();
  try {
    await work(folder);
  } finally {
    await remove();
  }
}

function upload(text: string): Recording {
  const audio = Buffer.from(text);
  const sha256 = createHash('sha256').update(audio).digest('hex');
  return { field: 'audio', audio, filename: `${text}.wav`, bytes: audio.length, sha256 };
}

/** `open`: on a folder, with room for 4,096 bytes of uploads and recordings of 2,048; again, as after a restart. */
export function describeBlobStore(name: string, openStore: (folder: string) => BlobStore): void {
  describe(`the blob store of ${name}`, () => {
    const key = (index: number, jobId = 'job'): { jobId: string; index: number } => ({ jobId, index });

    it('has every upload of a job until it is removed', () =>
      inFolder(async (folder) => {
        const store = openStore(folder);
        const [one, two] = [upload('one'), upload('second')];
        await store.adopt('job', [one, two]);
        expect(store.bytes).toBe(9);
        expect(await store.describe(key(1))).toMatchObject({ bytes: 6, sha256: two.sha256 });
        await store.remove(key(1));
        await expect(store.describe(key(1))).rejects.toMatchObject({ code: 'AUDIO_NOT_FOUND' });
        expect(await store.describe(key(0))).toMatchObject({ sha256: one.sha256 });
        await store.removeJob('job');
        expect(store.bytes).toBe(0);
        await expect(store.describe(key(0))).rejects.toMatchObject({ code: 'AUDIO_NOT_FOUND' });
        // Safe to repeat.
        await store.remove(key(0));
        await store.removeJob('job');
      }));

    it('takes no more than there is room for, and all of a job or nothing', () =>
      inFolder(async (folder) => {
        const store = openStore(folder);
        await store.adopt('first', [upload('x'.repeat(3000))]);
        const tooMuch = store.adopt('second', [upload('a'), upload('y'.repeat(2000))]);
        await expect(tooMuch).rejects.toMatchObject({ code: 'OVERLOADED' });
        expect(store.bytes).toBe(3000);
        await expect(store.describe(key(0, 'second'))).rejects.toMatchObject({ code: 'AUDIO_NOT_FOUND' });
        expect(() => store.admit(1097)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
        store.admit(1096);
      }));

    it('keeps what is waited for over a restart, and nothing else', () =>
      inFolder(async (folder) => {
        await openStore(folder).adopt('job', [upload('one'), upload('two')]);
        await openStore(folder).adopt('other', [upload('three')]);
        const after = openStore(folder);
        await after.keepOnly([key(1)]);
        expect(after.bytes).toBe(3);
        expect(await after.describe(key(1))).toMatchObject({ sha256: upload('two').sha256 });
        for (const gone of [key(0), key(0, 'other')]) {
          await expect(after.describe(gone)).rejects.toMatchObject({ code: 'AUDIO_NOT_FOUND' });
        }
      }));

    it('copies a file so that who changes it later changes nothing here', () =>
      inFolder(async (folder) => {
        const store = openStore(folder);
        const path = join(folder, 'named.wav');
        const copy = async (index: number, signal = new AbortController().signal): ReturnType<BlobStore['copy']> => {
          const file = await open(path, 'r');
          try {
            return await store.copy(key(index), file.fd, signal);
          } finally {
            await file.close();
          }
        };
        const before = '#!AMR\nbefore';
        await writeFile(path, before);
        const made = await copy(0);
        const gone = AbortSignal.abort();
        await writeFile(path, '#!AMR\nafter');
        expect(made).toMatchObject({ bytes: before.length, sha256: upload(before).sha256 });
        await expect(copy(2, gone)).rejects.toMatchObject({ code: 'ABORTED' });
        await writeFile(path, 'z'.repeat(2049));
        await expect(copy(1)).rejects.toMatchObject({ code: 'AUDIO_TOO_LARGE' });
        await writeFile(path, 'no recording');
        await expect(copy(1)).rejects.toMatchObject({ code: 'AUDIO_UNSUPPORTED' });
      }));
  });
}

/** `make`: a provider that holds these keys already, or none. */
export function describeKeyProvider(
  name: string,
  make: (folder: string, keys: readonly Buffer[]) => Promise<KeyProvider>,
): void {
  const keyOf = (byte: number): Buffer => Buffer.alloc(32, byte);

  describe(`the key provider of ${name}`, () => {
    it('gives the keys that it holds, the one that encrypts first', () =>
      inFolder(async (folder) => {
        const provider = await make(folder, [keyOf(2), keyOf(1)]);
        expect(await provider.load(false)).toEqual([keyOf(2), keyOf(1)]);
        expect(await provider.read()).toEqual([keyOf(2), keyOf(1)]);
      }));

    it('replaces them for good, or says that it cannot and how it is done', () =>
      inFolder(async (folder) => {
        const provider = await make(folder, [keyOf(1)]);
        await provider.load(false);
        if (provider.changeable === true) {
          await provider.replace([keyOf(2), keyOf(1)]);
          await provider.retire([keyOf(1)]);
          await provider.replace([keyOf(2)]);
          expect(await provider.load(false)).toEqual([keyOf(2)]);
        } else {
          const { because } = provider.changeable;
          for (const change of [provider.replace([keyOf(2)]), provider.retire([keyOf(1)])]) {
            await expect(change).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: because });
          }
          expect(await provider.load(false)).toEqual([keyOf(1)]);
        }
      }));
  });
}

/** `make`: one that has nothing yet; again, as after a restart. */
export function describeEpochProvider(name: string, make: (folder: string) => EpochProvider): void {
  describe(`the epoch provider of ${name}`, () => {
    it('has nothing before anything was written', () =>
      inFolder(async (folder) => {
        expect(await make(folder).read()).toBeNull();
      }));

    it('has what was written last, byte by byte, after a restart too', () =>
      inFolder(async (folder) => {
        const provider = make(folder);
        const marks = [Buffer.from([0, 255, 10, 13]), Buffer.alloc(500, 7), Buffer.from('the last')];
        for (const mark of marks) {
          await provider.write(mark);
          expect(await provider.read()).toEqual(mark);
        }
        expect(await make(folder).read()).toEqual(marks.at(-1));
      }));
  });
}

/** `make`: one that allows so many within a minute. */
export function describeLimiter(name: string, make: (points: number) => Limiter): void {
  describe(`the limiter of ${name}`, () => {
    it('counts each source for itself, however many come at once, and says how long to wait', async () => {
      const limiter = make(5);
      const waits = await Promise.all(Array.from({ length: 8 }, () => limiter.take('one')));
      expect(waits.filter((wait) => wait === 0)).toHaveLength(5);
      for (const wait of waits.filter((one) => one > 0)) expect(wait).toBeLessThanOrEqual(60_000);
      expect(await limiter.take('other')).toBe(0);
    });
  });
}

const MINUTE_MS = 60_000;

/** Of somebody who is signed in, until so many milliseconds from now. */
export function sessionKey(milliseconds = MINUTE_MS): ApiKey {
  const now = new Date();
  const expiresAt = new Date(now.getTime() + milliseconds);
  return newApiKey({ name: 'signed in', scopes: ['admin'], expiresAt }, now).key;
}

/** `make`: the sessions of an empty database. */
export function describeSessions(name: string, make: () => Promise<Sessions>): void {
  describe(`the sessions of ${name}`, () => {
    it('take a link once, however many bring it at once, and one that nobody made never', async () => {
      const sessions = await make();
      const before = Date.now();
      const expiresAt = await sessions.addLink('one', MINUTE_MS);
      expect(expiresAt.getTime()).toBeGreaterThanOrEqual(before + MINUTE_MS - 1000);
      const taken = await Promise.all([1, 2, 3, 4].map(() => sessions.takeLink('one')));
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(await sessions.takeLink('another')).toBe(false);
    });

    it('take no link whose time is over', async () => {
      const sessions = await make();
      await sessions.addLink('late', -1);
      expect(await sessions.takeLink('late')).toBe(false);
    });

    it('keep so many links and no more: the oldest goes', async () => {
      const sessions = await make();
      for (let i = 0; i <= MOST_LINKS; i++) await sessions.addLink(`link ${i}`, MINUTE_MS + i);
      expect(await sessions.takeLink('link 0')).toBe(false);
      for (let i = 1; i <= MOST_LINKS; i++) expect([i, await sessions.takeLink(`link ${i}`)]).toEqual([i, true]);
    });

    it('have a session as it was opened until it is ended', async () => {
      const sessions = await make();
      const [one, other] = [sessionKey(), sessionKey(2 * MINUTE_MS)];
      for (const key of [one, other]) await sessions.open(key);
      const byId = (keys: ApiKey[]): ApiKey[] => keys.sort((a, b) => a.id.localeCompare(b.id));
      expect(byId(await sessions.all())).toEqual(byId([one, other]));
      expect(await sessions.end(one.id)).toBe(true);
      expect(await sessions.end(one.id)).toBe(false);
      expect(await sessions.all()).toEqual([other]);
    });

    it('keep so many sessions and no more', async () => {
      const sessions = await make();
      const keys = Array.from({ length: MOST_SESSIONS + 1 }, (_, i) => sessionKey(MINUTE_MS + i));
      for (const key of keys) await sessions.open(key);
      const ids = (await sessions.all()).map(({ id }) => id);
      expect(ids).toHaveLength(MOST_SESSIONS);
      expect(ids).not.toContain(keys[0]!.id);
    });
  });
}

export function describeLeader(name: string, make: () => Leader): void {
  describe(`the leader of ${name}`, () => {
    it('does work of one name one after the other, and of two names at once', async () => {
      const leader = make();
      const log: string[] = [];
      let goOn = (): void => undefined;
      let begin = (): void => undefined;
      const begun = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const first = leader.lead('sweep', async () => {
        log.push('first begins');
        begin();
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        log.push('first ends');
      });
      await begun;
      const second = leader.lead('sweep', () => Promise.resolve(log.push('second')));
      await leader.lead('other', () => Promise.resolve(log.push('other')));
      goOn();
      await Promise.all([first, second]);
      expect(log).toEqual(['first begins', 'other', 'first ends', 'second']);
    });

    it('goes on after work that failed, and gives what work gives', async () => {
      const leader = make();
      await expect(leader.lead('sweep', () => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
      expect(await leader.lead('sweep', () => Promise.resolve(7))).toBe(7);
    });
  });
}
