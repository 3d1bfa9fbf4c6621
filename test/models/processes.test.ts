import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { download } from '../../src/models/download.js';
import { FileLock } from '../../src/models/lock.js';
import { Hub, noise } from './hub.js';

const SCRIPT = fileURLToPath(new URL('fetch.mjs', import.meta.url));
const CONTENT = noise(300_000);

let folder: string;
let path: string;
let hub: Hub | undefined;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-processes-'));
  path = join(folder, 'file.ckpt');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await hub?.stop();
  hub = undefined;
  await rm(folder, { recursive: true });
});

interface Said {
  note?: string;
  done?: true;
  code?: string;
  message?: string;
}

/** A process that downloads, and what it says, line by line. */
function fetching(): { child: ChildProcess; lines: AsyncIterator<Said>; all: Promise<Said[]> } {
  const job = JSON.stringify({ file: hub!.file, path });
  const child = spawn(process.execPath, [SCRIPT, job], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const said: Said[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => said.push(JSON.parse(line) as Said));
  const all = once(reader, 'close').then(() => said);
  const lines = (async function* () {
    for await (const [line] of on(reader, 'line', { close: ['close'] })) {
      yield JSON.parse(line as string) as Said;
    }
  })();
  return { child, lines, all };
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  return { opened: new Promise<void>((resolve) => (open = resolve)), open: () => open() };
}

describe('two processes at once', () => {
  test('the second waits for the first and finds its file', async () => {
    const { opened, open } = gate();
    const asked = gate();
    hub = await Hub.start(CONTENT, () => {
      asked.open();
      return { hold: opened };
    });
    const first = fetching();
    await asked.opened;
    const second = fetching();
    expect((await second.lines.next()).value).toEqual({
      note: expect.stringContaining(`process (${first.child.pid})`),
    });
    open();
    expect(await first.all).toEqual([{ done: true }]);
    expect((await second.all).at(-1)).toEqual({ done: true });
    expect(hub.requests).toHaveLength(1);
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    expect(await readdir(folder)).toEqual(['file.ckpt']);
  });

  test('the second takes over from a first that was killed, and resumes what it left', async () => {
    const asked = gate();
    hub = await Hub.start(CONTENT, (number) => {
      if (number === 0) return { cutAfter: 100_000 };
      asked.open();
      return number === 1 ? { hold: new Promise(() => undefined) } : {};
    });
    const first = fetching();
    await asked.opened;
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(await readdir(folder)).toContain('file.ckpt.lock');
    const second = fetching();
    expect(await second.all).toEqual([{ done: true }]);
    expect(hub.requests.at(-1)!.range).toBe('bytes=100000-');
    expect((await readFile(path)).equals(CONTENT)).toBe(true);
    expect(await readdir(folder)).toEqual(['file.ckpt']);
  });

  test('six at once fetch it once', async () => {
    hub = await Hub.start(CONTENT);
    const all = await Promise.all(Array.from({ length: 6 }, () => fetching().all));
    expect(all.map((said) => said.at(-1))).toEqual(Array.from({ length: 6 }, () => ({ done: true })));
    expect(hub.requests).toHaveLength(1);
    expect(await readdir(folder)).toEqual(['file.ckpt']);
  });
});

describe('a lock', () => {
  test('of a process id that is used again is stale', async () => {
    hub = await Hub.start(CONTENT);
    const held = await FileLock.acquire(`${path}.lock`);
    const owner = JSON.parse(await readFile(held.path, 'utf8')) as Record<string, unknown>;
    await held.release();
    await writeFile(held.path, JSON.stringify({ ...owner, token: 'another', started: '1' }));
    await download(hub.file, path);
    expect(await readdir(folder)).toEqual(['file.ckpt']);
  });

  test('of another machine is stale when it shows no sign of life, and not before', async () => {
    const lockPath = `${path}.lock`;
    const foreign = JSON.stringify({ token: 'foreign', pid: 1, started: '1', machine: 'elsewhere' });
    await writeFile(lockPath, foreign);
    const waited = gate();
    const controller = new AbortController();
    const waiting = FileLock.acquire(lockPath, { pollMs: 5, signal: controller.signal, onWait: waited.open });
    await waited.opened;
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readFile(lockPath, 'utf8')).toBe(foreign);

    const lock = await FileLock.acquire(lockPath, { pollMs: 5, staleMs: 50 });
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
  });

  test('that holds no text yet is waited for', async () => {
    const lockPath = `${path}.lock`;
    await writeFile(lockPath, '');
    const waited = gate();
    const waiting = FileLock.acquire(lockPath, { pollMs: 5, onWait: waited.open });
    await waited.opened;
    await rm(lockPath);
    const lock = await waiting;
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('taken away by somebody else is not released by its first owner', async () => {
    const lock = await FileLock.acquire(`${path}.lock`);
    await writeFile(lock.path, JSON.stringify({ token: 'thief' }));
    expect(await lock.isHeld()).toBe(false);
    await lock.release();
    expect(await readdir(folder)).toEqual(['file.ckpt.lock']);
  });
});

/** In a mount namespace, by unshare: needs no rights that a user lacks. */
describe('a file system of its own', () => {
  async function fetchOn(mountOptions: string): Promise<Said[]> {
    const job = JSON.stringify({ file: hub!.file, path, unchecked: true });
    const command = 'mount -t tmpfs -o "$1" none "$2" && "$3" "$4" "$5" && ls -l "$2" >&2';
    const child = spawn('unshare', [
      '-rm',
      'sh',
      '-c',
      command,
      'sh',
      mountOptions,
      folder,
      process.execPath,
      SCRIPT,
      job,
    ]);
    children.push(child);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(child, 'close');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Said);
  }

  test('that is full is an error with the remedy', async () => {
    hub = await Hub.start(CONTENT);
    expect(await fetchOn('size=128k')).toEqual([
      { code: 'WRITE_FAILED', message: expect.stringMatching(/file\.ckpt\.part: the disk is full; free some space/) },
    ]);
  });

  test('that is read-only is an error with the remedy', async () => {
    hub = await Hub.start(CONTENT);
    expect(await fetchOn('ro')).toEqual([
      { code: 'WRITE_FAILED', message: expect.stringMatching(/the file system is read-only; set MODEL_CACHE_DIR/) },
    ]);
    expect(hub.requests).toEqual([]);
  });
});
