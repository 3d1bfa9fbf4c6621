import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { until } from '../e2e/support.js';
import { CHECKPOINT, timbre, writeVoice } from './support.js';

/** The command as it is installed, in a process of its own: made by `npm run build`. */
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => join(folder, ...names);
const children: ChildProcessByStdio<null, Readable, Readable>[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-process-'));
  env = { ...process.env, MODEL_CACHE_DIR: at('models'), TIMBRE_MODEL: 'tiny', NODE_OPTIONS: '' };
  await timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', 'tiny'], { env });
  await writeVoice(at('voice.wav'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rm(folder, { recursive: true }));

function start(...argv: string[]): ChildProcessByStdio<null, Readable, Readable> {
  const child = spawn(MAIN, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function text(stream: Readable): Promise<string> {
  let whole = '';
  for await (const chunk of stream) whole += String(chunk);
  return whole;
}

/** More results than a pipe holds, so that the command cannot be finished before its reader has done something. */
const manyVoices = (): string[] => new Array<string>(2000).fill(at('voice.wav'));

describe('the process', () => {
  test('is executable as it was built', async () => {
    expect((await stat(MAIN)).mode & 0o111).toBe(0o111);
    const child = start('--version');
    expect(await text(child.stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('puts results on stdout, everything else on stderr, and exits with the status of the error', async () => {
    const child = start('embed', at('voice.wav'), at('gone.wav'));
    const exit = once(child, 'close');
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect((await exit)[0]).toBe(25);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    ).toEqual([at('voice.wav'), at('gone.wav')]);
    expect(err).toContain('untrained');
    expect(err).toContain('AUDIO_NOT_FOUND');
  });

  test('stops quietly when its reader goes away', async () => {
    const child = start('embed', ...manyVoices());
    const exit = once(child, 'close');
    const err = text(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect((await exit)[0]).toBe(141);
    expect(await err).not.toMatch(/EPIPE|Error|\n +at /);
  });

  test('ends by SIGINT as a shell expects, and leaves no half file', async () => {
    const child = start('embed', ...manyVoices());
    const exit = once(child, 'exit');
    const err = text(child.stderr);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await exit).toEqual([null, 'SIGINT']);
    expect(await err).not.toMatch(/Error|\n +at /);

    const writing = start('embed', ...manyVoices().slice(0, 50), at('fifo-that-is-not-there'), '--npy', at('x.npy'));
    const end = once(writing, 'exit');
    await once(writing.stderr, 'data');
    writing.kill('SIGTERM');
    const [status, signal] = (await end) as [number | null, string | null];
    expect(signal === 'SIGTERM' || status === 25).toBe(true);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('that serves keeps its memory to itself, and lets no request read its log', async () => {
    const roots = at('roots');
    const log = join(roots, 'service.log');
    await mkdir(roots);
    const output = await open(log, 'w');
    const own = { AUDIO_ROOTS: roots, TIMBRE_DATA_DIR: at('data'), PORT: '0', EMBEDDING_SERVICE_PORT: '0' };
    // From a shell that would leave core dumps, where it may.
    const shell = ['-c', 'ulimit -S -c "$(ulimit -H -c)" && exec "$0" serve', MAIN];
    const child = spawn('bash', shell, { env: { ...env, ...own }, stdio: ['ignore', output.fd, output.fd] });
    const exit = once(child, 'exit');
    try {
      const sidecar = async (): Promise<string> =>
        /"url":"([^"]+)"[^\n]*the sidecar's calls/.exec(await readFile(log, 'utf8'))?.[1] ?? '';
      await until(async () => (await fetch(`${await sidecar()}/health`).catch(() => null))?.ok === true, 50);
      const url = await sidecar();
      const statusOf = async (path: string): Promise<number> => {
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ audio_path: path });
        return (await fetch(`${url}/extract-embedding`, { method: 'POST', headers, body })).status;
      };
      // The same bytes in a file of their own are read, and are no recording.
      await copyFile(log, join(roots, 'copy.log'));
      expect([await statusOf(log), await statusOf(join(roots, 'copy.log'))]).toEqual([404, 500]);
      // What belongs to root of a process that cannot be dumped or attached to.
      expect((await stat(`/proc/${child.pid!}/environ`)).uid).toBe(0);
      expect(await readFile(`/proc/${child.pid!}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    } finally {
      child.kill('SIGTERM');
      await exit;
      await output.close();
    }
  });
});
