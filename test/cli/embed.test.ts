import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpeakerEncoder } from '../../src/addon/index.js';
import { CHECKPOINT, timbre, wav, writeVoice } from './support.js';

interface Line {
  path: string;
  embedding?: number[];
  model?: string;
  audio?: { seconds: number; sampleRate: number; channels: number };
  error?: { code: string; message: string };
}

let folder: string;
let env: NodeJS.ProcessEnv;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timbre-embed-'));
  env = { MODEL_CACHE_DIR: at('models'), TIMBRE_MODEL: 'tiny' };
  const added = await timbre(['models', 'add', CHECKPOINT, '--family', 'speechbrain', '--id', 'tiny'], { env });
  expect(added.status).toBe(0);
  await mkdir(at('voices', 'deep'), { recursive: true });
  await writeVoice(at('voices', 'b.wav'), { pitch: 210, rate: 8000 });
  await writeVoice(at('voices', 'a.WAV'), { pitch: 110, seconds: 1.5 });
  await writeVoice(at('voices', 'deep', 'c.wav'), { pitch: 160 });
  await writeFile(at('voices', 'notes.txt'), 'not a recording');
});

afterAll(() => rm(folder, { recursive: true }));

function lines(stdout: string): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('embed', () => {
  test('a folder: a line for every recording below it, in the order of their names', async () => {
    const { status, stdout, stderr } = await timbre(['embed', at('voices')], { env });
    expect(status).toBe(0);
    const found = lines(stdout);
    expect(found.map(({ path }) => path)).toEqual([
      at('voices', 'a.WAV'),
      at('voices', 'b.wav'),
      at('voices', 'deep', 'c.wav'),
    ]);
    expect(found[0]!.embedding).toHaveLength(32);
    expect(found[0]!.model).toMatch(/^tiny@[0-9a-f]{12}$/);
    expect(found.map(({ audio }) => audio)).toMatchObject([
      { seconds: 1.5, sampleRate: 16000, channels: 1 },
      { seconds: 1, sampleRate: 8000, channels: 1 },
      { seconds: 1, sampleRate: 16000, channels: 1 },
    ]);
    expect(stderr).toContain('untrained');
    expect(stderr).toContain('3 of 3 recordings embedded');
  });

  test('gives the numbers of the in-process API, to the last bit', async () => {
    const encoder = await SpeakerEncoder.load({ model: at('models', 'tiny.pt') });
    const { embedding } = await encoder.embed(at('voices', 'b.wav'));
    await encoder.close();
    const { stdout } = await timbre(['embed', at('voices', 'b.wav')], { env });
    expect(Float32Array.from(lines(stdout)[0]!.embedding!)).toEqual(embedding);
  });

  test('one bad file does not stop the rest; the exit status is that of the first error', async () => {
    await writeFile(at('broken.wav'), 'text that says it is audio');
    const inputs = [at('voices', 'a.WAV'), at('gone.wav'), at('broken.wav'), at('voices', 'b.wav')];
    const { status, stdout, stderr } = await timbre(['embed', ...inputs], { env });
    expect(status).toBe(25);
    const found = lines(stdout);
    expect(found.map(({ path }) => path)).toEqual(inputs);
    expect(found[1]!.error!.code).toBe('AUDIO_NOT_FOUND');
    expect(found[2]!.error!.code).toMatch(/^AUDIO_(CORRUPT|UNSUPPORTED)$/);
    expect(found[3]!.embedding).toHaveLength(32);
    expect(stderr).toContain('2 of 4 recordings embedded');
  });

  test('--json is one document', async () => {
    const { status, stdout } = await timbre(['embed', at('voices'), at('gone.wav'), '--json'], { env });
    expect(status).toBe(25);
    const document = JSON.parse(stdout) as Line[];
    expect(document).toHaveLength(4);
    expect(document[3]).toMatchObject({ path: at('gone.wav'), error: { code: 'AUDIO_NOT_FOUND' } });
  });

  test('--npy writes float32 rows and who they are', async () => {
    const out = at('voices.npy');
    const { status, stdout } = await timbre(['embed', at('gone.wav'), at('voices'), '--npy', out], { env });
    expect(status).toBe(25);
    expect(stdout).toBe('');
    const bytes = await readFile(out);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
    const headBytes = 10 + bytes.readUInt16LE(8);
    expect(headBytes % 64).toBe(0);
    expect(bytes.subarray(10, headBytes).toString()).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(3, 32\), \} +\n$/,
    );
    expect(bytes).toHaveLength(headBytes + 3 * 32 * 4);
    const { model, paths } = JSON.parse(await readFile(`${out}.json`, 'utf8')) as { model: string; paths: string[] };
    expect(model).toMatch(/^tiny@/);
    expect(paths).toEqual([at('voices', 'a.WAV'), at('voices', 'b.wav'), at('voices', 'deep', 'c.wav')]);
    const third = lines((await timbre(['embed', paths[2]!], { env })).stdout)[0]!.embedding!;
    third.forEach((value, i) => expect(bytes.readFloatLE(headBytes + (2 * 32 + i) * 4)).toBe(Math.fround(value)));
  });

  test('--npy into a folder that is not there fails before anything is embedded', async () => {
    const { status, stderr } = await timbre(['embed', at('voices'), '--npy', at('nowhere', 'x.npy')], { env });
    expect(status).toBe(48);
    expect(stderr).toContain('cannot write');
  });

  test('an abort stops it, leaves no half file and says nothing more', async () => {
    const controller = new AbortController();
    controller.abort();
    const { status, stdout, stderr } = await timbre(['embed', at('voices'), '--npy', at('half.npy')], {
      env,
      signal: controller.signal,
    });
    expect(status).toBe(31);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('error');
    expect((await readdir(folder)).filter((name) => name.startsWith('half'))).toEqual([]);
  });

  test('a folder that links to itself is walked once', async () => {
    await mkdir(at('loop'));
    await copyFile(at('voices', 'b.wav'), at('loop', 'b.wav'));
    await symlink(at('loop'), at('loop', 'again'));
    await symlink(at('nothing'), at('loop', 'dead.wav'));
    const { status, stdout } = await timbre(['embed', at('loop')], { env });
    expect(status).toBe(0);
    expect(lines(stdout)).toHaveLength(1);
  });

  test('silence is NO_SPEECH unless it is allowed', async () => {
    await writeFile(at('silence.wav'), wav(new Int16Array(16000), 16000));
    expect((await timbre(['embed', at('silence.wav')], { env })).status).toBe(26);
    expect((await timbre(['embed', at('silence.wav'), '--allow-silence'], { env })).status).toBe(0);
  });

  test('--max-seconds refuses longer recordings', async () => {
    expect((await timbre(['embed', at('voices', 'a.WAV'), '--max-seconds', '1.2'], { env })).status).toBe(24);
  });

  test('a model that is not there suggests what is', async () => {
    const { status, stdout, stderr } = await timbre(['embed', at('voices'), '--model', 'tinny'], { env });
    expect(status).toBe(13);
    expect(stdout).toBe('');
    expect(stderr).toContain('did you mean tiny?');
    const published = await timbre(['embed', at('voices'), '--model', 'speechbrain-ecapa-voxceleb'], { env });
    expect(published.stderr).toContain('timbre models pull speechbrain-ecapa-voxceleb');
  });

  test.each([
    [['embed'], 'missing required argument'],
    [['embed', 'x.wav', '--workers', '0'], 'whole number from 1'],
    [['embed', 'x.wav', '--workers', 'two'], 'whole number from 1'],
    [['embed', 'x.wav', '--device', 'gpu'], 'cuda:<number>'],
    [['embed', 'x.wav', '--json', '--npy', 'x.npy'], 'cannot be used with'],
    [['embed', 'x.wav', '--nonsense'], 'unknown option'],
  ])('%j is answered with its fault and exit status 2', async (argv, fault) => {
    const { status, stdout, stderr } = await timbre(argv, { env });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(fault);
  });

  test('a folder without recordings is an error', async () => {
    await mkdir(at('empty'));
    const { status, stderr } = await timbre(['embed', at('empty')], { env });
    expect(status).toBe(2);
    expect(stderr).toContain('no recordings in');
  });
});
