import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, open, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readWhole, stateOf } from '../../src/support/files.js';
import { wav } from '../addon/support.js';
import { spoken, TestService, Workshop } from '../e2e/support.js';
import { timbre, writeVoice, type Ran } from './support.js';

/** What commands take for a recording, and what part of it. */

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let workshop: Workshop;
let service: TestService;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => workshop.path(...names);

beforeAll(async () => {
  workshop = await Workshop.open();
  const model = await workshop.bundle();
  service = await TestService.start(workshop, { model, enrollmentSeconds: 2 });
  await service.service.ready();
  env = { ...service.env, TIMBRE_URL: service.url, TIMBRE_MODEL: model };
  await writeVoice(at('a.wav'), { pitch: 110, seconds: 2 });
  await writeVoice(at('b.wav'), { pitch: 210, seconds: 2 });
  // The first on the left, the second on the right.
  const [left, right] = await Promise.all(['a.wav', 'b.wav'].map(async (name) => samplesOf(await readFile(at(name)))));
  const both = new Float32Array(2 * left!.length);
  left!.forEach((x, i) => both.set([x, right![i]!], 2 * i));
  await writeFile(at('both.wav'), wav(both, 16_000, 2));
});

afterAll(async () => {
  await service.close();
  await workshop.remove();
});

function samplesOf(file: Buffer): Float32Array {
  return Float32Array.from({ length: (file.length - 44) / 2 }, (_, i) => file.readInt16LE(44 + 2 * i) / 32768);
}

const run = (argv: string[], stdin?: Readable & { isTTY?: boolean }): Promise<Ran> =>
  timbre(argv, { env, ...(stdin && { stdin }) });
const pipe = async (name: string): Promise<Readable> => Readable.from([await readFile(at(name))]);

interface Line {
  path: string;
  channel?: number;
  embedding?: number[];
  audio?: { channels: number; channel: number | string; tracks: number; track: number };
  error?: { code: string; message: string };
}

async function embed(argv: string[], stdin?: Readable): Promise<Line[]> {
  const { status, stdout, stderr } = await run(['embed', ...argv], stdin);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('standard input', () => {
  test('embed: among files, in its place, as the file itself', async () => {
    const [file] = await embed([at('b.wav')]);
    const found = await embed([at('a.wav'), '-', at('a.wav')], await pipe('b.wav'));
    expect(found.map(({ path }) => path)).toEqual([at('a.wav'), '-', at('a.wav')]);
    expect(found[1]!.embedding).toEqual(file!.embedding);
  });

  test.each([
    ['-', 'a.wav'],
    ['a.wav', '-'],
  ])('compare %s %s', async (...sides) => {
    const paths = sides.map((side) => (side === '-' ? side : at(side)));
    const { status, stdout } = await run(['compare', ...paths, '--json'], await pipe('a.wav'));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cosine: expect.closeTo(1, 6) });
  });

  test('enroll, verify and identify', async () => {
    const enrolled = await run(['enroll', 'ada', '-', '--json'], await pipe('a.wav'));
    expect(enrolled.status).toBe(0);
    const { results } = JSON.parse(enrolled.stdout) as { results: unknown[] };
    expect(results).toMatchObject([{ path: '-', enrollment: { filename: 'standard input' } }]);
    for (const argv of [
      ['verify', 'ada', '-'],
      ['identify', '-'],
    ]) {
      const { status, stdout } = await run([...argv, '--json'], await pipe('a.wav'));
      expect({ argv, status }).toEqual({ argv, status: 0 });
      expect(JSON.parse(stdout)).toMatchObject(argv[0] === 'identify' ? [{ path: '-' }] : { speakerId: 'ada' });
    }
  });

  const COMMANDS = [
    ['embed', '-'],
    ['compare', 'x.wav', '-'],
    ['verify', 'ada', '-'],
    ['identify', '-'],
    ['enroll', 'ada', '-'],
  ];

  test.each(COMMANDS)('%s: an empty one, and a terminal, get a sentence', async (...argv) => {
    const empty = await run(argv, Readable.from([]));
    expect(empty).toMatchObject({ status: 22, stdout: '' });
    expect(empty.stderr).toContain('standard input is empty');
    const terminal = await run(argv, Object.assign(Readable.from(['typed']), { isTTY: true }));
    expect(terminal).toMatchObject({ status: 2, stdout: '' });
    expect(terminal.stderr).toContain('standard input is a terminal');
  });

  test.each([
    ['compare', '-', '-'],
    ['embed', '-', '-'],
    ['identify', '-', 'x.wav', '-'],
  ])('%s: only once', async (...argv) => {
    const { status, stderr } = await run(argv, await pipe('a.wav'));
    expect(status).toBe(2);
    expect(stderr).toContain('give - once');
  });

  test('one that breaks off is an error, one of a cancelled command says nothing', async () => {
    const broken = new Readable({
      read() {
        this.destroy(new Error('the other end has gone'));
      },
    });
    const { status, stderr } = await run(['embed', '-'], broken);
    expect(status).toBe(25);
    expect(stderr).toContain('the other end has gone');

    const controller = new AbortController();
    const waiting = new Readable({ read: () => controller.abort() });
    const cancelled = await timbre(['embed', '-'], { env, stdin: waiting, signal: controller.signal });
    expect(cancelled).toEqual({ status: 31, stdout: '', stderr: '' });
  });

  test('of the process itself', async () => {
    const child = spawn(MAIN, ['embed', '-'], {
      env: { ...process.env, ...env, NODE_OPTIONS: '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(await readFile(at('a.wav')));
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    expect((JSON.parse(text) as Line).embedding).toEqual((await embed([at('a.wav')]))[0]!.embedding);
  });
});

describe('channels and tracks', () => {
  test('embed: one channel, all of them, their mix', async () => {
    const [a, b] = await embed([at('a.wav'), at('b.wav')]);
    const [left] = await embed([at('both.wav'), '--channel', '0']);
    expect(left).toMatchObject({ audio: { channels: 2, channel: 0 } });
    expect(left!.embedding).toEqual(a!.embedding);
    const each = await embed([at('both.wav'), at('a.wav'), '--channel', 'each']);
    expect(each.map(({ path, channel }) => [path, channel])).toEqual([
      [at('both.wav'), 0],
      [at('both.wav'), 1],
      [at('a.wav'), 0],
    ]);
    expect(each.map(({ embedding }) => embedding)).toEqual([a, b, a].map((line) => line!.embedding));
    const [mix] = await embed([at('both.wav'), '--channel', 'mix']);
    expect(mix).toMatchObject({ audio: { channel: 'mix' } });
    expect(mix!.embedding).not.toEqual(a!.embedding);
    expect(await embed(['-', '--channel', 'each'], await pipe('both.wav'))).toMatchObject([
      { path: '-', channel: 0, embedding: a!.embedding },
      { path: '-', channel: 1, embedding: b!.embedding },
    ]);
  });

  test('embed --npy names the channel of each row', async () => {
    expect((await run(['embed', at('both.wav'), '--channel', 'each', '--npy', at('each.npy')])).status).toBe(0);
    expect(JSON.parse(await readFile(at('each.npy.json'), 'utf8'))).toMatchObject({
      paths: [at('both.wav'), at('both.wav')],
      channels: [0, 1],
    });
  });

  test('compare takes one', async () => {
    const compared = async (channel: string): Promise<unknown> => {
      const { stdout } = await run(['compare', at('both.wav'), at('both.wav'), '--channel', channel, '--json']);
      return (JSON.parse(stdout) as { a: Line }).a.audio!.channel;
    };
    expect([await compared('0'), await compared('1'), await compared('mix')]).toEqual([0, 1, 'mix']);
  });

  test('so do enroll, verify and identify', async () => {
    const rate = 22_050;
    const [one, other] = [samplesOf(spoken('m1', 0)), samplesOf(spoken('f2', 1))];
    const call = new Float32Array(2 * Math.min(one.length, other.length));
    for (let i = 0; i < call.length / 2; i++) call.set([one[i]!, other[i]!], 2 * i);
    await writeFile(at('call.wav'), wav(call, rate, 2));
    expect((await run(['enroll', 'bea', at('call.wav'), '--channel', '1', '--json'])).status).toBe(0);
    for (const argv of [
      ['verify', 'bea', at('call.wav')],
      ['identify', at('call.wav'), '--candidates', 'bea'],
    ]) {
      const answer = async (channel: string): Promise<string> => {
        const { status, stdout, stderr } = await run([...argv, '--channel', channel, '--json']);
        expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: '' });
        return stdout;
      };
      expect(await answer('1')).toMatch(/"cosine": 1\b|"cosine": 0\.99999/);
      expect(await answer('0')).not.toMatch(/"cosine": 1\b|"cosine": 0\.99999/);
    }
  });

  test('a track that is chosen is the one that is taken', async () => {
    const maps = ['-map', '0:a', '-map', '1:a', '-c:a', 'flac', '-disposition:a:1', '0'];
    execFileSync('ffmpeg', ['-v', 'error', '-i', at('a.wav'), '-i', at('b.wav'), ...maps, at('two.mka')]);
    const [a, b] = await embed([at('a.wav'), at('b.wav')]);
    const [first, second] = [await embed([at('two.mka')]), await embed([at('two.mka'), '--track', '1'])];
    expect([first, second].map(([line]) => line!.audio)).toMatchObject([
      { tracks: 2, track: 0 },
      { tracks: 2, track: 1 },
    ]);
    expect([first, second].map(([line]) => line!.embedding)).toEqual([a!.embedding, b!.embedding]);
    const { stdout } = await run(['compare', at('two.mka'), at('two.mka'), '--track', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ a: { audio: { track: 1 } } });
    const missing = await run(['identify', at('two.mka'), '--track', '2']);
    expect(missing.stderr).toContain('track');
    expect(missing.status).toBe(2);
  });

  test.each([
    [['embed', 'x.wav', '--channel', 'left'], 'mix, each or a number'],
    [['embed', 'x.wav', '--channel', '-1'], 'mix, each or a number'],
    [['compare', 'x.wav', 'y.wav', '--channel', 'each'], 'mix or a number'],
    [['verify', 'ada', 'x.wav', '--channel', 'each'], 'mix or a number'],
    [['identify', 'x.wav', '--track', 'two'], 'whole number'],
    [['enroll', '--from-folders', 'x', '--channel', '1'], 'named one by one'],
  ])('%j is answered with its fault and exit status 2', async (argv, fault) => {
    const { status, stdout, stderr } = await run(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(fault);
  });

  test('a channel that is not there is an error of its recording', async () => {
    const { status, stdout } = await run(['embed', at('a.wav'), at('both.wav'), '--channel', '1']);
    expect(status).not.toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as Line).slice(0, 2))).toEqual([
      ['path', 'error'],
      ['path', 'embedding'],
    ]);
  });
});

describe('folders', () => {
  test('what macOS keeps beside recordings is skipped, with a note', async () => {
    await mkdir(at('mac', '__MACOSX'), { recursive: true });
    await writeFile(at('mac', '._a.wav'), '\x00\x05\x16\x07');
    await writeFile(at('mac', '__MACOSX', 'a.wav'), '\x00\x05\x16\x07');
    await writeFile(at('mac', 'a.wav'), await readFile(at('a.wav')));
    const { status, stdout, stderr } = await run(['embed', at('mac')]);
    expect(status).toBe(0);
    expect((JSON.parse(stdout) as Line).path).toBe(at('mac', 'a.wav'));
    expect(stderr).toContain('skipped 2 files and folders that macOS keeps beside recordings (._*, __MACOSX)');

    await mkdir(at('people', '__MACOSX'), { recursive: true });
    await writeFile(at('people', '__MACOSX', 'a.wav'), '\x00\x05\x16\x07');
    await rename(at('mac'), at('people', 'mac'));
    const enrolled = await run(['enroll', '--from-folders', at('people'), '--json']);
    expect(enrolled.status).toBe(0);
    expect(JSON.parse(enrolled.stdout)).toMatchObject({ results: [{ speakerId: 'mac', state: 'enrolled' }] });
    expect(enrolled.stderr).toContain('macOS');
  });

  test('one that is named itself says what it is', async () => {
    await writeFile(at('._named.wav'), '\x00\x05\x16\x07');
    const { status, stderr } = await run(['embed', at('._named.wav')]);
    expect(status).toBe(21);
    expect(stderr).toContain('macOS keeps beside a recording');
  });

  test.each(['embed', 'identify', 'enroll ada'])(
    '%s: an empty one gets a sentence and an exit status',
    async (words) => {
      await mkdir(at('empty'), { recursive: true });
      const argv = words.split(' ');
      const alone = await run([...argv, at('empty')]);
      expect(alone).toMatchObject({ status: 2, stdout: '' });
      expect(alone.stderr).toContain(`no recordings in ${at('empty')}`);
      const beside = await run([...argv, at('empty'), at('a.wav'), '--json']);
      expect(beside.status).toBe(2);
      expect(beside.stderr).toContain(`no recordings in ${at('empty')}`);
      expect(beside.stdout).toContain(at('a.wav'));
      expect(await run(['enroll', '--from-folders', at('empty')])).toMatchObject({ status: 2, stdout: '' });
    },
  );

  test('names that are no UTF-8 are read, and shown by their bytes', async () => {
    const folder = at('old');
    await mkdir(folder);
    const name = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.wav')]);
    await writeFile(name, await readFile(at('a.wav')));
    const [line] = await embed([folder]);
    expect(line!.path).toBe(`${folder}/caf\\xE9.wav`);
    expect(line!.embedding).toEqual((await embed([at('a.wav')]))[0]!.embedding);
    const { status, stdout } = await run(['identify', folder, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ path: `${folder}/caf\\xE9.wav` }]);
    const lost = await run(['embed', `${folder}/caf\ufffd.wav`]);
    expect(lost.status).toBe(25);
    expect(lost.stderr).toContain('no UTF-8');
  });
});

describe('a data: URL', () => {
  const secret = 'UklGRkVERUNSRVRWT0lDRQ'.repeat(20);
  test.each(['embed', 'identify', 'compare x.wav', 'verify ada', 'enroll ada', 'models show'])(
    '%s: is no path, and not repeated',
    async (words) => {
      const { status, stdout, stderr } = await run([...words.split(' '), `data:audio/wav;base64,${secret}`]);
      expect(status).not.toBe(0);
      expect(`${stdout}${stderr}`).not.toContain(secret.slice(0, 22));
      if (words !== 'models show') expect(stderr).toContain('data: URL');
    },
  );
});

describe('a file that is written to while it is read for a service', () => {
  /** A file that has something done to it between its bytes and the last look. */
  async function read(during: () => Promise<void>): Promise<Buffer> {
    const file = await open(at('moving.wav'));
    try {
      const readFile = async (): Promise<Buffer> => {
        const bytes = await file.readFile();
        await during();
        return bytes;
      };
      return await readWhole({ stat: file.stat.bind(file), readFile } as Parameters<typeof readWhole>[0]);
    } finally {
      await file.close();
    }
  }

  test.each([
    ['appended to', () => appendFile(at('moving.wav'), 'more')],
    ['cut', () => writeFile(at('moving.wav'), '')],
    ['rewritten', () => utimes(at('moving.wav'), 1, 1)],
  ])('%s: an error with a code', async (_name, during) => {
    await writeFile(at('moving.wav'), await readFile(at('a.wav')));
    await expect(read(during)).rejects.toMatchObject({ code: 'AUDIO_CORRUPT' });
  });

  test('replaced: what it was', async () => {
    const before = await readFile(at('a.wav'));
    await writeFile(at('moving.wav'), before);
    await writeFile(at('other.wav'), await readFile(at('b.wav')));
    const state = await stateOf(at('moving.wav'));
    expect(await read(() => rename(at('other.wav'), at('moving.wav')))).toEqual(before);
    expect(await stateOf(at('moving.wav'))).not.toBe(state);
    await rm(at('moving.wav'));
    await expect(stateOf(at('moving.wav'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
