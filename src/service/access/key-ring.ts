import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { TimbreError } from '../../errors/timbre-error.js';
import { isTextOf, keyIdOf, makeRoom, statusOf, type ApiKey } from './api-key.js';
import { KeyStore } from './key-store.js';
import { Sessions } from './sessions.js';

/** A key that another program revokes works for so long at most. */
export const KEYS_MAX_AGE_MS = 1000;

/** Between two readings for unknown keys: somebody who tries many waits, and does not make the database work. */
const UNKNOWN_KEY_PAUSE_MS = 100;

/** Keys of this process alone. */
const MOST_GRANTED = 1000;

/** Until the day of use is written again after that failed. */
const NOTE_AGAIN_MS = 60_000;

/** The keys of the database and of the sessions, read again whenever they are needed and older than `KEYS_MAX_AGE_MS`. */
@Injectable()
export class KeyRing {
  private readonly logger = new Logger('Keys');
  private keys: ReadonlyMap<string, ApiKey> = new Map();
  private sessions: ReadonlyMap<string, ApiKey> = new Map();
  /** `performance.now()` before they were read. */
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  /** Counts what this process has changed: what was read before is too old. */
  private changes = 0;
  /** The day of use that was written, by key. */
  private readonly noted = new Map<string, string>();

  /** Keys of this process alone, by their ids: they end with it. */
  private readonly granted = new Map<string, ApiKey>();

  constructor(
    private readonly store: KeyStore,
    private readonly opened: Sessions,
  ) {}

  /** From now on lets a key in that is stored nowhere; the oldest of too many goes. */
  grant(key: ApiKey): void {
    makeRoom(this.granted, MOST_GRANTED);
    this.granted.set(key.id, key);
  }

  /** The next key that somebody brings is looked up in what is stored by then, also where keys are being read now. */
  readAgain(): void {
    this.changes++;
    this.readAt = -Infinity;
    this.reading = undefined;
  }

  /** The key behind a text. Errors: UNAUTHENTICATED; those of the storage, without which nobody is let in. */
  async authenticate(text: string): Promise<ApiKey> {
    const id = keyIdOf(text) ?? '';
    const granted = this.granted.get(id);
    if (!granted) {
      const came = performance.now();
      await this.refresh(KEYS_MAX_AGE_MS);
      if (id !== '' && !this.knows(id)) await this.readSince(came);
    }
    const key = granted ?? this.keys.get(id) ?? this.sessions.get(id);
    if (!isTextOf(text, key) || !key) throw new TimbreError('UNAUTHENTICATED', 'there is no such API key');
    const now = new Date();
    const status = statusOf(key, now);
    if (status !== 'active') throw new TimbreError('UNAUTHENTICATED', `the API key ${key.id} is ${status}`);
    if (this.keys.has(id)) this.note(key, now.toISOString().slice(0, 10));
    return key;
  }

  private knows(id: string): boolean {
    return this.keys.has(id) || this.sessions.has(id);
  }

  /** An unknown key may be one that another program or service made a moment ago: what is read later than it came has it. */
  private async readSince(came: number): Promise<void> {
    while (this.readAt < came) {
      const pause = this.readAt + UNKNOWN_KEY_PAUSE_MS - performance.now();
      if (pause > 0) await delay(pause);
      else await this.refresh(0);
    }
  }

  private async refresh(maxAgeMs: number): Promise<void> {
    if (performance.now() - this.readAt <= maxAgeMs) return;
    const reading = (this.reading ??= this.read().finally(() => {
      if (this.reading === reading) this.reading = undefined;
    }));
    await reading;
  }

  private async read(): Promise<void> {
    const [started, changes] = [performance.now(), this.changes];
    const [keys, sessions] = await Promise.all([this.store.all(), this.opened.all()]);
    if (changes !== this.changes) return;
    this.keys = new Map(keys.map((key) => [key.id, key]));
    this.sessions = new Map(sessions.map((key) => [key.id, key]));
    this.readAt = started;
  }

  /** Once a day; the request that the key came with does not wait. */
  private note({ id, lastUsedOn }: ApiKey, day: string): void {
    if (lastUsedOn === day || this.noted.get(id) === day) return;
    this.noted.set(id, day);
    this.store.used(id, day).catch((error: unknown) => {
      this.logger.warn({ key: id, err: error, msg: 'the last use of a key could not be noted' });
      setTimeout(() => this.noted.delete(id), NOTE_AGAIN_MS).unref();
    });
  }
}
