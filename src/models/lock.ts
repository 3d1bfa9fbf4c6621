import { randomUUID } from 'node:crypto';
import { link, open, readFile, readlink, rename, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isMissing } from '../support/files.js';
import { writeFailure } from './storage.js';

/** Who holds a lock. The machine counts as another where process ids mean something else: another container. */
interface Owner {
  token: string;
  pid: number;
  /** Start time of the process in kernel ticks: ids are used again, times are not. */
  started: string;
  machine: string;
}

export interface LockOptions {
  signal?: AbortSignal;
  /** Called once when the lock is held by another process. */
  onWait?: (pid: number) => void;
  /** Milliseconds between looks at a lock of another process. Default 200. */
  pollMs?: number;
  /** Milliseconds without a sign of life after which a lock of another machine is stale. Default 60,000. */
  staleMs?: number;
}

/** A lock that is held: a file that names its owner. */
export class FileLock {
  private readonly heartbeat: NodeJS.Timeout;

  private constructor(
    readonly path: string,
    private readonly owner: Owner,
    staleMs: number,
  ) {
    this.heartbeat = setInterval(() => {
      const now = new Date();
      // A lock that cannot be touched is found lost by isHeld().
      utimes(path, now, now).catch(() => undefined);
    }, staleMs / 4);
    this.heartbeat.unref();
  }

  /**
   * Takes the lock, waiting for its holder. A lock whose process is gone is taken over. Throws WRITE_FAILED where the
   * file cannot be made, and the signal's reason.
   */
  static async acquire(path: string, options: LockOptions = {}): Promise<FileLock> {
    const { signal, onWait, pollMs = 200, staleMs = 60_000 } = options;
    const owner: Owner = {
      token: randomUUID(),
      pid: process.pid,
      started: (await startTime(process.pid)) ?? '',
      machine: await machine(),
    };
    let told = false;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const file = await open(path, 'wx', 0o600);
        try {
          await file.writeFile(JSON.stringify(owner));
        } finally {
          await file.close();
        }
        return new FileLock(path, owner, staleMs);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(error, path);
      }
      const found = await look(path);
      if (found === undefined) continue;
      if (await isStale(found, owner.machine, staleMs)) {
        await takeAway(path, found.text, owner.token);
        continue;
      }
      if (!told) onWait?.(found.owner?.pid ?? 0);
      told = true;
      await delay(pollMs, undefined, signal ? { signal } : {});
    }
  }

  /** Whether the file still names this owner. */
  async isHeld(): Promise<boolean> {
    return (await look(this.path))?.owner?.token === this.owner.token;
  }

  async release(): Promise<void> {
    clearInterval(this.heartbeat);
    if (await this.isHeld()) await unlink(this.path);
  }
}

interface Found {
  text: string;
  owner: Owner | undefined;
  age: number;
}

async function look(path: string): Promise<Found | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return { text, owner: parseOwner(text), age: Date.now() - (await stat(path)).mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw writeFailure(error, path);
  }
}

/** Undefined while the owner is still writing itself into the file, or died doing so. */
function parseOwner(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined;
  }
}

async function isStale({ owner, age }: Found, here: string, staleMs: number): Promise<boolean> {
  if (owner?.machine !== here) return age > staleMs;
  return (await startTime(owner.pid)) !== owner.started;
}

/**
 * Removes a stale lock. Of two processes that found the same one, the second may move away the lock that the first has
 * taken since; it sees that by the text, and puts it back.
 */
async function takeAway(path: string, text: string, token: string): Promise<void> {
  const aside = `${path}.${token}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw writeFailure(error, path);
  }
  try {
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path);
  } catch (error) {
    // Somebody took the lock in between: the owner of this one finds it lost.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(error, path);
  } finally {
    await unlink(aside);
  }
}

/** Field 22 of /proc/<pid>/stat; undefined where there is no such process. */
async function startTime(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name, in parentheses, may hold anything; fields are counted from behind it.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

async function machine(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const processes = await readlink('/proc/self/ns/pid').catch(() => '');
  return [hostname(), boot.trim(), processes].join(' ');
}
