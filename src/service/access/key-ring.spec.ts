import { describe, expect, test } from '@jest/globals';
import type { GroupRef } from '../../support/group-ref.js';
import { newApiKey, type ApiKey } from './api-key.js';
import { KeyRing } from './key-ring.js';
import { KeyStore } from './key-store.js';
import { MemorySessions } from './memory-sessions.js';

/** What another program has made, and how often it was read. */
class Stored extends KeyStore {
  readonly keys: ApiKey[] = [];
  readings = 0;

  all(): Promise<ApiKey[]> {
    this.readings++;
    return Promise.resolve([...this.keys]);
  }

  groups(): Promise<GroupRef[]> {
    return Promise.resolve([]);
  }

  insert(key: ApiKey): Promise<void> {
    this.keys.push(key);
    return Promise.resolve();
  }

  insertLocal(key: ApiKey): Promise<void> {
    return this.insert(key);
  }

  revoke(): Promise<boolean> {
    return Promise.resolve(false);
  }

  used(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const made = (): ReturnType<typeof newApiKey> => newApiKey({ name: 'backend', scopes: ['read'] }, new Date());

describe('keys that somebody else has made', () => {
  test('work at once, however short ago keys were read', async () => {
    const stored = new Stored();
    const sessions = new MemorySessions();
    const ring = new KeyRing(stored, sessions);
    for (let times = 0; times < 5; times++) {
      await expect(ring.authenticate(made().text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      const [backend, session] = [made(), made()];
      await stored.insert(backend.key);
      expect(await ring.authenticate(backend.text)).toBe(backend.key);
      await sessions.open(session.key);
      expect(await ring.authenticate(session.text)).toBe(session.key);
    }
  });

  test('are looked for once for all who bring unknown ones at the same time', async () => {
    const stored = new Stored();
    const ring = new KeyRing(stored, new MemorySessions());
    const answers = await Promise.allSettled(Array.from({ length: 200 }, () => ring.authenticate(made().text)));
    expect(answers.map(({ status }) => status)).not.toContain('fulfilled');
    expect(stored.readings).toBeLessThanOrEqual(2);
    // What cannot be a key is looked for nowhere.
    const { readings } = stored;
    await expect(ring.authenticate('no key')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(stored.readings).toBe(readings);
  });

  test('are not known where they cannot be read', async () => {
    const stored = new Stored();
    const ring = new KeyRing(stored, new MemorySessions());
    await expect(ring.authenticate(made().text)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    stored.all = () => Promise.reject(new Error('the storage is away'));
    await expect(ring.authenticate(made().text)).rejects.toThrow('away');
  });
});
